/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The messages of remote/session, composed and taken apart. Private to node/session. */
#ifndef NODE_SESSION_MESSAGE_H
#define NODE_SESSION_MESSAGE_H

#include "node/session.h"

/* What a message to the node ends with, besides a count of bytes (0 or more). */
enum { SESSION_NO_VALUE = -1, SESSION_FALSE = -2, SESSION_TRUE = -3 };

/*
 * The program, the text and everything else: the whole evaluation in one message. As SPAWN_REQUEST; to `rex`, the old way, where the node
 * has no such thing (before OTP 23): then no SPAWN_REPLY comes, and {rex, Reply} is what the end of the monitor is otherwise.
 */
bool session_spawn(struct link *link, const struct session_request *request, const struct link_ref *spawn,
		   const struct link_ref *tag, size_t window, struct error *err);
/* {Tag, Kind} or {Tag, Kind, Value} to one of the program's processes; `to` may be NULL (not known yet): nothing is sent. */
bool session_send(struct link *link, const struct term *to, const struct link_ref *tag, int kind, int64_t value,
		  struct error *err);
/* A binary's text, cut to fit. */
void session_text(const struct term *binary, char *text, size_t size);
/* The same as one line: control characters become spaces. */
void session_line(const struct term *binary, char *text, size_t size);
/* The outcome and its detail as result and error. */
void session_outcome(int64_t outcome, const struct term *detail, struct session_result *result, struct error *err);

#endif
