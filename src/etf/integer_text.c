/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large integers in decimal. One that is taken apart digit by digit takes time that grows with its square; here it is halved by a power of ten, and
 * the halves again, so that OpenSSL's arithmetic does nearly all of it.
 */
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "etf/number.h"

enum { LEAF_DIGITS = 9, LEVELS_MAX = 26 };

struct halving {
	BN_CTX *context;
	BIGNUM *powers[LEVELS_MAX]; /* of ten: each of twice as many digits as the one before, LEAF_DIGITS the first */
	int level;                  /* how many there are; the square of the last is above the number */
	char *at;                   /* where the next digits go */
};

/* OpenSSL's arithmetic fails for want of memory only. */
static void need(bool done)
{
	if (!done)
		out_of_memory();
}

static void make_powers(struct halving *h, const BIGNUM *n)
{
	need(BN_dec2bn(&h->powers[h->level++], "1000000000"));
	/* A number of so many bits is at least 2 to one less. */
	while (h->level < LEVELS_MAX && 2 * (BN_num_bits(h->powers[h->level - 1]) - 1) < BN_num_bits(n)) {
		BIGNUM *next = BN_new();
		need(next && BN_sqr(next, h->powers[h->level - 1], h->context));
		h->powers[h->level++] = next;
	}
}

/* A number of up to LEAF_DIGITS times 2^level digits, with zeros before it. */
static void put_digits(struct halving *h, const BIGNUM *n, int level)
{
	if (level == 0) {
		snprintf(h->at, LEAF_DIGITS + 1, "%0*lu", LEAF_DIGITS, (unsigned long)BN_get_word(n));
		h->at += LEAF_DIGITS;
		return;
	}
	BN_CTX_start(h->context);
	BIGNUM *upper = BN_CTX_get(h->context), *lower = BN_CTX_get(h->context);
	need(lower && BN_div(upper, lower, n, h->powers[level - 1], h->context));
	put_digits(h, upper, level - 1);
	put_digits(h, lower, level - 1);
	BN_CTX_end(h->context);
}

static char *magnitude_text(const BIGNUM *n)
{
	struct halving h = { .context = BN_CTX_new() };

	need(h.context != NULL);
	make_powers(&h, n);
	char *text = xmalloc(((size_t)LEAF_DIGITS << h.level) + 1);
	h.at = text;
	put_digits(&h, n, h.level);
	for (int i = 0; i < h.level; i++)
		BN_free(h.powers[i]);
	BN_CTX_free(h.context);
	return text;
}

char *etf_integer_text(const struct term *t)
{
	if (t->kind == ETF_INTEGER)
		return xasprintf("%lld", (long long)t->integer);
	BIGNUM *n = BN_lebin2bn(t->big.digits, (int)t->big.len, NULL);
	need(n != NULL);
	char *digits = magnitude_text(n);
	char *text = xasprintf("%s%s", t->big.negative ? "-" : "", digits + strspn(digits, "0"));

	free(digits);
	BN_free(n);
	return text;
}
