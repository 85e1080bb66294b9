/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of remote/ on the node: sent as data and started in one message; orders to its processes. */
#ifndef NODE_PROGRAM_H
#define NODE_PROGRAM_H

#include "base/arena.h"
#include "node/link.h"
#include "remote/program.h"

/* What a message to the node ends with, besides a count of bytes (0 or more). */
enum { PROGRAM_NO_VALUE = -1, PROGRAM_FALSE = -2, PROGRAM_TRUE = -3 };

struct program_start {
	const struct remote_program *program;
	/* Is that section needed? What is left out lets all fit into what TCP sends to a far host before the first acknowledgement. */
	bool (*needs)(const void *context, const char *section);
	void (*put_arguments)(const void *context, struct link *link);
	const void *context;
};

/*
 * As SPAWN_REQUEST; to `rex`, the old way, where the node has no such thing (before OTP 23): then no SPAWN_REPLY comes, and {rex, Reply} is what
 * the end of the monitor is otherwise.
 */
bool program_spawn(struct link *link, const struct program_start *start, const struct link_ref *spawn,
		   struct error *err);
/* {Tag, Kind} or {Tag, Kind, Value} to one of its processes; `to` may be NULL (not known yet): nothing is sent. */
bool program_send(struct link *link, const struct term *to, const struct link_ref *tag, int kind, int64_t value,
		  struct error *err);
/* A copy of a pid that outlives the message it came in; NULL: it is none, or there is no room. */
const struct term *program_keep_pid(struct arena *arena, const struct term *pid);
/* A binary's text, cut to fit. */
void program_text(const struct term *binary, char *text, size_t size);
/* The same as one line: control characters become spaces. */
void program_line(const struct term *binary, char *text, size_t size);
/* Any term in one line, for people. */
const char *program_reason(const struct term *reason, char *text, size_t size);

#endif
