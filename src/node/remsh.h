/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The node's own shell, behind a link: sends the program of remote/remsh as data, lines to it, and tells its caller of what it prints and
 * when it wants a line. The caller polls the link; nothing here waits.
 */
#ifndef NODE_REMSH_H
#define NODE_REMSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "node/link.h"
#include "remote/remsh.h"

enum {
	/* Bytes of output that may be on their way. */
	REMSH_WINDOW = 1024 * 1024,
	REMSH_PROMPT_MAX = 1024, /* a longer prompt is cut */
};

/* All of it is the node's word: text is to be filtered. False: err is set, and remsh_serve returns it. */
struct remsh_handler {
	/* It runs on that release of OTP; the first prompt follows. */
	bool (*started)(void *context, const char *release, struct error *err);
	/* Taken, and to be acknowledged (remsh_acknowledge) when it has been shown. */
	bool (*output)(void *context, const uint8_t *data, size_t len, struct error *err);
	/* A line is wanted, or (REMSH_NO_PROMPT) no longer. */
	bool (*prompt)(void *context, enum remsh_prompt_kind kind, bool more, const char *text, struct error *err);
	/* The guard found this; remsh_answer must follow. */
	bool (*question)(void *context, const char *what, struct error *err);
	/* The answer to the newest remsh_ask: how the text goes on for certain, and the first of `count` names that are possible, a proper list of binaries. */
	bool (*help)(void *context, const struct term *insert, const struct term *names, int64_t count,
		     struct error *err);
	/* remsh_interrupt has been obeyed: what was on its way is over. */
	bool (*interrupted)(void *context, struct error *err);
	void *context;
};

struct remsh {
	struct link *link;
	const struct remsh_handler *handler;
	struct link_ref spawn;
	struct link_ref tag;
	struct arena pids; /* what the following two live in */
	const struct term *watcher;
	const struct term *relay;
	size_t unacknowledged;
	uint32_t help; /* number of the newest remsh_ask */
	bool elixir;   /* the shell is IEx; known when it has started */
	size_t sent;   /* bytes of lines that the guard may still ask about */
	bool asked;    /* it waits for its answer */
	bool ending;   /* remsh_end was called, maybe before anyone could be told */
	bool ended;
	int detached;         /* once it has ended: processes that run on, -1 where nobody counted */
	struct error outcome; /* with `ended`: why, where it was not asked to end */
};

struct remsh_options {
	const char *language; /* "erlang", "elixir": whose shell; "auto": IEx where Elixir runs */
	bool read_only;       /* of Erlang: only what looks and does not touch is evaluated */
	int columns;
	int rows;
};

/* Sends it; the first prompt comes one round trip later. */
bool remsh_start(struct remsh *r, struct link *link, const struct remsh_options *options,
		 const struct remsh_handler *handler, struct error *err);
void remsh_clear(struct remsh *r);
/*
 * After poll: reads, answers, calls the handler. Errors: the link's, the handler's, ERROR_PROTOCOL, ERROR_CALL_REFUSED. When the shell has ended,
 * `ended` is set and this returns true.
 */
bool remsh_serve(struct remsh *r, struct error *err);
/* Lines, with newlines between them and none behind the last. */
bool remsh_lines(struct remsh *r, const char *text, size_t len, struct error *err);
/* Completion of the text before the cursor, or documentation of what a word names. */
bool remsh_ask(struct remsh *r, enum remsh_help what, const char *text, struct error *err);
bool remsh_acknowledge(struct remsh *r, struct error *err);
bool remsh_answer(struct remsh *r, bool yes, struct error *err);
bool remsh_resize(struct remsh *r, int columns, int rows, struct error *err);
bool remsh_interrupt(struct remsh *r, struct error *err);
/* Has it end; `ended` follows. */
bool remsh_end(struct remsh *r, struct error *err);

#endif
