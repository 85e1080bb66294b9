/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/journal.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/io.h"
#include "journal/file.h"
#include "journal/text.h"

enum {
	/* Room for what stands around a text: digests, names, numbers. */
	AROUND_MAX = 1024,
	MEMBERS_MAX = JOURNAL_LINE_MAX - AROUND_MAX,
	/* The only long text of its line, and one of several. */
	TEXT_MAX = MEMBERS_MAX - AROUND_MAX,
	WORD_MAX = 16 * 1024,
};

const char *journal_result_name(enum journal_result result)
{
	static const char *const names[] = {
		[JOURNAL_DONE] = "done", [JOURNAL_ERROR] = "error",     [JOURNAL_INTERRUPTED] = "interrupted",
		[JOURNAL_LOST] = "lost", [JOURNAL_REFUSED] = "refused",
	};

	return names[result];
}

bool journal_open(struct journal *journal, const char *path, struct error *err)
{
	*journal = (struct journal){ .fd = -1, .path = path ? xstrdup(path) : journal_default_path() };
	if (journal_file_open(journal->path, &journal->fd, err))
		return true;
	journal_close(journal);
	return false;
}

void journal_close(struct journal *journal)
{
	io_close(&journal->fd);
	free(journal->path);
	*journal = (struct journal){ .fd = -1 };
}

static void put_kind(const struct journal *journal, const char *kind, struct buf *members)
{
	buf_init(members, MEMBERS_MAX);
	buf_printf(members, ",\"session\":\"%s\",\"kind\":\"%s\"", journal->session, kind);
}

static void put_short(struct buf *members, const char *key, const char *text)
{
	journal_put_text(members, key, text, text ? strlen(text) : 0, WORD_MAX);
}

/* Frees the members. */
static bool append(const struct journal *journal, struct buf *members, struct error *err)
{
	bool ok = journal->session[0] ? journal_file_append(journal->fd, journal->path, members, err)
				      : error_set(err, ERROR_INTERNAL, "no session has begun in the journal");

	buf_clear(members);
	return ok;
}

static bool name_session(struct journal *journal, struct error *err)
{
	uint8_t bytes[JOURNAL_SESSION_LEN / 2];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return error_set(err, ERROR_NO_RESOURCES, "OpenSSL has no random numbers");
	journal_hex(bytes, sizeof bytes, journal->session);
	journal->inputs = 0;
	return true;
}

bool journal_begin(struct journal *journal, const struct journal_begun *begun, struct error *err)
{
	const struct passwd *user = getpwuid(getuid());
	struct buf members;

	if (!name_session(journal, err))
		return false;
	put_kind(journal, "begun", &members);
	put_short(&members, "target", begun->target);
	put_short(&members, "node", begun->node);
	put_short(&members, "connection", begun->connection);
	put_short(&members, "user", user ? user->pw_name : NULL);
	buf_printf(&members, ",\"uid\":%lu,\"pid\":%ld,\"read_only\":%s", (unsigned long)getuid(), (long)getpid(),
		   begun->read_only ? "true" : "false");
	put_short(&members, "reason", begun->reason);
	put_short(&members, "recording", begun->recording);
	if (append(journal, &members, err))
		return true;
	journal->session[0] = '\0';
	return false;
}

bool journal_input(struct journal *journal, const void *text, size_t len, uint64_t *number, struct error *err)
{
	struct buf members;

	put_kind(journal, "input", &members);
	buf_printf(&members, ",\"number\":%" PRIu64, journal->inputs + 1);
	journal_put_text(&members, "text", len ? text : "", len, TEXT_MAX);
	if (!append(journal, &members, err))
		return false;
	*number = ++journal->inputs;
	return true;
}

bool journal_outcome(struct journal *journal, const struct journal_outcome *outcome, struct error *err)
{
	struct buf members;

	put_kind(journal, "outcome", &members);
	buf_printf(&members, ",\"number\":%" PRIu64 ",\"result\":\"%s\",\"ms\":%" PRId64, outcome->number,
		   journal_result_name(outcome->result), outcome->ms);
	if (outcome->text)
		journal_put_text(&members, "text", outcome->text, outcome->len, TEXT_MAX);
	return append(journal, &members, err);
}

bool journal_end(struct journal *journal, const char *why, struct error *err)
{
	struct buf members;

	put_kind(journal, "ended", &members);
	put_short(&members, "why", why);
	bool ok = append(journal, &members, err);
	journal->session[0] = '\0';
	return ok;
}
