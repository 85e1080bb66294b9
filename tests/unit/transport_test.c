/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes in TLS over a socket: with a child that ticks meanwhile, with a peer that sends what holds nothing, with one that goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "base/io.h"
#include "node/transport.h"
#include "tls_server.h"

enum { TICK = 4, ROUNDS = 16 };

static struct issued authority, node;

/* A transport, and the server on the other end of its socket. */
struct pair {
	struct transport transport;
	struct tls_context *context;
	SSL *server;
	int fd;
	struct error err;
};

static int make_certificates(void **state)
{
	(void)state;
	authority = issue("authority", NULL, NULL, NULL, NOW);
	node = issue("node", "DNS:web-1", &authority, NULL, NOW);
	return 0;
}

static int free_certificates(void **state)
{
	(void)state;
	issued_free(&authority);
	issued_free(&node);
	return 0;
}

static void server_sends(struct pair *p)
{
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(p->server), &data);

	if (len > 0)
		assert_int_equal(io_write(p->fd, data, (size_t)len), len);
	(void)BIO_reset(SSL_get_wbio(p->server));
}

static void server_reads(struct pair *p)
{
	uint8_t block[16384];
	ssize_t n;

	while ((n = io_read(p->fd, block, sizeof block)) > 0)
		BIO_write(SSL_get_rbio(p->server), block, (int)n);
	ERR_clear_error();
}

static void open_pair(struct pair *p, int version)
{
	const struct tls_material material = { .ca = pem_of("ca", authority.cert_pem), .verify = true };
	struct stream stream = STREAM_NONE;
	int ends[2], room = 1 << 20;
	uint8_t byte;
	bool locked;
	size_t len;

	*p = (struct pair){ 0 };
	assert_true(io_socketpair(ends) && io_set_nonblocking(ends[0]) && io_set_nonblocking(ends[1]));
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	stream.fd = ends[0];
	p->fd = ends[1];
	p->context = tls_context_new(&material, &locked, &p->err);
	p->server =
		tls_server_new(&(struct tls_server_setup){ .version = version, .own = &node, .believes = &authority });
	transport_init(&p->transport, &stream);
	assert_true(transport_start_tls(&p->transport, p->context, "web-1", &p->err));
	for (int i = 0; i < ROUNDS && !(tls_is_up(p->transport.tls) && SSL_is_init_finished(p->server)); i++) {
		server_reads(p);
		SSL_do_handshake(p->server);
		server_sends(p);
		assert_int_equal(transport_peek(&p->transport, &byte, 1, &len, &p->err), TRANSPORT_WAIT);
	}
	assert_true(tls_is_up(p->transport.tls));
}

static void close_pair(struct pair *p)
{
	transport_close(&p->transport);
	tls_context_free(p->context);
	SSL_free(p->server);
	io_close(&p->fd);
	ERR_clear_error();
}

/* What the server makes of what has come. */
static size_t heard(struct pair *p, uint8_t *data, size_t size)
{
	size_t len = 0;

	server_reads(p);
	for (int n; len < size && (n = SSL_read(p->server, data + len, (int)(size - len))) > 0;)
		len += (size_t)n;
	return len;
}

static void check_child(int version, int ticks)
{
	uint8_t data[256];
	struct pair p;

	open_pair(&p, version);
	assert_true(transport_write_all(&p.transport, "before", 6));
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < ticks; i++)
			transport_tick(&p.transport);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	transport_skip_ticks(&p.transport, (uint32_t)ticks);
	assert_true(transport_write_all(&p.transport, "after", 5));
	size_t len = heard(&p, data, sizeof data);
	assert_int_equal(len, 6 + ticks * TICK + 5);
	assert_memory_equal(data + len - 5, "after", 5);
	close_pair(&p);
}

static void a_child_ticks(void **state)
{
	(void)state;
	for (int ticks = 0; ticks < 20; ticks += 7) {
		check_child(TLS1_2_VERSION, ticks);
		check_child(TLS1_3_VERSION, ticks);
	}
}

/* The child has not told how many: nothing that we send could be read. */
static void a_child_was_killed(void **state)
{
	uint8_t data[16];
	struct pair p;
	size_t len;

	(void)state;
	open_pair(&p, TLS1_3_VERSION);
	transport_break(&p.transport);
	assert_int_equal(transport_read(&p.transport, data, sizeof data, &len, &p.err), TRANSPORT_ENDED);
	assert_false(transport_write_all(&p.transport, "more", 4));
	close_pair(&p);
}

/* However much comes that holds nothing, the caller gets its turn, and what holds something comes through in the end. */
static void much_that_holds_nothing(void **state)
{
	enum { TICKETS = 1000 };
	uint8_t data[64];
	struct pair p;
	int turns = 0;
	size_t len;

	(void)state;
	open_pair(&p, TLS1_3_VERSION);
	for (int i = 0; i < TICKETS; i++) {
		SSL_new_session_ticket(p.server);
		SSL_do_handshake(p.server);
	}
	server_sends(&p);
	SSL_write(p.server, "here", 4);
	server_sends(&p);
	while (transport_read(&p.transport, data, sizeof data, &len, &p.err) == TRANSPORT_WAIT)
		turns++;
	assert_true(turns >= 2);
	assert_int_equal(len, 4);
	assert_memory_equal(data, "here", 4);
	close_pair(&p);
}

static void the_end_is_told(void **state)
{
	uint8_t data[16];
	struct pair p;
	size_t len;

	(void)state;
	open_pair(&p, TLS1_2_VERSION);
	SSL_write(p.server, "last", 4);
	SSL_shutdown(p.server);
	server_sends(&p);
	assert_int_equal(transport_peek(&p.transport, data, 2, &len, &p.err), TRANSPORT_MOVED);
	assert_true(len == 2 && transport_skip(&p.transport, 1));
	assert_int_equal(transport_read(&p.transport, data, sizeof data, &len, &p.err), TRANSPORT_MOVED);
	assert_true(len == 3 && memcmp(data, "ast", 3) == 0);
	assert_int_equal(transport_read(&p.transport, data, sizeof data, &len, &p.err), TRANSPORT_ENDED);
	close_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_ticks),
		cmocka_unit_test(a_child_was_killed),
		cmocka_unit_test(much_that_holds_nothing),
		cmocka_unit_test(the_end_is_told),
	};

	io_catch_signals();
	return cmocka_run_group_tests_name("transport", tests, make_certificates, free_certificates);
}
