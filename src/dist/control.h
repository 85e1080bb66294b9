/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages inside frames: tag 112, a control tuple {Op, …} and, for some operations, a payload term. Decoding checks that the
 * tuple has the size which its operation has; what the parts mean is for the caller.
 * Source: “Distribution Protocol”, section “Protocol between Connected Nodes”, ERTS User's Guide.
 */
#ifndef DIST_CONTROL_H
#define DIST_CONTROL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "etf/decode.h"
#include "etf/term.h"

/* clang-format off */
/*        operation            op  size of the tuple, is there a payload */
#define DIST_OPERATIONS(X) \
	X(LINK,                     1, 3, false) \
	X(SEND,                     2, 3, true)  \
	X(EXIT,                     3, 4, false) \
	X(UNLINK,                   4, 3, false) \
	X(NODE_LINK,                5, 1, false) \
	X(REG_SEND,                 6, 4, true)  \
	X(GROUP_LEADER,             7, 3, false) \
	X(EXIT2,                    8, 4, false) \
	X(SEND_TT,                 12, 4, true)  \
	X(EXIT_TT,                 13, 5, false) \
	X(REG_SEND_TT,             16, 5, true)  \
	X(EXIT2_TT,                18, 5, false) \
	X(MONITOR_P,               19, 4, false) \
	X(DEMONITOR_P,             20, 4, false) \
	X(MONITOR_P_EXIT,          21, 5, false) \
	X(SEND_SENDER,             22, 3, true)  \
	X(SEND_SENDER_TT,          23, 4, true)  \
	X(PAYLOAD_EXIT,            24, 3, true)  \
	X(PAYLOAD_EXIT_TT,         25, 4, true)  \
	X(PAYLOAD_EXIT2,           26, 3, true)  \
	X(PAYLOAD_EXIT2_TT,        27, 4, true)  \
	X(PAYLOAD_MONITOR_P_EXIT,  28, 4, true)  \
	X(SPAWN_REQUEST,           29, 6, true)  \
	X(SPAWN_REQUEST_TT,        30, 7, true)  \
	X(SPAWN_REPLY,             31, 5, false) \
	X(SPAWN_REPLY_TT,          32, 6, false) \
	X(ALIAS_SEND,              33, 3, true)  \
	X(ALIAS_SEND_TT,           34, 4, true)  \
	X(UNLINK_ID,               35, 4, false) \
	X(UNLINK_ID_ACK,           36, 4, false)
/* clang-format on */

enum dist_operation {
#define X(name, op, size, payload) DIST_##name = op,
	DIST_OPERATIONS(X)
#undef X
		DIST_OPERATION_MAX = 36,
};

struct dist_message {
	int operation;              /* enum dist_operation, or another number: unknown to us */
	const struct term *control; /* the tuple; element 0 is the operation */
	const struct term *payload; /* NULL if there is none */
};

/* Decodes one frame's body. Errors: ERROR_PROTOCOL, ERROR_LIMIT. The terms live as long as arena and body. */
bool dist_message_decode(struct arena *arena, const uint8_t *body, size_t len, const struct etf_limits *limits,
			 struct dist_message *message, struct error *err);
/* "SEND"; NULL for an operation unknown to us. */
const char *dist_operation_name(int operation);

/* Who we are on a connection: the parts of our only process's pid. */
struct dist_self {
	char node[256 * 4];
	uint32_t creation;
	uint32_t id;
	uint32_t serial;
};

/*
 * Composing a message: dist_begin puts the frame's head, tag and the version byte of the control tuple, which the caller
 * then puts (etf_put_tuple …); dist_payload begins the payload; dist_end closes the frame.
 */
size_t dist_begin(struct buf *out);
void dist_payload(struct buf *out);
void dist_end(struct buf *out, size_t begin);
void dist_put_self(struct buf *out, const struct dist_self *self);

#endif
