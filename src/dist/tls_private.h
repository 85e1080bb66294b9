/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of TLS share: the engine's structure, and what becomes of OpenSSL's errors. */
#ifndef DIST_TLS_PRIVATE_H
#define DIST_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "dist/tls.h"

struct tls_context {
	SSL_CTX *ssl;
	bool verify;
	bool has_certificate;
};

/* The first thing that was wrong with the peer's certificates. */
struct tls_verdict {
	int code;  /* X509_V_ERR_…; X509_V_OK: nothing */
	int depth; /* 0: the peer's own */
	char subject[TLS_SUBJECT_MAX];
	char names[TLS_SUBJECT_MAX]; /* whom it is for */
	char issuer[TLS_SUBJECT_MAX];
	char from[32], until[32]; /* when it is valid */
};

struct tls {
	const struct tls_context *context;
	SSL *ssl;
	BIO *in;          /* the peer's bytes; owned by ssl, as is the other */
	BIO *out;         /* ours */
	struct buf wire;  /* what was taken from there */
	size_t answers;   /* of it, what the peer had us write since it was last empty */
	char *name;       /* whose certificate is wanted, or NULL */
	uint8_t first[8]; /* the peer's first bytes */
	size_t first_len;
	bool up;
	bool closed;
	bool asked_certificate; /* the peer wants to see ours */
	bool heard;             /* the peer has sent something that we could read */
	struct tls_verdict verdict;
};

/* Appends the subject, or the names that the certificate is for, cut where there is no room. */
void tls_subject_text(const X509 *certificate, char text[TLS_SUBJECT_MAX]);
void tls_note_verdict(struct tls_verdict *verdict, X509 *certificate, int code, int depth);
/* Does what the peer has sent so far begin as TLS does? */
bool tls_is_record(const struct tls *tls);
/* What OpenSSL's error (its queue is emptied) and what is known of the connection come to. Always false. */
bool tls_explain(struct tls *tls, struct error *err);
bool tls_explain_verdict(const struct tls_verdict *verdict, const char *name, struct error *err);

#endif
