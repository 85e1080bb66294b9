/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hidden C node on one connection: one process (ours) with a pid, which sends messages, asks the node to spawn, and gets what
 * is sent to it. Ticks are answered as bytes come. What is addressed to us passes to the caller; links and monitors of our
 * process are kept in order; everything else that the node asks of us is refused as the protocol refuses, and counted.
 */
#ifndef NODE_LINK_H
#define NODE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "dist/control.h"
#include "dist/frame.h"
#include "dist/handshake.h"
#include "node/cookie.h"
#include "node/transport.h"

enum {
	LINK_FRAME_MAX = 1024 * 1024,    /* larger messages are passed over: our own programs send pieces */
	LINK_OUT_MAX = 32 * 1024 * 1024, /* what may wait to be sent: the text to evaluate is the largest */
};

struct link_counters {
	uint64_t ticks;
	uint64_t messages; /* that were for us */
	uint64_t refused;  /* requests that we do not serve */
	uint64_t skipped;  /* frames over the maximum */
};

struct link {
	struct transport transport;
	struct dist_self self;
	char node[HANDSHAKE_NAME_MAX + 1]; /* the node's full name, as it told it */
	uint64_t node_flags;
	struct frame_reader frames;
	struct buf out;
	size_t out_at;       /* how much of it is sent */
	int64_t sent_at;     /* clock_ms() of the last bytes that left */
	uint32_t references; /* made so far */
	struct link_counters counters;
};

struct link_ref {
	uint32_t ids[3];
};

enum link_kind { LINK_TO_US, LINK_SPAWN_REPLY, LINK_DOWN };

/* What is for the caller. Terms live until the callback returns. */
struct link_message {
	enum link_kind kind;
	const struct term *
		payload; /* LINK_TO_US: the message; LINK_DOWN: the reason; LINK_SPAWN_REPLY: a pid, or an atom: why not */
	const struct term *ref; /* LINK_SPAWN_REPLY, LINK_DOWN */
};

/* False with err set ends the reading. */
typedef bool link_handler(void *context, const struct link_message *message, struct error *err);

/* With whom a link is made: how the stream to it is used. */
struct link_peer {
	int version;                   /* of the handshake: 6, or 5 */
	const struct tls_context *tls; /* NULL: plain distribution */
	const char *
		server_name; /* whose certificate the node's must be; NULL: for the host part of the name that it tells */
	int timeout_ms;
};

/* What the handshake needs of its caller, each asked for when its time has come. */
struct link_needs {
	bool (*ready)(void *context, struct error *err); /* waits until SSH is ready */
	bool (*cookie)(void *context, const char *node, const struct cookie **cookie, struct error *err);
	void *context;
};

/*
 * The handshake over a stream, which the link owns from here on, also when this fails. Our name (or TLS's first bytes) leaves at once; the
 * time counts from when SSH is ready, for the whole handshake. Errors: those of the needs, the stream, TLS and the handshake.
 */
bool link_open(struct link *link, struct stream *stream, const struct link_peer *peer, const struct link_needs *needs,
	       struct error *err);
void link_close(struct link *link);

/* A message is composed between these two in link->out; link_end sends what the descriptor takes now. */
size_t link_begin(struct link *link);
bool link_end(struct link *link, size_t begin, struct error *err);
/* The control part of a SEND to that pid; the payload follows. */
void link_put_send(struct link *link, const struct term *to);
/* The same of a REG_SEND to the process of that name. */
void link_put_reg_send(struct link *link, const char *name);
struct link_ref link_new_ref(struct link *link);
void link_put_ref(struct link *link, const struct link_ref *ref);
bool link_is_ref(const struct link *link, const struct term *t, const struct link_ref *ref);

/* Sends what waits in link->out, as far as the descriptor takes it now. */
bool link_flush(struct link *link, struct error *err);
/* What to poll for, on link->transport.stream.fd. */
short link_poll_events(const struct link *link);
/*
 * After poll: sends, reads, answers, calls the handler for what is for us. Errors: ERROR_NODE_LOST or what the SSH side knows of the loss,
 * ERROR_PROTOCOL, ERROR_LIMIT, and the handler's.
 */
bool link_serve(struct link *link, link_handler *handler, void *context, struct error *err);

#endif
