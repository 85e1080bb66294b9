/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The accepting side: a peer tells its name, we send status and challenge, it proves the cookie, and then we do. */
#include "dist/handshake_packet.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "dist/flags.h"

void handshake_accept(struct handshake *h, const struct handshake_options *options)
{
	handshake_init(h, options, STATE_NAME);
	h->accepting = true;
}

static void put_status(struct handshake *h, const char *text)
{
	size_t begin = packet_begin(h);

	buf_put_u8(&h->out, 's');
	buf_put_text(&h->out, text);
	packet_end(h, begin);
}

static void put_named(struct handshake *h)
{
	size_t begin = packet_begin(h);

	buf_put_text(&h->out, "snamed:");
	buf_put_u16(&h->out, (uint16_t)strlen(h->lent_name));
	buf_put_text(&h->out, h->lent_name);
	buf_put_u32(&h->out, h->lent_creation);
	packet_end(h, begin);
}

static void put_challenge(struct handshake *h)
{
	size_t begin = packet_begin(h);

	if (h->peer_flags & DIST_FLAG_HANDSHAKE_23) {
		buf_put_u8(&h->out, 'N');
		buf_put_u64(&h->out, h->our_flags);
		buf_put_u32(&h->out, h->our_challenge);
		buf_put_u32(&h->out, h->our_creation);
		buf_put_u16(&h->out, (uint16_t)strlen(h->our_name));
	} else {
		buf_put_u8(&h->out, 'n');
		buf_put_u16(&h->out, 5);
		buf_put_u32(&h->out, (uint32_t)h->our_flags);
		buf_put_u32(&h->out, h->our_challenge);
	}
	buf_put_text(&h->out, h->our_name);
	packet_end(h, begin);
}

static enum handshake_event on_name(struct handshake *h, struct reader *packet, struct error *err)
{
	h->version = read_u8(packet) == 'N' ? 6 : 5;
	if (h->version == 6) {
		h->peer_flags = read_u64(packet);
		h->peer_creation = read_u32(packet);
	} else {
		read_u16(packet); /* its version */
		h->peer_flags = read_u32(packet);
	}
	size_t name_len = h->version == 6 ? read_u16(packet) : reader_left(packet);
	if (!packet_read_name(packet, name_len, h->peer_name)) {
		error_set(err, ERROR_NOT_ERLANG, "the peer's name is malformed");
		return handshake_fail(h);
	}
	bool dynamic = h->peer_flags & DIST_FLAG_NAME_ME;
	if (dynamic && h->lent_name[0] == '\0') {
		put_status(h, "not_allowed");
		error_set(err, ERROR_NOT_ALLOWED, "the peer asks for a name, and there is none to lend");
		return handshake_fail(h);
	}
	if (dynamic) {
		put_named(h);
		memcpy(h->peer_name, h->lent_name, sizeof h->peer_name);
		h->peer_creation = h->lent_creation;
	} else {
		put_status(h, "ok");
	}
	put_challenge(h);
	h->state = STATE_REPLY;
	return HANDSHAKE_MORE;
}

static enum handshake_event on_reply(struct handshake *h, struct reader *packet, struct error *err)
{
	if (read_u8(packet) == 'c') {
		/* The complement of a peer that began with the old form. */
		h->peer_flags |= (uint64_t)read_u32(packet) << 32;
		h->peer_creation = read_u32(packet);
		if (!packet->failed)
			return HANDSHAKE_MORE;
	} else {
		h->peer_challenge = read_u32(packet);
		const uint8_t *digest = read_bytes(packet, sizeof h->reply);
		if (digest) {
			memcpy(h->reply, digest, sizeof h->reply);
			return HANDSHAKE_WANTS_COOKIE;
		}
	}
	error_set(err, ERROR_NOT_ERLANG, "the peer's answer to the challenge is malformed");
	return handshake_fail(h);
}

enum handshake_event handshake_accept_packet(struct handshake *h, struct reader *packet, struct error *err)
{
	return h->state == STATE_NAME ? on_name(h, packet, err) : on_reply(h, packet, err);
}

enum handshake_event handshake_accept_cookie(struct handshake *h, const void *cookie, size_t len, struct error *err)
{
	uint8_t digest[16];

	handshake_digest(cookie, len, h->our_challenge, h->expected);
	if (!secret_equal(h->reply, h->expected, sizeof h->expected)) {
		error_set(err, ERROR_COOKIE_MISMATCH, "%s has another cookie", h->peer_name);
		return handshake_fail(h);
	}
	handshake_digest(cookie, len, h->peer_challenge, digest);
	size_t begin = packet_begin(h);
	buf_put_u8(&h->out, 'a');
	buf_put(&h->out, digest, sizeof digest);
	packet_end(h, begin);
	h->state = STATE_DONE;
	return HANDSHAKE_DONE;
}
