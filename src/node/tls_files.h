/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What TLS with a node needs of this machine's files: authorities, our certificate and its key, revoked certificates; and the key's
 * passphrase, from a command or a person. What was read is wiped once the context is made.
 */
#ifndef NODE_TLS_FILES_H
#define NODE_TLS_FILES_H

#include <stdbool.h>

#include "base/error.h"
#include "dist/tls.h"

/* Where it comes from; NULL: not given. */
struct tls_sources {
	const char *ca;
	const char *certificate;
	const char *key; /* NULL: in the certificate's file */
	const char *crl;
	const char *server_name;
	const char *verify; /* "peer" (also NULL) or "none" */
	const char *passphrase_command;
};

/* Anything given at all: then the node speaks TLS. */
bool tls_sources_given(const struct tls_sources *sources);
bool tls_sources_same(const struct tls_sources *a, const struct tls_sources *b);

/*
 * Reads them. *locked: the key needs a passphrase; NULL is returned without an error then, and tls_files_unlock is next. Errors: ERROR_USAGE (what
 * does not go together), ERROR_INPUT_MISSING, ERROR_TLS_KEY. Notices: without verification.
 */
struct tls_context *tls_files_load(const struct tls_sources *sources, bool *locked, struct error *err);
/* The same with the key's passphrase, which may be asked for on the terminal. Errors also: ERROR_INTERRUPTED, ERROR_TLS_KEY (nobody to ask). */
struct tls_context *tls_files_unlock(const struct tls_sources *sources, bool may_ask, struct error *err);

#endif
