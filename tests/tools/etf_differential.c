/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compares our terms with what a real node said of the same (a file written by terms.escript), then damages the encoded
 * terms of that file and looks for a clean error or a clean result. Speaks TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/json.h"
#include "etf/number.h"
#include "etf/scan.h"

enum {
	ARENA_MAX = 512 * 1024 * 1024,
	SHOWN_MAX = 5,
	SHOWN_BYTES = 200,
	TRUNCATIONS = 1000,
	BIT_FLIPS = 10000,
	DAMAGED_LEN_MAX = 4096
};

struct record {
	char kind;
	const uint8_t *a, *b;
	size_t a_len, b_len;
};

static unsigned long failures, shown;

static bool fail(const struct record *r, const char *what)
{
	failures++;
	if (shown++ < SHOWN_MAX) {
		printf("# record %c: %s:", r->kind, what);
		for (size_t i = 0; i < r->a_len && i < SHOWN_BYTES; i++)
			printf(r->kind == 's' && r->a[i] >= ' ' ? "%c" : " %u", r->a[i]);
		printf("\n");
	}
	return false;
}

static const struct term *decode(struct arena *arena, const uint8_t *data, size_t len, struct error *err)
{
	const struct term *t;
	size_t used;

	if (!etf_decode(arena, data, len, &ETF_LIMITS_DEFAULT, &t, &used, err))
		return NULL;
	return used == len ? t : NULL;
}

static void encode(struct buf *b, const struct term *t)
{
	buf_init(b, ARENA_MAX);
	etf_put_version(b);
	etf_put_term(b, t);
}

static bool check_round_trip(struct arena *arena, const struct record *r)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *t = decode(arena, r->a, r->a_len, &err);
	const uint8_t *expected = r->b_len ? r->b : r->a;
	size_t len = r->b_len ? r->b_len : r->a_len;
	struct buf b;

	if (!t)
		return fail(r, err.code ? err.message : "bytes left over");
	encode(&b, t);
	bool same = b.len == len && memcmp(b.data, expected, len) == 0;
	b.len = 0;
	etf_put_json(&b, t);
	buf_clear(&b);
	return same || fail(r, "encoded differently");
}

static bool check_order(struct arena *arena, const struct record *r)
{
	struct error err;
	const struct term *a = decode(arena, r->a, r->a_len, &err), *b = decode(arena, r->b, r->b_len, &err);

	if (!a || !b)
		return fail(r, "not decoded");
	int order = etf_compare(a, b), back = etf_compare(b, a);
	char kind = order < 0 ? '<' : order > 0 ? '>' : '=';
	if (r->kind == 'E' || r->kind == 'N')
		return etf_equal(a, b) == (r->kind == 'E') || fail(r, "equality");
	return (kind == r->kind && order == -back) || fail(r, "order");
}

static bool check_text(struct arena *arena, const struct record *r)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *expected = decode(arena, r->b, r->b_len, &err), *t;

	if (!expected)
		return fail(r, "not decoded");
	if (!etf_scan(arena, (const char *)r->a, r->a_len, &t, &err))
		return fail(r, err.message);
	struct buf b;
	encode(&b, t);
	const struct term *again = decode(arena, b.data, b.len, &err);
	bool same = etf_equal(t, expected) && again && etf_equal(again, expected);
	buf_clear(&b);
	return same || fail(r, "read differently");
}

static bool check_number(struct arena *arena, const struct record *r)
{
	struct error err;
	const struct term *t = decode(arena, r->a, r->a_len, &err);
	char text[ETF_FLOAT_TEXT_MAX];

	if (!t)
		return fail(r, "not decoded");
	char *digits = r->kind == 'i' ? etf_integer_text(t) : NULL;
	if (!digits)
		etf_float_text(t->real, text);
	const char *ours = digits ? digits : text;
	struct buf json;
	buf_init(&json, 1024 * 1024);
	etf_put_json(&json, t);
	const char *in_json = buf_text(&json);
	bool same = strlen(ours) == r->b_len && memcmp(ours, r->b, r->b_len) == 0 && strcmp(ours, in_json) == 0;
	buf_clear(&json);
	if (!same)
		fail(r, ours);
	free(digits);
	return same;
}

static bool check(struct arena *arena, const struct record *r)
{
	switch (r->kind) {
	case 'r':
		return check_round_trip(arena, r);
	case 's':
		return check_text(arena, r);
	case 'f':
	case 'i':
		return check_number(arena, r);
	default:
		return check_order(arena, r);
	}
}

/* A damaged term either is refused with the right error or is a term like any other. */
static bool check_damaged(struct arena *arena, const uint8_t *data, size_t len)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *t, *again;
	struct buf b;
	size_t used;

	if (!etf_decode(arena, data, len, &ETF_LIMITS_DEFAULT, &t, &used, &err))
		return (err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT) && err.message[0];
	encode(&b, t);
	again = decode(arena, b.data, b.len, &err);
	bool same = again && etf_equal(t, again) && etf_compare(t, again) == 0;
	b.len = 0;
	etf_put_json(&b, t);
	buf_clear(&b);
	return same;
}

static uint32_t random_below(uint32_t below)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

static bool damage(const struct record *r, bool flip)
{
	uint8_t *copy;
	size_t len = r->a_len;
	struct arena arena;

	copy = malloc(len); /* its own block, so that a read beyond the end is seen */
	if (!copy)
		abort();
	memcpy(copy, r->a, len);
	if (flip) {
		uint32_t bit = random_below((uint32_t)len * 8);
		copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
	} else {
		len = random_below((uint32_t)len);
		uint8_t *shorter = malloc(len ? len : 1);
		if (!shorter)
			abort();
		memcpy(shorter, copy, len);
		free(copy);
		copy = shorter;
	}
	arena_init(&arena, ARENA_MAX);
	bool ok = check_damaged(&arena, copy, len);
	arena_clear(&arena);
	free(copy);
	return ok || fail(r, flip ? "a flipped bit" : "a truncation");
}

static void damage_some(const struct record *records, size_t count, bool flip, size_t times)
{
	while (times) {
		const struct record *r = &records[random_below((uint32_t)count)];
		if (r->kind != 'r' || r->a_len > DAMAGED_LEN_MAX)
			continue;
		damage(r, flip);
		times--;
	}
}

static uint8_t *read_file(const char *name, size_t *len)
{
	FILE *f = fopen(name, "rb");
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	for (size_t got = 1; f && got;) {
		uint8_t *room = buf_reserve(&b, 1 << 20);
		got = fread(room, 1, 1 << 20, f);
		b.len += got;
	}
	if (f)
		fclose(f);
	*len = b.len;
	return b.data;
}

static struct record *parse(const uint8_t *data, size_t len, size_t *count)
{
	struct reader r = reader_of(data, len);
	struct buf records;

	buf_init(&records, SIZE_MAX / 2);
	while (reader_left(&r)) {
		struct record record = { .kind = (char)read_u8(&r) };
		record.a_len = read_u32(&r);
		record.a = read_bytes(&r, record.a_len);
		record.b_len = read_u32(&r);
		record.b = read_bytes(&r, record.b_len);
		if (r.failed) {
			printf("Bail out! the file of terms is cut\n");
			exit(1);
		}
		buf_put(&records, &record, sizeof record);
	}
	*count = records.len / sizeof(struct record);
	return (struct record *)(void *)records.data;
}

static void check_all(const struct record *records, size_t count, const char *kinds, const char *what, int number)
{
	size_t checked = 0;

	failures = shown = 0;
	for (size_t i = 0; i < count; i++) {
		struct arena arena;
		if (!strchr(kinds, records[i].kind))
			continue;
		arena_init(&arena, ARENA_MAX);
		check(&arena, &records[i]);
		arena_clear(&arena);
		checked++;
	}
	printf("%s %d - %s: %zu, %lu wrong\n", failures || !checked ? "not ok" : "ok", number, what, checked, failures);
}

int main(int argc, char **argv)
{
	size_t len = 0, count = 0;
	uint8_t *data = argc == 2 ? read_file(argv[1], &len) : NULL;
	struct record *records = data && len ? parse(data, len, &count) : NULL;

	printf("1..6\n");
	check_all(records, count, "r", "random terms of a real node survive decode and encode", 1);
	check_all(records, count, "<=>EN", "pairs are ordered and equal as on the node", 2);
	check_all(records, count, "s", "texts mean what they mean to the node", 3);
	check_all(records, count, "fi", "numbers have the node's shortest text, in JSON too", 4);
	failures = shown = 0;
	if (count)
		damage_some(records, count, false, TRUNCATIONS);
	printf("%s 5 - truncations end cleanly: %d, %lu wrong\n", failures || !count ? "not ok" : "ok", TRUNCATIONS,
	       failures);
	failures = shown = 0;
	if (count)
		damage_some(records, count, true, BIT_FLIPS);
	printf("%s 6 - bit flips end cleanly: %d, %lu wrong\n", failures || !count ? "not ok" : "ok", BIT_FLIPS,
	       failures);
	free(records);
	free(data);
	return 0;
}
