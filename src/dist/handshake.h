/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The distribution handshake, as the connecting side and as the accepting one: names and capabilities, then each side proves
 * that it knows the cookie. A pure state machine: bytes are fed, bytes to be sent stand in `out`, entropy and cookie come in as
 * arguments. Version 6 (OTP 23 and newer) and version 5.
 * Source: “Distribution Protocol”, section “Distribution Handshake”, ERTS User's Guide.
 */
#ifndef DIST_HANDSHAKE_H
#define DIST_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	HANDSHAKE_NAME_MAX = 1020,   /* bytes of a full node name: 255 characters of 4 */
	HANDSHAKE_PACKET_MAX = 2048, /* no packet of an honest peer is longer */
};

struct handshake_options {
	const char *name;   /* our node's name; with NAME_ME in flags only the part behind the @ */
	uint64_t flags;     /* what we offer */
	uint32_t creation;  /* ours; 0 with NAME_ME */
	uint32_t challenge; /* 32 random bits, new for each handshake */
	int version;        /* 6, or 5 for peers before OTP 23 (no dynamic name there) */
	int length_bytes;   /* 2; 4 over TLS */
	/* The accepting side: what a peer that asks for a dynamic name gets, in full; NULL: such a peer is not allowed. */
	const char *lent_name;
	uint32_t lent_creation;
};

enum handshake_event {
	HANDSHAKE_MORE,         /* send what is in `out`, feed what comes */
	HANDSHAKE_WANTS_COOKIE, /* call handshake_cookie, then go on feeding */
	HANDSHAKE_DONE,         /* both sides have proved the cookie; what is left of the fed bytes are frames */
	HANDSHAKE_FAILED,       /* err is set */
};

struct handshake {
	struct buf out;
	struct buf in; /* a packet that is not whole yet */
	int state;     /* private to handshake*.c */
	bool accepting;
	int version;
	int length_bytes;
	uint64_t our_flags;
	uint32_t our_creation;
	uint32_t our_challenge;
	char our_name[HANDSHAKE_NAME_MAX + 1]; /* with a dynamic name: complete once the node has lent it */
	uint64_t peer_flags;
	uint32_t peer_creation;
	uint32_t peer_challenge;
	char peer_name[HANDSHAKE_NAME_MAX + 1]; /* the node's own full name, which it tells in its challenge */
	uint8_t expected[16];                   /* connecting: the digest that will prove the peer's knowledge */
	uint8_t reply[16];                      /* accepting: the digest that the peer sent */
	char lent_name[HANDSHAKE_NAME_MAX + 1];
	uint32_t lent_creation;
};

/* The connecting side: our name is in `out` at once. */
void handshake_connect(struct handshake *h, const struct handshake_options *options);
/* The accepting side: the peer's name is awaited. */
void handshake_accept(struct handshake *h, const struct handshake_options *options);
void handshake_clear(struct handshake *h);

/*
 * Takes bytes up to the next event; *used tells how many. Errors name the step: ERROR_NOT_ERLANG, ERROR_TLS_EXPECTED, ERROR_NAME_TAKEN,
 * ERROR_NOT_ALLOWED, ERROR_HANDSHAKE_REFUSED, ERROR_NODE_UNPROVEN (the peer's digest is wrong), ERROR_COOKIE_MISMATCH (accepting side).
 */
enum handshake_event handshake_feed(struct handshake *h, const uint8_t *data, size_t len, size_t *used,
				    struct error *err);
/*
 * The cookie's bytes; digests are computed at once, nothing of it is kept. The connecting side goes on (HANDSHAKE_MORE), the accepting one has
 * come to its end (HANDSHAKE_DONE, with the ack in `out`, or HANDSHAKE_FAILED).
 */
enum handshake_event handshake_cookie(struct handshake *h, const void *cookie, size_t len, struct error *err);
/* The peer closed: what that means at this point (after our proof: ERROR_COOKIE_MISMATCH; within a packet: ERROR_NODE_LOST). Always false. */
bool handshake_closed(const struct handshake *h, struct error *err);
/* The peer speaks TLS, and we did not. Always false. */
bool handshake_tls_expected(struct error *err);
/* No answer in time: says at which step. Always false. */
bool handshake_timed_out(const struct handshake *h, struct error *err);

#endif
