/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a prompt looks. What the node calls its prompt stands behind the host's name, which it cannot change, and where code reads, behind a mark that
 * the shell's own never has; so it cannot pass for another, nor for a question of ours.
 */
#ifndef SHELL_PROMPT_H
#define SHELL_PROMPT_H

#include "base/buf.h"
#include "node/remsh.h"

enum { PROMPT_TEXT_MAX = 16 * 1024 }; /* for either buffer */

struct prompt_look {
	const char *host;
	const char *environment; /* or NULL */
	int colour;              /* SGR of the environment, 0: none */
};

/*
 * text: the node's. Lines of it before the last one go to `above`, filtered, each with a newline; the prompt for input_edit to `out`. So does a last
 * line that would not fit into one line of the terminal behind what is ours: wrapped, it could look like a line without it.
 */
void prompt_compose(const struct prompt_look *look, enum remsh_prompt_kind kind, bool more, const char *text,
		    int columns, struct buf *above, struct buf *out);

#endif
