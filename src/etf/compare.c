/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Order and equality of terms. Erlang has two orders: the usual one, in which 1 and 1.0 are the same, and that of map keys,
 * in which every integer comes before every float. Recursion goes no deeper than the term, which the decoder has bounded.
 */
#include "etf/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { FLOAT_BYTES_MAX = 1024 / 8 + 8 };

/* Kinds in Erlang's order: number < atom < reference < fun < port < pid < tuple < map < nil < list < bitstring. */
static const uint8_t ranks[] = {
	[ETF_INTEGER] = 0, [ETF_BIG] = 0,   [ETF_FLOAT] = 0,   [ETF_ATOM] = 1,       [ETF_REFERENCE] = 2, [ETF_FUN] = 3,
	[ETF_EXPORT] = 4,  [ETF_PORT] = 5,  [ETF_PID] = 6,     [ETF_TUPLE] = 7,      [ETF_MAP] = 8,       [ETF_NIL] = 9,
	[ETF_STRING] = 10, [ETF_LIST] = 10, [ETF_BINARY] = 11, [ETF_BITSTRING] = 11,
};

static int compare(const struct term *a, const struct term *b, bool exact);

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int result = len ? memcmp(a, b, len) : 0;

	return result ? (result > 0) - (result < 0) : order(a_len, b_len);
}

static int compare_magnitudes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int result = order(a_len, b_len);

	for (size_t i = a_len; result == 0 && i > 0; i--)
		result = order(a[i - 1], b[i - 1]);
	return result;
}

static int compare_big(const struct term *a, const struct term *b)
{
	if (a->big.negative != b->big.negative)
		return a->big.negative ? -1 : 1;
	int result = compare_magnitudes(a->big.digits, a->big.len, b->big.digits, b->big.len);
	return a->big.negative ? -result : result;
}

/* The float must be compared as the integer that it is: a double of the big one would lose digits. */
static int compare_big_real(const struct term *big, double real)
{
	uint8_t digits[FLOAT_BYTES_MAX] = { 0 };
	int exponent, sign = big->big.negative ? -1 : 1;

	if (fabs(real) < 0x1p63 || signbit(real) != big->big.negative)
		return sign;
	uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(real), &exponent), 53);
	unsigned int shift = (unsigned int)(exponent - 53);
	size_t at = shift / 8;
	for (mantissa <<= shift % 8; mantissa; mantissa >>= 8)
		digits[at++] = (uint8_t)mantissa;
	return sign * compare_magnitudes(big->big.digits, big->big.len, digits, at);
}

static int compare_integer_real(int64_t integer, double real)
{
	if (real >= 0x1p63)
		return -1;
	if (real < -0x1p63)
		return 1;
	int64_t whole = (int64_t)real;
	if (integer != whole)
		return integer < whole ? -1 : 1;
	double fraction = real - (double)whole;
	return (fraction < 0) - (fraction > 0);
}

static int compare_reals(double a, double b, bool exact)
{
	if (exact && a == 0 && b == 0)
		return order(!signbit(a), !signbit(b));
	return (a > b) - (a < b);
}

static int compare_numbers(const struct term *a, const struct term *b, bool exact)
{
	if (a->kind == ETF_FLOAT && b->kind == ETF_FLOAT)
		return compare_reals(a->real, b->real, exact);
	if (exact && (a->kind == ETF_FLOAT || b->kind == ETF_FLOAT))
		return a->kind == ETF_FLOAT ? 1 : -1;
	if (a->kind == ETF_FLOAT)
		return -compare_numbers(b, a, exact);
	if (a->kind == ETF_INTEGER) {
		if (b->kind == ETF_BIG)
			return b->big.negative ? 1 : -1;
		if (b->kind == ETF_FLOAT)
			return compare_integer_real(a->integer, b->real);
		return (a->integer > b->integer) - (a->integer < b->integer);
	}
	if (b->kind == ETF_INTEGER)
		return a->big.negative ? -1 : 1;
	return b->kind == ETF_BIG ? compare_big(a, b) : compare_big_real(a, b->real);
}

static int compare_nodes(const struct term *a, uint32_t a_creation, const struct term *b, uint32_t b_creation)
{
	int result = compare(a, b, true);

	return result ? result : order(a_creation, b_creation);
}

static int compare_pids(const struct term *a, const struct term *b)
{
	int result = order(a->pid.serial, b->pid.serial);

	if (!result)
		result = order(a->pid.id, b->pid.id);
	return result ? result : compare_nodes(a->pid.node, a->pid.creation, b->pid.node, b->pid.creation);
}

static int compare_ports(const struct term *a, const struct term *b)
{
	int result = compare_nodes(a->port.node, a->port.creation, b->port.node, b->port.creation);

	return result ? result : order(a->port.id, b->port.id);
}

static int compare_references(const struct term *a, const struct term *b)
{
	uint16_t i = a->reference.count > b->reference.count ? a->reference.count : b->reference.count;
	int result = compare_nodes(a->reference.node, a->reference.creation, b->reference.node, b->reference.creation);

	for (; !result && i > 0; i--) {
		uint32_t a_id = i > a->reference.count ? 0 : a->reference.ids[i - 1];
		uint32_t b_id = i > b->reference.count ? 0 : b->reference.ids[i - 1];
		result = order(a_id, b_id);
	}
	return result;
}

/* What a local fun holds is opaque to us: beyond its name, its bytes decide. */
static int compare_funs(const struct term *a, const struct term *b)
{
	int result = compare(a->fun.module, b->fun.module, true);

	if (!result)
		result = order(a->fun.index, b->fun.index);
	if (!result)
		result = order(a->fun.uniq, b->fun.uniq);
	if (!result)
		result =
			compare_bytes(a->fun.encoded.data, a->fun.encoded.len, b->fun.encoded.data, b->fun.encoded.len);
	return result;
}

static int compare_exports(const struct term *a, const struct term *b)
{
	int result = compare(a->export.module, b->export.module, true);

	if (!result)
		result = compare(a->export.function, b->export.function, true);
	return result ? result : order(a->export.arity, b->export.arity);
}

static int compare_tuples(const struct term *a, const struct term *b, bool exact)
{
	int result = order(a->tuple.count, b->tuple.count);

	for (uint32_t i = 0; !result && i < a->tuple.count; i++)
		result = compare(&a->tuple.elements[i], &b->tuple.elements[i], exact);
	return result;
}

static size_t cells(const struct term *list)
{
	return list->kind == ETF_STRING ? list->bytes.len : list->list.count;
}

/* Where one list ends, its tail (NIL if there is none) stands against what is left of the other. */
static int compare_lists(const struct term *a, const struct term *b, bool exact)
{
	static const struct term nil = { .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	size_t a_len = cells(a), b_len = cells(b), len = a_len < b_len ? a_len : b_len;
	struct term a_scratch, b_scratch;

	for (size_t i = 0; i < len; i++) {
		int result = compare(etf_list_element(a, i, &a_scratch), etf_list_element(b, i, &b_scratch), exact);
		if (result)
			return result;
	}
	const struct term *a_tail = a->kind == ETF_LIST && a->list.tail ? a->list.tail : &nil;
	const struct term *b_tail = b->kind == ETF_LIST && b->list.tail ? b->list.tail : &nil;
	if (a_len == b_len)
		return compare(a_tail, b_tail, exact);
	if (a_len < b_len)
		return ranks[a_tail->kind] < ranks[ETF_LIST] ? -1 : 1;
	return ranks[b_tail->kind] < ranks[ETF_LIST] ? 1 : -1;
}

static int compare_keys(const void *a, const void *b)
{
	return compare(*(const struct term *const *)a, *(const struct term *const *)b, true);
}

const struct term **etf_map_sorted(const struct term *map)
{
	const struct term **keys = xmalloc(map->map.count * sizeof *keys);

	for (uint32_t i = 0; i < map->map.count; i++)
		keys[i] = &map->map.pairs[2 * (size_t)i];
	qsort(keys, map->map.count, sizeof *keys, compare_keys);
	return keys;
}

static int compare_maps(const struct term *a, const struct term *b, bool exact)
{
	if (a->map.count != b->map.count)
		return order(a->map.count, b->map.count);
	const struct term **a_keys = etf_map_sorted(a), **b_keys = etf_map_sorted(b);
	int result = 0;
	for (uint32_t i = 0; !result && i < a->map.count; i++)
		result = compare(a_keys[i], b_keys[i], true);
	for (uint32_t i = 0; !result && i < a->map.count; i++)
		result = compare(a_keys[i] + 1, b_keys[i] + 1, exact);
	free(a_keys);
	free(b_keys);
	return result;
}

static struct etf_bytes bytes_of(const struct term *t)
{
	if (t->kind == ETF_BINARY)
		return t->bytes;
	return (struct etf_bytes){ t->bits.data, t->bits.len };
}

/* Bit by bit; of two with the same beginning the shorter comes first. Bits that do not count may hold anything. */
static int compare_bitstrings(const struct term *a, const struct term *b)
{
	struct etf_bytes x = bytes_of(a), y = bytes_of(b);
	size_t x_bits = x.len * 8, y_bits = y.len * 8;

	if (a->kind == ETF_BITSTRING)
		x_bits -= 8U - a->bits.last_bits;
	if (b->kind == ETF_BITSTRING)
		y_bits -= 8U - b->bits.last_bits;
	size_t bits = x_bits < y_bits ? x_bits : y_bits;
	int result = bits >= 8 ? memcmp(x.data, y.data, bits / 8) : 0;
	if (result == 0 && bits % 8) {
		unsigned int unused = 8 - (unsigned int)(bits % 8);
		result = (x.data[bits / 8] >> unused) - (y.data[bits / 8] >> unused);
	}
	return result ? (result > 0) - (result < 0) : order(x_bits, y_bits);
}

static int compare(const struct term *a, const struct term *b, bool exact)
{
	if (ranks[a->kind] != ranks[b->kind])
		return order(ranks[a->kind], ranks[b->kind]);
	switch ((enum etf_kind)a->kind) {
	case ETF_INTEGER:
	case ETF_BIG:
	case ETF_FLOAT:
		return compare_numbers(a, b, exact);
	case ETF_ATOM:
		return compare_bytes(a->atom.name, a->atom.len, b->atom.name, b->atom.len);
	case ETF_PID:
		return compare_pids(a, b);
	case ETF_PORT:
		return compare_ports(a, b);
	case ETF_REFERENCE:
		return compare_references(a, b);
	case ETF_TUPLE:
		return compare_tuples(a, b, exact);
	case ETF_NIL:
		return 0;
	case ETF_STRING:
	case ETF_LIST:
		return compare_lists(a, b, exact);
	case ETF_BINARY:
	case ETF_BITSTRING:
		return compare_bitstrings(a, b);
	case ETF_MAP:
		return compare_maps(a, b, exact);
	case ETF_EXPORT:
		return compare_exports(a, b);
	case ETF_FUN:
		return compare_funs(a, b);
	}
	return 0;
}

int etf_compare(const struct term *a, const struct term *b)
{
	return compare(a, b, false);
}

bool etf_equal(const struct term *a, const struct term *b)
{
	return compare(a, b, true) == 0;
}
