/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of a journal, for people. */
#ifndef CMD_JOURNAL_SHOW_H
#define CMD_JOURNAL_SHOW_H

#include "base/error.h"

/*
 * Writes them to standard output, one a line and further lines of their texts indented; nothing in them is obeyed by a terminal, wherever they
 * go from there. Lines that do not fit into the chain are marked. Errors: those of journal_walk_file, ERROR_OUTPUT_LOST, ERROR_OUTPUT_CLOSED.
 */
bool journal_show(const char *path, struct error *err);

#endif
