/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One evaluation on the node: sends the program of remote/session with the text as data, in one message; takes what it prints, what
 * it returns and how it ended; acknowledges what the reader of our output has taken, so that the node's writer waits for a slow
 * one; ends it when its time is over or a signal comes.
 */
#ifndef NODE_SESSION_H
#define NODE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "etf/term.h"
#include "node/link.h"
#include "remote/session.h"

enum {
	/*
	 * Bytes that may be on their way and not yet acknowledged: for each ms of the round trip 100 KiB, hence 100 MB/s, within these bounds. As
	 * much may wait for the reader of our output, and a piece more.
	 */
	SESSION_WINDOW_MIN = 1024 * 1024,
	SESSION_WINDOW_MAX = 4 * 1024 * 1024,
};

enum session_language { SESSION_ERLANG, SESSION_ELIXIR };

struct session_request {
	enum session_language language;
	const char *text; /* to evaluate; or NULL: module, function, arguments */
	size_t text_len;
	bool script;     /* each sentence of the text shows its value … */
	bool keep_going; /* … and the rest is evaluated behind one that failed */
	const char *module;
	const char *function;
	const struct term *arguments; /* a proper list */
	enum session_show show;
	int columns;
	int timeout_ms; /* 0: none */
	bool confirmed; /* --confirm has named the node */
	bool may_ask;   /* the guard may ask a person */
	bool read_only; /* text of Erlang only: what is not known to be harmless is refused, and nothing is asked */
};

struct session_sink {
	/* Takes the bytes of SESSION_OUTPUT, SESSION_VALUE or SESSION_EXCEPTION; false: err is set, the evaluation is ended. */
	bool (*take)(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err);
	void *context;
	/* Where `take` puts them on: acknowledged only as they drain. NULL-terminated. */
	struct output *outputs[3];
};

struct session_result {
	int detached;        /* processes that go on living on the node; -1: not counted */
	bool confirmed;      /* the guard asked, and was answered with the node's name */
	char class[64];      /* of an exception: "error", "exit", "throw" */
	char reason[4096];   /* of it, in one line, cut if longer */
	int64_t finished_us; /* clock_us() */
};

/*
 * Runs it to its end. Errors: ERROR_EXCEPTION, ERROR_SYNTAX, ERROR_GUARD, ERROR_READ_ONLY, ERROR_TIMEOUT, ERROR_RESULT_NOT_BYTES, ERROR_NO_ELIXIR,
 * ERROR_OUTPUT_INCOMPLETE, ERROR_CALL_REFUSED, ERROR_INTERRUPTED (ended on the node too), the sink's, and the link's.
 */
bool session_run(struct link *link, const struct session_request *request, const struct session_sink *sink,
		 struct session_result *result, struct error *err);

#endif
