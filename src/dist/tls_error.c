/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What OpenSSL and the peer's alerts say, as errors of ours: what is wrong with whom, and the cure. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "dist/tls_private.h"

/* As much of what was printed as there is room for. */
static void take_text(BIO *printed, char *text, size_t size)
{
	char *data;
	long len = BIO_get_mem_data(printed, &data);
	size_t used = len > 0 ? (size_t)len : 0;

	if (used >= size)
		used = size - 1;
	if (used > 0)
		memcpy(text, data, used);
	text[used] = '\0';
}

static void name_text(const X509_NAME *name, char text[TLS_SUBJECT_MAX])
{
	BIO *printed = BIO_new(BIO_s_mem());

	text[0] = '\0';
	if (!printed)
		return;
	X509_NAME_print_ex(printed, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	take_text(printed, text, TLS_SUBJECT_MAX);
	BIO_free(printed);
}

void tls_subject_text(const X509 *certificate, char text[TLS_SUBJECT_MAX])
{
	name_text(X509_get_subject_name(certificate), text);
}

/* The hosts and addresses that it is for. */
static void names_text(const X509 *certificate, char text[TLS_SUBJECT_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	BIO *printed = BIO_new(BIO_s_mem());

	text[0] = '\0';
	for (int i = 0; printed && i < sk_GENERAL_NAME_num(names) && i < 8; i++) {
		BIO_puts(printed, i ? ", " : "");
		GENERAL_NAME_print(printed, sk_GENERAL_NAME_value(names, i));
	}
	if (printed)
		take_text(printed, text, TLS_SUBJECT_MAX);
	BIO_free(printed);
	GENERAL_NAMES_free(names);
}

static void time_text(const ASN1_TIME *time, char *text, size_t size)
{
	BIO *printed = BIO_new(BIO_s_mem());

	text[0] = '\0';
	if (printed && ASN1_TIME_print(printed, time) == 1)
		take_text(printed, text, size);
	BIO_free(printed);
}

void tls_note_verdict(struct tls_verdict *v, X509 *certificate, int code, int depth)
{
	if (v->code != X509_V_OK)
		return;
	*v = (struct tls_verdict){ .code = code, .depth = depth };
	if (!certificate)
		return;
	tls_subject_text(certificate, v->subject);
	names_text(certificate, v->names);
	name_text(X509_get_issuer_name(certificate), v->issuer);
	time_text(X509_get0_notBefore(certificate), v->from, sizeof v->from);
	time_text(X509_get0_notAfter(certificate), v->until, sizeof v->until);
}

/* Whose certificate it is: the node's own, or one of those that vouch for it. */
static const char *whose(const struct tls_verdict *v)
{
	return v->depth == 0 ? "the node's certificate" : "a certificate that vouches for the node's";
}

static bool untrusted(const struct tls_verdict *v, struct error *err)
{
	error_set(err, ERROR_TLS_UNTRUSTED, "the node's certificate is not trusted: %s (%s, issued by %s)",
		  X509_verify_cert_error_string(v->code), v->subject, v->issuer);
	return error_cure(err, "if it is the node, name the file of the authority that signed its certificate with "
			       "--tls-ca; if not, something else answers in its place");
}

static bool wrong_name(const struct tls_verdict *v, const char *name, struct error *err)
{
	error_set(err, ERROR_TLS_NAME, "the node's certificate is not for %s, but for %s", name,
		  v->names[0] ? v->names : v->subject);
	return error_cure(err, "if it is the node all the same, give one of these names with --tls-server-name");
}

static bool expired(const struct tls_verdict *v, struct error *err)
{
	if (v->code == X509_V_ERR_CERT_NOT_YET_VALID)
		error_set(err, ERROR_TLS_EXPIRED, "%s (%s) is not valid before %s", whose(v), v->subject, v->from);
	else
		error_set(err, ERROR_TLS_EXPIRED, "%s (%s) has expired on %s", whose(v), v->subject, v->until);
	return error_cure(err, "the node needs a new certificate; or is this machine's clock wrong?");
}

static bool revoked(const struct tls_verdict *v, struct error *err)
{
	switch (v->code) {
	case X509_V_ERR_CERT_REVOKED:
		error_set(err, ERROR_TLS_REVOKED, "%s (%s) has been revoked", whose(v), v->subject);
		return error_cure(err, "do not trust this node until its certificate has been replaced");
	case X509_V_ERR_CRL_HAS_EXPIRED:
		error_set(err, ERROR_TLS_REVOKED, "the list of revoked certificates is out of date");
		return error_cure(err, "get a newer one for --tls-crl");
	default:
		error_set(err, ERROR_TLS_REVOKED, "no list of revoked certificates can be used for %s: %s", v->issuer,
			  X509_verify_cert_error_string(v->code));
		return error_cure(err, "name the list of the authority that signed the node's certificate with "
				       "--tls-crl");
	}
}

bool tls_explain_verdict(const struct tls_verdict *v, const char *name, struct error *err)
{
	switch (v->code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return wrong_name(v, name, err);
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return expired(v, err);
	case X509_V_ERR_CERT_REVOKED:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return revoked(v, err);
	default:
		return untrusted(v, err);
	}
}

enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42, /* to 49: about certificates */
	ALERT_ACCESS_DENIED = 49,
	ALERT_DECRYPT_ERROR = 51,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_CERTIFICATE_REQUIRED = 116,
};

static bool is_about_certificates(int alert)
{
	return alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_DECRYPT_ERROR ||
	       alert == ALERT_CERTIFICATE_REQUIRED || (alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_ACCESS_DENIED);
}

static bool no_version(struct error *err)
{
	error_set(err, ERROR_TLS_VERSION, "the node speaks no version of TLS that beamline does (1.2 and 1.3)");
	return error_cure(err, "look at {versions,…} in the node's -ssl_dist_optfile");
}

static bool no_cipher(const char *says, struct error *err)
{
	error_set(err, ERROR_TLS_CIPHER,
		  "the node shares no cipher, key exchange or signature with this machine's "
		  "OpenSSL (%s)",
		  says);
	return error_cure(err, "look at {ciphers,…} and {eccs,…} in the node's -ssl_dist_optfile; openssl ciphers -v "
			       "lists what is here");
}

/* What the peer says of our certificate, or of there being none. */
static void say_rejected(const struct tls *tls, const char *says, struct error *err)
{
	if (!tls->context->has_certificate) {
		error_set(err, ERROR_TLS_CERTIFICATE_WANTED,
			  "the node wants a certificate of ours, and none was given (%s)", says);
		error_cure(err, "name one that its authority signed with --tls-cert, and its key with --tls-key");
		return;
	}
	error_set(err, ERROR_TLS_REJECTED, "the node rejects our certificate (%s)", says);
	error_cure(err,
		   "it must be signed by an authority of the node's cacertfile, and be valid there; the node's log "
		   "tells more");
}

/* May what the peer does now be its judgement of our certificate? In TLS 1.2 that is over when the handshake is. */
static bool may_judge_us(const struct tls *tls)
{
	return tls->asked_certificate && !tls->heard && (!tls->up || SSL_version(tls->ssl) >= TLS1_3_VERSION);
}

bool tls_is_doubted(const struct tls *tls, struct error *err)
{
	if (!may_judge_us(tls))
		return false;
	say_rejected(tls, "it closed the connection without a word", err);
	return true;
}

/* Says the peer, after which it closes. */
static bool explain_alert(const struct tls *tls, int alert, struct error *err)
{
	const char *says = SSL_alert_desc_string_long(alert);

	if (alert == ALERT_PROTOCOL_VERSION)
		return no_version(err);
	if (may_judge_us(tls) && is_about_certificates(alert)) {
		say_rejected(tls, says, err);
		return false;
	}
	if (alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_INSUFFICIENT_SECURITY)
		return no_cipher(says, err);
	error_set(err, ERROR_TLS_FAILED, "the node ends TLS: %s", says);
	return error_cure(err, "the node's log tells more");
}

/* Bytes that are no TLS record: a plain node's answer (two bytes of length, a letter), or something else. */
static bool explain_bytes(const struct tls *tls, struct error *err)
{
	const uint8_t *b = tls->first;
	char shown[3 * sizeof tls->first + 1] = "";

	if (tls->first_len >= 3 && b[0] == 0 && (b[2] == 's' || b[2] == 'n' || b[2] == 'N')) {
		error_set(err, ERROR_PLAIN_EXPECTED, "the node answers in plain distribution, not in TLS");
		return error_cure(err, "leave out the --tls options");
	}
	for (size_t i = 0; i < tls->first_len; i++)
		snprintf(shown + 3 * i, sizeof shown - 3 * i, "%s%02x", i ? " " : "", b[i]);
	error_set(err, ERROR_NOT_ERLANG,
		  "what answers on the distribution port does not speak TLS (its first bytes: %s)", shown);
	return error_cure(err, "check the port: --dist-port, or what EPMD lists (beamline nodes HOST)");
}

bool tls_is_record(const struct tls *tls)
{
	return tls->first_len < 2 || (tls->first[0] >= 20 && tls->first[0] <= 23 && tls->first[1] == 3);
}

bool tls_explain(struct tls *tls, struct error *err)
{
	unsigned long why = ERR_peek_error();
	int reason = ERR_GET_LIB(why) == ERR_LIB_SSL ? ERR_GET_REASON(why) : 0;
	const char *text = ERR_reason_error_string(why);

	ERR_clear_error();
	if (tls->verdict.code != X509_V_OK)
		return tls_explain_verdict(&tls->verdict, tls->name ? tls->name : "it", err);
	if (!tls->up && !tls_is_record(tls))
		return explain_bytes(tls, err);
	if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
		return explain_alert(tls, reason - SSL_AD_REASON_OFFSET, err);
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
		return no_version(err);
	case SSL_R_WRONG_CIPHER_RETURNED:
	case SSL_R_UNKNOWN_CIPHER_RETURNED:
	case SSL_R_WRONG_CURVE:
	case SSL_R_DH_KEY_TOO_SMALL:
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_WRONG_SIGNATURE_TYPE:
		return no_cipher(text ? text : "?", err);
	default:
		error_set(err, ERROR_TLS_FAILED, "TLS with the node fails: %s",
			  text ? text : "for no reason that OpenSSL tells");
		return error_cure(err, "something between here and the node may change its bytes; or it is no node");
	}
}
