/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What call_bench.c measures, by OTP's own C library: calls of erlang:abs(-42) over one connection to a port of this machine, such as one
 * that `ssh -L` forwards.
 *
 *	libei_calls [-n CALLS] [-i IN_FLIGHT] [-w WARM_UP] -c COOKIE_FILE -p PORT
 *
 * In sequence by ei_rpc; with more IN_FLIGHT by the two halves of it, so many requests ahead of the answers. Prints the calls per second.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ei.h>

enum { COOKIE_MAX = 256, PATIENCE_MS = 20000 };

struct bench {
	ei_cnode node;
	int fd;
	ei_x_buff arguments;
	long in_flight;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "libei_calls: %s failed (erl_errno %d)\n", what, erl_errno);
	exit(1);
}

static void ask(struct bench *b)
{
	if (ei_rpc_to(&b->node, b->fd, "erlang", "abs", b->arguments.buff, b->arguments.index) < 0)
		fail("ei_rpc_to");
}

/* Waits for one answer, {rex, Result}; what else comes (ticks) is passed over. */
static void hear(struct bench *b)
{
	erlang_msg message;
	ei_x_buff answer;
	int got;

	ei_x_new(&answer);
	do {
		answer.index = 0;
		got = ei_rpc_from(&b->node, b->fd, PATIENCE_MS, &message, &answer);
	} while (got == ERL_TICK);
	if (got != ERL_MSG)
		fail("ei_rpc_from");
	ei_x_free(&answer);
}

static void run_sequence(struct bench *b, long count)
{
	for (; count > 0; count--) {
		ei_x_buff answer;

		ei_x_new(&answer);
		if (ei_rpc(&b->node, b->fd, "erlang", "abs", b->arguments.buff, b->arguments.index, &answer) < 0)
			fail("ei_rpc");
		ei_x_free(&answer);
	}
}

static void run_pipelined(struct bench *b, long count)
{
	long asked = 0;

	for (; asked < count && asked < b->in_flight; asked++)
		ask(b);
	for (long heard = 0; heard < count; heard++) {
		hear(b);
		if (asked < count) {
			ask(b);
			asked++;
		}
	}
}

static void run(struct bench *b, long count)
{
	if (b->in_flight > 1)
		run_pipelined(b, count);
	else
		run_sequence(b, count);
}

static void connect_node(struct bench *b, const char *cookie_file, int port)
{
	char host[] = "127.0.0.1", cookie[COOKIE_MAX];
	FILE *file = fopen(cookie_file, "r");

	if (!file || !fgets(cookie, sizeof cookie, file))
		fail("reading the cookie");
	fclose(file);
	cookie[strcspn(cookie, "\r\n")] = '\0';
	if (ei_init() != 0 || ei_connect_init(&b->node, "libei_calls", cookie, 0) < 0)
		fail("ei_connect_init");
	b->fd = ei_connect_host_port_tmo(&b->node, host, port, PATIENCE_MS);
	if (b->fd < 0)
		fail("ei_connect_host_port_tmo");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct bench b = { .in_flight = 1 };
	const char *cookie_file = NULL;
	long count = 10000, warm_up = 200, port = 0;
	int option;

	while ((option = getopt(argc, argv, "n:i:w:c:p:")) != -1) {
		if (option == 'n')
			count = strtol(optarg, NULL, 10);
		else if (option == 'i')
			b.in_flight = strtol(optarg, NULL, 10);
		else if (option == 'w')
			warm_up = strtol(optarg, NULL, 10);
		else if (option == 'c')
			cookie_file = optarg;
		else if (option == 'p')
			port = strtol(optarg, NULL, 10);
		else
			return 64;
	}
	if (!cookie_file || port <= 0 || port > UINT16_MAX || count <= 0 || b.in_flight <= 0)
		return 64;
	connect_node(&b, cookie_file, (int)port);
	ei_x_new(&b.arguments);
	ei_x_encode_list_header(&b.arguments, 1);
	ei_x_encode_long(&b.arguments, -42);
	ei_x_encode_empty_list(&b.arguments);
	run(&b, warm_up);
	double begun = now();
	run(&b, count);
	printf("%.1f\n", (double)count / (now() - begun));
	close(b.fd);
	return 0;
}
