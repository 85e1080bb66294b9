/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as text for a terminal. Whatever they are cut into, the same must come out; nothing in it may be what a terminal obeys, but for newlines,
 * tabs and (where wanted) colours, which must be put back at the end; and what is safe already must pass unchanged.
 */
#include "base/terminal.h"
#include "etf/utf8.h"
#include "fuzz_must.h"

/* Written apart from the filter's own rules. 0: nothing that may stand here. */
static size_t colour_sequence(const uint8_t *p, size_t len)
{
	size_t i = 2;

	if (len < 3 || p[0] != 0x1b || p[1] != '[')
		return 0;
	while (i < len && strchr("0123456789;:", p[i]) && p[i])
		i++;
	return i < len && p[i] == 'm' ? i + 1 : 0;
}

static void check_character(uint32_t c)
{
	must(c == '\n' || c == '\t' || c >= 0x20);
	must(c < 0x7f || c >= 0xa0);
	must(c != 0x061c && c != 0x200e && c != 0x200f && c != 0xfeff);
	must(!(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
}

static void check_safe(const struct buf *out, bool colours)
{
	bool coloured = false;

	for (size_t at = 0; at < out->len;) {
		const uint8_t *p = out->data + at;
		uint32_t c;
		size_t len;
		if (*p == 0x1b) {
			len = colour_sequence(p, out->len - at);
			must(colours && len > 0);
			coloured = !(len == 3 || (len == 4 && p[2] == '0'));
		} else {
			len = utf8_decode(p, out->len - at, &c);
			must(len > 0);
			check_character(c);
		}
		at += len;
	}
	must(!coloured);
}

static void filter(struct buf *out, const uint8_t *data, size_t size, bool colours, size_t piece)
{
	struct terminal_filter f = { .colours = colours };

	buf_init(out, 4 * size + 64);
	for (size_t at = 0; at < size; at += piece)
		terminal_filter(&f, data + at, size - at < piece ? size - at : piece, out);
	terminal_filter_end(&f, out);
	must(!out->overflow);
}

static void must_equal(const struct buf *a, const struct buf *b)
{
	must(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int colours = 0; colours < 2; colours++) {
		struct buf whole, pieces, again;
		filter(&whole, data, size, colours, size ? size : 1);
		check_safe(&whole, colours);
		filter(&again, whole.data, whole.len, colours, whole.len ? whole.len : 1);
		must_equal(&whole, &again);
		static const size_t sizes[] = { 1, 7 };
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			filter(&pieces, data, size, colours, sizes[i]);
			must_equal(&whole, &pieces);
			buf_clear(&pieces);
		}
		buf_clear(&whole);
		buf_clear(&again);
	}
	return 0;
}
