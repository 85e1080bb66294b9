/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "base/terminal.h"
#include "etf/utf8.h"

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

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, report_text_json(text, strlen(text)));
}

struct json_object *report_error_json(const struct error *err)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "code", error_name(err->code));
	add_text(object, "layer", error_layer(err->code));
	add_text(object, "message", err->message);
	if (err->cure[0])
		add_text(object, "cure", err->cure);
	json_object_object_add(object, "status", json_object_new_int(error_status(err)));
	return object;
}

bool report_json(struct json_object *object, struct error *err)
{
	const char *text =
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct output out;

	output_init(&out, STDOUT_FILENO, "standard output", strlen(text) + 1);
	/* JSON has its own escapes for control characters. */
	out.terminal = false;
	bool ok = output_put(&out, text, strlen(text)) && output_put(&out, "\n", 1);
	ok = output_flush(&out, err) && ok;
	output_clear(&out);
	json_object_put(object);
	return ok;
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
