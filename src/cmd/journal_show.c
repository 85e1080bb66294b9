/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/journal_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/output.h"
#include "journal/file.h"
#include "journal/journal.h"
#include "journal/walk.h"

enum {
	SESSIONS_MAX = 256, /* that are told apart by who and where; of older ones the beginning of the id is shown */
	SHOWN_ID = 8,
	WHO_MAX = 256, /* bytes of who and where that are kept for each */
	/* A character of a text may become four. */
	TEXT_MAX = 4 * JOURNAL_LINE_MAX + 4096,
	SPACES = 4,
};

struct session {
	char id[JOURNAL_SESSION_LEN + 1];
	char *who; /* "alice web-1:shop" */
};

struct journal_shown {
	struct session sessions[SESSIONS_MAX];
	size_t next; /* whose place the next session takes */
};

/* The text without anything that a terminal obeys; each of its further lines is indented, so that none can pass for an entry. */
static void put_safe(struct buf *out, const char *text, size_t len)
{
	struct terminal_filter filter = { 0 };

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline ? (size_t)(newline - text) : len;
		terminal_filter(&filter, text + at, end - at, out);
		terminal_filter_end(&filter, out);
		if (newline && end + 1 < len)
			buf_printf(out, "\n%*s", SPACES, "");
		at = end + 1;
	}
}

/* Of an entry: its text with what stands before it, if it has one. */
static bool put_member(struct buf *out, const struct journal_entry *entry, const char *before, const char *key)
{
	struct buf text;
	uint64_t cut;

	buf_init(&text, JOURNAL_LINE_MAX);
	bool there = journal_entry_text(entry, key, &text, &cut);
	if (there) {
		buf_put_text(out, before);
		put_safe(out, buf_text(&text), text.len);
	}
	if (there && cut)
		buf_printf(out, " … (%" PRIu64 " more bytes)", cut);
	buf_clear(&text);
	return there;
}

static struct session *find(struct journal_shown *shown, const char *id)
{
	for (size_t i = 0; *id && i < SESSIONS_MAX; i++) {
		if (strcmp(shown->sessions[i].id, id) == 0)
			return &shown->sessions[i];
	}
	return NULL;
}

static void forget(struct session *session)
{
	free(session->who);
	*session = (struct session){ 0 };
}

/* How much of a text's first line fits, up to the end of a character. */
static size_t cut_at(const char *text, size_t max)
{
	size_t len = strcspn(text, "\n");

	for (len = len < max ? len : max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		continue;
	return len;
}

/* Who works, and where, which only the first entry of a session tells. */
static void remember(struct journal_shown *shown, const struct journal_entry *entry)
{
	struct session *session = find(shown, entry->session);
	struct buf who;

	if (strlen(entry->session) != JOURNAL_SESSION_LEN)
		return;
	if (!session) {
		session = &shown->sessions[shown->next];
		shown->next = (shown->next + 1) % SESSIONS_MAX;
	}
	forget(session);
	buf_init(&who, TEXT_MAX);
	if (!put_member(&who, entry, "", "user"))
		buf_put_text(&who, "?");
	put_member(&who, entry, " ", "target");
	memcpy(session->id, entry->session, sizeof session->id);
	session->who = xstrndup(buf_text(&who), cut_at(buf_text(&who), WHO_MAX));
	buf_clear(&who);
}

static void put_begun(struct buf *out, const struct journal_entry *entry)
{
	buf_put_text(out, "begun");
	put_member(out, entry, ": node ", "node");
	put_member(out, entry, ", over ", "connection");
	buf_printf(out, ", process %" PRId64 "%s", journal_entry_number(entry, "pid"),
		   journal_entry_number(entry, "read_only") ? ", read only" : "");
	put_member(out, entry, ", recorded in ", "recording");
	put_member(out, entry, ", because: ", "reason");
}

static void put_what(struct buf *out, const struct journal_entry *entry)
{
	int64_t number = journal_entry_number(entry, "number");

	if (strcmp(entry->kind, "begun") == 0) {
		put_begun(out, entry);
	} else if (strcmp(entry->kind, "input") == 0) {
		buf_printf(out, "%" PRId64 ">", number);
		put_member(out, entry, " ", "text");
	} else if (strcmp(entry->kind, "outcome") == 0) {
		buf_printf(out, "%" PRId64 ":", number);
		put_member(out, entry, " ", "result");
		buf_printf(out, ", %" PRId64 " ms", journal_entry_number(entry, "ms"));
		put_member(out, entry, ": ", "text");
	} else if (strcmp(entry->kind, "ended") == 0) {
		buf_put_text(out, "ended");
		put_member(out, entry, ": ", "why");
	} else {
		put_safe(out, entry->kind, strlen(entry->kind));
	}
}

static void put_entry(struct journal_shown *shown, const struct journal_entry *entry, struct buf *out)
{
	if (strcmp(entry->kind, "begun") == 0)
		remember(shown, entry);
	struct session *session = find(shown, entry->session);
	buf_printf(out, "%s ", entry->time);
	put_safe(out, entry->session, strnlen(entry->session, SHOWN_ID));
	buf_printf(out, " %s  ", session ? session->who : "?");
	put_what(out, entry);
	if (session && strcmp(entry->kind, "ended") == 0)
		forget(session);
}

struct journal_shown *journal_shown_new(void)
{
	return xcalloc(1, sizeof(struct journal_shown));
}

void journal_shown_free(struct journal_shown *shown)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		forget(&shown->sessions[i]);
	free(shown);
}

void journal_shown_put(struct journal_shown *shown, const struct journal_line *line, struct buf *out)
{
	if (!line->fits)
		buf_printf(out, "line %" PRIu64 " does not fit into the chain%s", line->number,
			   line->entry ? ": " : " and is no entry");
	else if (!line->entry)
		buf_printf(out, "line %" PRIu64 " is incomplete", line->number);
	if (line->entry)
		put_entry(shown, line->entry, out);
	buf_put_u8(out, '\n');
}

struct show {
	struct output out;
	struct buf text; /* what one line of the journal becomes */
	struct journal_shown *shown;
};

static bool on_line(void *context, const struct journal_line *line, struct error *err)
{
	struct show *show = context;

	show->text.len = 0;
	journal_shown_put(show->shown, line, &show->text);
	output_put(&show->out, show->text.data, show->text.len);
	return output_drain(&show->out, err);
}

bool journal_show(const char *path, struct error *err)
{
	struct show show = { .shown = journal_shown_new() };
	struct journal_walk walk;

	output_init(&show.out, STDOUT_FILENO, "standard output", TEXT_MAX);
	buf_init(&show.text, TEXT_MAX);
	bool ok = journal_walk_init(&walk, err);
	walk.on_line = on_line;
	walk.context = &show;
	ok = ok && journal_walk_file(&walk, path, err) && output_flush(&show.out, err);
	if (ok && walk.breaks > 0)
		log_notice("the chain is broken at line %" PRIu64 ": beamline journal verify tells more",
			   walk.first_break.line);
	journal_walk_clear(&walk);
	journal_shown_free(show.shown);
	buf_clear(&show.text);
	output_clear(&show.out);
	return ok;
}
