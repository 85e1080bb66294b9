/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/prompt.h"

#include <string.h>

#include "base/terminal.h"
#include "shell/plain.h"

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

/* Whose shell it is, and whether code reads: ours to say. Returns its width. */
static size_t put_head(const struct prompt_look *look, enum remsh_prompt_kind kind, struct buf *out)
{
	struct buf plain;

	buf_init(&plain, out->max);
	plain_put(&plain, look->host, strlen(look->host));
	if (look->environment) {
		buf_put_u8(&plain, '|');
		plain_put(&plain, look->environment, strlen(look->environment));
	}
	const char *mark = kind == REMSH_FOR_CODE ? " reads| " : " ";
	size_t width = plain_width(plain.data, plain.len) + strlen(mark);
	put_colour(out, look->colour);
	buf_put(out, plain.data, plain.len);
	put_no_colour(out, look->colour);
	buf_put_text(out, mark);
	buf_clear(&plain);
	return width;
}

/* An unfinished expression: the same width, so that lines stand below each other. */
static void put_continuation(struct buf *out, size_t width)
{
	for (size_t i = 0; i + 3 < width; i++)
		buf_put_u8(out, ' ');
	buf_put_text(out, ".. ");
}

/* The lines before the last one, which are no prompt. */
static void put_above(struct buf *above, const char *text, size_t len)
{
	struct terminal_filter filter = { 0 };

	terminal_filter(&filter, text, len, above);
	terminal_filter_end(&filter, above);
}

void prompt_compose(const struct prompt_look *look, enum remsh_prompt_kind kind, bool more, const char *text,
		    int columns, struct buf *above, struct buf *out)
{
	const char *newline = strrchr(text, '\n');
	const char *last = newline ? newline + 1 : text;
	struct buf plain;

	buf_init(&plain, 5 * strlen(last) + 1);
	plain_put(&plain, last, strlen(last));
	size_t width = plain_width(plain.data, plain.len);
	if (newline)
		put_above(above, text, (size_t)(last - text));
	bool fits = put_head(look, kind, out) + width < (size_t)(columns > 0 ? columns : 80);
	if (!fits) {
		buf_put(above, plain.data, plain.len);
		buf_put_u8(above, '\n');
	}
	if (more)
		put_continuation(out, fits ? width : 0);
	else if (fits)
		buf_put(out, plain.data, plain.len);
	buf_clear(&plain);
}
