/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"

enum {
	ERROR_TEXT_MAX = 16 * 1024, /* of an exception as printed, for the journal */
	MORE_MAX = 1024 * 1024,     /* of one :more */
	BLOCK = 64 * 1024,
	PATIENCE_US =
		1000000, /* before it is said that output is not shown: an evaluation that ends says how much that was */
};

void turn_init(struct turn *t, struct journal *journal, int lines_max)
{
	*t = (struct turn){ .journal = journal, .lines_max = lines_max, .kept = -1 };
	buf_init(&t->error_text, ERROR_TEXT_MAX);
}

void turn_clear(struct turn *t)
{
	io_close(&t->kept);
	buf_clear(&t->error_text);
}

static void begin(struct turn *t)
{
	t->open = true;
	t->begun_us = clock_us();
	t->refused = t->interrupted = t->in_error = t->line_begun = t->cut_told = false;
	t->kept_len = t->shown = t->shown_lines = t->hidden_lines = 0;
	t->error_text.len = 0;
	if (t->kept >= 0 && ftruncate(t->kept, 0) < 0)
		io_close(&t->kept);
}

bool turn_input(struct turn *t, const char *text, size_t len, bool for_code, struct error *err)
{
	char told[64];

	if (!t->open)
		begin(t);
	/* Of an expression of several lines the typing does not count. */
	if (!for_code)
		t->begun_us = clock_us();
	if (!t->journal)
		return true;
	if (for_code) {
		snprintf(told, sizeof told, "(%zu bytes that code reads)", len);
		text = told;
		len = strlen(told);
	}
	return journal_input(t->journal, text, len, &t->number, err);
}

static void keep(struct turn *t, const uint8_t *data, size_t len)
{
	size_t room = TURN_KEPT_MAX - t->kept_len;

	if (t->kept < 0)
		t->kept = host_unnamed();
	len = len < room ? len : room;
	if (t->kept >= 0 && len > 0) {
		ssize_t n = pwrite(t->kept, data, len, (off_t)t->kept_len);
		t->kept_len += n > 0 ? (size_t)n : 0;
	}
}

/* How the shells print what went wrong: “** exception …”, “** (Error) …”, “* 1:2: …”. */
static void look_for_error(struct turn *t, const uint8_t *line, size_t len)
{
	bool stars = len > 3 && memcmp(line, "** ", 3) == 0;
	bool place = len > 3 && memcmp(line, "* ", 2) == 0 && line[2] >= '0' && line[2] <= '9';

	if (!t->line_begun && (stars || place))
		t->in_error = true;
	if (t->in_error && t->error_text.len + len <= ERROR_TEXT_MAX)
		buf_put(&t->error_text, line, len);
}

static bool is_cut(const struct turn *t)
{
	return t->lines_max > 0 && t->shown_lines >= (size_t)t->lines_max;
}

size_t turn_output(struct turn *t, const uint8_t *data, size_t len, bool *cut)
{
	bool was_cut = is_cut(t);
	size_t show = was_cut ? 0 : len;

	*cut = false;
	/* What comes between two turns, from behind, is nobody's and shown. */
	if (!t->open)
		return len;
	keep(t, data, len);
	for (size_t at = 0; at < len;) {
		const uint8_t *newline = memchr(data + at, '\n', len - at);
		size_t line = newline ? (size_t)(newline - data) + 1 - at : len - at;
		look_for_error(t, data + at, line);
		t->line_begun = !newline;
		at += line;
		if (!newline)
			continue;
		if (is_cut(t))
			t->hidden_lines++;
		else if (++t->shown_lines, is_cut(t) && !was_cut)
			show = at;
	}
	*cut = show < len && !t->cut_told && clock_us() - t->begun_us > PATIENCE_US;
	t->cut_told = t->cut_told || *cut;
	if (t->shown + show <= t->kept_len)
		t->shown += show;
	return show;
}

static bool tell(struct turn *t, enum journal_result result, struct error *err)
{
	const struct journal_outcome outcome = {
		.number = t->number,
		.result = result,
		.text = t->in_error ? (const void *)t->error_text.data : NULL,
		.len = t->in_error ? t->error_text.len : 0,
		.ms = t->took_us / 1000,
	};

	if (!t->open)
		return true;
	t->open = false;
	return !t->journal || journal_outcome(t->journal, &outcome, err);
}

bool turn_end(struct turn *t, struct error *err)
{
	t->took_us = clock_us() - t->begun_us;
	return tell(t,
		    t->refused       ? JOURNAL_REFUSED
		    : t->interrupted ? JOURNAL_INTERRUPTED
		    : t->in_error    ? JOURNAL_ERROR
				     : JOURNAL_DONE,
		    err);
}

bool turn_lost(struct turn *t, struct error *err)
{
	t->took_us = clock_us() - t->begun_us;
	return tell(t, JOURNAL_LOST, err);
}

bool turn_more(struct turn *t, struct buf *out)
{
	uint8_t block[BLOCK];
	size_t lines = 0, most = t->lines_max > 0 ? (size_t)t->lines_max : SIZE_MAX;

	while (t->shown < t->kept_len && lines < most && out->len + BLOCK <= MORE_MAX) {
		ssize_t n = pread(t->kept, block, sizeof block, (off_t)t->shown);
		size_t used = 0;
		if (n <= 0)
			break;
		for (; used < (size_t)n && lines < most; used++)
			lines += block[used] == '\n';
		buf_put(out, block, used);
		t->shown += used;
	}
	t->hidden_lines -= lines < t->hidden_lines ? lines : t->hidden_lines;
	return out->len > 0;
}

bool turn_copy(struct turn *t, int fd, struct error *err)
{
	uint8_t block[BLOCK];
	size_t at = 0;

	while (at < t->kept_len) {
		ssize_t n = pread(t->kept, block, sizeof block, (off_t)at);
		if (n <= 0 || !io_write_all(fd, block, (size_t)n))
			return error_set(err, ERROR_OUTPUT_LOST, "%s",
					 n < 0 ? strerror(errno) : "it cannot be written");
		at += (size_t)n;
	}
	return true;
}
