/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal: who worked on which node, what was entered there, and what came of it. A file of JSON objects, one on a line, to which many
 * processes append at once; each line holds the digest of the line before it, so that one that is changed, removed or inserted is
 * found (walk.h). docs/json.md tells its members, which are an interface.
 *
 * Whoever writes it does so before the fact: when an entry cannot be written, what it tells of must not be done, and the session ends.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { JOURNAL_SESSION_LEN = 32 };

/* An open journal and the session that goes on in it: one at a time. */
struct journal {
	int fd; /* closed on exec; a child that lives on closes it, so as not to keep the lock of a parent that is killed */
	char *path;
	char session[JOURNAL_SESSION_LEN + 1]; /* random; in each line of the session. "": none has begun */
	uint64_t inputs;                       /* of the session, so far */
};

/*
 * Opens the file, or makes it with its folders; path NULL: journal_default_path (file.h). Nothing is written yet. Errors: ERROR_JOURNAL
 * (journal_unusable: a symbolic link, no regular file, not ours, others may write it, it cannot be opened), ERROR_NO_RESOURCES.
 */
bool journal_open(struct journal *journal, const char *path, struct error *err);
/* Ends nothing: journal_end does. May be called after a journal_open that failed. */
void journal_close(struct journal *journal);

/* Texts are any bytes; NULL: not known, or none. The journal adds the time, the local user and the process. */
struct journal_begun {
	const char *target;     /* as it was typed */
	const char *node;       /* in full */
	const char *connection; /* user@hostname of the SSH connection */
	const char *reason;     /* what the operator gave as one */
	const char *recording;  /* the path of the session's recording */
	bool read_only;
};

enum journal_result {
	JOURNAL_DONE,
	JOURNAL_ERROR,       /* it ended in an error, whose text was printed */
	JOURNAL_INTERRUPTED, /* by the operator, or a limit of time */
	JOURNAL_LOST,        /* the connection ended; whether it was done is not known */
	JOURNAL_REFUSED,     /* by the guard, or by read-only: nothing was evaluated */
};

struct journal_outcome {
	uint64_t number; /* of which input */
	enum journal_result result;
	const void *text; /* what was printed, for JOURNAL_ERROR; NULL: nothing is to be told */
	size_t len;
	int64_t ms; /* how long it took */
};

/*
 * Each appends one line, and returns when it is on the disk: entries of the session that begins, of what is entered in it (before it is sent;
 * *number, from 1, is its number within the session), of what came of that, and of its end. Texts that would make the line longer than
 * JOURNAL_LINE_MAX are cut, and the line tells by how much. They wait for other processes (30 s at most), and are not ended by signals.
 * False: the line is not in the journal, or not for certain; the session must not go on. Errors: ERROR_OUTPUT_LOST (the disk is full, or the file
 * cannot be written), ERROR_JOURNAL (its permissions have changed, it was removed, it stays locked, its end is none of ours),
 * ERROR_NO_RESOURCES; ERROR_INTERNAL if no session has begun.
 */
bool journal_begin(struct journal *journal, const struct journal_begun *begun, struct error *err);
bool journal_input(struct journal *journal, const void *text, size_t len, uint64_t *number, struct error *err);
bool journal_outcome(struct journal *journal, const struct journal_outcome *outcome, struct error *err);
/* why: “left”, “lost: …”. The session is over then, whether it was written or not. */
bool journal_end(struct journal *journal, const char *why, struct error *err);

/* "done", "error", "interrupted", "lost", "refused": the names in the file. */
const char *journal_result_name(enum journal_result result);

#endif
