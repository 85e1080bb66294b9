/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of a journal taken apart. The file may hold anything: whoever could write it is not trusted by who reads it. */
#ifndef JOURNAL_ENTRY_H
#define JOURNAL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "base/buf.h"

enum journal_line_kind {
	JOURNAL_LINE_ENTRY,
	JOURNAL_LINE_INCOMPLETE, /* the beginning of one: a process or the machine ended while it was written */
	JOURNAL_LINE_FOREIGN,    /* anything else */
};

struct journal_entry {
	struct json_object *object;
	/* Borrowed from it. A kind that this version does not know is an entry, too. */
	const char *kind, *time;
	const char *session; /* "" if there is none */
};

/*
 * The line without its newline. An entry is an object of JSON with a kind and a time as journal_time writes it; where it is one,
 * journal_entry_clear must follow.
 */
enum journal_line_kind journal_entry_parse(const char *line, size_t len, struct journal_entry *entry);
void journal_entry_clear(struct journal_entry *entry);
/*
 * Appends the bytes of a text that journal_put_text wrote; false: there is none of that name. *cut: how many bytes are missing at its end.
 */
bool journal_entry_text(const struct journal_entry *entry, const char *key, struct buf *out, uint64_t *cut);
/* A number or a truth; 0 if it is not there. */
int64_t journal_entry_number(const struct journal_entry *entry, const char *key);

#endif
