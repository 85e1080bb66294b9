/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine. Contexts are made in tls_context.c; tls_error.c tells what went wrong. */
#include "dist/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/tls_private.h"

enum {
	PIECE = 16 * 1024,       /* of plain bytes, a record's worth */
	WIRE_MAX = 64 << 20,     /* what the caller may let stand in tls_output */
	ANSWERS_MAX = 64 * 1024, /* of it, what a peer can have us answer before it reads */
};

static int on_certificate(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *tls = SSL_get_app_data(ssl);
	int code = X509_STORE_CTX_get_error(store);

	if (ok)
		return ok;
	/* Out of its time may be any of the chain; all else is said of the peer's own. */
	if (code == X509_V_ERR_CERT_HAS_EXPIRED || code == X509_V_ERR_CERT_NOT_YET_VALID)
		tls_note_verdict(&tls->verdict, X509_STORE_CTX_get_current_cert(store), code,
				 X509_STORE_CTX_get_error_depth(store));
	else
		tls_note_verdict(&tls->verdict, X509_STORE_CTX_get0_cert(store), code, 0);
	return ok;
}

/* Called when the peer asks for our certificate; the context has it, if there is one. */
static int on_certificate_wanted(SSL *ssl, void *context)
{
	struct tls *tls = context;

	(void)ssl;
	tls->asked_certificate = true;
	return 1;
}

static bool is_address(const char *name)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* OpenSSL takes an empty name for none that is wanted, and one with a leading dot for a whole domain. */
static bool is_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.';
}

static bool want_name(struct tls *tls, const char *name)
{
	X509_VERIFY_PARAM *wanted = SSL_get0_param(tls->ssl);

	if (!is_name(name))
		return false;
	tls->name = xstrdup(name);
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(wanted, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(wanted, name, 0) == 1 && SSL_set_tlsext_host_name(tls->ssl, name) == 1;
}

/* What OpenSSL has written. */
static void take_output(struct tls *tls)
{
	char *data;
	long len = BIO_get_mem_data(tls->out, &data);

	if (len > 0)
		buf_put(&tls->wire, data, (size_t)len);
	(void)BIO_reset(tls->out);
}

struct tls *tls_new(const struct tls_context *context, const char *name, struct error *err)
{
	struct tls *tls = xcalloc(1, sizeof *tls);

	tls->context = context;
	buf_init(&tls->wire, WIRE_MAX);
	ERR_clear_error();
	tls->ssl = SSL_new(context->ssl);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		error_set(err, ERROR_NO_RESOURCES, "OpenSSL has no memory");
		tls_free(tls);
		return NULL;
	}
	BIO_set_mem_eof_return(tls->in, -1);
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	SSL_set_app_data(tls->ssl, tls);
	SSL_set_verify(tls->ssl, context->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, on_certificate);
	SSL_set_cert_cb(tls->ssl, on_certificate_wanted, tls);
	SSL_set_connect_state(tls->ssl);
	if (name && !want_name(tls, name)) {
		error_set(err, ERROR_USAGE, "“%s” is no name that a certificate could have", name);
		error_cure(err, "give the name with --tls-server-name");
		tls_free(tls);
		return NULL;
	}
	SSL_do_handshake(tls->ssl);
	ERR_clear_error();
	take_output(tls);
	return tls;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	buf_clear(&tls->wire);
	free(tls->name);
	free(tls);
}

struct buf *tls_output(struct tls *tls)
{
	return &tls->wire;
}

bool tls_is_up(const struct tls *tls)
{
	return tls->up;
}

bool tls_is_closed(const struct tls *tls)
{
	return tls->closed;
}

bool tls_was_answered(const struct tls *tls)
{
	return tls->first_len > 0 && tls_is_record(tls);
}

/* True: OpenSSL only wants more bytes. */
static bool wants_more(struct tls *tls, int rc)
{
	int why = SSL_get_error(tls->ssl, rc);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool shake_hands(struct tls *tls, struct error *err)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(tls->ssl);
	if (rc != 1)
		return wants_more(tls, rc) || tls_explain(tls, err);
	tls->up = true;
	return true;
}

static bool read_plain(struct tls *tls, struct buf *plain, struct error *err)
{
	for (;;) {
		uint8_t *room = buf_reserve(plain, PIECE);
		if (!room)
			return error_set(err, ERROR_LIMIT, "the node sends more in TLS than there is room for");
		ERR_clear_error();
		int n = SSL_read(tls->ssl, room, PIECE);
		if (n > 0) {
			plain->len += (size_t)n;
			tls->heard = true;
			continue;
		}
		if (wants_more(tls, n))
			return true;
		if (SSL_get_error(tls->ssl, n) == SSL_ERROR_ZERO_RETURN) {
			tls->closed = true;
			return true;
		}
		return tls_explain(tls, err);
	}
}

static void note_first(struct tls *tls, const void *data, size_t len)
{
	size_t room = sizeof tls->first - tls->first_len;
	size_t more = len < room ? len : room;

	memcpy(tls->first + tls->first_len, data, more);
	tls->first_len += more;
}

bool tls_feed(struct tls *tls, const void *data, size_t len, struct buf *plain, struct error *err)
{
	const uint8_t *at = data;
	size_t before = tls->wire.len;
	bool ok = true;

	if (before == 0)
		tls->answers = 0;
	note_first(tls, data, len);
	/* In pieces, so that OpenSSL holds no more than a record of them. */
	while (ok && len > 0) {
		int piece = len < PIECE ? (int)len : PIECE;
		if (BIO_write(tls->in, at, piece) != piece)
			return error_set(err, ERROR_NO_RESOURCES, "OpenSSL has no memory");
		at += piece;
		len -= (size_t)piece;
		if (!tls->up)
			ok = shake_hands(tls, err);
		if (ok && tls->up)
			ok = read_plain(tls, plain, err);
		take_output(tls);
	}
	/* Requests to renew keys, say, without end and without data. */
	tls->answers += tls->wire.len - before;
	if (ok && tls->answers > ANSWERS_MAX)
		ok = error_set(err, ERROR_LIMIT, "the node asks for more in TLS than it sends");
	return ok;
}

bool tls_put(struct tls *tls, const void *data, size_t len, struct error *err)
{
	size_t written = 0;

	if (len == 0)
		return true;
	if (!tls->up)
		return error_set(err, ERROR_INTERNAL, "bytes for a node that TLS has not verified yet");
	ERR_clear_error();
	/* Into memory: all of it, or an error. */
	if (SSL_write_ex(tls->ssl, data, len, &written) != 1 || written != len)
		return tls_explain(tls, err);
	take_output(tls);
	return !tls->wire.overflow || error_set(err, ERROR_LIMIT, "too much waits to be sent in TLS");
}

bool tls_check_name(const struct tls *tls, const char *name, struct error *err)
{
	struct tls_verdict verdict = { 0 };
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	bool good;

	if (tls->name || !tls->context->verify)
		return true;
	if (!is_name(name))
		good = false;
	else if (is_address(name))
		good = X509_check_ip_asc(certificate, name, 0) == 1;
	else
		good = X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	if (good)
		return true;
	tls_note_verdict(&verdict, certificate, X509_V_ERR_HOSTNAME_MISMATCH, 0);
	return tls_explain_verdict(&verdict, name, err);
}

void tls_close(struct tls *tls)
{
	if (!tls->up || SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN)
		return;
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
	take_output(tls);
}

void tls_describe(const struct tls *tls, struct tls_info *info)
{
	const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

	*info = (struct tls_info){ .verified = tls->context->verify };
	snprintf(info->version, sizeof info->version, "%s", SSL_get_version(tls->ssl));
	snprintf(info->cipher, sizeof info->cipher, "%s", SSL_get_cipher_name(tls->ssl));
	if (certificate)
		tls_subject_text(certificate, info->subject);
}
