/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both printers, on whatever decodes: the first two bytes are width and column, a term follows. */
#include <stdlib.h>

#include "etf/decode.h"
#include "etf/print.h"
#include "etf/utf8.h"

enum { OUTPUT_MAX = 1 << 20, ARENA_MAX = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const printers[])(struct buf *, const struct term *, const struct etf_print_options *) = {
		etf_print_erlang,
		etf_print_elixir,
	};
	struct arena arena;
	struct error err;
	const struct term *t;
	size_t used;

	if (size < 2)
		return 0;
	const struct etf_print_options options = {
		.width = data[0],
		.column = data[1] & 0x7f,
		.local_node = "nonode@nohost",
		.printable_unicode = data[1] & 0x80,
	};
	arena_init(&arena, ARENA_MAX);
	if (etf_decode(&arena, data + 2, size - 2, &ETF_LIMITS_DEFAULT, &t, &used, &err)) {
		for (size_t i = 0; i < sizeof printers / sizeof *printers; i++) {
			struct buf out;
			buf_init(&out, OUTPUT_MAX);
			bool whole = printers[i](&out, t, &options);
			if (whole == out.overflow)
				abort();
			/* Text without control characters; only a buffer that was too small may end within a character. */
			if (whole && !utf8_valid(out.data, out.len, NULL))
				abort();
			for (size_t at = 0; at < out.len; at++) {
				if ((out.data[at] < ' ' && out.data[at] != '\n') || out.data[at] == 0x7f)
					abort();
			}
			buf_clear(&out);
		}
	}
	arena_clear(&arena);
	return 0;
}
