/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An OpenSSL server in memory and certificates made on the spot: what the TLS engine's tests and fuzz target talk to. */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "dist/tls.h"

/* A certificate with its key, in both forms. */
struct issued {
	EVP_PKEY *key;
	X509 *certificate;
	BIO *cert_pem, *key_pem;
};

enum validity { NOW, EXPIRED, EARLY }; /* of the time that a certificate is valid in */

/* issuer NULL: signs itself, as an authority. names: "DNS:a,IP:1.2.3.4" or NULL. */
struct issued issue(const char *name, const char *names, const struct issued *issuer, const char *passphrase,
		    enum validity validity);
/* A list of revoked certificates in PEM form: this one, or (NULL) none. */
BIO *revocation_list(const struct issued *issuer, const struct issued *one, enum validity validity);
void issued_free(struct issued *one);
struct tls_pem pem_of(const char *name, BIO *text);

struct tls_server_setup {
	int version; /* the only one; 0: TLS 1.3 */
	const struct issued *own;
	const struct issued *believes; /* whose certificates of clients are taken */
	bool wants_certificate;
	size_t padding; /* certificates in its chain that nobody needs */
};

/* It takes bytes from SSL_get_rbio and leaves its own in SSL_get_wbio; frees itself with SSL_free. */
SSL *tls_server_new(const struct tls_server_setup *setup);

#endif
