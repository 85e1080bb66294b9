/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz_peer.h"

#include <sys/socket.h>

#include "base/io.h"
#include "dist/flags.h"
#include "fuzz_must.h"

/* Frames are passed over from a size on that an input can have. */
enum { INPUT_MAX = 64 * 1024, FRAME_MAX = 32 * 1024 };

void fuzz_peer_start(struct fuzz_peer *peer, const uint8_t *data, size_t size)
{
	/* As tests/tools/record_frames.py calls itself, so that its recordings are addressed to this link. */
	static const struct dist_self self = { .node = "recorder@host", .creation = 7, .id = 1 };
	int ends[2];

	*peer = (struct fuzz_peer){ .link = { .transport.stream = STREAM_NONE, .self = self, .node = "node@host" } };
	stream_close(&peer->link.transport.stream);
	must(io_socketpair(ends) && io_set_nonblocking(ends[0]) && io_set_nonblocking(ends[1]));
	peer->link.transport.stream.fd = ends[0];
	peer->link.node_flags = dist_flags_ours();
	peer->fd = ends[1];
	frame_reader_init(&peer->link.frames, FRAME_MAX);
	buf_init(&peer->link.out, LINK_OUT_MAX);
	size = size < INPUT_MAX ? size : INPUT_MAX;
	must(io_write(peer->fd, data, size) == (ssize_t)size);
	shutdown(peer->fd, SHUT_WR);
}

static void check_frame(const struct buf *body)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	struct dist_message message;
	struct arena arena;
	struct error err;

	arena_init(&arena, SIZE_MAX);
	must(dist_message_decode(&arena, body->data, body->len, &limits, &message, &err));
	must(dist_operation_name(message.operation) != NULL);
	arena_clear(&arena);
}

static void check_bytes(struct frame_reader *r, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t used;
		enum frame_event event = frame_feed(r, data, len, &used);
		must(event != FRAME_SKIPPED);
		if (event == FRAME_MESSAGE)
			check_frame(&r->body);
		data += used;
		len -= used;
	}
}

void fuzz_peer_check(struct fuzz_peer *peer)
{
	static uint8_t block[256 * 1024];
	struct frame_reader r;
	ssize_t n;

	frame_reader_init(&r, LINK_OUT_MAX);
	while ((n = io_read(peer->fd, block, sizeof block)) > 0)
		check_bytes(&r, block, (size_t)n);
	/* What did not go into the socket any more. */
	if (peer->link.out.len > 0)
		check_bytes(&r, peer->link.out.data + peer->link.out_at, peer->link.out.len - peer->link.out_at);
	must(r.header_len == 0);
	frame_reader_clear(&r);
	link_close(&peer->link);
	io_close(&peer->fd);
}
