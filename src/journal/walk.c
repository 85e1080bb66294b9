/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "journal/file.h"

static const char head[] = "{\"prev\":\"";

enum {
	HEAD_LEN = sizeof head - 1,
	NAMED_LEN = HEAD_LEN + JOURNAL_HASH_LEN + 1, /* with the quote at the end */
	BLOCK = 64 * 1024,
};

static bool no_digest(struct error *err)
{
	return error_set(err, ERROR_NO_RESOURCES, "OpenSSL makes no SHA-256");
}

static bool begin_line(struct journal_walk *walk, struct error *err)
{
	walk->line.len = 0;
	walk->line_len = 0;
	return EVP_DigestInit_ex(walk->digest, EVP_sha256(), NULL) == 1 || no_digest(err);
}

bool journal_walk_init(struct journal_walk *walk, struct error *err)
{
	*walk = (struct journal_walk){ .digest = EVP_MD_CTX_new() };
	buf_init(&walk->line, JOURNAL_LINE_MAX);
	memset(walk->hash, '0', JOURNAL_HASH_LEN);
	return (walk->digest || no_digest(err)) && begin_line(walk, err);
}

void journal_walk_clear(struct journal_walk *walk)
{
	EVP_MD_CTX_free(walk->digest);
	walk->digest = NULL;
	buf_clear(&walk->line);
}

/* Does it name a line before it, and which? */
static bool names(const struct buf *line, char hash[JOURNAL_HASH_MAX])
{
	const char *text = (const char *)line->data;

	if (line->len < NAMED_LEN || memcmp(text, head, HEAD_LEN) != 0 || text[NAMED_LEN - 1] != '"')
		return false;
	memcpy(hash, text + HEAD_LEN, JOURNAL_HASH_LEN);
	hash[JOURNAL_HASH_LEN] = '\0';
	return strspn(hash, "0123456789abcdef") == JOURNAL_HASH_LEN;
}

/* As far as the line goes. */
static bool begins_as_expected(const struct buf *line, const char *hash)
{
	char wanted[NAMED_LEN + 1];
	size_t len = line->len;

	snprintf(wanted, sizeof wanted, "%s%s\"", head, hash);
	while (len > 0 && line->data[len - 1] == '\0')
		len--;
	len = len < NAMED_LEN ? len : NAMED_LEN;
	return len == 0 || memcmp(line->data, wanted, len) == 0;
}

static void note_break(struct journal_walk *walk, enum journal_break_kind kind, const char *found, size_t len)
{
	struct journal_break *b = &walk->first_break;

	if (walk->breaks++ > 0)
		return;
	*b = (struct journal_break){ .line = walk->lines, .kind = kind };
	memcpy(b->expected, walk->hash, sizeof b->expected);
	/* A NUL would end the text. */
	for (size_t i = 0; i < len && i < JOURNAL_FOUND_MAX - 1; i++)
		b->found[i] = found[i] ? found[i] : ' ';
}

/* Looks at the line, which is whole in walk->line unless it is too long; walk->hash is still that of the one before. */
static void judge(struct journal_walk *walk, struct journal_line *line, struct journal_entry *entry)
{
	const char *text = (const char *)walk->line.data;
	char named[JOURNAL_HASH_MAX] = "";

	line->kind = JOURNAL_LINE_FOREIGN;
	if (walk->line_len >= JOURNAL_LINE_MAX) {
		note_break(walk, JOURNAL_BREAK_LONG, text, walk->line.len);
		return;
	}
	bool expected = begins_as_expected(&walk->line, walk->hash);
	if (expected || names(&walk->line, named))
		line->kind = journal_entry_parse(walk->line.len ? text : "", walk->line.len, entry);
	line->fits = expected && line->kind != JOURNAL_LINE_FOREIGN;
	if (line->fits && line->kind == JOURNAL_LINE_INCOMPLETE) {
		walk->first_incomplete = walk->incomplete++ ? walk->first_incomplete : walk->lines;
	} else if (!line->fits && named[0]) {
		note_break(walk, JOURNAL_BREAK_PREV, named, JOURNAL_HASH_LEN);
	} else if (!line->fits) {
		note_break(walk, JOURNAL_BREAK_FOREIGN, text, walk->line.len);
	}
	if (line->kind != JOURNAL_LINE_ENTRY)
		return;
	line->entry = entry;
	snprintf(walk->last_time, sizeof walk->last_time, "%s", entry->time);
	if (!walk->first_time[0])
		memcpy(walk->first_time, walk->last_time, sizeof walk->first_time);
}

static bool end_line(struct journal_walk *walk, struct error *err)
{
	struct journal_line line = { .number = ++walk->lines };
	struct journal_entry entry = { 0 };
	uint8_t sum[EVP_MAX_MD_SIZE];

	judge(walk, &line, &entry);
	bool ok = EVP_DigestFinal_ex(walk->digest, sum, NULL) == 1 || no_digest(err);
	if (ok)
		journal_hex(sum, JOURNAL_HASH_LEN / 2, walk->hash);
	ok = ok && (!walk->on_line || walk->on_line(walk->context, &line, err)) && begin_line(walk, err);
	journal_entry_clear(&entry);
	return ok;
}

static bool add_to_line(struct journal_walk *walk, const uint8_t *data, size_t len, struct error *err)
{
	size_t room = JOURNAL_LINE_MAX - walk->line.len;

	walk->line_len += len;
	buf_put(&walk->line, data, len < room ? len : room);
	return len == 0 || EVP_DigestUpdate(walk->digest, data, len) == 1 || no_digest(err);
}

bool journal_walk_feed(struct journal_walk *walk, const void *data, size_t len, struct error *err)
{
	const uint8_t *p = data, *end = p + len;

	while (p < end) {
		const uint8_t *newline = memchr(p, '\n', (size_t)(end - p));
		if (!add_to_line(walk, p, (size_t)((newline ? newline : end) - p), err))
			return false;
		if (!newline)
			break;
		if (!end_line(walk, err))
			return false;
		p = newline + 1;
	}
	return true;
}

bool journal_walk_end(struct journal_walk *walk, struct error *err)
{
	if (walk->line_len == 0)
		return true;
	return end_line(walk, err);
}

bool journal_walk_file(struct journal_walk *walk, const char *path, struct error *err)
{
	static uint8_t block[BLOCK];
	off_t left;
	int fd;
	bool ok = journal_file_read(path, &fd, &left, err);

	while (ok && left > 0) {
		ok = io_wait_one(fd, POLLIN, IO_NO_DEADLINE, err) != IO_SIGNAL;
		ssize_t n = ok ? io_read(fd, block, left < BLOCK ? (size_t)left : BLOCK) : 0;
		if (n < 0)
			ok = error_set(err, ERROR_INPUT_MISSING, "the journal %s: %s", path, strerror(errno));
		if (n <= 0)
			break;
		ok = journal_walk_feed(walk, block, (size_t)n, err);
		left -= n;
	}
	io_close(&fd);
	return ok && journal_walk_end(walk, err);
}
