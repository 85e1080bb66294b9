/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How results and errors are told: to people on standard error, to scripts as JSON on standard output. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <json-c/json_object.h>

#include "base/buf.h"
#include "base/error.h"
#include "cmd/command.h"

/* Once, at the end, by main: layer, message, code name, cure. An exception's text has been shown already. */
void report_error(const struct command_options *options, const struct error *err);
/* {"code": …, "layer": …, "message": …, "cure": …, "status": …} */
struct json_object *report_error_json(const struct error *err);
/* Takes the object, writes it on one line. Errors: ERROR_OUTPUT_LOST, ERROR_OUTPUT_CLOSED. */
bool report_json(struct json_object *object, struct error *err);
/* The same with one more member at the end, whose value is JSON text already. */
bool report_json_value(struct json_object *object, const char *key, const struct buf *value, struct error *err);
/* Text for a JSON string: bytes that are not UTF-8 become U+FFFD. */
struct json_object *report_text_json(const char *text, size_t len);
void report_add_text(struct json_object *object, const char *key, const char *text);

#endif
