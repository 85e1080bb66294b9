/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls of functions on the node over a link: many may be on their way at once, each has its deadline, and each answer finds its call by
 * its reference. For short questions whose code does not print; what an operator writes goes through node/session.h, which has
 * the guard, a window for output, and ends what was started.
 *
 * A call is one SPAWN_REQUEST of erpc:execute_call/4 with a monitor: the answer is the reason with which the process exits. So nothing
 * of the node is waited for but the call itself (`rex` is one process for all, and spawns one for each call as well).
 */
#ifndef NODE_CALL_H
#define NODE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "etf/term.h"
#include "node/link.h"

enum { CALLS_MAX = 256 /* on their way at once */ };

enum call_outcome {
	CALL_RETURNED,  /* `value` */
	CALL_RAISED,    /* `class` (throw, exit or error) and `value`, the reason */
	CALL_ENDED,     /* the process was killed, or not even spawned; `value` is why */
	CALL_TIMED_OUT, /* no `value`; it is killed on the node. An answer of more than LINK_FRAME_MAX looks the same. */
};

/* The terms live until the handler returns. */
struct call_answer {
	enum call_outcome outcome;
	const struct term *class, *value;
	void *of; /* as given to call_begin */
};

/* May begin further calls. False with err set ends the reading. */
typedef bool call_handler(void *context, const struct call_answer *answer, struct error *err);

struct call {
	bool open;
	bool spawned; /* then these are its pid's parts */
	uint32_t id, serial, creation;
	struct link_ref ref;
	int64_t deadline;
	void *of;
};

struct calls {
	struct link *link; /* lent; nobody else reads it meanwhile */
	call_handler *handler;
	void *context;
	size_t count; /* on their way */
	size_t next;  /* where a free place is looked for */
	struct call calls[CALLS_MAX];
};

void calls_init(struct calls *calls, struct link *link, call_handler *handler, void *context);
/*
 * Module and function are UTF-8; the arguments a proper list. Sends nothing yet: what is begun before calls_turn leaves in one write. The
 * deadline is one of clock_ms(), or IO_NO_DEADLINE. Errors: ERROR_LIMIT (CALLS_MAX are on their way), ERROR_CALL_REFUSED (an old
 * node, which does not spawn).
 */
bool call_begin(struct calls *calls, const char *module, const char *function, const struct term *arguments,
		int64_t deadline, void *of, struct error *err);
/*
 * Sends, waits until something comes or the first deadline passes, and hands answers to the handler. With no call on its way it waits
 * for what the link brings. Errors: the link's, the handler's, ERROR_INTERRUPTED.
 */
bool calls_turn(struct calls *calls, struct error *err);

#endif
