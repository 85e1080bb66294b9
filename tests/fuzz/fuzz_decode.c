/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a term. What decodes must encode, decode again to an equal term, and from then on give the same bytes; it
 * must have JSON; and compare without harm.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/json.h"
#include "fuzz_must.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

static void encode(struct buf *b, const struct term *t)
{
	buf_init(b, ARENA_MAX);
	must(etf_put_version(b) && etf_put_term(b, t));
}

static void check(struct arena *arena, const struct etf_limits *limits, const struct term *t)
{
	const struct term *again;
	struct buf first, second;
	struct error err;
	size_t used;

	encode(&first, t);
	must(etf_decode(arena, first.data, first.len, limits, &again, &used, &err) && used == first.len);
	must(etf_equal(t, again) && etf_compare(t, again) == 0);
	encode(&second, again);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	buf_clear(&first);
	buf_clear(&second);
	buf_init(&first, 1 << 20);
	etf_put_json(&first, t);
	buf_clear(&first);
}

/* With less memory than it may want: the same, or an error that says so. */
static void check_little_memory(const uint8_t *data, size_t size, const struct etf_limits *limits, const struct term *t)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *again;
	struct arena arena;
	size_t used;

	for (size_t max = 16; max < ARENA_MAX / 4; max = 4 * max + size % 64) {
		arena_init(&arena, max);
		if (etf_decode(&arena, data, size, limits, &again, &used, &err))
			must(t && etf_equal(t, again));
		else
			must(err.code == ERROR_LIMIT || (!t && err.code == ERROR_PROTOCOL));
		arena_clear(&arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct etf_limits limits = { .depth = 256, .elements = 100000, .inflated = 1 << 20 };
	struct error err = { .code = ERROR_NONE };
	const struct term *t = NULL;
	struct arena arena;
	size_t used;

	arena_init(&arena, ARENA_MAX);
	if (etf_decode(&arena, data, size, &limits, &t, &used, &err)) {
		must(used <= size);
		check(&arena, &limits, t);
	} else {
		must(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT);
		t = NULL;
	}
	if (size < 1024)
		check_little_memory(data, size, &limits, t);
	arena_clear(&arena);
	return 0;
}
