/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An interactive session in the node's own shell: a person's terminal on one side, node/remsh on the other. */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "journal/journal.h"
#include "node/link.h"
#include "shell/prompt.h"

struct record;

struct shell_options {
	const char *target; /* as typed: whose history */
	struct prompt_look look;
	const char *notes;       /* more for the line at the start, or NULL */
	struct journal *journal; /* with a session begun, or NULL */
	struct record *record;   /* its fd is -1 where nothing is recorded */
	int lines_max;           /* shown of an evaluation's output; 0: all */
	const char *language;    /* as of remsh_options */
	const char *startup;     /* a file of lines to begin with, or NULL */
	bool read_only;
	bool may_ask; /* the guard may ask a person */
};

enum shell_end {
	SHELL_LEFT, /* the person has left */
	SHELL_ANEW, /* the person wants a new shell on a new connection */
	SHELL_LOST, /* it ended without being asked to: err is set */
};

/* Takes the terminal for all sessions of this process; false: there is none (ERROR_USAGE). */
bool shell_start(const struct shell_options *options, struct error *err);
void shell_stop(void);
/* Of the terminal. */
void shell_size(int *columns, int *rows);
/*
 * One session on a link. Errors: ERROR_EXCEPTION (the shell on the node ended), ERROR_NO_ELIXIR, ERROR_INTERRUPTED (a signal that ends us), the
 * link's.
 */
bool shell_run(struct link *link, const struct shell_options *options, enum shell_end *end, struct error *err);
/* The link is lost: a prompt of our own, at which only :reconnect and :quit mean something. */
bool shell_wait_offline(const struct shell_options *options, enum shell_end *end, struct error *err);

#endif
