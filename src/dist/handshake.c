/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feeding packets, and the connecting side. The accepting side is handshake_accept.c. */
#include "dist/handshake.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "dist/flags.h"
#include "dist/handshake_packet.h"

void handshake_connect(struct handshake *h, const struct handshake_options *options)
{
	handshake_init(h, options, STATE_STATUS);
	size_t begin = packet_begin(h);
	if (h->version >= 6) {
		buf_put_u8(&h->out, 'N');
		buf_put_u64(&h->out, h->our_flags);
		buf_put_u32(&h->out, h->our_creation);
		buf_put_u16(&h->out, (uint16_t)strlen(h->our_name));
	} else {
		h->our_flags &= ~DIST_FLAG_NAME_ME;
		buf_put_u8(&h->out, 'n');
		buf_put_u16(&h->out, 5);
		buf_put_u32(&h->out, (uint32_t)h->our_flags);
	}
	buf_put_text(&h->out, h->our_name);
	packet_end(h, begin);
}

bool handshake_tls_expected(struct error *err)
{
	error_set(err, ERROR_TLS_EXPECTED, "the node speaks TLS: it uses -proto_dist inet_tls");
	return error_cure(err, "name the authority that signed its certificate with --tls-ca, and what it wants of us "
			       "with --tls-cert and --tls-key");
}

/* The first bytes tell what a peer is that is not an Erlang node. */
static enum handshake_event not_erlang(struct handshake *h, const uint8_t *data, size_t len, struct error *err)
{
	/* A TLS record: alert (21) or handshake (22), version 3.x. OTP answers plain bytes with such an alert. */
	if (len >= 2 && (data[0] == 21 || data[0] == 22) && data[1] == 3) {
		handshake_tls_expected(err);
		return handshake_fail(h);
	}
	char shown[3 * 16 + 1] = "";
	for (size_t i = 0; i < len && i < 16; i++)
		snprintf(shown + strlen(shown), 4, "%s%02x", i ? " " : "", data[i]);
	error_set(err, ERROR_NOT_ERLANG,
		  "what answers on the distribution port is not an Erlang node (its first bytes: %s%s)", shown,
		  len > 16 ? " …" : "");
	error_cure(err, "check the port: --dist-port, or what EPMD lists (beamline nodes HOST)");
	return handshake_fail(h);
}

static bool starts(const uint8_t *text, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* “named:”, the length of the name in 2 bytes, the name, and the creation that goes with it. */
static enum handshake_event on_named(struct handshake *h, const uint8_t *text, size_t len, struct error *err)
{
	struct reader r = reader_of(text + 6, len - 6);
	size_t name_len = read_u16(&r);

	if (!(h->our_flags & DIST_FLAG_NAME_ME) || !packet_read_name(&r, name_len, h->our_name)) {
		error_set(err, ERROR_NOT_ERLANG, "the node's answer to our name is malformed");
		return handshake_fail(h);
	}
	h->our_creation = read_u32(&r);
	if (r.failed) {
		error_set(err, ERROR_NOT_ERLANG, "the node lends us a name without its creation");
		return handshake_fail(h);
	}
	h->state = STATE_CHALLENGE;
	return HANDSHAKE_MORE;
}

static void say_not_allowed(const struct handshake *h, struct error *err)
{
	char missing[256];
	uint64_t lacking = dist_flags_mandatory() & ~h->our_flags;

	if (lacking) {
		error_set(err, ERROR_NOT_ALLOWED,
			  "the node does not allow the connection: it may insist on %s, which was not offered",
			  dist_flags_text(lacking, missing, sizeof missing));
		return;
	}
	error_set(err, ERROR_NOT_ALLOWED,
		  "the node does not allow the connection, although every capability that OTP 25 to 29 insist on was "
		  "offered");
	error_cure(err, "the node may restrict its peers with net_kernel:allow/1");
}

static enum handshake_event on_status(struct handshake *h, struct reader *packet, struct error *err)
{
	size_t len = reader_left(packet);
	const uint8_t *text = read_bytes(packet, len);

	/* Exact words, so that “ok” is not taken for “ok_simultaneous”. */
	if ((len == 2 && starts(text, len, "ok")) || (len == 15 && starts(text, len, "ok_simultaneous"))) {
		if (h->our_flags & DIST_FLAG_NAME_ME) {
			error_set(err, ERROR_NOT_ALLOWED, "the node lends no name (it has no dynamic node names)");
			return handshake_fail(h);
		}
		h->state = STATE_CHALLENGE;
		return HANDSHAKE_MORE;
	}
	if (starts(text, len, "named:"))
		return on_named(h, text, len, err);
	if (len == 3 && starts(text, len, "nok")) {
		error_set(err, ERROR_HANDSHAKE_REFUSED,
			  "the node refuses: a connection between the two names is being set up the other way");
		error_cure(err, "try again");
	} else if (starts(text, len, "not_allowed")) {
		say_not_allowed(h, err);
	} else if (starts(text, len, "alive")) {
		/* The node would now wait for “true” or “false”: we close instead and leave the older connection alone. */
		error_set(err, ERROR_NAME_TAKEN, "the node still has a connection under our name %s", h->our_name);
		error_cure(err, "wait for the node's tick time and try again, or let the node lend a name");
	} else {
		error_set(err, ERROR_NOT_ERLANG, "the node's status “%.*s” is unknown", (int)(len < 64 ? len : 64),
			  (const char *)text);
	}
	return handshake_fail(h);
}

static enum handshake_event on_challenge(struct handshake *h, struct reader *packet, struct error *err)
{
	bool old = read_u8(packet) == 'n';

	if (old) {
		read_u16(packet); /* its version */
		h->peer_flags = read_u32(packet);
		h->peer_challenge = read_u32(packet);
	} else {
		h->peer_flags = read_u64(packet);
		h->peer_challenge = read_u32(packet);
		h->peer_creation = read_u32(packet);
	}
	size_t name_len = old ? reader_left(packet) : read_u16(packet);
	if (!packet_read_name(packet, name_len, h->peer_name) || packet->failed) {
		error_set(err, ERROR_NOT_ERLANG, "the node's challenge is malformed");
		return handshake_fail(h);
	}
	/* We began with the old form and the node knows the new one: it expects what the old form has no room for. */
	if (!old && h->version < 6) {
		size_t begin = packet_begin(h);
		buf_put_u8(&h->out, 'c');
		buf_put_u32(&h->out, (uint32_t)(h->our_flags >> 32));
		buf_put_u32(&h->out, h->our_creation);
		packet_end(h, begin);
	}
	return HANDSHAKE_WANTS_COOKIE;
}

enum handshake_event handshake_cookie(struct handshake *h, const void *cookie, size_t len, struct error *err)
{
	uint8_t digest[16];

	if (h->accepting)
		return handshake_accept_cookie(h, cookie, len, err);
	handshake_digest(cookie, len, h->our_challenge, h->expected);
	handshake_digest(cookie, len, h->peer_challenge, digest);
	size_t begin = packet_begin(h);
	buf_put_u8(&h->out, 'r');
	buf_put_u32(&h->out, h->our_challenge);
	buf_put(&h->out, digest, sizeof digest);
	packet_end(h, begin);
	h->state = STATE_ACK;
	return HANDSHAKE_MORE;
}

static enum handshake_event on_ack(struct handshake *h, struct reader *packet, struct error *err)
{
	const uint8_t *digest = read_bytes(packet, 16);

	if (!digest || !secret_equal(digest, h->expected, sizeof h->expected)) {
		error_set(err, ERROR_NODE_UNPROVEN,
			  "the node could not prove that it knows the cookie: it may be an impostor");
		error_cure(err, "do not send anything to it; check what listens on the distribution port");
		return handshake_fail(h);
	}
	h->state = STATE_DONE;
	return HANDSHAKE_DONE;
}

/* The letter that a packet begins with at this point. */
static bool is_expected(const struct handshake *h, uint8_t tag)
{
	switch (h->state) {
	case STATE_STATUS:
		return tag == 's';
	case STATE_CHALLENGE:
		return tag == 'N' || tag == 'n';
	case STATE_ACK:
		return tag == 'a';
	case STATE_NAME:
		return tag == 'N' || tag == 'n';
	case STATE_REPLY:
		return tag == 'r' || tag == 'c';
	default:
		return false;
	}
}

static enum handshake_event on_packet(struct handshake *h, struct reader *packet, struct error *err)
{
	if (h->accepting)
		return handshake_accept_packet(h, packet, err);
	switch (h->state) {
	case STATE_STATUS:
		read_u8(packet);
		return on_status(h, packet, err);
	case STATE_CHALLENGE:
		return on_challenge(h, packet, err);
	case STATE_ACK:
		read_u8(packet);
		return on_ack(h, packet, err);
	default:
		return handshake_fail(h);
	}
}

/* How many bytes of h->in the packet has, or 0 while that is not known. */
static size_t packet_length(const struct handshake *h)
{
	size_t head = (size_t)h->length_bytes;

	if (h->in.len < head)
		return 0;
	return head + (head == 4 ? get_be32(h->in.data) : get_be16(h->in.data));
}

/* Is what has come the beginning of a packet that may come now? Judged early, so that garbage does not make us wait. */
static bool plausible(const struct handshake *h)
{
	size_t head = (size_t)h->length_bytes, len = packet_length(h);

	if (len != 0 && (len == head || len > head + HANDSHAKE_PACKET_MAX))
		return false;
	return h->in.len <= head || is_expected(h, h->in.data[head]);
}

enum handshake_event handshake_feed(struct handshake *h, const uint8_t *data, size_t len, size_t *used,
				    struct error *err)
{
	*used = 0;
	if (h->state == STATE_DONE)
		return HANDSHAKE_DONE;
	while (*used < len) {
		buf_put_u8(&h->in, data[(*used)++]);
		if (!plausible(h)) {
			/* A few more bytes make the message clearer. */
			size_t more = len - *used < 14 ? len - *used : 14;
			buf_put(&h->in, data + *used, more);
			*used = len;
			return not_erlang(h, h->in.data, h->in.len, err);
		}
		size_t whole = packet_length(h);
		if (whole == 0 || h->in.len < whole)
			continue;
		struct reader packet = reader_of(h->in.data + h->length_bytes, whole - (size_t)h->length_bytes);
		enum handshake_event event = on_packet(h, &packet, err);
		h->in.len = 0;
		if (event != HANDSHAKE_MORE)
			return event;
	}
	return HANDSHAKE_MORE;
}

bool handshake_closed(const struct handshake *h, struct error *err)
{
	if (h->in.len > 0) {
		error_set(err, ERROR_NODE_LOST, "the connection ended in the middle of the handshake");
		return error_cure(err, "the node or the host may have gone down; try again");
	}
	switch (h->state) {
	case STATE_STATUS:
		error_set(err, ERROR_HANDSHAKE_REFUSED, "the node closed the connection instead of answering our name");
		return error_cure(err, "it may be going down, be older than OTP 23, or not be an Erlang node at all");
	case STATE_CHALLENGE:
		return error_set(err, ERROR_HANDSHAKE_REFUSED, "the node closed the connection before its challenge");
	case STATE_ACK:
		error_set(err, ERROR_COOKIE_MISMATCH,
			  "the node %s closed the connection after our proof: it has another cookie", h->peer_name);
		return error_cure(
			err,
			"give the node's own cookie with --cookie-file FILE (it is in the .erlang.cookie of the user "
			"that runs the node, or in its vm.args)");
	default:
		return error_set(err, ERROR_HANDSHAKE_REFUSED, "the peer closed the connection during the handshake");
	}
}

bool handshake_timed_out(const struct handshake *h, struct error *err)
{
	const char *what = h->state == STATE_STATUS ? "our name"
			   : h->state == STATE_ACK  ? "our proof"
						    : "the agreed status";

	error_set(err, ERROR_HANDSHAKE_TIMEOUT, "the node does not answer %s", what);
	return error_cure(err, "it may be overloaded or suspended; look at it on the host itself");
}
