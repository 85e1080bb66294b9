/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as Erlang literals. What is read must survive encoding and decoding; what is not must say where and why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/scan.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	const struct term *t, *again;
	struct arena arena;
	struct buf b;
	size_t used;

	arena_init(&arena, ARENA_MAX);
	buf_init(&b, ARENA_MAX);
	if (etf_scan(&arena, (const char *)data, size, &t, &err)) {
		must(etf_put_version(&b) && etf_put_term(&b, t));
		must(etf_decode(&arena, b.data, b.len, &ETF_LIMITS_DEFAULT, &again, &used, &err) && used == b.len);
		must(etf_equal(t, again));
	} else {
		must(err.code == ERROR_SYNTAX && strncmp(err.message, "line ", 5) == 0);
	}
	buf_clear(&b);
	arena_clear(&arena);
	return 0;
}
