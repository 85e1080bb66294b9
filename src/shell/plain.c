/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/plain.h"

#include "base/terminal.h"
#include "etf/utf8.h"

void plain_put(struct buf *out, const void *text, size_t len)
{
	struct terminal_filter filter = { 0 };
	size_t begun = out->len;

	terminal_filter(&filter, text, len, out);
	terminal_filter_end(&filter, out);
	for (size_t at = begun; at < out->len; at++) {
		if (out->data[at] < 0x20)
			out->data[at] = ' ';
	}
}

/* Letters of Europe and the Near East, and the signs that Erlang and IEx print, take one everywhere; marks above letters take none. */
static size_t columns_of(uint32_t c)
{
	if (c >= 0x300 && c < 0x370)
		return 0;
	return c < 0x1100 || (c >= 0x1e00 && c < 0x2190) ? 1 : 2;
}

size_t plain_width(const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t width = 0;

	for (size_t at = 0; at < len;) {
		uint32_t c = 0;
		size_t used = utf8_decode(p + at, len - at, &c);
		width += used > 0 ? columns_of(c) : 1;
		at += used > 0 ? used : 1;
	}
	return width;
}
