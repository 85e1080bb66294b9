/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as Erlang literals. What is read must survive encoding and decoding; what is not must say where and why. */
#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/scan.h"
#include "fuzz_must.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

/* With less memory than it may want: the same, or an error. */
static void check_little_memory(const char *text, size_t size, const struct term *t)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *again;
	struct arena arena;

	for (size_t max = 64; max <= 64 + 16 * size; max = 2 * max + size % 64) {
		arena_init(&arena, max);
		if (etf_scan(&arena, text, size, &again, &err))
			must(t && etf_equal(t, again));
		else
			must(err.code == ERROR_SYNTAX);
		arena_clear(&arena);
	}
}

/* As rpc looks at what is to be a function's arguments. */
static void check_list(const struct term *t)
{
	size_t len, count = 0;
	struct term scratch;

	if (!etf_is_proper_list(t, &len))
		return;
	while (etf_list_element(t, count, &scratch))
		count++;
	must(count == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *t = NULL, *again;
	struct arena arena;
	struct buf b;
	size_t used;

	arena_init(&arena, ARENA_MAX);
	buf_init(&b, ARENA_MAX);
	if (etf_scan(&arena, (const char *)data, size, &t, &err)) {
		must(etf_put_version(&b) && etf_put_term(&b, t));
		must(etf_decode(&arena, b.data, b.len, &ETF_LIMITS_DEFAULT, &again, &used, &err) && used == b.len);
		must(etf_equal(t, again));
		check_list(t);
	} else {
		must(err.code == ERROR_SYNTAX && strncmp(err.message, "line ", 5) == 0);
		t = NULL;
	}
	if (size < 4096)
		check_little_memory((const char *)data, size, t);
	buf_clear(&b);
	arena_clear(&arena);
	return 0;
}
