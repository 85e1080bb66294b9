/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One command for many targets: each in a process of its own, so that one which hangs, lies or dies disturbs no other; so many at once as
 * --forks says. Ctrl-C: nothing more is started; once more: what runs is ended, on its node too.
 *
 * Such a process has no terminal: nothing is asked there. What it writes to standard output and standard error comes here.
 */
#ifndef CMD_MANY_H
#define CMD_MANY_H

#include "base/buf.h"
#include "base/output.h"
#include "cmd/command.h"
#include "config/targets.h"

enum many_show {
	MANY_LINES,   /* as it comes, each line behind its target's name */
	MANY_GATHER,  /* at the end, what is the same of several targets once */
	MANY_OBJECTS, /* as it comes: each writes lines of JSON */
	MANY_KEPT,    /* at the end, by the caller, from many_host.out of each */
};

enum many_state { MANY_WAITS, MANY_RUNS, MANY_ENDED };

struct many_host {
	const char *target;
	enum many_state state;
	int pid;
	int fds[3];        /* standard output, standard error, its outcome; -1: at its end */
	struct buf out;    /* not shown yet */
	struct buf err;    /* the same of standard error */
	struct buf report; /* its outcome, as it comes */
	bool as_lines;     /* it said more than can be gathered */
	struct error outcome;
};

struct many {
	/* Set by the caller. */
	const struct command_options *options;
	enum many_show show;
	/* In the target's own process: does the work and writes what there is to show, but not its error. */
	bool (*work)(void *context, const char *target, struct error *err);
	void *context;
	/* KEPT: shows it. */
	bool (*show_kept)(struct many *many, struct error *err);
	bool tells_failures; /* … and who failed, too */

	struct targets targets;
	struct many_host *hosts; /* as many, in their order */
	size_t at_once;
	size_t started, running, ended, failed;
	bool stopped;       /* no more are to be started, … */
	int signal;         /* … because this came */
	struct error fatal; /* what ends it all: the output is lost */
	struct output out, err_out;
};

/* The targets that the words mean, with --except and --limit. input_taken: none can come from standard input. many_clear must follow in any case. */
bool many_init(struct many *many, const struct command_options *options, const char *const *words, size_t count,
	       bool input_taken, struct error *err);
void many_clear(struct many *many);
/*
 * Runs and shows them all, and then who failed and why. Errors: ERROR_SOME_FAILED, ERROR_INTERRUPTED, ERROR_OUTPUT_LOST, ERROR_OUTPUT_CLOSED;
 * err->shown is set where JSON has told it.
 */
bool many_run(struct many *many, struct error *err);
/* What they came to, as many_run says it. */
bool many_outcome(const struct many *many, struct error *err);
/* LINES or GATHER, as the options and the terminal want it; OBJECTS with --json. */
enum many_show many_wanted_show(const struct command_options *options);
/* {"target": …, "ok": false, "error": …} */
struct json_object *many_failure_json(const char *target, const struct error *failure);

#endif
