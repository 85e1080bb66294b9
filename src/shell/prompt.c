/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/prompt.h"

#include <string.h>

#include "base/terminal.h"

static void put_plain(struct buf *out, const char *text, size_t len)
{
	struct terminal_filter filter = { 0 };

	terminal_filter(&filter, text, len, out);
	terminal_filter_end(&filter, out);
}

/* readline does not count what stands between these two. */
static void put_colour(struct buf *out, int colour)
{
	if (colour)
		buf_printf(out, "\001\x1b[1;%dm\002", colour);
}

static void put_no_colour(struct buf *out, int colour)
{
	if (colour)
		buf_put_text(out, "\001\x1b[0m\002");
}

/* An unfinished expression: the same width, so that lines stand below each other. */
static void put_continuation(struct buf *out, const char *text, size_t len)
{
	struct buf plain;

	buf_init(&plain, 5 * len + 1);
	put_plain(&plain, text, len);
	size_t width = 0;
	for (size_t i = 0; i < plain.len; i++)
		width += (plain.data[i] & 0xc0) != 0x80;
	for (size_t i = 0; i + 3 < width; i++)
		buf_put_u8(out, ' ');
	buf_put_text(out, ".. ");
	buf_clear(&plain);
}

void prompt_compose(const struct prompt_look *look, enum remsh_prompt_kind kind, bool more, const char *text,
		    struct buf *above, struct buf *out)
{
	const char *newline = strrchr(text, '\n');
	const char *last = newline ? newline + 1 : text;

	if (newline)
		put_plain(above, text, (size_t)(last - text));
	put_colour(out, look->colour);
	put_plain(out, look->host, strlen(look->host));
	if (look->environment) {
		buf_put_u8(out, '|');
		put_plain(out, look->environment, strlen(look->environment));
	}
	put_no_colour(out, look->colour);
	buf_put_text(out, kind == REMSH_FOR_CODE ? " reads| " : " ");
	if (more)
		put_continuation(out, last, strlen(last));
	else
		put_plain(out, last, strlen(last));
}
