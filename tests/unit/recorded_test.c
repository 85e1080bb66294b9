/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a real node and a real EPMD sent (tests/tools/record_frames.py), cut short and with bits turned: every case must end in a clean error or in
 * something that can be used. Meant for a build with --enable-sanitizers; the choice of cases is the same in each run.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host.h"
#include "dist/control.h"
#include "dist/epmd.h"
#include "dist/flags.h"
#include "dist/frame.h"
#include "dist/handshake.h"
#include "etf/json.h"
#include "etf/print.h"

enum { TRUNCATIONS = 1000, FLIPS = 10000, FRAME_LIMIT = 1024 * 1024, SECONDS_MAX = 300 };

/* Pieces of bytes: frames, or whole recordings. */
struct pieces {
	struct {
		uint8_t *data; /* of exactly this size, so that the sanitizers see a read beyond its end */
		size_t len;
	} piece[512];
	size_t count;
};

static void add_piece(struct pieces *all, const uint8_t *data, size_t len)
{
	assert_true(all->count < sizeof all->piece / sizeof *all->piece);
	all->piece[all->count].data = xmalloc(len);
	memcpy(all->piece[all->count].data, data, len);
	all->piece[all->count++].len = len;
}

static void free_pieces(struct pieces *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->piece[i].data);
	all->count = 0;
}

/* Recordings have names; what a fuzzer made is called by the 40 digits of its hash. */
static bool is_recording(const char *name)
{
	return name[0] != '.' && strlen(name) < 40;
}

static void read_recordings(const char *target, struct pieces *all)
{
	const char *source = getenv("SRCDIR");
	char *folder = xasprintf("%s/tests/fuzz/seeds/%s", source ? source : ".", target);
	DIR *files = opendir(folder);

	*all = (struct pieces){ 0 };
	assert_non_null(files);
	for (struct dirent *entry; (entry = readdir(files));) {
		char *path = xasprintf("%s/%s", folder, entry->d_name);
		struct error err;
		struct buf file;
		buf_init(&file, FRAME_LIMIT);
		if (is_recording(entry->d_name) && host_read_file(path, &file, NULL, NULL, &err))
			add_piece(all, file.data, file.len);
		buf_clear(&file);
		free(path);
	}
	closedir(files);
	free(folder);
	assert_true(all->count > 0);
}

static void read_frames(struct pieces *frames)
{
	struct pieces files;
	struct frame_reader r;
	size_t used;

	*frames = (struct pieces){ 0 };
	read_recordings("frames", &files);
	frame_reader_init(&r, FRAME_LIMIT);
	for (size_t i = 0; i < files.count; i++) {
		for (size_t at = 0; at < files.piece[i].len; at += used) {
			if (frame_feed(&r, files.piece[i].data + at, files.piece[i].len - at, &used) == FRAME_MESSAGE)
				add_piece(frames, r.body.data, r.body.len);
		}
		assert_int_equal(r.header_len, 0);
	}
	frame_reader_clear(&r);
	free_pieces(&files);
	assert_true(frames->count > 50);
}

static uint32_t random_state;

static size_t random_below(size_t limit)
{
	/* xorshift32 */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

/* A copy of a random piece, cut short or with one bit turned; free() it. */
static uint8_t *mutilated(const struct pieces *all, bool cut, size_t *len)
{
	size_t i = random_below(all->count);
	uint8_t *copy;

	*len = cut ? random_below(all->piece[i].len) : all->piece[i].len;
	copy = xmalloc(*len);
	memcpy(copy, all->piece[i].data, *len);
	if (!cut)
		copy[random_below(*len)] ^= (uint8_t)(1U << random_below(8));
	return copy;
}

static void use_term(const struct term *t)
{
	const struct etf_print_options options = { .width = 80, .column = 1 };
	struct buf text;

	buf_init(&text, 1 << 20);
	etf_print_erlang(&text, t, &options);
	buf_clear(&text);
	etf_print_elixir(&text, t, &options);
	buf_clear(&text);
	etf_put_json(&text, t);
	buf_clear(&text);
}

static bool decode(const uint8_t *body, size_t len)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	struct error err = { .code = ERROR_NONE };
	struct dist_message message;
	struct arena arena;

	arena_init(&arena, 32 * len + 4096);
	bool ok = dist_message_decode(&arena, body, len, &limits, &message, &err);
	if (ok) {
		use_term(message.control);
		if (message.payload)
			use_term(message.payload);
	} else {
		assert_true(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT);
		assert_true(strlen(err.message) > 0);
	}
	arena_clear(&arena);
	return ok;
}

static void frames_decode_as_they_came(void **state)
{
	(void)state;
	struct pieces frames;
	int operations[DIST_OPERATION_MAX + 1] = { 0 }, kinds = 0;

	read_frames(&frames);
	for (size_t i = 0; i < frames.count; i++) {
		assert_true(decode(frames.piece[i].data, frames.piece[i].len));
		/* p 131 {Operation, …}: a small tuple whose first element is a small integer. */
		operations[frames.piece[i].data[5]]++;
	}
	for (size_t op = 0; op <= DIST_OPERATION_MAX; op++)
		kinds += operations[op] > 0;
	/* The recordings hold enough kinds of messages to be worth it. */
	assert_true(kinds >= 12);
	free_pieces(&frames);
}

static void every_truncation_of_a_frame_is_an_error(void **state)
{
	(void)state;
	struct pieces frames;

	read_frames(&frames);
	for (int i = 0; i < TRUNCATIONS; i++) {
		size_t len;
		uint8_t *body = mutilated(&frames, true, &len);
		assert_false(decode(body, len));
		free(body);
	}
	free_pieces(&frames);
}

static void a_turned_bit_in_a_frame_does_no_harm(void **state)
{
	(void)state;
	struct pieces frames;
	int refused = 0;

	read_frames(&frames);
	for (int i = 0; i < FLIPS; i++) {
		size_t len;
		uint8_t *body = mutilated(&frames, false, &len);
		refused += !decode(body, len);
		free(body);
	}
	print_message("# %d of %d frames with a turned bit were refused\n", refused, FLIPS);
	assert_true(refused > 0 && refused < FLIPS);
	free_pieces(&frames);
}

/* The stream of frames, lengths included, through the reader. */
static void read_stream(const uint8_t *data, size_t len)
{
	struct frame_reader r;
	size_t used;

	frame_reader_init(&r, FRAME_LIMIT);
	for (size_t at = 0; at < len; at += used) {
		if (frame_feed(&r, data + at, len - at, &used) == FRAME_MESSAGE && !decode(r.body.data, r.body.len))
			break; /* as the link does: the connection ends */
		assert_true(used > 0);
	}
	frame_reader_clear(&r);
}

static void streams_of_frames_may_be_broken_anywhere(void **state)
{
	(void)state;
	struct pieces files;

	read_recordings("frames", &files);
	for (int i = 0; i < TRUNCATIONS; i++) {
		size_t len;
		uint8_t *data = mutilated(&files, i % 2, &len);
		/* Half of the turned bits in the first frame's length. */
		if (i % 4 == 0) {
			memcpy(data, files.piece[0].data, len < files.piece[0].len ? len : files.piece[0].len);
			data[random_below(4)] ^= (uint8_t)(1U << random_below(8));
		}
		read_stream(data, len);
		free(data);
	}
	free_pieces(&files);
}

/* The recorder's own side: see the MODE_ bits of tests/fuzz/fuzz_handshake.c, of which the first byte of each file is made. */
static enum handshake_event shake_hands(const uint8_t *data, size_t len, size_t *used, struct error *err)
{
	enum { ACCEPT = 1, OLD = 4, NAME_ME = 8 };
	const struct handshake_options options = {
		.name = (data[0] & (NAME_ME | ACCEPT)) == NAME_ME ? "host" : "recorder@host",
		.flags = dist_flags_ours() | (data[0] & NAME_ME ? DIST_FLAG_NAME_ME : 0),
		.creation = 7,
		.challenge = 0x01020304,
		.version = data[0] & OLD ? 5 : 6,
		.length_bytes = 2,
		.lent_name = data[0] & NAME_ME ? "lent@host" : NULL,
	};
	enum handshake_event event = HANDSHAKE_MORE;
	struct handshake h;
	size_t at = 1, taken;

	*err = (struct error){ .code = ERROR_NONE };
	if (data[0] & ACCEPT)
		handshake_accept(&h, &options);
	else
		handshake_connect(&h, &options);
	while (at < len && event == HANDSHAKE_MORE) {
		event = handshake_feed(&h, data + at, len - at, &taken, err);
		at += taken;
		if (event == HANDSHAKE_WANTS_COOKIE)
			event = handshake_cookie(&h, "rigcookie", 9, err);
	}
	if (event == HANDSHAKE_MORE)
		assert_false(handshake_closed(&h, err));
	assert_true(event == HANDSHAKE_DONE || (err->code != ERROR_NONE && strlen(err->message) > 0));
	handshake_clear(&h);
	*used = at;
	return event;
}

static void handshakes_may_be_broken_anywhere(void **state)
{
	(void)state;
	struct pieces files;
	struct error err;
	size_t used, whole = 0, broken = 0;

	read_recordings("handshake", &files);
	for (size_t i = 0; i < files.count; i++) {
		uint8_t *data = files.piece[i].data;
		size_t len = files.piece[i].len;
		bool done = shake_hands(data, len, &used, &err) == HANDSHAKE_DONE;
		whole += done;
		for (size_t cut = 1; cut < len; cut++) {
			uint8_t *copy = xmalloc(cut);
			memcpy(copy, data, cut);
			assert_int_not_equal(shake_hands(copy, cut, &used, &err), HANDSHAKE_DONE);
			free(copy);
			broken++;
		}
		for (size_t bit = 8; bit < 8 * len; bit++, broken++) {
			data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			/* A digest with a turned bit is never taken for a proof. */
			if (shake_hands(data, len, &used, &err) == HANDSHAKE_DONE)
				assert_true(bit / 8 < len - 16);
			data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
	print_message("# %zu whole handshakes, %zu broken ones\n", whole, broken);
	assert_true(whole >= 6);
	free_pieces(&files);
}

static void ask_epmd(const uint8_t *data, size_t len)
{
	struct epmd_names names;
	struct epmd_port port;
	struct error err;

	if (epmd_parse_names_resp(data, len, &names, &err))
		epmd_names_clear(&names);
	epmd_parse_port2_resp(data, len, &port, &err);
}

static void answers_of_epmd_may_be_broken_anywhere(void **state)
{
	(void)state;
	struct pieces files;

	read_recordings("epmd", &files);
	for (int i = 0; i < TRUNCATIONS + FLIPS; i++) {
		size_t len;
		uint8_t *data = mutilated(&files, i < TRUNCATIONS, &len);
		ask_epmd(data, len);
		free(data);
	}
	free_pieces(&files);
}

/* Each test begins with the same numbers, and none may hang. */
static int set_up(void **state)
{
	(void)state;
	random_state = 2463534242U;
	alarm(SECONDS_MAX);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_decode_as_they_came, set_up),
		cmocka_unit_test_setup(every_truncation_of_a_frame_is_an_error, set_up),
		cmocka_unit_test_setup(a_turned_bit_in_a_frame_does_no_harm, set_up),
		cmocka_unit_test_setup(streams_of_frames_may_be_broken_anywhere, set_up),
		cmocka_unit_test_setup(handshakes_may_be_broken_anywhere, set_up),
		cmocka_unit_test_setup(answers_of_epmd_may_be_broken_anywhere, set_up),
	};
	return cmocka_run_group_tests_name("recorded", tests, NULL, NULL);
}
