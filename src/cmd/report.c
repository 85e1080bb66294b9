/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "base/terminal.h"
#include "etf/utf8.h"

enum { PIECE_MAX = 64 * 1024 };

struct json_object *report_text_json(const char *text, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	struct json_object *string;
	struct buf valid;

	buf_init(&valid, 3 * len + 1);
	for (size_t at = 0; at < len;) {
		uint32_t c;
		size_t n = utf8_decode((const uint8_t *)text + at, len - at, &c);
		if (n)
			buf_put(&valid, text + at, n);
		else
			buf_put_text(&valid, replacement);
		at += n ? n : 1;
	}
	string = json_object_new_string_len(buf_text(&valid), (int)valid.len);
	buf_clear(&valid);
	return string;
}

void report_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, report_text_json(text, strlen(text)));
}

struct json_object *report_error_json(const struct error *err)
{
	struct json_object *object = json_object_new_object();

	report_add_text(object, "code", error_name(err->code));
	report_add_text(object, "layer", error_layer(err->code));
	report_add_text(object, "message", err->message);
	if (err->cure[0])
		report_add_text(object, "cure", err->cure);
	json_object_object_add(object, "status", json_object_new_int(error_status(err)));
	return object;
}

/* What a terminal may obey has an escape in JSON too, so that the text needs no filter and stays JSON. */
static void put_escaped(struct buf *out, uint32_t c)
{
	if (c > 0xffff)
		buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
	else
		buf_printf(out, "\\u%04x", c);
}

/* Writes text in pieces, so that much of it does not take its size once more. */
static bool put_pieces(struct output *out, const char *text, size_t len, struct error *err)
{
	struct buf piece;
	bool ok = true;

	buf_init(&piece, PIECE_MAX + 16);
	for (size_t at = 0; ok && at < len;) {
		for (piece.len = 0; at < len && piece.len < PIECE_MAX;) {
			uint32_t c;
			size_t n = utf8_decode((const uint8_t *)text + at, len - at, &c);
			if (n > 0 && c != 0x7f && terminal_shows(c))
				buf_put(&piece, text + at, n);
			else if (n > 0)
				put_escaped(&piece, c);
			at += n ? n : 1;
		}
		output_put(out, piece.data, piece.len);
		ok = output_drain(out, err);
	}
	buf_clear(&piece);
	return ok;
}

bool report_json_value(struct json_object *object, const char *key, const struct buf *value, struct error *err)
{
	const char *text =
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct output out;
	char member[64];
	bool ok;

	output_init(&out, STDOUT_FILENO, "standard output", PIECE_MAX);
	out.terminal = false;
	if (key) {
		/* In place of the object's closing brace. */
		snprintf(member, sizeof member, ",\"%s\":", key);
		ok = put_pieces(&out, text, strlen(text) - 1, err) && put_pieces(&out, member, strlen(member), err) &&
		     put_pieces(&out, (const char *)value->data, value->len, err) && put_pieces(&out, "}\n", 2, err);
	} else {
		ok = put_pieces(&out, text, strlen(text), err) && put_pieces(&out, "\n", 1, err);
	}
	output_clear(&out);
	json_object_put(object);
	return ok;
}

bool report_json(struct json_object *object, struct error *err)
{
	return report_json_value(object, NULL, NULL, err);
}

void report_error(const struct command_options *options, const struct error *err)
{
	bool colours = terminal_wants_colours(STDERR_FILENO);
	char head[128], tail[ERROR_MESSAGE_MAX + 64];

	if (options->json) {
		struct json_object *object = json_object_new_object();
		struct error ignored;
		json_object_object_add(object, "ok", json_object_new_boolean(false));
		json_object_object_add(object, "error", report_error_json(err));
		report_json(object, &ignored);
		return;
	}
	snprintf(head, sizeof head, "%sbeamline:%s %s: ", colours ? "\x1b[1;31m" : "", colours ? "\x1b[0m" : "",
		 error_layer(err->code));
	snprintf(tail, sizeof tail, "%s [%s]", err->message, error_name(err->code));
	terminal_print_line(STDERR_FILENO, head, tail);
	if (err->cure[0])
		terminal_print_line(STDERR_FILENO, "  cure: ", err->cure);
}
