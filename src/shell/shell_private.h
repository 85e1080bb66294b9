/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a session share: the loop (shell.c), what the node sends (node_side.c) and the person types
 * (person_side.c), lines that are ours (commands.c), the operator's programs (programs.c). */
#ifndef SHELL_SHELL_PRIVATE_H
#define SHELL_SHELL_PRIVATE_H

#include "base/output.h"
#include "node/remsh.h"
#include "shell/history.h"
#include "shell/record.h"
#include "shell/shell.h"
#include "shell/turn.h"

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
	char shown_prompt[2 * REMSH_PROMPT_MAX]; /* as it stands on the screen */
	char *asked; /* what stood before the cursor when the node was asked how it may go on, or NULL */
	struct turn turn;
	bool started;  /* the start-up file has had its turn */
	char *begun;   /* what the next line begins with (:edit), or NULL */
	bool times;    /* each turn's is told */
	char *watched; /* is evaluated again and again, or NULL */
	int watch_ms;  /* between two ends of it */
	int64_t watch_at;
	int64_t started_us; /* when the shell was asked for */
	bool discarding;    /* Ctrl-C: what the node had sent before it knew is not shown */
	int64_t interrupted_at;
	bool leaving;
	int64_t leave_by;
	int ending_signal;
	enum shell_end end;
};

/* For remsh_start; its context is a struct shell. */
extern const struct remsh_handler shell_node_side;

/* Shows text; a line that is being edited is hidden until all of it is on the terminal. */
bool shell_put(struct shell *s, const void *data, size_t len, struct error *err);
/* The same for words of ours, on a line of their own. */
bool shell_say(struct shell *s, const char *text, struct error *err);
/* How much of the last output was not shown, where some was not. */
bool shell_say_hidden(struct shell *s, struct error *err);
/* Lines for the node: into the journal, then to it. */
bool shell_send(struct shell *s, const char *text, size_t len, struct error *err);
/* No colour of the node's stays on, and nothing that it began goes on in what comes next. */
bool shell_settle(struct shell *s, struct error *err);
/* While we have something to do before the terminal is another's, and when its size changes; else they would end what waits. */
void shell_tell(bool tell);
bool shell_resize(struct shell *s, struct error *err);
bool shell_leave(struct shell *s, enum shell_end end, struct error *err);
/* The last output in a pager. */
bool shell_page(struct shell *s, const char *argument, struct error *err);
/* Text, or where there is none the last line, in an editor. */
bool shell_edit(struct shell *s, const char *text, struct error *err);
/* Is the line that word, as one may type it (exit, exit(), exit().)? */
bool shell_is_word(const char *line, const char *word);
/* The prompt that is wanted, when all output is on the terminal, so that nothing comes between prompt and line. */
bool shell_show_prompt(struct shell *s, struct error *err);
/* What has been typed. */
bool shell_read_input(struct shell *s, struct error *err);
/* The watched text, when its time has come and nothing else goes on. */
bool shell_watch(struct shell *s, struct error *err);
/* The shell wants its next line. */
bool shell_end_turn(struct shell *s, struct error *err);
/* How a line that begins as one of ours may go on. *taken: it does. */
bool shell_complete_command(struct shell *s, const char *text, bool *taken, struct error *err);
/* The lines of the start-up file, at the first prompt. */
bool shell_run_startup(struct shell *s, struct error *err);
/* A line that is no text for the node. *taken: it is one. */
bool shell_take_command(struct shell *s, const char *line, bool *taken, struct error *err);

#endif
