/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { DIGITS_MAX = 17 };

/* A process whose locale writes “0,1” would write and read floats so: numbers of ours are always the C locale's. */
static locale_t c_numbers(void)
{
	static locale_t numbers;

	if (!numbers)
		numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return uselocale(numbers);
}

/* value = 0.D1D2D3… × 10^point, `digits` without zeros at the end. */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int point;
};

static struct decimal decimal_of(double value, int precision)
{
	char text[ETF_FLOAT_TEXT_MAX];
	struct decimal d = { .count = 0 };

	snprintf(text, sizeof text, "%.*e", precision - 1, value);
	for (const char *p = text; *p && *p != 'e'; p++) {
		if (*p != '.')
			d.digits[d.count++] = *p;
	}
	d.point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	return d;
}

static double decimal_value(const struct decimal *d)
{
	char text[ETF_FLOAT_TEXT_MAX];

	snprintf(text, sizeof text, "0.%.*se%d", d->count, d->digits, d->point);
	return strtod(text, NULL);
}

/* The next decimal of as many digits. */
static void decimal_up(struct decimal *d)
{
	int i = d->count;

	while (i > 0 && d->digits[i - 1] == '9')
		d->digits[--i] = '0';
	if (i > 0) {
		d->digits[i - 1]++;
	} else {
		d->digits[0] = '1';
		d->point++;
	}
}

/*
 * The decimal of so many digits that reads back as `value`, if there is one. The nearest to it is tried; at a power of two the floats above lie
 * twice as far apart as those below, so the decimal just above can do where the nearest does not.
 */
static bool decimal_reads_back(double value, int precision, struct decimal *d)
{
	*d = decimal_of(value, precision);
	if (decimal_value(d) == value)
		return true;
	decimal_up(d);
	return decimal_value(d) == value;
}

/*
 * The fewest digits that read back as `value` (> 0). Two decimals of DBL_DIG digits never are the same float, unless it is denormal: so the one that
 * reads back, if there is one, is every shorter one too, with zeros at its end.
 */
static struct decimal decimal_shortest(double value)
{
	struct decimal d = { .count = 0 };
	int precision = value < DBL_MIN ? 1 : DBL_DIG;

	while (!decimal_reads_back(value, precision, &d) && precision < DIGITS_MAX)
		precision++;
	while (d.count > 1 && d.digits[d.count - 1] == '0')
		d.count--;
	return d;
}

static int float_plain(const struct decimal *d, char *out, size_t size)
{
	static const char zeros[] = "00000000000000000000";

	if (d->point <= 0)
		return snprintf(out, size, "0.%.*s%.*s", -d->point, zeros, d->count, d->digits);
	if (d->point >= d->count)
		return snprintf(out, size, "%.*s%.*s.0", d->count, d->digits, d->point - d->count, zeros);
	return snprintf(out, size, "%.*s.%s", d->point, d->digits, d->digits + d->point);
}

/* OTP's choice: plain if that is not longer and all integers of that size are floats. */
static size_t float_layout(const struct decimal *d, bool plain, char *out, size_t size)
{
	char text[3 * ETF_FLOAT_TEXT_MAX];
	const char *rest = d->count > 1 ? d->digits + 1 : "0";
	int len = snprintf(out, size, "%c.%se%d", d->digits[0], rest, d->point - 1);

	if (plain && d->point > -DIGITS_MAX && float_plain(d, text, sizeof text) <= len) {
		len = (int)strlen(text);
		memcpy(out, text, (size_t)len + 1);
	}
	return (size_t)len;
}

size_t etf_float_text(double value, char out[ETF_FLOAT_TEXT_MAX])
{
	size_t sign = signbit(value) ? 1 : 0;

	if (sign)
		out[0] = '-';
	if (value == 0) {
		memcpy(out + sign, "0.0", sizeof "0.0");
		return sign + 3;
	}
	locale_t before = c_numbers();
	struct decimal d = decimal_shortest(fabs(value));
	d.digits[d.count] = '\0';
	uselocale(before);
	return sign + float_layout(&d, fabs(value) < 0x1p53, out + sign, ETF_FLOAT_TEXT_MAX - sign);
}

static size_t skip_digits(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

static size_t skip_sign(const char *text, size_t len, size_t at)
{
	return at < len && (text[at] == '+' || text[at] == '-') ? at + 1 : at;
}

static bool float_syntax(const char *text, size_t len)
{
	size_t start = skip_sign(text, len, 0);
	size_t at = skip_digits(text, len, start);

	if (at == start || at == len || text[at] != '.')
		return false;
	start = at + 1;
	at = skip_digits(text, len, start);
	if (at == start || at == len)
		return at != start;
	if (text[at] != 'e' && text[at] != 'E')
		return false;
	start = skip_sign(text, len, at + 1);
	at = skip_digits(text, len, start);
	return at != start && at == len;
}

bool etf_float_parse(const char *text, size_t len, double *out)
{
	if (!float_syntax(text, len))
		return false;
	char *copy = xstrndup(text, len);
	locale_t before = c_numbers();
	*out = strtod(copy, NULL);
	uselocale(before);
	free(copy);
	return isfinite(*out);
}

void etf_integer_set(struct term *t, const uint8_t *digits, size_t len, bool negative)
{
	uint64_t value = 0;

	while (len && digits[len - 1] == 0)
		len--;
	for (size_t i = len < 9 ? len : 0; i > 0; i--)
		value = value << 8 | digits[i - 1];
	if (len > 8 || value > (uint64_t)INT64_MAX + negative) {
		*t = (struct term){ .kind = ETF_BIG, .tag = len > UINT8_MAX ? ETF_TAG_LARGE_BIG : ETF_TAG_SMALL_BIG };
		t->big.digits = digits;
		t->big.len = len;
		t->big.negative = negative;
		return;
	}
	*t = (struct term){ .kind = ETF_INTEGER, .tag = ETF_TAG_SMALL_BIG };
	t->integer = negative ? (int64_t)(0 - value) : (int64_t)value;
	if (t->integer >= 0 && t->integer <= UINT8_MAX)
		t->tag = ETF_TAG_SMALL_INTEGER;
	else if (t->integer >= INT32_MIN && t->integer <= INT32_MAX)
		t->tag = ETF_TAG_INTEGER;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

bool etf_integer_parse(struct arena *arena, const char *digits, size_t len, int base, bool negative, struct term *out)
{
	BIGNUM *n = BN_new();
	bool ok = n && len;

	for (size_t i = 0; ok && i < len; i++) {
		int digit = digit_value(digits[i]);
		ok = digit < base && BN_mul_word(n, (BN_ULONG)base) && BN_add_word(n, (BN_ULONG)digit);
	}
	size_t bytes = ok ? (size_t)BN_num_bytes(n) : 0;
	uint8_t *magnitude = ok ? arena_alloc(arena, bytes, 1) : NULL;
	ok = magnitude && BN_bn2lebinpad(n, magnitude, (int)bytes) >= 0;
	if (ok)
		etf_integer_set(out, magnitude, bytes, negative);
	BN_free(n);
	return ok;
}
