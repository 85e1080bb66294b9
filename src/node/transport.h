/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes to and from the node: over the stream as they are, or in TLS over it. Who uses it need not know which.
 */
#ifndef NODE_TRANSPORT_H
#define NODE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "dist/tls.h"
#include "ssh/tunnel.h"

struct transport {
	struct stream stream;
	struct tls *tls;  /* NULL: plain */
	struct buf plain; /* TLS: what has come and was not taken yet, */
	size_t plain_at;  /* from here on */
};

enum transport_io {
	TRANSPORT_MOVED,  /* something was done */
	TRANSPORT_WAIT,   /* nothing can be done now: poll */
	TRANSPORT_ENDED,  /* the other side has closed, or the stream is broken */
	TRANSPORT_FAILED, /* TLS is wrong; err is set */
};

/* Owns the stream from here on. */
void transport_init(struct transport *t, struct stream *stream);
/* TLS from the first byte on, which leaves at once. name: as tls_new. */
bool transport_start_tls(struct transport *t, const struct tls_context *context, const char *name, struct error *err);
void transport_close(struct transport *t);
/*
 * Says that we send no more, and waits until the other side closes as well, for at most that long: so that the last that was sent, an alert,
 * gets there before the tunnel ends. A signal ends the waiting, and is left for the next who waits.
 */
void transport_linger(struct transport *t, int ms);

/* As much as is taken now: *len bytes, one at least. */
enum transport_io transport_write(struct transport *t, const void *data, size_t size, size_t *len, struct error *err);
/* All of it, waiting as io_write_all does. False: errno tells, or (TLS) the connection is broken. */
bool transport_write_all(struct transport *t, const void *data, size_t len);
/* Sends what waits inside of TLS. MOVED: nothing does any more. */
enum transport_io transport_flush(struct transport *t);
bool transport_is_flushed(const struct transport *t);
/* Reads what has come. */
enum transport_io transport_read(struct transport *t, void *data, size_t size, size_t *len, struct error *err);
/* The same without taking it; transport_skip takes. */
enum transport_io transport_peek(struct transport *t, void *data, size_t size, size_t *len, struct error *err);
bool transport_skip(struct transport *t, size_t len);

/*
 * For a forked child that ticks on the same stream: sends a tick, whole or (false) not at all now. The parent then skips as many as the child
 * says it sent, because TLS numbers its records; transport_break: how many is not known, so that nothing can be sent any more.
 */
bool transport_tick(struct transport *t);
void transport_skip_ticks(struct transport *t, uint32_t count);
void transport_break(struct transport *t);

#endif
