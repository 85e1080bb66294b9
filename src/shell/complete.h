/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the node answers to Tab, made ready for line and terminal. */
#ifndef SHELL_COMPLETE_H
#define SHELL_COMPLETE_H

#include "base/buf.h"
#include "etf/term.h"

/* The node's text as it may be put into the line: what is printable of its first line. `out` ends with a NUL behind its content. */
void complete_insertion(const struct term *insert, struct buf *out);
/* The names in columns, filtered; how many more there are, if there are. Nothing of no names. */
void complete_list(const struct term *names, int64_t count, int columns, struct buf *out);

#endif
