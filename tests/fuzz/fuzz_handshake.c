/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what comes in a handshake. The first byte of the input chooses the side and what is offered (the bits below), and how the rest is
 * cut into pieces: fed whole and in pieces, the end must be the same.
 */
#include "dist/flags.h"
#include "dist/handshake.h"
#include "etf/utf8.h"
#include "fuzz_must.h"

enum { MODE_ACCEPT = 1, MODE_TLS = 2, MODE_OLD = 4, MODE_NAME_ME = 8 };

/* What tests/tools/record_frames.py answers with, so that its recordings reach the end. */
enum { CHALLENGE = 0x01020304 };
static const char cookie[] = "rigcookie";

struct end {
	enum handshake_event event;
	enum error_code code;
	size_t used;
};

static void start(struct handshake *h, uint8_t mode)
{
	const struct handshake_options options = {
		.name = mode & MODE_NAME_ME && !(mode & MODE_ACCEPT) ? "host" : "recorder@host",
		.flags = dist_flags_ours() | (mode & MODE_NAME_ME ? DIST_FLAG_NAME_ME : 0),
		.creation = 7,
		.challenge = CHALLENGE,
		.version = mode & MODE_OLD ? 5 : 6,
		.length_bytes = mode & MODE_TLS ? 4 : 2,
		.lent_name = mode & MODE_NAME_ME ? "lent@host" : NULL,
		.lent_creation = 9,
	};

	if (mode & MODE_ACCEPT)
		handshake_accept(h, &options);
	else
		handshake_connect(h, &options);
}

static void check_name(const char *name)
{
	size_t characters, len = strlen(name);

	must(len <= HANDSHAKE_NAME_MAX && utf8_valid(name, len, &characters) && characters <= 255);
}

static void check_end(struct handshake *h, const struct end *end)
{
	struct error err = { .code = ERROR_NONE };

	must((end->event == HANDSHAKE_FAILED) == (end->code != ERROR_NONE));
	must(!h->out.overflow);
	check_name(h->our_name);
	check_name(h->peer_name);
	if (end->event != HANDSHAKE_MORE)
		return;
	must(!handshake_closed(h, &err) && err.code != ERROR_NONE);
	must(!handshake_timed_out(h, &err) && err.code != ERROR_NONE);
}

/* cut: 0 for one piece, else what the sizes of the pieces are made of. */
static struct end run(struct handshake *h, const uint8_t *data, size_t size, uint32_t cut)
{
	struct end end = { .event = HANDSHAKE_MORE };
	struct error err = { .code = ERROR_NONE };

	while (end.used < size && end.event == HANDSHAKE_MORE) {
		size_t piece = size - end.used, used;
		if (cut) {
			cut = cut * 1103515245 + 12345;
			piece = 1 + (cut >> 16) % 7 < piece ? 1 + (cut >> 16) % 7 : piece;
		}
		end.event = handshake_feed(h, data + end.used, piece, &used, &err);
		must(used <= piece && (end.event != HANDSHAKE_MORE || used == piece));
		end.used += used;
		if (end.event == HANDSHAKE_WANTS_COOKIE)
			end.event = handshake_cookie(h, cookie, sizeof cookie - 1, &err);
	}
	end.code = err.code;
	check_end(h, &end);
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handshake whole, pieces;

	if (size == 0)
		return 0;
	start(&whole, data[0]);
	start(&pieces, data[0]);
	struct end a = run(&whole, data + 1, size - 1, 0);
	struct end b = run(&pieces, data + 1, size - 1, 1U + data[0]);
	must(a.event == b.event && a.code == b.code);
	must(a.event != HANDSHAKE_DONE || a.used == b.used);
	must(whole.out.len == pieces.out.len);
	must(whole.out.len == 0 || memcmp(whole.out.data, pieces.out.data, whole.out.len) == 0);
	must(strcmp(whole.our_name, pieces.our_name) == 0 && strcmp(whole.peer_name, pieces.peer_name) == 0);
	handshake_clear(&whole);
	handshake_clear(&pieces);
	return 0;
}
