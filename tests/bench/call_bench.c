/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many calls of one function over one connection (src/node/call.h): how many a second.
 *
 *	call_bench [-F CONFIG] [-o KEY=VALUE] [-n CALLS] [-i IN_FLIGHT] [-w WARM_UP] -c COOKIE_FILE -p PORT HOST [MODULE FUNCTION ARGS]
 *
 * PORT is the node's own, on the host's loopback; with -d it is one of this machine and is connected to directly, without SSH. IN_FLIGHT
 * is 1, a sequence, if not given. Prints the calls per second. Under `valgrind --tool=callgrind --toggle-collect=measured_calls` the
 * instructions collected are those of the CALLS alone, whatever the warm-up and the connection took.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "etf/scan.h"
#include "node/call.h"
#include "node/cookie.h"

enum { PATIENCE_MS = 20000, OPTIONS_MAX = 16 };

struct bench {
	const char *module, *function, *arguments_text;
	const struct term *arguments;
	const char *cookie_file;
	const char *ssh_options[OPTIONS_MAX + 1];
	struct tunnel_options ssh;
	bool direct;
	uint16_t port;
	long warm_up, count;
	size_t in_flight;
	struct stream stream;
	struct cookie cookie;
	struct calls calls;
	long left; /* to be begun */
	long answers;
};

static bool ready(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return true;
}

static bool the_cookie(void *context, const char *node, const struct cookie **cookie, struct error *err)
{
	struct bench *b = context;

	(void)node;
	(void)err;
	*cookie = &b->cookie;
	return true;
}

static bool begin_one(struct bench *b, struct error *err)
{
	b->left--;
	return call_begin(&b->calls, b->module, b->function, b->arguments, clock_ms() + PATIENCE_MS, NULL, err);
}

static bool on_answer(void *context, const struct call_answer *answer, struct error *err)
{
	struct bench *b = context;

	if (answer->outcome != CALL_RETURNED)
		return error_set(err, ERROR_CALL_REFUSED, "call %ld did not return", b->answers);
	b->answers++;
	return b->left > 0 ? begin_one(b, err) : true;
}

static bool run_calls(struct bench *b, long count, struct error *err)
{
	b->left = count;
	b->answers = 0;
	while (b->left > 0 && b->calls.count < b->in_flight) {
		if (!begin_one(b, err))
			return false;
	}
	while (b->answers < count) {
		if (!calls_turn(&b->calls, err))
			return false;
	}
	return true;
}

/* By this name callgrind knows what to count. */
__attribute__((noinline)) bool measured_calls(struct bench *b, struct error *err);
bool measured_calls(struct bench *b, struct error *err)
{
	return run_calls(b, b->count, err);
}

static bool connect_direct(uint16_t port, struct stream *stream, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	*stream = STREAM_NONE;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	stream->fd = socket(AF_INET, SOCK_STREAM, 0);
	snprintf(stream->what, sizeof stream->what, "127.0.0.1:%u", (unsigned)port);
	if (stream->fd < 0 || connect(stream->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return error_set(err, ERROR_NODE_ABSENT, "cannot connect to %s", stream->what);
	return io_set_nonblocking(stream->fd);
}

static bool run(struct bench *b, struct error *err)
{
	const struct link_needs needs = { .ready = ready, .cookie = the_cookie, .context = b };
	const struct link_peer peer = { .version = 6, .timeout_ms = PATIENCE_MS };
	struct link link;

	if (!link_open(&link, &b->stream, &peer, &needs, err))
		return false;
	calls_init(&b->calls, &link, on_answer, b);
	bool ok = run_calls(b, b->warm_up, err);
	int64_t begun = clock_us();
	ok = ok && measured_calls(b, err);
	if (ok)
		printf("%.1f\n", (double)b->count * 1e6 / (double)(clock_us() - begun));
	link_close(&link);
	return ok;
}

static bool connect_through_ssh(struct bench *b, struct tunnel **tunnel, struct error *err)
{
	struct tunnel_info info;

	*tunnel = tunnel_open(&b->ssh, err);
	return *tunnel && tunnel_wait(*tunnel, clock_ms() + PATIENCE_MS, &info, err) &&
	       tunnel_forward(*tunnel, "127.0.0.1", b->port, &b->stream, err);
}

static bool bench(struct bench *b, struct error *err)
{
	struct tunnel *tunnel = NULL;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	bool ok = etf_scan(&arena, b->arguments_text, strlen(b->arguments_text), &b->arguments, err) &&
		  cookie_from_file(b->cookie_file, &b->cookie, err) &&
		  (b->direct ? connect_direct(b->port, &b->stream, err) : connect_through_ssh(b, &tunnel, err)) &&
		  run(b, err);
	cookie_wipe(&b->cookie);
	tunnel_close(tunnel, err);
	arena_clear(&arena);
	return ok;
}

static bool read_options(struct bench *b, int argc, char **argv)
{
	size_t given = 0;
	int option;

	while ((option = getopt(argc, argv, "+F:o:n:i:w:c:p:d")) != -1) {
		if (option == 'F')
			b->ssh.ssh_config = optarg;
		else if (option == 'o' && given < OPTIONS_MAX)
			b->ssh_options[given++] = optarg;
		else if (option == 'n')
			b->count = strtol(optarg, NULL, 10);
		else if (option == 'i')
			b->in_flight = strtoul(optarg, NULL, 10);
		else if (option == 'w')
			b->warm_up = strtol(optarg, NULL, 10);
		else if (option == 'c')
			b->cookie_file = optarg;
		else if (option == 'p')
			b->port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			b->direct = true;
		else
			return false;
	}
	argv += optind;
	argc -= optind;
	if (argc == 4) {
		b->module = argv[1];
		b->function = argv[2];
		b->arguments_text = argv[3];
	}
	b->ssh.ssh_options = b->ssh_options;
	b->ssh.destination = argv[0];
	return b->cookie_file && b->port && b->count > 0 && b->in_flight > 0 && b->in_flight <= CALLS_MAX &&
	       (argc == 1 || argc == 4);
}

int main(int argc, char **argv)
{
	static struct bench b = { .module = "erlang",
				  .function = "abs",
				  .arguments_text = "[-42]",
				  .count = 10000,
				  .in_flight = 1,
				  .warm_up = 200 };
	struct error err;

	if (!read_options(&b, argc, argv))
		return 64;
	io_catch_signals();
	b.stream = STREAM_NONE;
	if (bench(&b, &err))
		return 0;
	fprintf(stderr, "%s: %s\n", error_name(err.code), err.message);
	return error_status(&err);
}
