/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The TLS engine against a server that goes wrong as the input says. The first byte chooses who is met (the bits below), the second how many
 * changes follow: two bytes of a place in what the server sends, one of what is put there by exclusive or. The rest is what is done once both
 * are through with the handshake, or, with MODE_RAW, what there is instead of a server. Random numbers are the same each time, so that it can
 * be done twice: in whole pieces and in single bytes the end must be the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "../unit/tls_server.h"
#include "dist/tls.h"

enum {
	MODE_OLD = 1,     /* TLS 1.2 */
	MODE_ASKS = 2,    /* wants our certificate */
	MODE_MUTE = 4,    /* we have none */
	MODE_FOREIGN = 8, /* has one of another authority, */
	MODE_EXPIRED = 16,
	MODE_NAMED = 32, /* is wanted under another name */
	MODE_RAW = 64,   /* the rest is all that comes */
};

enum {
	SCRIPT_DATA,
	SCRIPT_NEW_KEYS,
	SCRIPT_ASKED_KEYS,
	SCRIPT_TICKET,
	SCRIPT_AGAIN,
	SCRIPT_CLOSE,
	SCRIPT_RAW,
	SCRIPT_OURS,
	SCRIPT_COUNT
};

enum { CHANGES_MAX = 8, ROUNDS = 32, PLAIN_MAX = 256 * 1024, WAITS_MAX = 256 * 1024, SCRIPT_MAX = 4096 };

static struct issued authority, stranger, node, foreign, expired, visitor;

struct change {
	size_t at;
	uint8_t bits;
};

struct conversation {
	uint8_t mode;
	size_t step;
	struct change changes[CHANGES_MAX];
	size_t change_count;
	struct tls *tls;
	SSL *server;
	size_t sent;     /* by the server */
	bool honest;     /* nothing but what OpenSSL made has come */
	struct buf told; /* plain, by the server */
	struct buf plain;
	struct buf wire; /* all that we sent */
	bool failed;
	struct error err;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t random_state;

static int same_random(unsigned char *out, int len)
{
	for (int i = 0; i < len; i++) {
		random_state = random_state * 6364136223846793005U + 1442695040888963407U;
		out[i] = (unsigned char)(random_state >> 56);
	}
	return 1;
}

static int random_is_there(void)
{
	return 1;
}

static void make_world(void)
{
	static const RAND_METHOD method = { .bytes = same_random,
					    .pseudorand = same_random,
					    .status = random_is_there };

	if (node.key)
		return;
	must(RAND_set_rand_method(&method) == 1);
	authority = issue("authority", NULL, NULL, NULL, NOW);
	stranger = issue("stranger", NULL, NULL, NULL, NOW);
	node = issue("node", "DNS:web-1,IP:192.0.2.1", &authority, NULL, NOW);
	foreign = issue("foreign", "DNS:web-1", &stranger, NULL, NOW);
	expired = issue("expired", "DNS:web-1", &authority, NULL, EXPIRED);
	visitor = issue("visitor", NULL, &authority, NULL, NOW);
}

/* With a certificate of ours, or without; made once, as OpenSSL takes longer for that than for the rest. */
static const struct tls_context *context_of(uint8_t mode)
{
	static struct tls_context *made[2];
	struct tls_context **one = &made[mode & MODE_MUTE ? 1 : 0];
	struct tls_material material = { .ca = pem_of("ca", authority.cert_pem), .verify = true };
	struct error err;
	bool locked;

	if (!(mode & MODE_MUTE)) {
		material.certificate = pem_of("cert", visitor.cert_pem);
		material.key = pem_of("key", visitor.key_pem);
	}
	if (!*one)
		*one = tls_context_new(&material, &locked, &err);
	must(*one != NULL);
	return *one;
}

static void begin(struct conversation *c, uint8_t mode, size_t step)
{
	const struct tls_context *context = context_of(mode);

	*c = (struct conversation){ .mode = mode, .step = step, .honest = !(mode & MODE_RAW) };
	random_state = 42;
	c->tls = tls_new(context, mode & MODE_NAMED ? "web-2" : "web-1", &c->err);
	must(c->tls != NULL);
	c->server = tls_server_new(&(struct tls_server_setup){
		.version = mode & MODE_OLD ? TLS1_2_VERSION : TLS1_3_VERSION,
		.own = mode & MODE_FOREIGN   ? &foreign
		       : mode & MODE_EXPIRED ? &expired
					     : &node,
		.believes = &authority,
		.wants_certificate = mode & MODE_ASKS,
	});
	buf_init(&c->told, SIZE_MAX);
	buf_init(&c->plain, PLAIN_MAX);
	buf_init(&c->wire, SIZE_MAX);
}

static void end(struct conversation *c)
{
	tls_free(c->tls);
	SSL_free(c->server);
	buf_clear(&c->told);
	buf_clear(&c->plain);
	buf_clear(&c->wire);
	ERR_clear_error();
}

static void feed(struct conversation *c, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len && !c->failed; at += c->step) {
		bool was_up = tls_is_up(c->tls);
		c->failed = !tls_feed(c->tls, data + at, len - at < c->step ? len - at : c->step, &c->plain, &c->err);
		must(tls_output(c->tls)->len < WAITS_MAX);
		must(!was_up || tls_is_up(c->tls));
		must(c->plain.len == 0 || tls_is_up(c->tls));
	}
}

static bool deliver_down(struct conversation *c)
{
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(c->server), &data);

	if (len <= 0)
		return false;
	for (size_t i = 0; i < c->change_count; i++) {
		size_t at = c->changes[i].at;
		if (at < c->sent || at >= c->sent + (size_t)len || !c->changes[i].bits)
			continue;
		data[at - c->sent] = (char)(data[at - c->sent] ^ c->changes[i].bits);
		c->honest = false;
	}
	c->sent += (size_t)len;
	feed(c, (const uint8_t *)data, (size_t)len);
	(void)BIO_reset(SSL_get_wbio(c->server));
	return true;
}

static bool deliver_up(struct conversation *c)
{
	struct buf *out = tls_output(c->tls);
	size_t len = out->len;

	if (len == 0)
		return false;
	BIO_write(SSL_get_rbio(c->server), out->data, (int)len);
	buf_put(&c->wire, out->data, len);
	out->len = 0;
	return true;
}

/* Until both are quiet. */
static void settle(struct conversation *c)
{
	uint8_t read[1024];

	for (int i = 0; i < ROUNDS && !c->failed; i++) {
		bool moved = deliver_up(c);
		if (!SSL_is_init_finished(c->server))
			SSL_do_handshake(c->server);
		else
			while (SSL_read(c->server, read, sizeof read) > 0)
				continue;
		ERR_clear_error();
		if (!deliver_down(c) && !moved)
			break;
	}
}

static void say(struct conversation *c, struct reader *script)
{
	size_t len = read_u8(script);
	const uint8_t *data = read_bytes(script, len < reader_left(script) ? len : reader_left(script));

	/* To us from the server, or the other way. */
	if (len > 0 && data && SSL_write(c->server, data, (int)(script->p - data)) > 0)
		buf_put(&c->told, data, (size_t)(script->p - data));
}

static void act(struct conversation *c, struct reader *script)
{
	static const uint8_t ours[300];
	uint8_t what = read_u8(script) % SCRIPT_COUNT;

	switch (what) {
	case SCRIPT_DATA:
		say(c, script);
		break;
	case SCRIPT_NEW_KEYS:
	case SCRIPT_ASKED_KEYS:
		SSL_key_update(c->server,
			       what == SCRIPT_NEW_KEYS ? SSL_KEY_UPDATE_NOT_REQUESTED : SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(c->server);
		break;
	case SCRIPT_TICKET:
		SSL_new_session_ticket(c->server);
		SSL_do_handshake(c->server);
		break;
	case SCRIPT_AGAIN:
		SSL_renegotiate(c->server);
		SSL_do_handshake(c->server);
		break;
	case SCRIPT_CLOSE:
		SSL_shutdown(c->server);
		break;
	case SCRIPT_RAW:
		c->honest = false;
		size_t len = reader_left(script);
		feed(c, read_bytes(script, len), len);
		break;
	default:
		c->failed = !tls_put(c->tls, ours, sizeof ours, &c->err);
	}
	ERR_clear_error();
}

/* One way or the other; what was told must have been heard, and nothing may be believed that is not as it should be. */
static void check(struct conversation *c)
{
	const uint8_t wrong = MODE_FOREIGN | MODE_EXPIRED | MODE_NAMED;
	struct tls_info info;

	must(c->failed == (c->err.code != ERROR_NONE));
	must(!tls_is_up(c->tls) || !(c->mode & (wrong | MODE_RAW)));
	must(c->plain.len <= c->told.len &&
	     (c->plain.len == 0 || memcmp(c->plain.data, c->told.data, c->plain.len) == 0));
	must(!c->honest || c->failed || c->mode & wrong || tls_is_closed(c->tls) || c->plain.len == c->told.len);
	tls_describe(c->tls, &info);
	tls_close(c->tls);
}

static void converse(struct conversation *c, const uint8_t *data, size_t size)
{
	struct reader script = reader_of(data, size);

	if (c->mode & MODE_RAW) {
		feed(c, data, size);
		deliver_up(c);
		check(c);
		return;
	}
	c->change_count = read_u8(&script) % (CHANGES_MAX + 1);
	for (size_t i = 0; i < c->change_count; i++) {
		c->changes[i].at = read_u16(&script) % 4096;
		c->changes[i].bits = read_u8(&script);
	}
	settle(c);
	while (!c->failed && tls_is_up(c->tls) && reader_left(&script) > 0) {
		act(c, &script);
		settle(c);
	}
	deliver_up(c);
	check(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversation whole, pieces;

	if (size == 0 || size > SCRIPT_MAX)
		return 0;
	make_world();
	begin(&whole, data[0], SIZE_MAX / 2);
	converse(&whole, data + 1, size - 1);
	begin(&pieces, data[0], 1);
	converse(&pieces, data + 1, size - 1);
	must(whole.err.code == pieces.err.code);
	must(tls_is_up(whole.tls) == tls_is_up(pieces.tls));
	must(whole.plain.len == pieces.plain.len);
	must(whole.failed || (whole.wire.len == pieces.wire.len &&
			      (whole.wire.len == 0 || memcmp(whole.wire.data, pieces.wire.data, whole.wire.len) == 0)));
	end(&whole);
	end(&pieces);
	return 0;
}
