/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From PEM texts to what a connection is made of. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dist/tls_private.h"

static BIO *open_pem(const struct tls_pem *pem)
{
	return BIO_new_mem_buf(pem->data, (int)pem->len);
}

/* Did reading end only because there is no further block? Empties OpenSSL's queue of errors. */
static bool at_end(void)
{
	unsigned long why = ERR_peek_last_error();
	bool end = why == 0 || (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE);

	ERR_clear_error();
	return end;
}

static bool unusable(const struct tls_pem *pem, const char *what, struct error *err)
{
	error_set(err, ERROR_TLS_KEY, "%s holds no %s in PEM form that can be read", pem->name, what);
	return error_cure(err, "it is a text with a line “-----BEGIN …-----”; openssl(1) converts other forms");
}

/* No passphrase is asked for on the terminal by OpenSSL itself. */
static int no_passphrase(char *room, int size, int writing, void *context)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static bool take_authorities(SSL_CTX *ssl, const struct tls_pem *pem, struct error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	BIO *text = open_pem(pem);
	size_t count = 0;
	X509 *certificate;

	while ((certificate = PEM_read_bio_X509(text, NULL, no_passphrase, NULL)) != NULL) {
		X509_STORE_add_cert(store, certificate);
		X509_free(certificate);
		count++;
	}
	BIO_free(text);
	/* What is named is trusted, be it a root, one that a root has signed, or the node's own certificate. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	return (at_end() && count > 0) || unusable(pem, "certificate", err);
}

static bool take_revocations(SSL_CTX *ssl, const struct tls_pem *pem, struct error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	BIO *text = open_pem(pem);
	size_t count = 0;
	X509_CRL *crl;

	while ((crl = PEM_read_bio_X509_CRL(text, NULL, no_passphrase, NULL)) != NULL) {
		X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
		count++;
	}
	BIO_free(text);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return (at_end() && count > 0) || unusable(pem, "list of revoked certificates", err);
}

static bool take_certificate(SSL_CTX *ssl, const struct tls_pem *pem, struct error *err)
{
	BIO *text = open_pem(pem);
	X509 *certificate = PEM_read_bio_X509_AUX(text, NULL, no_passphrase, NULL);
	bool ok = certificate && SSL_CTX_use_certificate(ssl, certificate) == 1;

	if (!ok && certificate) {
		error_set(err, ERROR_TLS_KEY, "OpenSSL does not take the certificate of %s: %s", pem->name,
			  ERR_reason_error_string(ERR_peek_last_error()));
		error_cure(err, "its key may be too small or its signature too old for this machine's OpenSSL");
	} else if (!ok) {
		unusable(pem, "certificate", err);
	}
	X509_free(certificate);
	while (ok && (certificate = PEM_read_bio_X509(text, NULL, no_passphrase, NULL)) != NULL)
		ok = SSL_CTX_add0_chain_cert(ssl, certificate) == 1;
	BIO_free(text);
	ERR_clear_error();
	return ok;
}

static int give_passphrase(char *room, int size, int writing, void *context)
{
	const struct tls_material *m = context;
	size_t len = m->passphrase ? strlen(m->passphrase) : 0;

	(void)writing;
	if (len == 0 || len > (size_t)size)
		return -1;
	memcpy(room, m->passphrase, len);
	return (int)len;
}

static bool is_locked(const struct tls_pem *pem)
{
	static const char *const marks[] = { "ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED" };
	bool locked = false;

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(marks[i]);
		for (size_t at = 0; at + len <= pem->len && !locked; at++)
			locked = memcmp(pem->data + at, marks[i], len) == 0;
	}
	return locked;
}

static bool take_key(SSL_CTX *ssl, const struct tls_material *m, bool *locked, struct error *err)
{
	BIO *text = open_pem(&m->key);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, give_passphrase, (void *)m);
	bool ok = false;

	BIO_free(text);
	ERR_clear_error();
	if (key && SSL_CTX_use_PrivateKey(ssl, key) == 1) {
		ok = true;
	} else if (key) {
		error_set(err, ERROR_TLS_KEY, "the key of %s does not belong to the certificate of %s", m->key.name,
			  m->certificate.name);
		error_cure(err, "name the key that the certificate was made for");
	} else if (is_locked(&m->key)) {
		*locked = true;
		error_set(err, ERROR_TLS_KEY, "the key of %s %s", m->key.name,
			  m->passphrase ? "does not open with that passphrase" : "is protected by a passphrase");
	} else {
		unusable(&m->key, "private key", err);
	}
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

static bool take_material(struct tls_context *c, const struct tls_material *m, bool *locked, struct error *err)
{
	if (m->verify && !take_authorities(c->ssl, &m->ca, err))
		return false;
	if (m->verify && m->crl.name && !take_revocations(c->ssl, &m->crl, err))
		return false;
	if (!m->certificate.name)
		return true;
	c->has_certificate = true;
	return take_certificate(c->ssl, &m->certificate, err) && take_key(c->ssl, m, locked, err);
}

struct tls_context *tls_context_new(const struct tls_material *material, bool *locked, struct error *err)
{
	struct tls_context *c = xcalloc(1, sizeof *c);

	*locked = false;
	c->verify = material->verify;
	ERR_clear_error();
	c->ssl = SSL_CTX_new(TLS_client_method());
	if (!c->ssl || SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1) {
		error_set(err, ERROR_NO_RESOURCES, "OpenSSL has no memory");
		goto failed;
	}
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(c->ssl, no_passphrase);
	if (take_material(c, material, locked, err))
		return c;
failed:
	tls_context_free(c);
	return NULL;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}
