/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What travels inside the protocol's own fields: errors in failure texts, the connection's facts in a hello extension. */
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

/* Text fields travel as they are, times in whole microseconds. */
#define TEXT(field)                                                                                                    \
	{                                                                                                              \
#field, offsetof(struct tunnel_info, field), sizeof(((struct tunnel_info *)0)->field)                  \
	}
#define TIME(field)                                                                                                    \
	{                                                                                                              \
#field, offsetof(struct tunnel_info, field), 0                                                         \
	}

static const struct field {
	const char *name;
	size_t offset;
	size_t size; /* 0: a time */
} fields[] = {
	TEXT(user), TEXT(hostname), TEXT(server),      TEXT(kex),          TEXT(host_key), TEXT(cipher),
	TEXT(mac),  TEXT(auth),     TIME(resolved_ms), TIME(connected_ms), TIME(keyed_ms), TIME(authenticated_ms),
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static void put_pair(struct buf *out, const char *name, const char *value)
{
	buf_put_u32(out, (uint32_t)strlen(name));
	buf_put_text(out, name);
	buf_put_u32(out, (uint32_t)strlen(value));
	buf_put_text(out, value);
}

void mux_put_info(struct buf *out, const struct tunnel_info *info)
{
	char number[32];

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const char *at = (const char *)info + fields[i].offset;
		if (fields[i].size > 0) {
			put_pair(out, fields[i].name, at);
		} else {
			double ms;
			memcpy(&ms, at, sizeof ms);
			snprintf(number, sizeof number, "%lld", (long long)(ms * 1000.0));
			put_pair(out, fields[i].name, number);
		}
	}
	snprintf(number, sizeof number, "%u", (unsigned)info->port);
	put_pair(out, "port", number);
}

static bool read_value(struct reader *r, char *value, size_t size)
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

static void take_pair(struct tunnel_info *info, const char *name, const char *value)
{
	if (strcmp(name, "port") == 0)
		info->port = (uint16_t)strtoul(value, NULL, 10);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		char *at = (char *)info + fields[i].offset;
		if (strcmp(name, fields[i].name) != 0)
			continue;
		if (fields[i].size > 0) {
			snprintf(at, fields[i].size, "%s", value);
		} else {
			double ms = (double)strtoll(value, NULL, 10) / 1000.0;
			memcpy(at, &ms, sizeof ms);
		}
	}
}

bool mux_parse_info(const uint8_t *data, size_t len, struct tunnel_info *info)
{
	struct reader r = reader_of(data, len);
	char name[32], value[256];

	memset(info, 0, sizeof *info);
	while (reader_left(&r) > 0) {
		if (!read_value(&r, name, sizeof name) || !read_value(&r, value, sizeof value))
			return false;
		take_pair(info, name, value);
	}
	return true;
}
