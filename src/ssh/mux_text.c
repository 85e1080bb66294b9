/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What travels inside the protocol's own fields: errors in failure texts, the connection's facts in hello extensions. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/mux.h"

static const char cure_mark[] = "\ncure: ";

void mux_put_error(struct buf *text, const struct error *err)
{
	buf_put_text(text, err->message);
	if (err->cure[0] != '\0') {
		buf_put_text(text, cure_mark);
		buf_put_text(text, err->cure);
	}
	if (err->code == ERROR_INTERRUPTED)
		buf_printf(text, "\n[%s %d]", error_name(err->code), err->signal);
	else
		buf_printf(text, "\n[%s]", error_name(err->code));
}

/* "[name]" or "[name number]" on the last line. */
static bool parse_code(const char *line, struct error *err)
{
	const char *end = strchr(line, ']');

	if (line[0] != '[' || !end || end[1] != '\0')
		return false;
	line++;
	const char *space = memchr(line, ' ', (size_t)(end - line));
	enum error_code code = error_code_by_name(line, (size_t)((space ? space : end) - line));
	if (code == ERROR_NONE)
		return false;
	error_set(err, code, "%s", "");
	if (space && code == ERROR_INTERRUPTED) {
		long signal = strtol(space + 1, NULL, 10);
		err->signal = signal > 0 && signal < 128 ? (int)signal : 0;
	}
	return true;
}

bool mux_parse_error(const char *text, size_t len, struct error *err)
{
	char *copy = xstrndup(text, len);
	char *last = strrchr(copy, '\n');
	bool ok = last && parse_code(last + 1, err);

	if (ok) {
		char *cure = NULL;
		*last = '\0';
		for (char *next = copy; (next = strstr(next, cure_mark)) != NULL; next++)
			cure = next;
		if (cure) {
			error_cure(err, "%s", cure + strlen(cure_mark));
			*cure = '\0';
		}
		snprintf(err->message, sizeof err->message, "%s", copy);
	}
	free(copy);
	return ok;
}

/* Text fields travel as they are, times in whole microseconds, numbers in decimal. */
enum kind { TEXT, TIME, NUMBER, PORT };

struct field {
	const char *name;
	size_t offset;
	size_t size;
	enum kind kind;
};

#define FIELD(type, field, kind)                                                                                       \
	{                                                                                                              \
#field, offsetof(struct type, field), sizeof(((struct type *)0)->field), kind                          \
	}

/* clang-format off */
static const struct field info_fields[] = {
	FIELD(tunnel_info, user, TEXT), FIELD(tunnel_info, hostname, TEXT), FIELD(tunnel_info, server, TEXT),
	FIELD(tunnel_info, kex, TEXT), FIELD(tunnel_info, host_key, TEXT), FIELD(tunnel_info, cipher, TEXT),
	FIELD(tunnel_info, mac, TEXT), FIELD(tunnel_info, auth, TEXT), FIELD(tunnel_info, port, PORT),
	FIELD(tunnel_info, resolved_ms, TIME), FIELD(tunnel_info, connected_ms, TIME), FIELD(tunnel_info, keyed_ms, TIME),
	FIELD(tunnel_info, authenticated_ms, TIME),
};
static const struct field status_fields[] = {
	FIELD(tunnel_status, destination, TEXT), FIELD(tunnel_status, pid, NUMBER), FIELD(tunnel_status, opened_s, NUMBER),
	FIELD(tunnel_status, idle_ms, NUMBER), FIELD(tunnel_status, persist_ms, NUMBER), FIELD(tunnel_status, clients, NUMBER),
};
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_text(struct buf *out, const char *text)
{
	buf_put_u32(out, (uint32_t)strlen(text));
	buf_put_text(out, text);
}

static void put_fields(struct buf *out, const void *record, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const void *at = (const char *)record + fields[i].offset;
		char number[32];
		int64_t value = 0;
		double ms;
		if (fields[i].kind == TIME) {
			memcpy(&ms, at, sizeof ms);
			value = (int64_t)(ms * 1000.0);
		} else if (fields[i].kind == NUMBER) {
			memcpy(&value, at, sizeof value);
		} else if (fields[i].kind == PORT) {
			value = *(const uint16_t *)at;
		}
		snprintf(number, sizeof number, "%lld", (long long)value);
		put_text(out, fields[i].name);
		put_text(out, fields[i].kind == TEXT ? at : number);
	}
}

static bool read_text(struct reader *r, char *value, size_t size)
{
	size_t len = read_u32(r);
	const uint8_t *p = read_bytes(r, len);

	if (!p)
		return false;
	size_t taken = len < size ? len : size - 1;
	memcpy(value, p, taken);
	value[taken] = '\0';
	return true;
}

static void take_field(const struct field *field, void *at, const char *text)
{
	int64_t value = strtoll(text, NULL, 10);
	double ms = (double)value / 1000.0;

	switch (field->kind) {
	case TEXT:
		snprintf(at, field->size, "%s", text);
		break;
	case TIME:
		memcpy(at, &ms, sizeof ms);
		break;
	case NUMBER:
		memcpy(at, &value, sizeof value);
		break;
	case PORT:
		*(uint16_t *)at = (uint16_t)value;
		break;
	}
}

static bool parse_fields(const uint8_t *data, size_t len, void *record, const struct field *fields, size_t count)
{
	struct reader r = reader_of(data, len);
	char name[32], value[256];

	while (reader_left(&r) > 0) {
		if (!read_text(&r, name, sizeof name) || !read_text(&r, value, sizeof value))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (strcmp(name, fields[i].name) == 0)
				take_field(&fields[i], (char *)record + fields[i].offset, value);
		}
	}
	return true;
}

void mux_put_info(struct buf *out, const struct tunnel_info *info)
{
	put_fields(out, info, info_fields, COUNT(info_fields));
}

bool mux_parse_info(const uint8_t *data, size_t len, struct tunnel_info *info)
{
	*info = (struct tunnel_info){ 0 };
	return parse_fields(data, len, info, info_fields, COUNT(info_fields));
}

void mux_put_status(struct buf *out, const struct tunnel_status *status)
{
	put_fields(out, status, status_fields, COUNT(status_fields));
}

bool mux_parse_status(const uint8_t *data, size_t len, struct tunnel_status *status)
{
	return parse_fields(data, len, status, status_fields, COUNT(status_fields));
}

void mux_put_persist(struct buf *out, int ms)
{
	buf_printf(out, "%d", ms);
}

int mux_parse_persist(const uint8_t *data, size_t len)
{
	int64_t ms = 0;

	for (size_t i = 0; i < len; i++) {
		ms = ms * 10 + (data[i] - '0');
		if (data[i] < '0' || data[i] > '9' || ms > INT_MAX)
			return 0;
	}
	return (int)ms;
}

void mux_put_note(struct buf *out, const char *key, const char *value)
{
	put_text(out, key);
	put_text(out, value);
}

void mux_take_note(struct tunnel_notes *notes, const char *key, const char *value)
{
	size_t at = 0;

	while (at < notes->count && strcmp(notes->notes[at].key, key) != 0)
		at++;
	if (at == notes->count && !value[0])
		return;
	if (at == TUNNEL_NOTES_MAX)
		at = 0;
	if (at < notes->count) {
		notes->count--;
		memmove(&notes->notes[at], &notes->notes[at + 1], (notes->count - at) * sizeof *notes->notes);
	}
	if (!key[0] || !value[0])
		return;
	struct tunnel_note *note = &notes->notes[notes->count++];
	snprintf(note->key, sizeof note->key, "%s", key);
	snprintf(note->value, sizeof note->value, "%s", value);
}

bool mux_parse_notes(const uint8_t *data, size_t len, struct tunnel_notes *notes)
{
	struct reader r = reader_of(data, len);
	char key[TUNNEL_KEY_MAX], value[TUNNEL_VALUE_MAX];

	while (reader_left(&r) > 0) {
		if (!read_text(&r, key, sizeof key) || !read_text(&r, value, sizeof value))
			return false;
		mux_take_note(notes, key, value);
	}
	return true;
}
