/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of a journal: who may have it, and how many processes append to it at once. Each line begins with {"prev":"HASH", and ends with a
 * newline; HASH is the SHA-256 of the bytes of the line before, without its newline, and 64 zeros in the first line.
 */
#ifndef JOURNAL_FILE_H
#define JOURNAL_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum { JOURNAL_LINE_MAX = 256 * 1024 }; /* with the newline */

/* $XDG_STATE_HOME/beamline/journal, else ~/.local/state/beamline/journal. The caller frees. */
char *journal_default_path(void);
/*
 * Opens it to be appended to, or makes it (mode 0600) with the folders that it lacks (0700). Errors: ERROR_JOURNAL (it is a symbolic link, no
 * regular file, somebody else's, or others may write it; it cannot be opened), ERROR_NO_RESOURCES.
 */
bool journal_file_open(const char *path, int *fd, struct error *err);
/*
 * Appends one line: {"prev":…,"time":… and then the members, each of which begins with a comma. It is on the disk when this returns true. When it
 * does not, nothing of it is there, or where it cannot be taken back a part, which the next append closes with a newline and chains as it is. Not
 * ended by signals. Errors: ERROR_JOURNAL (as above; it has been removed; somebody holds it locked for long; its last line is none of
 * ours), ERROR_OUTPUT_LOST (the disk is full, …), ERROR_INTERNAL (the line is too long).
 */
bool journal_file_append(int fd, const char *path, const struct buf *members, struct error *err);
/* Opens it to be read, up to *size: what is appended meanwhile stays out. Whoever may read it may have it. Errors: ERROR_INPUT_MISSING, …. */
bool journal_file_read(const char *path, int *fd, off_t *size, struct error *err);

#endif
