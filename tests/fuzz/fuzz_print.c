/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both printers, on whatever decodes: the first two bytes are width and column, a term follows. The text is text, the same each time and the
 * beginning of it where there is less room; and of a term that has literals only, Erlang's text reads back as that term.
 */
#include "etf/decode.h"
#include "etf/print.h"
#include "etf/scan.h"
#include "etf/utf8.h"
#include "fuzz_must.h"

enum { OUTPUT_MAX = 1 << 20, ARENA_MAX = 1 << 24, SCAN_DEPTH = 500, SCAN_TEXT_MAX = 64 * 1024 };

typedef bool printer(struct buf *, const struct term *, const struct etf_print_options *);

static bool are_literals(const struct term *terms, size_t count, unsigned depth);

/* A key that is there twice is an error to read. */
static bool has_keys_once(const struct term *map)
{
	const struct term **keys = etf_map_sorted(map);
	bool once = true;

	for (uint32_t i = 1; i < map->map.count; i++)
		once = once && !etf_equal(keys[i - 1], keys[i]);
	free(keys);
	return once;
}

static bool is_literal(const struct term *t, unsigned depth)
{
	if (depth == 0)
		return false;
	switch ((enum etf_kind)t->kind) {
	case ETF_TUPLE:
		return are_literals(t->tuple.elements, t->tuple.count, depth - 1);
	case ETF_LIST:
		return are_literals(t->list.elements, t->list.count, depth - 1) &&
		       (!t->list.tail || is_literal(t->list.tail, depth - 1));
	case ETF_MAP:
		return are_literals(t->map.pairs, 2 * (size_t)t->map.count, depth - 1) && has_keys_once(t);
	case ETF_PID:
	case ETF_PORT:
	case ETF_REFERENCE:
	case ETF_FUN:
	case ETF_EXPORT:
		return false;
	default:
		return true;
	}
}

static bool are_literals(const struct term *terms, size_t count, unsigned depth)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_literal(&terms[i], depth))
			return false;
	}
	return true;
}

static void check_scan(struct arena *arena, const struct term *t, const struct buf *text)
{
	const struct term *again;
	struct error err;

	if (text->len > SCAN_TEXT_MAX || !is_literal(t, SCAN_DEPTH))
		return;
	must(etf_scan(arena, (const char *)text->data, text->len, &again, &err));
	must(etf_equal(t, again));
}

/* Text without control characters; only a buffer that was too small may end within a character. */
static void check_text(const struct buf *out, bool whole)
{
	must(whole != out->overflow && (!whole || utf8_valid(out->data, out->len, NULL)));
	for (size_t at = 0; at < out->len; at++)
		must((out->data[at] >= ' ' || out->data[at] == '\n') && out->data[at] != 0x7f);
}

static void check_less_room(printer *print, const struct term *t, const struct etf_print_options *options,
			    const struct buf *out)
{
	struct buf less;

	buf_init(&less, out->len / 2);
	bool whole = print(&less, t, options);
	must(!whole || out->len < 2);
	must(less.len <= out->len / 2 && (less.len == 0 || memcmp(less.data, out->data, less.len) == 0));
	buf_clear(&less);
}

static void check(struct arena *arena, const struct term *t, const struct etf_print_options *options)
{
	static printer *const printers[] = { etf_print_erlang, etf_print_elixir };

	for (size_t i = 0; i < sizeof printers / sizeof *printers; i++) {
		struct buf out;
		buf_init(&out, OUTPUT_MAX);
		bool whole = printers[i](&out, t, options);
		check_text(&out, whole);
		check_less_room(printers[i], t, options, &out);
		if (whole && i == 0)
			check_scan(arena, t, &out);
		buf_clear(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct etf_limits limits = { .depth = 4096, .elements = 1 << 20, .inflated = 1 << 20 };
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
	if (etf_decode(&arena, data + 2, size - 2, &limits, &t, &used, &err))
		check(&arena, t, &options);
	arena_clear(&arena);
	return 0;
}
