/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of a journal, for people. */
#ifndef CMD_JOURNAL_SHOW_H
#define CMD_JOURNAL_SHOW_H

#include "base/buf.h"
#include "base/error.h"
#include "journal/walk.h"

/*
 * Writes them to standard output, one a line and further lines of their texts indented; nothing in them is obeyed by a terminal, wherever they
 * go from there. Lines that do not fit into the chain are marked. Errors: those of journal_walk_file, ERROR_OUTPUT_LOST, ERROR_OUTPUT_CLOSED.
 */
bool journal_show(const char *path, struct error *err);

/* Who works in which session, as far as the lines so far have told: a bounded number of sessions. */
struct journal_shown *journal_shown_new(void);
void journal_shown_free(struct journal_shown *shown);
/* Appends what is shown of one line, with a newline; what does not fit into the buffer is left out. */
void journal_shown_put(struct journal_shown *shown, const struct journal_line *line, struct buf *out);

#endif
