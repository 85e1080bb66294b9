/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake over a stream: the pure state machine of dist/handshake, driven. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "dist/flags.h"
#include "node/link.h"
#include "platform/platform.h"

/* Behind the @ of our name. It tells nothing of the operator's machine, and is always the same, so that the node lends names again. */
static const char our_host[] = "beamline.invalid";

enum { ALERT_WAIT_MS = 500 };

static void link_init(struct link *link, struct stream *stream)
{
	*link = (struct link){ .sent_at = clock_ms() };
	snprintf(link->node, sizeof link->node, "at %s", stream->what);
	frame_reader_init(&link->frames, LINK_FRAME_MAX);
	buf_init(&link->out, LINK_OUT_MAX);
	transport_init(&link->transport, stream);
}

static bool start(struct handshake *h, const struct link_peer *peer, struct error *err)
{
	struct handshake_options options = {
		.name = our_host,
		.flags = dist_flags_ours() | DIST_FLAG_NAME_ME,
		.version = peer->version,
		.length_bytes = peer->tls ? 4 : 2,
	};
	char fixed[64];

	if (!platform_random(&options.challenge, sizeof options.challenge))
		return error_set(err, ERROR_NO_RESOURCES, "the system gives no random bytes: %s", strerror(errno));
	if (peer->version < 6) {
		/* No name to be lent there. One of a few, so that the node's atom table does not grow with every visit. */
		snprintf(fixed, sizeof fixed, "beamline-%d@%s", (int)(getpid() % 32), our_host);
		options.name = fixed;
		options.flags &= ~DIST_FLAG_NAME_ME;
		options.creation = 1;
	}
	handshake_connect(h, &options);
	return true;
}

/* A handshake under way: what its steps share. */
struct opening {
	struct link *link;
	struct handshake h;
	const struct link_peer *peer;
	const struct link_needs *needs;
	int64_t deadline;
};

static bool cannot_send(struct opening *o, struct error *err)
{
	struct transport *t = &o->link->transport;
	uint8_t byte;
	size_t len;

	if (!stream_wait_open(&t->stream, clock_ms() + 500, err))
		return false;
	/* What the node said in TLS before it closed tells more. */
	if (t->tls && (transport_peek(t, &byte, 1, &len, err) == TRANSPORT_FAILED || tls_is_doubted(t->tls, err)))
		return false;
	return handshake_closed(&o->h, err);
}

/* Sends what the state machine has to send; a handshake's packets always fit into the socket. */
static bool send_packets(struct opening *o, struct error *err)
{
	struct buf *out = &o->h.out;

	if (out->len > 0 && !transport_write_all(&o->link->transport, out->data, out->len))
		return cannot_send(o, err);
	out->len = 0;
	return true;
}

/* A plain node waits for a message as long as TLS's first bytes read in its way, and gives up before we do (after 7 s, if nobody changed that). */
static bool closed_before_tls(const struct tls *tls, struct error *err)
{
	if (tls_was_answered(tls)) {
		error_set(err, ERROR_TLS_FAILED, "the node closed the connection during TLS's handshake");
		return error_cure(err, "the node's log may tell more");
	}
	error_set(err, ERROR_PLAIN_EXPECTED, "the node closed the connection instead of answering in TLS");
	return error_cure(err, "it seems to speak plain distribution: leave out the --tls options");
}

static bool timed_out(const struct opening *o, struct error *err)
{
	const struct tls *tls = o->link->transport.tls;

	if (!tls || tls_is_up(tls))
		return handshake_timed_out(&o->h, err);
	error_set(err, ERROR_HANDSHAKE_TIMEOUT, "the node does not %s",
		  tls_was_answered(tls) ? "come to an end of TLS's handshake" : "answer in TLS");
	return error_cure(
		err,
		"it may be overloaded or suspended, or speak plain distribution: then leave out the --tls options");
}

/* The other side closed: the SSH side may know why, else the step of the handshake tells. */
static bool closed(const struct opening *o, struct error *err)
{
	struct transport *t = &o->link->transport;

	if (!stream_reason(&t->stream, clock_ms() + 500, err))
		return false;
	if (t->tls && !tls_is_up(t->tls))
		return closed_before_tls(t->tls, err);
	/* In TLS 1.3 we are done before the node has looked at our certificate; its alert may be lost where it closes at once. */
	if (t->tls && tls_is_doubted(t->tls, err))
		return false;
	return handshake_closed(&o->h, err);
}

/* After something could not be done. True: now it can be tried again. */
static bool wait_bytes(const struct opening *o, enum transport_io why, struct error *err)
{
	if (why == TRANSPORT_FAILED) {
		/* The node's log is to have our reason as well. */
		transport_linger(&o->link->transport, ALERT_WAIT_MS);
		return false;
	}
	if (why == TRANSPORT_ENDED)
		return closed(o, err);
	/* What comes need not bring us any further. */
	if (clock_ms() >= o->deadline)
		return timed_out(o, err);
	enum io_wait waited = io_wait_one(o->link->transport.stream.fd, POLLIN, o->deadline, err);
	if (waited == IO_READY || waited == IO_SIGNAL)
		return waited == IO_READY;
	return timed_out(o, err);
}

/* TLS's own handshake: what it needs goes out with what is read. */
static bool run_tls(struct opening *o, struct error *err)
{
	struct transport *t = &o->link->transport;
	struct tls_info info;
	uint8_t byte;
	size_t len;

	while (!tls_is_up(t->tls)) {
		enum transport_io io = transport_peek(t, &byte, 1, &len, err);
		if (io != TRANSPORT_MOVED && (io == TRANSPORT_FAILED || !tls_is_up(t->tls)) && !wait_bytes(o, io, err))
			return false;
	}
	tls_describe(t->tls, &info);
	log_v("TLS", "%s, %s; the node's certificate: %s%s", info.version, info.cipher, info.subject,
	      info.verified ? "" : " (not verified)");
	return true;
}

/* The certificate must be for the node that answers; where no name was given, for the host part of its own. Before our proof of the cookie. */
static bool check_certificate(const struct opening *o, struct error *err)
{
	const char *at = strchr(o->h.peer_name, '@');

	return !o->peer->tls || tls_check_name(o->link->transport.tls, at ? at + 1 : o->h.peer_name, err);
}

static bool prove(struct opening *o, enum handshake_event *event, struct error *err)
{
	const struct cookie *cookie;

	if (!check_certificate(o, err) || !o->needs->cookie(o->needs->context, o->h.peer_name, &cookie, err))
		return false;
	*event = handshake_cookie(&o->h, cookie->bytes, cookie->len, err);
	return true;
}

/* Bytes behind the handshake are frames, and stay for link_serve. */
static bool run(struct opening *o, struct error *err)
{
	struct transport *t = &o->link->transport;
	enum handshake_event event = HANDSHAKE_MORE;
	uint8_t block[HANDSHAKE_PACKET_MAX];
	size_t len, used;

	while (event != HANDSHAKE_DONE) {
		if (!send_packets(o, err))
			return false;
		enum transport_io io = transport_peek(t, block, sizeof block, &len, err);
		if (io != TRANSPORT_MOVED) {
			if (!wait_bytes(o, io, err))
				return false;
			continue;
		}
		event = handshake_feed(&o->h, block, len, &used, err);
		if (!transport_skip(t, used))
			return closed(o, err);
		if (event == HANDSHAKE_WANTS_COOKIE && !prove(o, &event, err))
			return false;
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

/* What leaves before SSH is ready, to travel as soon as it is: TLS's first bytes, or our name. */
static bool send_first(struct opening *o, struct error *err)
{
	const struct link_peer *peer = o->peer;

	return peer->tls ? transport_start_tls(&o->link->transport, peer->tls, peer->server_name, err)
			 : send_packets(o, err);
}

bool link_open(struct link *link, struct stream *stream, const struct link_peer *peer, const struct link_needs *needs,
	       struct error *err)
{
	struct opening o = { .link = link, .peer = peer, .needs = needs };

	link_init(link, stream);
	/* How long a person takes to type a password is not counted. */
	bool ok = start(&o.h, peer, err) && send_first(&o, err) && needs->ready(needs->context, err);
	if (ok) {
		o.deadline = clock_ms() + peer->timeout_ms;
		log_waiting("beamline: waiting for the node %s of the host …", link->node);
		ok = (!peer->tls || run_tls(&o, err)) && run(&o, err);
		log_waited();
	}
	if (ok)
		take_over(link, &o.h);
	handshake_clear(&o.h);
	if (!ok)
		link_close(link);
	return ok;
}
