/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json_object.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"

enum { EVENT_MAX = 8 * 1024 * 1024, SAFE_MAX = 5 };

static bool cannot(const struct record *r, struct error *err)
{
	return error_set(err, ERROR_OUTPUT_LOST, "the recording %s: %s", r->path, strerror(errno));
}

static bool write_line(struct record *r, const struct buf *line, struct error *err)
{
	if (!line->overflow && io_write_all(r->fd, line->data, line->len))
		return true;
	if (line->overflow)
		errno = EFBIG;
	return cannot(r, err);
}

/* The text is valid UTF-8: it has passed the filter. */
static void put_json(struct buf *out, const char *text, size_t len)
{
	struct json_object *string = json_object_new_string_len(text, (int)len);

	buf_put_text(out, json_object_to_json_string_ext(string, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(string);
}

bool record_start(struct record *r, const char *path, const char *title, int columns, int rows, struct error *err)
{
	struct buf line;

	*r = (struct record){ .path = xstrdup(path), .begun_us = clock_us(), .filter.colours = true };
	r->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (r->fd < 0) {
		cannot(r, err);
		record_stop(r);
		return false;
	}
	buf_init(&line, EVENT_MAX);
	buf_printf(&line, "{\"version\": 2, \"width\": %d, \"height\": %d, \"timestamp\": %lld, \"title\": ", columns,
		   rows, (long long)time(NULL));
	put_json(&line, title, strlen(title));
	buf_put_text(&line, "}\n");
	bool ok = write_line(r, &line, err);
	buf_clear(&line);
	return ok;
}

/* [seconds, kind, text] */
static bool write_event(struct record *r, char kind, const char *text, size_t len, struct error *err)
{
	struct buf line;

	buf_init(&line, EVENT_MAX);
	buf_printf(&line, "[%.6f, \"%c\", ", (double)(clock_us() - r->begun_us) / 1000000.0, kind);
	put_json(&line, text, len);
	buf_put_text(&line, "]\n");
	bool ok = write_line(r, &line, err);
	buf_clear(&line);
	return ok;
}

/* A terminal goes to the next line's beginning by itself only while a program has not taken it over. */
static void put_lines(struct buf *out, const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\n')
			buf_put_u8(out, '\r');
		buf_put_u8(out, text->data[i]);
	}
}

bool record_output(struct record *r, const void *data, size_t len, struct error *err)
{
	struct buf safe, lines;

	if (r->fd < 0 || len == 0)
		return true;
	buf_init(&safe, SAFE_MAX * len + sizeof r->filter.held * SAFE_MAX);
	terminal_filter(&r->filter, data, len, &safe);
	buf_init(&lines, 2 * safe.len + 1);
	put_lines(&lines, &safe);
	bool ok = lines.len == 0 || write_event(r, 'o', (const char *)lines.data, lines.len, err);
	buf_clear(&safe);
	buf_clear(&lines);
	return ok;
}

bool record_size(struct record *r, int columns, int rows, struct error *err)
{
	char size[32];

	snprintf(size, sizeof size, "%dx%d", columns, rows);
	return r->fd < 0 || write_event(r, 'r', size, strlen(size), err);
}

void record_stop(struct record *r)
{
	io_close(&r->fd);
	free(r->path);
	r->path = NULL;
}
