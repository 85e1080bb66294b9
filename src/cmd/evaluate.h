/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `eval` and `rpc` share: reach the node, run the session, show what comes. */
#ifndef CMD_EVALUATE_H
#define CMD_EVALUATE_H

#include "cmd/command.h"
#include "node/session.h"

enum {
	/* A result that is taken whole (--json, rpc) may have this many bytes in the external term format … */
	EVALUATE_VALUE_MAX = 8 * 1024 * 1024,
	/* … this many once it is decoded, */
	EVALUATE_ARENA_MAX = 24 * 1024 * 1024,
	/* … and this many as text: all three are there at once. */
	EVALUATE_TEXT_MAX = 20 * 1024 * 1024,
	/* With --json, output of the code is kept up to this. */
	EVALUATE_OUTPUT_MAX = 4 * 1024 * 1024,
};

/*
 * On what the word means: one target, or many (config/targets). request->show tells how the value is shown here: SHELL and FULL as it comes,
 * TERM decoded and printed here, RAW as bytes; with --json always as a term. `confirmed` and `may_ask` are filled in. from_input: the text has
 * come from standard input. Everything is shown when this returns, but for the error.
 */
bool evaluate(const struct command_options *options, const char *word, bool from_input, struct session_request *request,
	      struct error *err);

#endif
