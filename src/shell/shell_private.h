/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a session share: the loop (shell.c), what the node sends (node_side.c), lines that are ours (commands.c). */
#ifndef SHELL_SHELL_PRIVATE_H
#define SHELL_SHELL_PRIVATE_H

#include "base/output.h"
#include "node/remsh.h"
#include "shell/shell.h"

struct shell {
	const struct shell_options *options;
	struct remsh remsh;
	struct output out;
	bool line_begun; /* the last output did not end with a newline */
	enum remsh_prompt_kind
		wanted; /* a line, and its prompt is not shown yet, as output is still on its way to the terminal */
	enum remsh_prompt_kind kind; /* of the line that is being edited */
	bool more;
	bool above_shown; /* the lines of the prompt before the last one */
	char prompt[REMSH_PROMPT_MAX];
	char *asked;     /* what stood before the cursor when the node was asked how it may go on, or NULL */
	bool discarding; /* Ctrl-C: what the node had sent before it knew is not shown */
	int64_t interrupted_at;
	bool leaving;
	int64_t leave_by;
	int ending_signal;
	enum shell_end end;
};

enum { SHELL_PROMPT_MAX = 16 * 1024 }; /* bytes of a prompt as it is drawn, or above it */

/* For remsh_start; its context is a struct shell. */
extern const struct remsh_handler shell_node_side;

/* Shows text; a line that is being edited is hidden until all of it is on the terminal. */
bool shell_put(struct shell *s, const void *data, size_t len, struct error *err);
/* The same for words of ours, on a line of their own. */
bool shell_say(struct shell *s, const char *text, struct error *err);
/* No colour of the node's stays on, and nothing that it began goes on in what comes next. */
bool shell_settle(struct shell *s, struct error *err);
/* While we have something to do before the terminal is another's, and when its size changes; else they would end what waits. */
void shell_tell(bool tell);
bool shell_resize(struct shell *s, struct error *err);
bool shell_leave(struct shell *s, enum shell_end end, struct error *err);
/* Is the line that word, as one may type it (exit, exit(), exit().)? */
bool shell_is_word(const char *line, const char *word);
/* A line that is no text for the node. *taken: it is one. */
bool shell_take_command(struct shell *s, const char *line, bool *taken, struct error *err);

#endif
