/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS as nodes with -proto_dist inet_tls speak it, from the connecting side: 1.2 and 1.3, by OpenSSL over memory. A pure engine: bytes
 * from the peer are fed, bytes for the peer stand in tls_output, plain bytes go in by tls_put and come out of tls_feed. It has no descriptor
 * and no clock, and reads no file: certificates and keys come as PEM text. What may wait inside is bounded: one record (16 KiB) of what is
 * fed, 100 KiB of certificates. No compression, no renegotiation, no resumption.
 */
#ifndef DIST_TLS_H
#define DIST_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* PEM text, and what to call it in messages (the file's name). */
struct tls_pem {
	const char *name; /* NULL: there is none */
	const uint8_t *data;
	size_t len;
};

struct tls_material {
	struct tls_pem ca;          /* who may sign the node's certificate; wanted if verify is set */
	struct tls_pem certificate; /* ours, and behind it the chain up to, but not with, the root; or none */
	struct tls_pem key;         /* for it; may stand in the certificate's file: then the same text */
	struct tls_pem crl;         /* certificates that do not count any more; or none */
	const char *passphrase;     /* of the key; NULL: none is known yet */
	bool verify;                /* false: whoever answers is believed to be the node */
};

struct tls_context;

/*
 * Takes the material apart, and keeps nothing of its memory. Errors: ERROR_TLS_KEY (not PEM, not what it should be, a key that does not belong
 * to the certificate). *locked: the key needs a passphrase, or another one; the error says so.
 */
struct tls_context *tls_context_new(const struct tls_material *material, bool *locked, struct error *err);
void tls_context_free(struct tls_context *context); /* NULL is allowed */

struct tls;

/*
 * One connection; its first bytes stand in tls_output at once. name: whose certificate it must be (a host name or an address); NULL: not
 * known yet, see tls_check_name. The context must outlive it.
 */
struct tls *tls_new(const struct tls_context *context, const char *name, struct error *err);
void tls_free(struct tls *tls); /* NULL is allowed */

/* What is to be sent; the caller consumes it. */
struct buf *tls_output(struct tls *tls);
/*
 * Takes bytes of the peer, all of them, and appends what they hold to `plain`. Errors: ERROR_TLS_UNTRUSTED, ERROR_TLS_EXPIRED, ERROR_TLS_NAME,
 * ERROR_TLS_REVOKED (the peer's certificate), ERROR_TLS_CERTIFICATE_WANTED, ERROR_TLS_REJECTED (ours), ERROR_TLS_VERSION, ERROR_TLS_CIPHER,
 * ERROR_PLAIN_EXPECTED, ERROR_TLS_FAILED, ERROR_LIMIT (no room in `plain`). With the last alert in tls_output.
 */
bool tls_feed(struct tls *tls, const void *data, size_t len, struct buf *plain, struct error *err);
/* Appends plain bytes to what is to be sent. The peer must have been verified: tls_is_up. */
bool tls_put(struct tls *tls, const void *data, size_t len, struct error *err);
/* Both sides are done with TLS's handshake, and the peer's certificate is good. */
bool tls_is_up(const struct tls *tls);
/* The peer said in TLS that it closes. */
bool tls_is_closed(const struct tls *tls);
/* Has the peer sent anything, and is it TLS? */
bool tls_was_answered(const struct tls *tls);
/*
 * The peer has closed without a word after it asked for our certificate: does that look as if it rejected it? Then err says so
 * (ERROR_TLS_CERTIFICATE_WANTED, ERROR_TLS_REJECTED).
 */
bool tls_is_doubted(const struct tls *tls, struct error *err);
/* Where no name was given to tls_new: is the certificate for this one? Errors: ERROR_TLS_NAME. True without verification. */
bool tls_check_name(const struct tls *tls, const char *name, struct error *err);
/* That we close: a last record for tls_output. */
void tls_close(struct tls *tls);

enum { TLS_SUBJECT_MAX = 512 };

/* For ping and -v. Foreign text. */
struct tls_info {
	char version[16];              /* "TLSv1.3" */
	char cipher[64];               /* "TLS_AES_256_GCM_SHA384" */
	char subject[TLS_SUBJECT_MAX]; /* of the peer's certificate: "CN=web-1" */
	bool verified;
};

void tls_describe(const struct tls *tls, struct tls_info *info);

#endif
