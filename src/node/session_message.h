/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The messages of remote/session, composed and taken apart. Private to node/session. */
#ifndef NODE_SESSION_MESSAGE_H
#define NODE_SESSION_MESSAGE_H

#include "node/session.h"

/* The program, the text and everything else: the whole evaluation in one message (program_spawn). */
bool session_spawn(struct link *link, const struct session_request *request, const struct link_ref *spawn,
		   const struct link_ref *tag, size_t window, struct error *err);
/* The outcome and its detail as result and error. */
void session_outcome(int64_t outcome, const struct term *detail, struct session_result *result, struct error *err);

#endif
