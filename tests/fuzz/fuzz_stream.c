/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what the server of a multiplexing socket answers, and what comes on the stream that was asked for: the first byte of the input says
 * what is asked (EPMD's names, a port, the host's cookie, the connection's outcome), the two after it how many bytes the server sends; the rest
 * comes on the stream. Whole and in pieces, the end must be the same.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "fuzz_must.h"
#include "fuzz_server.h"
#include "node/cookie.h"
#include "node/locate.h"

enum { ASK_NAMES, ASK_PORT, ASK_COOKIE, ASK_OUTCOME, ASK_COUNT };
/* How the cookie is asked for; the stream or the server stays open and silent. */
enum { MODE_COMMAND = 16, MODE_FILE = 32, MODE_SILENT_STREAM = 64, MODE_SILENT_SERVER = 128 };
enum { PART_MAX = 64 * 1024, NOW = 0 };

/* All that will come has come: each look at the clock finds that a second has passed, so that nothing waits for more. */
int64_t clock_ms(void)
{
	static int64_t now_ms;

	return now_ms += 1000;
}

int64_t clock_us(void)
{
	return 1000 * clock_ms();
}

struct end {
	bool ok;
	int exit_status;
	struct error err;
	struct epmd_names names;
	struct epmd_port port;
	struct cookie cookie;
};

static const struct cookie_sources *sources_of(uint8_t mode)
{
	static const struct cookie_sources sources[] = {
		{ 0 },
		{ .remote_command = "sudo -n cat /x" },
		{ .remote_file = "/var/lib/a b/.erlang.cookie" },
	};

	return &sources[mode & MODE_COMMAND ? 1 : mode & MODE_FILE ? 2 : 0];
}

static void ask(struct tunnel *tunnel, uint8_t mode, struct stream *stream)
{
	struct error err;

	if (mode % ASK_COUNT == ASK_COOKIE)
		must(cookie_ask_remote(tunnel, sources_of(mode), stream, &err));
	else
		must(locate_ask(tunnel, EPMD_PORT, mode % ASK_COUNT == ASK_PORT ? "shop" : NULL, stream, &err));
}

/* In pieces, the stream looks at what has come in between. */
static void serve(struct stream *stream, int fd, const uint8_t *data, size_t size, size_t piece, bool silent)
{
	struct error err;

	for (size_t at = 0; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		/* One that has seen enough reads no more. */
		if (io_write(fd, data + at, len) != (ssize_t)len)
			break;
		if (piece < size)
			stream_reason(stream, NOW, &err);
	}
	if (!silent)
		shutdown(fd, SHUT_WR);
}

static void take(struct stream *stream, uint8_t mode, struct end *end)
{
	if (mode % ASK_COUNT == ASK_NAMES) {
		end->ok = locate_names(stream, NOW, &end->names, &end->err);
	} else if (mode % ASK_COUNT == ASK_PORT) {
		end->ok = locate_port(stream, "shop", NOW, &end->port, &end->err);
	} else {
		end->ok = cookie_from_remote(sources_of(mode), stream, NOW, &end->cookie, &end->err);
		end->exit_status = stream_exit_status(stream, NOW);
		stream_close(stream);
	}
	must(stream->fd < 0);
}

static void run(struct tunnel *tunnel, uint8_t mode, struct script control, struct script data, size_t piece,
		struct end *end)
{
	struct stream stream = STREAM_NONE;
	int descriptors[3];

	ask(tunnel, mode, &stream);
	int server = fuzz_server_accept(descriptors);
	must(descriptors[0] >= 0 && descriptors[1] >= 0);
	io_set_nonblocking(descriptors[0]);
	must(io_write(descriptors[0], data.at, data.left) == (ssize_t)data.left);
	for (int i = 0; i < 3; i++) {
		if (i > 0 || !(mode & MODE_SILENT_STREAM))
			io_close(&descriptors[i]);
	}
	serve(&stream, server, control.at, control.left, piece, mode & MODE_SILENT_SERVER);
	take(&stream, mode, end);
	io_close(&descriptors[0]);
	io_close(&server);
}

static void check(const struct end *end)
{
	must(end->ok == (end->err.code == ERROR_NONE));
	must(end->ok || end->err.message[0] != '\0');
}

static void check_same(const struct end *a, const struct end *b)
{
	must(a->ok == b->ok && a->err.code == b->err.code && a->exit_status == b->exit_status);
	must(strcmp(a->err.message, b->err.message) == 0 && strcmp(a->err.cure, b->err.cure) == 0);
	must(a->names.count == b->names.count && a->port.port == b->port.port && a->cookie.len == b->cookie.len);
	must(memcmp(a->cookie.bytes, b->cookie.bytes, a->cookie.len) == 0);
}

/* What the connection has come to, or its status, or its end. */
static void check_outcome(struct tunnel *tunnel, uint8_t mode, const uint8_t *data, size_t size)
{
	struct tunnel_status status = { 0 };
	struct error err = { .code = ERROR_NONE };
	bool ok;

	fuzz_server_begin(data, size);
	if (mode & MODE_COMMAND)
		ok = tunnel_ask_status(tunnel_socket(tunnel), IO_NO_DEADLINE, &status, &err);
	else if (mode & MODE_FILE)
		ok = tunnel_end(tunnel_socket(tunnel), IO_NO_DEADLINE, &err);
	else
		ok = tunnel_wait(tunnel, IO_NO_DEADLINE, &status.info, &err);
	must(ok || (err.code != ERROR_NONE && err.message[0] != '\0'));
	must(memchr(status.info.user, '\0', sizeof status.info.user) &&
	     memchr(status.info.auth, '\0', sizeof status.info.auth));
	must(memchr(status.info.server, '\0', sizeof status.info.server) &&
	     memchr(status.info.kex, '\0', sizeof status.info.kex));
	must(memchr(status.destination, '\0', sizeof status.destination) && status.notes.count <= TUNNEL_NOTES_MAX);
	fuzz_server_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script control = { data, size }, rest;
	struct end whole = { .exit_status = -1 }, pieces = { .exit_status = -1 };
	struct error err;

	log_set_level(-1);
	struct tunnel *tunnel = tunnel_open_socket(fuzz_server_path(), &err);
	uint8_t mode = script_byte(&control);
	size_t len = (size_t)script_byte(&control) << 8 | script_byte(&control);
	rest = control;
	control.at = script_bytes(&rest, len, &control.left);
	rest.left = rest.left < PART_MAX ? rest.left : PART_MAX;
	if (mode % ASK_COUNT == ASK_OUTCOME) {
		check_outcome(tunnel, mode, control.at, control.left);
	} else {
		run(tunnel, mode, control, rest, control.left + 1, &whole);
		run(tunnel, mode, control, rest, 1 + mode / ASK_COUNT % 4 + control.left / 256, &pieces);
		check(&whole);
		check_same(&whole, &pieces);
		if (whole.ok && mode % ASK_COUNT == ASK_NAMES) {
			epmd_names_clear(&whole.names);
			epmd_names_clear(&pieces.names);
		}
	}
	tunnel_close(tunnel, &err);
	return 0;
}
