/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drives src/ssh/tunnel.h from scripts: standard input and output against one stream, many streams at once, the connection's facts.
 *
 *	tunnel_driver [-F CONFIG] [-o KEY=VALUE] [-S SOCKET] [-a] [-v] HOST info
 *	tunnel_driver … HOST forward PORT        standard input and output
 *	tunnel_driver … HOST exec COMMAND
 *	tunnel_driver … HOST many COUNT PORT     each stream sends a line to an echo server and expects it back
 *	tunnel_driver … HOST time PORT           ms until the first byte comes
 *	tunnel_driver … HOST hold                prints the broker's process id and socket, waits for the end of standard input
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/tunnel.h"

enum { PATIENCE_MS = 20000, BLOCK = 256 * 1024, OPTIONS_MAX = 16 };

static int fail(const struct error *err)
{
	fprintf(stderr, "%s: %s\ncure: %s\n", error_name(err->code), err->message, err->cure);
	return error_status(err);
}

static int show_info(struct tunnel *t)
{
	struct tunnel_info info;
	struct error err;

	if (!tunnel_wait(t, clock_ms() + PATIENCE_MS, &info, &err))
		return fail(&err);
	printf("user %s\nhostname %s\nport %u\nserver %s\nkex %s\nhost_key %s\ncipher %s\nmac %s\nauth %s\n", info.user,
	       info.hostname, (unsigned)info.port, info.server, info.kex, info.host_key, info.cipher, info.mac,
	       info.auth);
	printf("resolved %.1f\nconnected %.1f\nkeyed %.1f\nauthenticated %.1f\n", info.resolved_ms, info.connected_ms,
	       info.keyed_ms, info.authenticated_ms);
	return 0;
}

static int splice_stdio(struct stream *s)
{
	static char in[BLOCK], out[BLOCK];
	bool in_open = true, ended = false;
	size_t have = 0, sent = 0;

	while (!ended) {
		struct pollfd fds[2] = {
			{ .fd = in_open && have == sent ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = s->fd, .events = (short)(POLLIN | (have > sent ? POLLOUT : 0)) },
		};
		if (io_wait(fds, 2, IO_NO_DEADLINE) != IO_READY)
			return 130;
		if (fds[0].revents) {
			ssize_t n = io_read(STDIN_FILENO, in, BLOCK);
			have = n > 0 ? (size_t)n : 0;
			sent = 0;
			if (n <= 0) {
				in_open = false;
				shutdown(s->fd, SHUT_WR);
			}
		}
		if (fds[1].revents & POLLOUT && have > sent) {
			ssize_t n = io_write(s->fd, in + sent, have - sent);
			if (n > 0)
				sent += (size_t)n;
			else if (n < 0 && errno != EAGAIN)
				have = sent;
		}
		if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
			ssize_t n = io_read(s->fd, out, BLOCK);
			if (n > 0)
				io_write_all(STDOUT_FILENO, out, (size_t)n);
			else if (n == 0 || errno != EAGAIN)
				ended = true;
		}
	}
	return 0;
}

static int one_stream(struct stream *s, bool program)
{
	struct error err;
	int status = splice_stdio(s);

	if (!stream_reason(s, clock_ms() + 2000, &err))
		status = fail(&err);
	else if (program)
		status = stream_exit_status(s, clock_ms() + 2000);
	stream_close(s);
	return status;
}

static bool expect_line(struct stream *s, const char *line)
{
	char got[128];
	size_t len = 0, want = strlen(line);

	while (len < want) {
		struct pollfd fd = { .fd = s->fd, .events = POLLIN };
		if (io_wait(&fd, 1, clock_ms() + PATIENCE_MS) != IO_READY)
			return false;
		ssize_t n = io_read(s->fd, got + len, sizeof got - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return len == want && memcmp(got, line, want) == 0;
}

static int many_streams(struct tunnel *t, int count, uint16_t port)
{
	struct stream *streams = xcalloc((size_t)count, sizeof *streams);
	struct error err;
	char line[64];
	int bad = 0;

	for (int i = 0; i < count; i++) {
		if (!tunnel_forward(t, "127.0.0.1", port, &streams[i], &err))
			return fail(&err);
		snprintf(line, sizeof line, "stream %d says hello\n", i);
		if (!io_write_all(streams[i].fd, line, strlen(line)))
			bad++;
	}
	for (int i = 0; i < count; i++) {
		snprintf(line, sizeof line, "stream %d says hello\n", i);
		bool opened = stream_wait_open(&streams[i], clock_ms() + PATIENCE_MS, &err);
		if (!opened)
			fail(&err);
		if (!opened || !expect_line(&streams[i], line))
			bad++;
	}
	for (int i = 0; i < count; i++)
		stream_close(&streams[i]);
	free(streams);
	printf("%d streams, %d bad\n", count, bad);
	return bad > 0;
}

static int time_to_first_byte(struct tunnel *t, uint16_t port, int64_t started)
{
	struct stream s;
	struct error err;
	char byte;

	if (!tunnel_forward(t, "127.0.0.1", port, &s, &err))
		return fail(&err);
	io_write_all(s.fd, "x\n", 2);
	struct pollfd fd = { .fd = s.fd, .events = POLLIN };
	if (io_wait(&fd, 1, clock_ms() + PATIENCE_MS) != IO_READY || io_read(s.fd, &byte, 1) != 1)
		return stream_wait_open(&s, clock_ms() + 1000, &err) ? 1 : fail(&err);
	printf("%.2f\n", (double)(clock_us() - started) / 1000.0);
	stream_close(&s);
	return 0;
}

static int hold(struct tunnel *t)
{
	char byte;

	printf("%d %s\n", tunnel_broker(t), tunnel_socket(t));
	fflush(stdout);
	while (io_read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}

static int run(struct tunnel *t, int count, char **words, int64_t started)
{
	struct stream s;
	struct error err;
	uint16_t port = (uint16_t)(count > 1 ? strtol(words[count - 1], NULL, 10) : 0);

	if (strcmp(words[0], "info") == 0)
		return show_info(t);
	if (strcmp(words[0], "hold") == 0)
		return hold(t);
	if (strcmp(words[0], "many") == 0 && count == 3)
		return many_streams(t, (int)strtol(words[1], NULL, 10), port);
	if (strcmp(words[0], "time") == 0 && count == 2)
		return time_to_first_byte(t, port, started);
	if (strcmp(words[0], "forward") == 0 && count == 2)
		return tunnel_forward(t, "127.0.0.1", port, &s, &err) ? one_stream(&s, false) : fail(&err);
	if (strcmp(words[0], "exec") == 0 && count == 2)
		return tunnel_exec(t, words[1], &s, &err) ? one_stream(&s, true) : fail(&err);
	return 64;
}

int main(int argc, char **argv)
{
	int64_t started = clock_us();
	const char *ssh_options[OPTIONS_MAX + 1] = { NULL };
	struct tunnel_options options = { .ssh_options = ssh_options };
	const char *socket = NULL;
	size_t given = 0;
	int level = 0, option;
	struct error err = { .code = ERROR_NONE };

	while ((option = getopt(argc, argv, "+F:o:S:av")) != -1) {
		if (option == 'F')
			options.ssh_config = optarg;
		else if (option == 'o' && given < OPTIONS_MAX)
			ssh_options[given++] = optarg;
		else if (option == 'S')
			socket = optarg;
		else if (option == 'a')
			options.may_ask = true;
		else if (option == 'v')
			level++;
		else
			return 64;
	}
	if (argc - optind < 2)
		return 64;
	log_set_level(level);
	io_catch_signals();
	options.destination = argv[optind];
	struct tunnel *t = socket ? tunnel_open_socket(socket, &err) : tunnel_open(&options, &err);
	if (!t)
		return fail(&err);
	int status = run(t, argc - optind - 1, argv + optind + 1, started);
	tunnel_close(t, &err);
	return status;
}
