/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text in Erlang syntax to a term, as file:consult reads it: literals of every kind that has one. No operators but a sign,
 * no calls, no variables; a key given twice in a map is an error. For arguments on the command line, so that no parser runs
 * on the node.
 */
#ifndef ETF_SCAN_H
#define ETF_SCAN_H

#include "base/arena.h"
#include "base/error.h"
#include "etf/term.h"

/* One term, an optional dot at its end. Errors: ERROR_SYNTAX with line and column (from 1) and what was expected. */
bool etf_scan(struct arena *arena, const char *text, size_t len, const struct term **out, struct error *err);

#endif
