/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake over a stream: the pure state machine of dist/handshake, driven. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "dist/flags.h"
#include "node/link.h"
#include "platform/platform.h"

/* Behind the @ of our name. It tells nothing of the operator's machine, and is always the same, so that the node lends names again. */
static const char our_host[] = "beamline.invalid";

static void link_init(struct link *link, struct stream *stream)
{
	*link = (struct link){ .stream = *stream, .sent_at = clock_ms() };
	snprintf(link->node, sizeof link->node, "at %s", stream->what);
	frame_reader_init(&link->frames, LINK_FRAME_MAX);
	buf_init(&link->out, LINK_OUT_MAX);
	*stream = STREAM_NONE;
}

static bool start(struct handshake *h, int version, struct error *err)
{
	struct handshake_options options = {
		.name = our_host,
		.flags = dist_flags_ours() | DIST_FLAG_NAME_ME,
		.version = version,
		.length_bytes = 2,
	};
	char fixed[64];

	if (!platform_random(&options.challenge, sizeof options.challenge))
		return error_set(err, ERROR_NO_RESOURCES, "the system gives no random bytes: %s", strerror(errno));
	if (version < 6) {
		/* No name to be lent there. One of a few, so that the node's atom table does not grow with every visit. */
		snprintf(fixed, sizeof fixed, "beamline-%d@%s", (int)(getpid() % 32), our_host);
		options.name = fixed;
		options.flags &= ~DIST_FLAG_NAME_ME;
		options.creation = 1;
	}
	handshake_connect(h, &options);
	return true;
}

/* Sends what the state machine has to send; a handshake's packets always fit into the socket. */
static bool send_packets(struct link *link, struct handshake *h, struct error *err)
{
	if (h->out.len > 0 && !io_write_all(link->stream.fd, h->out.data, h->out.len)) {
		if (stream_wait_open(&link->stream, clock_ms() + 500, err))
			handshake_closed(h, err);
		return false;
	}
	h->out.len = 0;
	return true;
}

static bool wait_bytes(struct link *link, struct handshake *h, int64_t deadline, struct error *err)
{
	enum io_wait waited = io_wait_one(link->stream.fd, POLLIN, deadline, err);

	if (waited == IO_READY || waited == IO_SIGNAL)
		return waited == IO_READY;
	return handshake_timed_out(h, err);
}

/* The other side closed: the SSH side may know why, else the step of the handshake tells. */
static bool closed(struct link *link, struct handshake *h, struct error *err)
{
	return stream_reason(&link->stream, clock_ms() + 500, err) ? handshake_closed(h, err) : false;
}

/* What has come, without taking it: bytes behind the handshake are frames, and stay for link_serve. */
static bool peek_bytes(struct link *link, struct handshake *h, int64_t deadline, uint8_t *block, size_t size,
		       size_t *len, struct error *err)
{
	for (;;) {
		ssize_t n = recv(link->stream.fd, block, size, MSG_PEEK);
		if (n == 0)
			return closed(link, h, err);
		if (n > 0) {
			*len = (size_t)n;
			return true;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return closed(link, h, err);
		if (!wait_bytes(link, h, deadline, err))
			return false;
	}
}

static bool run(struct link *link, struct handshake *h, int64_t deadline, const struct link_needs *needs,
		struct error *err)
{
	enum handshake_event event = HANDSHAKE_MORE;
	uint8_t block[HANDSHAKE_PACKET_MAX];
	size_t len = 0, used;

	while (event != HANDSHAKE_DONE) {
		if (!send_packets(link, h, err) || !peek_bytes(link, h, deadline, block, sizeof block, &len, err))
			return false;
		event = handshake_feed(h, block, len, &used, err);
		if (io_read(link->stream.fd, block, used) != (ssize_t)used)
			return error_set(err, ERROR_INTERNAL, "the handshake's bytes are gone");
		if (event == HANDSHAKE_WANTS_COOKIE) {
			const struct cookie *cookie;
			if (!needs->cookie(needs->context, h->peer_name, &cookie, err))
				return false;
			event = handshake_cookie(h, cookie->bytes, cookie->len, err);
		}
		if (event == HANDSHAKE_FAILED)
			return false;
	}
	return true;
}

static void take_over(struct link *link, const struct handshake *h)
{
	snprintf(link->node, sizeof link->node, "%s", h->peer_name);
	snprintf(link->self.node, sizeof link->self.node, "%s", h->our_name);
	link->self.creation = h->our_creation;
	link->self.id = 1;
	link->node_flags = h->peer_flags;
	log_v("node", "connected to %s as %s, hidden, handshake version %d", link->node, link->self.node, h->version);
}

bool link_open(struct link *link, struct stream *stream, int version, int timeout_ms, const struct link_needs *needs,
	       struct error *err)
{
	struct handshake h = { 0 };

	link_init(link, stream);
	/* Our name leaves at once, to travel as soon as SSH is ready; how long a person takes to type a password is not counted. */
	bool ok = start(&h, version, err) && send_packets(link, &h, err) && needs->ready(needs->context, err);
	if (ok) {
		log_waiting("beamline: waiting for the node %s of the host …", link->node);
		ok = run(link, &h, clock_ms() + timeout_ms, needs, err);
		log_waited();
	}
	if (ok)
		take_over(link, &h);
	handshake_clear(&h);
	if (!ok)
		link_close(link);
	return ok;
}
