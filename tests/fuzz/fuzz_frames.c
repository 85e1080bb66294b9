/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what comes after a handshake: taken apart into frames, whole and byte by byte, which must give the same; each frame decoded as a
 * message; what decodes must encode and decode again to the same, and print.
 */
#include "dist/control.h"
#include "dist/frame.h"
#include "etf/encode.h"
#include "etf/print.h"
#include "fuzz_must.h"

enum { FRAME_LIMIT = 64 * 1024, ARENA_MAX = 32 * FRAME_LIMIT, PRINT_MAX = 16 * 1024 };

static void print(const struct term *t)
{
	const struct etf_print_options options = { .width = 80, .column = 1 };
	struct buf text;

	buf_init(&text, PRINT_MAX);
	etf_print_erlang(&text, t, &options);
	buf_clear(&text);
	etf_print_elixir(&text, t, &options);
	buf_clear(&text);
}

static void check_message(const struct dist_message *m)
{
	const struct etf_limits limits = { .depth = 4096, .elements = 1 << 20, .inflated = 1 << 20 };
	struct dist_message again;
	struct arena arena;
	struct error err;
	struct buf out;

	buf_init(&out, ARENA_MAX);
	arena_init(&arena, 16 * ARENA_MAX);
	size_t begin = dist_begin(&out);
	etf_put_term(&out, m->control);
	if (m->payload) {
		dist_payload(&out);
		etf_put_term(&out, m->payload);
	}
	dist_end(&out, begin);
	must(!out.overflow && get_be32(out.data) == out.len - 4);
	must(dist_message_decode(&arena, out.data + 4, out.len - 4, &limits, &again, &err));
	must(again.operation == m->operation && etf_equal(again.control, m->control));
	must(!again.payload == !m->payload && (!m->payload || etf_equal(again.payload, m->payload)));
	arena_clear(&arena);
	buf_clear(&out);
	print(m->control);
	if (m->payload)
		print(m->payload);
}

static void decode(const struct buf *body)
{
	const struct etf_limits limits = { .depth = 4096, .elements = 1 << 20, .inflated = 1 << 20 };
	struct error err = { .code = ERROR_NONE };
	struct dist_message message;
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	if (dist_message_decode(&arena, body->data, body->len, &limits, &message, &err))
		check_message(&message);
	else
		must(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT);
	arena_clear(&arena);
}

/* The next event of a reader, whose bytes come in pieces of that size; FRAME_MORE at the end. */
static enum frame_event next(struct frame_reader *r, const uint8_t *data, size_t size, size_t *at, size_t piece)
{
	enum frame_event event = FRAME_MORE;

	while (event == FRAME_MORE && *at < size) {
		size_t len = size - *at < piece ? size - *at : piece, used;
		event = frame_feed(r, data + *at, len, &used);
		must(used > 0 && used <= len && (event != FRAME_MORE || used == len));
		*at += used;
	}
	return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader whole, bytes;
	size_t whole_at = 0, bytes_at = 0;
	enum frame_event event;

	frame_reader_init(&whole, FRAME_LIMIT);
	frame_reader_init(&bytes, FRAME_LIMIT);
	do {
		event = next(&whole, data, size, &whole_at, size);
		must(event == next(&bytes, data, size, &bytes_at, 1) && whole_at == bytes_at);
		if (event != FRAME_MESSAGE)
			continue;
		must(whole.body.len == bytes.body.len && !whole.body.overflow);
		must(memcmp(whole.body.data, bytes.body.data, whole.body.len) == 0);
		decode(&whole.body);
	} while (event != FRAME_MORE);
	frame_reader_clear(&whole);
	frame_reader_clear(&bytes);
	return 0;
}
