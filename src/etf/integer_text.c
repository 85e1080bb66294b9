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

static bool make_powers(struct halving *h, const BIGNUM *n)
{
	if (!BN_dec2bn(&h->powers[h->level++], "1000000000"))
		return false;
	/* A number of so many bits is at least 2 to one less. */
	while (2 * (BN_num_bits(h->powers[h->level - 1]) - 1) < BN_num_bits(n)) {
		BIGNUM *next = h->level < LEVELS_MAX ? BN_new() : NULL;
		if (!next)
			return false;
		h->powers[h->level++] = next;
		if (!BN_sqr(next, h->powers[h->level - 2], h->context))
			return false;
	}
	return true;
}

/* A number of up to LEAF_DIGITS times 2^level digits, with zeros before it. */
static bool put_digits(struct halving *h, const BIGNUM *n, int level)
{
	bool ok;

	if (level == 0) {
		snprintf(h->at, LEAF_DIGITS + 1, "%0*lu", LEAF_DIGITS, (unsigned long)BN_get_word(n));
		h->at += LEAF_DIGITS;
		return true;
	}
	BN_CTX_start(h->context);
	BIGNUM *upper = BN_CTX_get(h->context), *lower = BN_CTX_get(h->context);
	ok = lower && BN_div(upper, lower, n, h->powers[level - 1], h->context) && put_digits(h, upper, level - 1) &&
	     put_digits(h, lower, level - 1);
	BN_CTX_end(h->context);
	return ok;
}

/* The digits of the magnitude, or NULL (there is no memory). */
static char *magnitude_text(const BIGNUM *n)
{
	struct halving h = { .context = BN_CTX_new() };
	char *text = NULL;

	if (h.context && make_powers(&h, n)) {
		text = xmalloc(((size_t)LEAF_DIGITS << h.level) + 1);
		h.at = text;
		if (!put_digits(&h, n, h.level)) {
			free(text);
			text = NULL;
		}
	}
	for (int i = 0; i < LEVELS_MAX; i++)
		BN_free(h.powers[i]);
	BN_CTX_free(h.context);
	return text;
}

char *etf_integer_text(const struct term *t)
{
	if (t->kind == ETF_INTEGER)
		return xasprintf("%lld", (long long)t->integer);
	BIGNUM *n = BN_lebin2bn(t->big.digits, (int)t->big.len, NULL);
	char *digits = n ? magnitude_text(n) : NULL;
	const char *first = digits ? digits + strspn(digits, "0") : "";
	char *text = xasprintf("%s%s", t->big.negative ? "-" : "", first);

	free(digits);
	BN_free(n);
	return text;
}
