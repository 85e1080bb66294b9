/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks along a journal's chain, with the memory of one line: bytes in, facts out, and each line to whoever wants it. What the chain cannot
 * tell is whether lines are missing at the end: for that, the last line's digest is noted elsewhere.
 *
 * A line that only begins as it must is what a crash leaves; the chain goes on over it, and it is counted. A line that fits but is
 * changed shows in the next one, which names another digest.
 */
#ifndef JOURNAL_WALK_H
#define JOURNAL_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/error.h"
#include "journal/entry.h"
#include "journal/text.h"

enum journal_break_kind {
	JOURNAL_BREAK_PREV, /* it names another line than the one before it: lines before it were changed, removed, inserted or swapped */
	JOURNAL_BREAK_FOREIGN, /* it is no entry */
	JOURNAL_BREAK_LONG,    /* it is longer than JOURNAL_LINE_MAX */
};

enum { JOURNAL_FOUND_MAX = 81 };

struct journal_break {
	uint64_t line; /* from 1 */
	enum journal_break_kind kind;
	char expected[JOURNAL_HASH_MAX]; /* the digest of the line before */
	char found[JOURNAL_FOUND_MAX]; /* the digest that it names; of one that is no entry how it begins: any bytes */
};

struct journal_line {
	uint64_t number;
	bool fits;                         /* into the chain */
	enum journal_line_kind kind;       /* FOREIGN where it does not begin as an entry */
	const struct journal_entry *entry; /* of JOURNAL_LINE_ENTRY */
};

struct journal_walk {
	/* May be set after journal_walk_init. False ends the walk: its error is the walk's. */
	bool (*on_line)(void *context, const struct journal_line *line, struct error *err);
	void *context;
	/* What has been found so far. */
	uint64_t lines, incomplete, first_incomplete, breaks;
	struct journal_break first_break;                               /* if there is any */
	char first_time[JOURNAL_TIME_MAX], last_time[JOURNAL_TIME_MAX]; /* of entries; "": there is none */
	char hash[JOURNAL_HASH_MAX];                                    /* of the last line: what the next must name */
	/* The line under way. */
	struct buf line;
	uint64_t line_len;
	EVP_MD_CTX *digest;
};

/* Errors: ERROR_NO_RESOURCES. journal_walk_clear must follow in any case. */
bool journal_walk_init(struct journal_walk *walk, struct error *err);
void journal_walk_clear(struct journal_walk *walk);
/* Bytes, cut anywhere. Errors: ERROR_NO_RESOURCES, and those of on_line. */
bool journal_walk_feed(struct journal_walk *walk, const void *data, size_t len, struct error *err);
/* There are no more: a last line without a newline is looked at, too. */
bool journal_walk_end(struct journal_walk *walk, struct error *err);
/* All of a file. Errors: also ERROR_INPUT_MISSING, and ERROR_INTERRUPTED. */
bool journal_walk_file(struct journal_walk *walk, const char *path, struct error *err);

#endif
