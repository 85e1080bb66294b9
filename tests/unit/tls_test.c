/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TLS engine against an OpenSSL server in this process: what works, what is refused and why, and what a lying server costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "dist/tls.h"
#include "tls_server.h"

enum { PLAIN_ROOM = 256 * 1024, ROUNDS = 64, ALL_AT_ONCE = 1 << 20 };

static struct issued authority, stranger, node, foreign, expired, early, visitor;

static int make_certificates(void **state)
{
	(void)state;
	authority = issue("authority", NULL, NULL, NULL, NOW);
	stranger = issue("stranger", NULL, NULL, NULL, NOW);
	node = issue("node", "DNS:web-1,DNS:a.example,IP:192.0.2.1,IP:2001:db8::1", &authority, NULL, NOW);
	foreign = issue("foreign", "DNS:web-1", &stranger, NULL, NOW);
	expired = issue("expired", "DNS:web-1", &authority, NULL, EXPIRED);
	early = issue("early", "DNS:web-1", &authority, NULL, EARLY);
	visitor = issue("operator", NULL, &authority, "open sesame", NOW);
	return 0;
}

static int free_certificates(void **state)
{
	(void)state;
	issued_free(&authority);
	issued_free(&stranger);
	issued_free(&node);
	issued_free(&foreign);
	issued_free(&expired);
	issued_free(&early);
	issued_free(&visitor);
	return 0;
}

struct setup {
	int version;                   /* the server's only one; 0: TLS 1.3 */
	const struct issued *server;   /* NULL: node */
	const struct issued *trusted;  /* NULL: authority */
	const struct issued *ours;     /* our certificate, or none */
	bool wants_certificate;        /* the server does, */
	const struct issued *believes; /* of this authority; NULL: authority */
	BIO *revoked;                  /* certificates that we do not take, or none */
	const char *name;              /* that we want it to have, or NULL */
	size_t step;                   /* bytes fed at once; 0: all */
	size_t padding;                /* certificates in the server's chain that nobody needs */
};

/* Both ends, joined in memory. */
struct pair {
	struct setup setup;
	struct tls_context *context;
	struct tls *tls;
	struct buf plain;
	struct error err;
	bool failed;
	SSL *server;
};

static void start(struct pair *p, const struct setup *setup)
{
	*p = (struct pair){ .setup = *setup };
	const struct issued *trusted = setup->trusted ? setup->trusted : &authority;
	struct tls_material material = { .ca = pem_of("ca.pem", trusted->cert_pem), .verify = true };
	bool locked;

	if (setup->revoked)
		material.crl = pem_of("crl.pem", setup->revoked);
	if (setup->ours) {
		material.certificate = pem_of("our.pem", setup->ours->cert_pem);
		material.key = pem_of("our.key", setup->ours->key_pem);
		material.passphrase = "open sesame";
	}
	p->server = tls_server_new(&(struct tls_server_setup){
		.version = setup->version,
		.own = setup->server ? setup->server : &node,
		.believes = setup->believes ? setup->believes : &authority,
		.wants_certificate = setup->wants_certificate,
		.padding = setup->padding,
	});
	buf_init(&p->plain, PLAIN_ROOM);
	p->context = tls_context_new(&material, &locked, &p->err);
	assert_non_null(p->context);
	p->tls = tls_new(p->context, setup->name, &p->err);
	assert_non_null(p->tls);
}

static void finish(struct pair *p)
{
	tls_free(p->tls);
	tls_context_free(p->context);
	buf_clear(&p->plain);
	SSL_free(p->server);
	ERR_clear_error();
}

/* To the engine, in pieces; true while it goes well. */
static bool feed(struct pair *p, const uint8_t *data, size_t len)
{
	size_t step = p->setup.step ? p->setup.step : ALL_AT_ONCE;

	for (size_t at = 0; at < len && !p->failed; at += step)
		p->failed = !tls_feed(p->tls, data + at, len - at < step ? len - at : step, &p->plain, &p->err);
	return !p->failed;
}

/* What the server has to send goes to the engine. False: nothing. */
static bool deliver_down(struct pair *p)
{
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(p->server), &data);

	if (len <= 0)
		return false;
	feed(p, (const uint8_t *)data, (size_t)len);
	(void)BIO_reset(SSL_get_wbio(p->server));
	return true;
}

static bool deliver_up(struct pair *p)
{
	struct buf *out = tls_output(p->tls);

	if (out->len == 0)
		return false;
	assert_int_equal(BIO_write(SSL_get_rbio(p->server), out->data, (int)out->len), (int)out->len);
	out->len = 0;
	return true;
}

/* Until both are quiet, or we have failed. What the server reads is its `text`. */
static void run(struct pair *p, char *text, size_t size)
{
	size_t read = 0;

	for (int i = 0; i < ROUNDS; i++) {
		bool moved = deliver_up(p);
		if (!SSL_is_init_finished(p->server)) {
			SSL_do_handshake(p->server);
		} else {
			int n = SSL_read(p->server, text + read, (int)(size - read));
			read += n > 0 ? (size_t)n : 0;
		}
		ERR_clear_error();
		moved |= deliver_down(p);
		if (!moved || p->failed)
			break;
	}
	/* The alert too. */
	deliver_up(p);
	text[read < size ? read : size - 1] = '\0';
}

static void check_works(const struct setup *setup)
{
	static const char asked[] = "a question", answered[] = "an answer";
	struct tls_info info;
	struct pair p;
	char text[64];

	start(&p, setup);
	assert_false(tls_was_answered(p.tls));
	run(&p, text, sizeof text);
	assert_false(p.failed);
	assert_true(tls_is_up(p.tls) && tls_was_answered(p.tls) && !tls_is_closed(p.tls));
	assert_true(tls_put(p.tls, asked, sizeof asked, &p.err));
	run(&p, text, sizeof text);
	assert_string_equal(text, asked);
	assert_int_equal(SSL_write(p.server, answered, sizeof answered), sizeof answered);
	run(&p, text, sizeof text);
	assert_int_equal(p.plain.len, sizeof answered);
	assert_memory_equal(p.plain.data, answered, sizeof answered);
	tls_describe(p.tls, &info);
	assert_string_equal(info.subject, "CN=node");
	assert_string_equal(info.version, setup->version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
	assert_true(info.verified && info.cipher[0]);
	SSL_shutdown(p.server);
	run(&p, text, sizeof text);
	assert_true(tls_is_closed(p.tls) && !p.failed);
	finish(&p);
}

static void works(void **state)
{
	static const size_t steps[] = { 0, 1, 5, 100 };
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char *const names[] = { NULL, "web-1", "192.0.2.1", "2001:db8::1" };

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			check_works(&(struct setup){ .version = versions[v], .step = steps[i], .name = names[i] });
			check_works(&(struct setup){ .version = versions[v],
						     .step = steps[i],
						     .ours = &visitor,
						     .wants_certificate = true });
		}
	}
}

static void check_fails(const struct setup *setup, enum error_code code, const char *says)
{
	struct pair p;
	char text[64];

	start(&p, setup);
	run(&p, text, sizeof text);
	if (!p.failed)
		fail_msg("no error where %s was wanted", error_name(code));
	if (p.err.code != code || !strstr(p.err.message, says))
		fail_msg("%s: %s", error_name(p.err.code), p.err.message);
	assert_true(p.err.cure[0] != '\0');
	assert_string_equal(text, "");
	finish(&p);
}

static void fails_as_it_should(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const size_t steps[] = { 0, 1 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct setup with = { .version = versions[i / 2], .step = steps[i % 2] }, s;
		s = with, s.server = &foreign;
		check_fails(&s, ERROR_TLS_UNTRUSTED, "CN=foreign");
		s = with, s.trusted = &stranger;
		check_fails(&s, ERROR_TLS_UNTRUSTED, "CN=authority");
		s = with, s.server = &expired;
		check_fails(&s, ERROR_TLS_EXPIRED, "has expired");
		s = with, s.server = &early;
		check_fails(&s, ERROR_TLS_EXPIRED, "not valid before");
		s = with, s.name = "web-2";
		check_fails(&s, ERROR_TLS_NAME, "not for web-2, but for DNS:web-1");
		s = with, s.name = "192.0.2.2";
		check_fails(&s, ERROR_TLS_NAME, "192.0.2.2");
		s = with, s.wants_certificate = true;
		check_fails(&s, ERROR_TLS_CERTIFICATE_WANTED, "none was given");
		s = with, s.wants_certificate = true, s.ours = &visitor, s.believes = &stranger;
		check_fails(&s, ERROR_TLS_REJECTED, "rejects our certificate");
		s = with, s.padding = 400;
		check_fails(&s, ERROR_TLS_FAILED, "excessive message size");
	}
	check_fails(&(struct setup){ .version = TLS1_1_VERSION }, ERROR_TLS_VERSION, "no version");
}

static void revoked_certificates(void **state)
{
	const struct {
		BIO *list;
		const char *says; /* NULL: nothing, all is well */
	} cases[] = {
		{ revocation_list(&authority, &foreign, NOW), NULL },
		{ revocation_list(&authority, NULL, NOW), NULL },
		{ revocation_list(&authority, &node, NOW), "(CN=node) has been revoked" },
		{ revocation_list(&authority, NULL, EXPIRED), "out of date" },
		{ revocation_list(&stranger, NULL, NOW),
		  "no list of revoked certificates can be used for CN=authority" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct setup setup = { .revoked = cases[i].list };
		if (cases[i].says)
			check_fails(&setup, ERROR_TLS_REVOKED, cases[i].says);
		else
			check_works(&setup);
		BIO_free(cases[i].list);
	}
}

/* In 1.3 the peer can look at our certificate only when we think that all is done; in 1.2 it has. */
static void a_close_without_a_word(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct setup setup = { .version = i & 1 ? TLS1_2_VERSION : TLS1_3_VERSION,
					     .ours = &visitor,
					     .wants_certificate = i & 2 };
		struct error err = { .code = ERROR_NONE };
		struct pair p;
		start(&p, &setup);
		run(&p, text, sizeof text);
		assert_int_equal(tls_is_doubted(p.tls, &err), i == 2);
		assert_int_equal(err.code, i == 2 ? ERROR_TLS_REJECTED : ERROR_NONE);
		finish(&p);
	}
}

static void name_told_later(void **state)
{
	struct pair p;
	char text[64];

	(void)state;
	start(&p, &(struct setup){ 0 });
	run(&p, text, sizeof text);
	assert_true(tls_check_name(p.tls, "web-1", &p.err));
	assert_true(tls_check_name(p.tls, "192.0.2.1", &p.err));
	assert_false(tls_check_name(p.tls, "web-2", &p.err));
	assert_int_equal(p.err.code, ERROR_TLS_NAME);
	assert_false(tls_check_name(p.tls, "", &p.err));
	assert_false(tls_check_name(p.tls, ".example", &p.err));
	finish(&p);
}

/* For which OpenSSL would look at no name at all, or at the end of one. */
static void names_that_are_none(void **state)
{
	static const char *const names[] = { "", ".", ".example" };
	struct pair p;

	(void)state;
	start(&p, &(struct setup){ 0 });
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_null(tls_new(p.context, names[i], &p.err));
		assert_int_equal(p.err.code, ERROR_USAGE);
	}
	finish(&p);
}

static void not_tls(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum error_code code;
	} cases[] = {
		{ "\x00\x0fsnamed:", 9, ERROR_PLAIN_EXPECTED },
		{ "\x00\x03sok", 5, ERROR_PLAIN_EXPECTED },
		{ "HTTP/1.1 400 Bad Request\r\n", 26, ERROR_NOT_ERLANG },
		{ "SSH-2.0-OpenSSH_9.2\r\n", 21, ERROR_NOT_ERLANG },
		{ "\x16\x03\x03\xff\xffgarbage", 12, ERROR_TLS_FAILED },
		{ "\x15\x03\x03\x00\x02\x02\x28", 7, ERROR_TLS_CIPHER },
		{ "\x15\x03\x03\x00\x02\x02\x46", 7, ERROR_TLS_VERSION },
		{ "\x15\x03\x03\x00\x02\x02\x50", 7, ERROR_TLS_FAILED },
	};
	static const size_t steps[] = { 0, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t j = 0; j < 2; j++) {
			struct pair p;
			start(&p, &(struct setup){ .step = steps[j] });
			feed(&p, (const uint8_t *)cases[i].bytes, cases[i].len);
			if (!p.failed || p.err.code != cases[i].code)
				fail_msg("case %zu: %s: %s", i, error_name(p.err.code), p.err.message);
			finish(&p);
		}
	}
}

static void nothing_before_verification(void **state)
{
	struct pair p;

	(void)state;
	start(&p, &(struct setup){ 0 });
	size_t before = tls_output(p.tls)->len;
	assert_false(tls_put(p.tls, "secret", 6, &p.err));
	assert_int_equal(tls_output(p.tls)->len, before);
	finish(&p);
}

/* Each makes the server write something that carries no data. */
static void ask_new_keys(SSL *server)
{
	SSL_key_update(server, SSL_KEY_UPDATE_REQUESTED);
	SSL_do_handshake(server);
}

static void send_ticket(SSL *server)
{
	SSL_new_session_ticket(server);
	SSL_do_handshake(server);
}

static void ask_renegotiation(SSL *server)
{
	SSL_renegotiate(server);
	SSL_do_handshake(server);
}

/* A server that never reads: what waits for it is bounded, with an error where it asks for more. */
static void check_flood(int version, void (*act)(SSL *server), enum error_code code)
{
	enum { ACTS = 5000, MOST = 128 * 1024 };
	struct pair p;
	char text[64];

	start(&p, &(struct setup){ .version = version });
	run(&p, text, sizeof text);
	assert_true(tls_is_up(p.tls));
	for (int i = 0; i < ACTS && !p.failed; i++) {
		act(p.server);
		deliver_down(&p);
	}
	assert_int_equal(p.failed ? p.err.code : ERROR_NONE, code);
	assert_true(tls_output(p.tls)->len < MOST);
	assert_int_equal(p.plain.len, 0);
	finish(&p);
}

static void floods_are_bounded(void **state)
{
	(void)state;
	check_flood(TLS1_3_VERSION, ask_new_keys, ERROR_LIMIT);
	check_flood(TLS1_3_VERSION, send_ticket, ERROR_NONE);
	check_flood(TLS1_2_VERSION, ask_renegotiation, ERROR_LIMIT);
}

/* One that does read may have new keys as often as it likes. */
static void new_keys_are_given(void **state)
{
	struct pair p;
	char text[64];

	(void)state;
	start(&p, &(struct setup){ 0 });
	run(&p, text, sizeof text);
	for (int i = 0; i < 5000 && !p.failed; i++) {
		ask_new_keys(p.server);
		deliver_down(&p);
		deliver_up(&p);
		SSL_read(p.server, text, sizeof text);
	}
	assert_false(p.failed);
	assert_true(tls_put(p.tls, "here", 5, &p.err));
	run(&p, text, sizeof text);
	assert_string_equal(text, "here");
	finish(&p);
}

/* More than the caller has room for. */
static void plain_has_its_limit(void **state)
{
	static const uint8_t much[PLAIN_ROOM];
	struct pair p;
	char text[64];

	(void)state;
	start(&p, &(struct setup){ 0 });
	run(&p, text, sizeof text);
	assert_true(SSL_write(p.server, much, sizeof much) > 0);
	deliver_down(&p);
	assert_true(p.failed && p.plain.len <= PLAIN_ROOM);
	assert_int_equal(p.err.code, ERROR_LIMIT);
	finish(&p);
}

static struct tls_context *context_of(struct tls_pem ca, struct tls_pem certificate, struct tls_pem key,
				      struct tls_pem crl, const char *passphrase, bool *locked, struct error *err)
{
	const struct tls_material material = {
		.ca = ca, .certificate = certificate, .key = key, .crl = crl, .passphrase = passphrase, .verify = true
	};

	*err = (struct error){ .code = ERROR_NONE };
	return tls_context_new(&material, locked, err);
}

static void material_that_cannot_be_used(void **state)
{
	static const char broken[] = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n";
	const struct tls_pem none = { 0 }, ca = pem_of("ca.pem", authority.cert_pem),
			     garbage = { "file", (const uint8_t *)broken, sizeof broken - 1 },
			     empty = { "file", (const uint8_t *)"", 0 }, cert = pem_of("our.pem", visitor.cert_pem),
			     key = pem_of("our.key", visitor.key_pem), other = pem_of("other.key", node.key_pem);
	const struct {
		struct tls_pem ca, certificate, key, crl;
		const char *passphrase, *says;
		bool locked;
	} cases[] = {
		{ garbage, none, none, none, NULL, "file holds no certificate", false },
		{ empty, none, none, none, NULL, "file holds no certificate", false },
		{ key, none, none, none, NULL, "our.key holds no certificate", false },
		{ ca, garbage, key, none, NULL, "file holds no certificate", false },
		{ ca, cert, garbage, none, NULL, "file holds no private key", false },
		{ ca, cert, cert, none, NULL, "our.pem holds no private key", false },
		{ ca, cert, other, none, NULL, "does not belong to the certificate of our.pem", false },
		{ ca, cert, key, none, NULL, "is protected by a passphrase", true },
		{ ca, cert, key, none, "wrong", "does not open with that passphrase", true },
		{ ca, none, none, garbage, NULL, "file holds no list of revoked certificates", false },
		{ ca, none, none, cert, NULL, "our.pem holds no list of revoked certificates", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err;
		bool locked;
		assert_null(context_of(cases[i].ca, cases[i].certificate, cases[i].key, cases[i].crl,
				       cases[i].passphrase, &locked, &err));
		if (err.code != ERROR_TLS_KEY || !strstr(err.message, cases[i].says) || locked != cases[i].locked)
			fail_msg("case %zu: %s: %s", i, error_name(err.code), err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works),
		cmocka_unit_test(fails_as_it_should),
		cmocka_unit_test(revoked_certificates),
		cmocka_unit_test(a_close_without_a_word),
		cmocka_unit_test(name_told_later),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(not_tls),
		cmocka_unit_test(nothing_before_verification),
		cmocka_unit_test(floods_are_bounded),
		cmocka_unit_test(new_keys_are_given),
		cmocka_unit_test(plain_has_its_limit),
		cmocka_unit_test(material_that_cannot_be_used),
	};

	return cmocka_run_group_tests_name("tls", tests, make_certificates, free_certificates);
}
