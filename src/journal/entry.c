/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/entry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_tokener.h>
#include <openssl/evp.h>

#include "etf/utf8.h"
#include "journal/text.h"

enum { DEPTH_MAX = 8 };

/* "2026-11-25T21:46:58.123Z" */
static bool is_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	if (strlen(text) != JOURNAL_TIME_LEN)
		return false;
	for (size_t i = 0; i < JOURNAL_TIME_LEN; i++) {
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	return true;
}

static const char *member(const struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Blocks that a file was given and that were never written hold zeros after a crash. */
static size_t without_zeros(const char *line, size_t len)
{
	while (len > 0 && line[len - 1] == '\0')
		len--;
	return len;
}

enum journal_line_kind journal_entry_parse(const char *line, size_t len, struct journal_entry *entry)
{
	size_t used = without_zeros(line, len);

	*entry = (struct journal_entry){ 0 };
	if (used == 0)
		return JOURNAL_LINE_INCOMPLETE;
	/* json-c would end there, and take the rest for not yet come. */
	if (memchr(line, '\0', used))
		return JOURNAL_LINE_FOREIGN;
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		out_of_memory();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	entry->object = json_tokener_parse_ex(tokener, line, (int)used);
	bool cut = json_tokener_get_error(tokener) == json_tokener_continue;
	json_tokener_free(tokener);
	if (cut)
		return JOURNAL_LINE_INCOMPLETE;
	enum journal_line_kind kind = JOURNAL_LINE_FOREIGN;
	if (json_object_is_type(entry->object, json_type_object) && utf8_valid(line, used, NULL)) {
		entry->kind = member(entry->object, "kind");
		entry->time = member(entry->object, "time");
		entry->session = member(entry->object, "session");
		if (entry->kind[0] && is_time(entry->time))
			kind = used == len ? JOURNAL_LINE_ENTRY : JOURNAL_LINE_INCOMPLETE;
	}
	if (kind != JOURNAL_LINE_ENTRY)
		journal_entry_clear(entry);
	return kind;
}

void journal_entry_clear(struct journal_entry *entry)
{
	json_object_put(entry->object);
	*entry = (struct journal_entry){ 0 };
}

static bool put_binary(const char *base64, size_t len, struct buf *out)
{
	uint8_t *room = len % 4 == 0 && len > 0 ? buf_reserve(out, len / 4 * 3) : NULL;
	int n = room ? EVP_DecodeBlock(room, (const uint8_t *)base64, (int)len) : -1;

	if (n < 0)
		return len == 0;
	/* It counts what fills up the last three, too. */
	size_t filling = base64[len - 2] == '=' ? 2 : base64[len - 1] == '=' ? 1 : 0;
	out->len += (size_t)n > filling ? (size_t)n - filling : 0;
	return true;
}

static uint64_t cut_of(const struct json_object *object, const char *key)
{
	char *name = xasprintf("%s_cut", key);
	struct json_object *cut, *bytes;
	int64_t n = 0;

	if (json_object_object_get_ex(object, name, &cut) && json_object_object_get_ex(cut, "bytes", &bytes))
		n = json_object_get_int64(bytes);
	free(name);
	return n > 0 ? (uint64_t)n : 0;
}

bool journal_entry_text(const struct journal_entry *entry, const char *key, struct buf *out, uint64_t *cut)
{
	struct json_object *value, *binary;

	*cut = cut_of(entry->object, key);
	if (!json_object_object_get_ex(entry->object, key, &value))
		return false;
	if (json_object_is_type(value, json_type_string))
		return buf_put(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
	return json_object_is_type(value, json_type_object) && json_object_object_get_ex(value, "binary", &binary) &&
	       json_object_is_type(binary, json_type_string) &&
	       put_binary(json_object_get_string(binary), (size_t)json_object_get_string_len(binary), out);
}

int64_t journal_entry_number(const struct journal_entry *entry, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(entry->object, key, &value))
		return 0;
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value);
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}
