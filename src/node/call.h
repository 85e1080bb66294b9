/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls of functions on the node over a link: many may be on their way at once, each has its deadline, and each answer finds its call by
 * its reference. For short questions whose code ends by itself and does not print; what an operator writes goes through
 * node/session.h, which has the guard, a window for output, and ends what was started.
 *
 * A call is a message to the node's `rex`, which spawns a process for it. SPAWN_REQUEST with a monitor would do without `rex` and could be
 * ended, but costs the node two messages a call, which is a quarter of the rate in sequence (docs/performance.md).
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
	CALL_RAISED,    /* `value`: {badrpc, {'EXIT', Reason}}, or what was thrown */
	CALL_TIMED_OUT, /* no `value`. It goes on there. An answer of more than LINK_FRAME_MAX looks the same. */
};

/* The term lives until the handler returns. */
struct call_answer {
	enum call_outcome outcome;
	const struct term *value;
	void *of; /* as given to call_begin */
};

/* May begin further calls. False with err set ends the reading. */
typedef bool call_handler(void *context, const struct call_answer *answer, struct error *err);

struct call {
	bool open;
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
 * deadline is one of clock_ms(), or IO_NO_DEADLINE. Errors: ERROR_LIMIT (CALLS_MAX are on their way).
 */
bool call_begin(struct calls *calls, const char *module, const char *function, const struct term *arguments,
		int64_t deadline, void *of, struct error *err);
/*
 * Sends, waits until something comes or the first deadline passes, and hands answers to the handler. With no call on its way it waits
 * for what the link brings. Errors: the link's, the handler's, ERROR_INTERRUPTED.
 */
bool calls_turn(struct calls *calls, struct error *err);

#endif
