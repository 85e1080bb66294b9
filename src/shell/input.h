/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The line that a person edits, by readline, with the keys of the user's inputrc. Never waits: the caller polls standard input while a line is being
 * edited. There is one terminal, so there is one input.
 *
 * While no line is wanted the terminal shows nothing of what is typed, and keeps it for the next line.
 */
#ifndef SHELL_INPUT_H
#define SHELL_INPUT_H

#include <stdbool.h>

#include "base/error.h"

enum input_event {
	INPUT_NOTHING,
	INPUT_LINE,
	INPUT_END,
	INPUT_COMPLETE, /* Tab */
	INPUT_DOCUMENT, /* Alt-h */
	INPUT_EDIT,     /* Ctrl-X Ctrl-E */
};

/* Takes the terminal; input_stop gives it back as it was. Errors: ERROR_USAGE (standard input or output is none). */
bool input_start(struct error *err);
void input_stop(void);
/* A line is wanted. The prompt: text that is safe on a terminal; what has no width stands between \001 and \002. */
void input_edit(const char *prompt);
/* None is wanted any more; what was typed of it is dropped. */
void input_end_edit(void);
bool input_is_editing(void);
/* It is, and the line is shown: only then may what is typed be read, which draws. */
bool input_is_shown(void);
/* After poll: reads what has been typed. */
enum input_event input_read(void);
/* The line of INPUT_LINE, without its newline; a pasted one may hold some. Freed by the caller. */
char *input_take_line(void);
/* All of the line that is being edited. Freed by the caller. */
char *input_line(void);
/* What stands before the cursor, and the word (of letters, digits and _ @ : . ? !) in which it stands. Freed by the caller. */
char *input_before(void);
char *input_word(void);
/* Puts text at the cursor. */
void input_insert(const char *text);
/* Around output while a line is edited: the line goes, and comes back below. */
void input_hide(void);
void input_show(void);
/* Ctrl-C: what was typed is given up, as is shown; a new line begins, or none is wanted any more. */
void input_give_up(bool again);
/* For a question by others: no line is being edited, and the terminal has its own modes until it is no longer lent. */
void input_lend(bool lend);
/* The terminal has another size. */
void input_resize(void);

#endif
