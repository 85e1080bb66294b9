/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both sides of the handshake share: packets, the texts in them, digests. Private to handshake*.c. */
#ifndef DIST_HANDSHAKE_PACKET_H
#define DIST_HANDSHAKE_PACKET_H

#include "dist/handshake.h"

enum handshake_state {
	STATE_STATUS,    /* connecting: our name is sent */
	STATE_CHALLENGE, /* connecting: status ok */
	STATE_ACK,       /* connecting: our proof is sent */
	STATE_NAME,      /* accepting */
	STATE_REPLY,     /* accepting: our challenge is sent */
	STATE_DONE,
	STATE_FAILED,
};

void handshake_init(struct handshake *h, const struct handshake_options *options, enum handshake_state state);
enum handshake_event handshake_fail(struct handshake *h);

/* Puts the length in front of a packet that is put between the two. */
size_t packet_begin(struct handshake *h);
void packet_end(struct handshake *h, size_t begin);

/* Copies a name out of a packet: 1 to 255 characters of UTF-8, none of them a control character of ASCII. */
bool packet_read_name(struct reader *r, size_t len, char *name);

/* MD5 of the cookie and the challenge in decimal. */
void handshake_digest(const void *cookie, size_t len, uint32_t challenge, uint8_t digest[16]);

/* One whole packet for the accepting side, and its end. */
enum handshake_event handshake_accept_packet(struct handshake *h, struct reader *packet, struct error *err);
enum handshake_event handshake_accept_cookie(struct handshake *h, const void *cookie, size_t len, struct error *err);

#endif
