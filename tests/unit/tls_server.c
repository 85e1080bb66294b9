/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls_server.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static void must(bool condition)
{
	if (!condition)
		abort();
}

struct tls_pem pem_of(const char *name, BIO *text)
{
	char *data;
	long len = BIO_get_mem_data(text, &data);

	return (struct tls_pem){ .name = name, .data = (const uint8_t *)data, .len = (size_t)len };
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

struct issued issue(const char *name, const char *names, const struct issued *issuer, const char *passphrase,
		    enum validity validity)
{
	static long serial;
	struct issued one = { .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	X509 *c = one.certificate;
	X509_NAME *subject = X509_get_subject_name(c);

	must(one.key && c);
	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c), validity == EARLY ? HOUR : -DAY);
	X509_gmtime_adj(X509_getm_notAfter(c), validity == EXPIRED ? -HOUR : DAY);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer->certificate) : subject);
	X509_set_pubkey(c, one.key);
	add_extension(c, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (names)
		add_extension(c, NID_subject_alt_name, names);
	must(X509_sign(c, issuer ? issuer->key : one.key, EVP_sha256()) > 0);
	one.cert_pem = BIO_new(BIO_s_mem());
	one.key_pem = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(one.cert_pem, c);
	PEM_write_bio_PrivateKey(one.key_pem, one.key, passphrase ? EVP_aes_128_cbc() : NULL,
				 (const unsigned char *)passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL,
				 NULL);
	return one;
}

BIO *revocation_list(const struct issued *issuer, const struct issued *one, enum validity validity)
{
	ASN1_TIME *from = X509_gmtime_adj(NULL, -DAY),
		  *until = X509_gmtime_adj(NULL, validity == EXPIRED ? -HOUR : DAY);
	X509_CRL *list = X509_CRL_new();
	BIO *pem = BIO_new(BIO_s_mem());

	must(list && pem && from && until);
	X509_CRL_set_version(list, 1);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate));
	X509_CRL_set1_lastUpdate(list, from);
	X509_CRL_set1_nextUpdate(list, until);
	if (one) {
		X509_REVOKED *entry = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate));
		X509_REVOKED_set_revocationDate(entry, from);
		must(X509_CRL_add0_revoked(list, entry) == 1);
	}
	must(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0 && PEM_write_bio_X509_CRL(pem, list) == 1);
	X509_CRL_free(list);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return pem;
}

void issued_free(struct issued *one)
{
	EVP_PKEY_free(one->key);
	X509_free(one->certificate);
	BIO_free(one->cert_pem);
	BIO_free(one->key_pem);
}

SSL *tls_server_new(const struct tls_server_setup *s)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	int version = s->version ? s->version : TLS1_3_VERSION;

	/* Below 1.2 only where the security level lets it. */
	SSL_CTX_set_security_level(c, 0);
	SSL_CTX_set_min_proto_version(c, version);
	SSL_CTX_set_max_proto_version(c, version);
	SSL_CTX_use_certificate(c, s->own->certificate);
	SSL_CTX_use_PrivateKey(c, s->own->key);
	for (size_t i = 0; i < s->padding; i++) {
		X509_up_ref(s->own->certificate);
		SSL_CTX_add_extra_chain_cert(c, s->own->certificate);
	}
	X509_STORE_add_cert(SSL_CTX_get_cert_store(c), s->believes->certificate);
	SSL_CTX_set_verify(
		c, s->wants_certificate ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, NULL);
	SSL *server = SSL_new(c);
	SSL_CTX_free(c); /* the connection has its own hold of it */
	must(server != NULL);
	SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(server);
	return server;
}
