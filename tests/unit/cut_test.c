/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole conversation with a node, handshake and evaluation, cut after its N-th byte for every N; stalled there; and brought a byte at a time. The
 * node is a child of the test: it shakes hands for real, then sends what the recordings in tests/fuzz/seeds/session hold. Whatever comes
 * in whole frames must have been taken, once; the error must be the right one for the place; descriptors and (in a build with
 * --enable-sanitizers) memory must not leak.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "dist/flags.h"
#include "node/session.h"

enum { RECORDING_MAX = 64 * 1024, STALL_MS = 25, LIMIT_MS = 5000 };

static const size_t everything = SIZE_MAX / 2;

static const struct cookie cookie = { .bytes = "rigcookie", .len = 9, .source = "the test" };

/* How the node behaves. */
struct plan {
	size_t cut; /* after so many bytes */
	bool stalls;
	bool singly;
};

/* How a run went. */
struct outcome {
	bool opened;
	bool ok;
	struct error err;
	char taken[32 * 1024]; /* output, value and exception, as they were handed on */
	size_t len;
	int64_t took_ms;
};

/* A conversation: a recording, and what it gives. */
struct recording {
	char name[64];
	struct buf frames;
};

/* The node */

struct node {
	int fd;
	const struct plan *plan;
	size_t sent;
};

static void NORETURN node_ends(struct node *n)
{
	uint8_t byte;

	/* What the other side sends is read to its end: closing with it unread would be a reset. */
	if (!n->plan->stalls)
		shutdown(n->fd, SHUT_WR);
	while (io_read(n->fd, &byte, 1) > 0)
		continue;
	_exit(0);
}

static void node_sends(struct node *n, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t step = n->plan->singly ? 1 : len - at;
		if (step > n->plan->cut - n->sent)
			step = n->plan->cut - n->sent;
		if (step == 0)
			node_ends(n);
		if (io_write(n->fd, data + at, step) != (ssize_t)step)
			_exit(1);
		at += step;
		n->sent += step;
	}
}

static void NORETURN be_the_node(int fd, const struct plan *plan, const struct buf *frames)
{
	const struct handshake_options options = {
		.name = "node@host",
		.flags = dist_flags_ours() | DIST_FLAG_NAME_ME,
		.creation = 5,
		.challenge = 0x01020304,
		.version = 6,
		.length_bytes = 2,
		/* As tests/tools/record_frames.py calls itself, so that its recordings are addressed to us. */
		.lent_name = "recorder@host",
		.lent_creation = 7,
	};
	struct node n = { .fd = fd, .plan = plan };
	enum handshake_event event = HANDSHAKE_MORE;
	struct handshake h;
	struct error err;
	uint8_t byte;
	size_t used;

	handshake_accept(&h, &options);
	while (event != HANDSHAKE_DONE) {
		if (io_read(fd, &byte, 1) != 1)
			_exit(1);
		event = handshake_feed(&h, &byte, 1, &used, &err);
		if (event == HANDSHAKE_WANTS_COOKIE)
			event = handshake_cookie(&h, cookie.bytes, cookie.len, &err);
		if (event == HANDSHAKE_FAILED)
			_exit(1);
		node_sends(&n, h.out.data, h.out.len);
		h.out.len = 0;
	}
	/* The request comes first. */
	if (io_read(fd, &byte, 1) != 1)
		_exit(1);
	node_sends(&n, frames->data, frames->len);
	node_ends(&n);
}

/* Us */

static bool ready(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return true;
}

static bool give_cookie(void *context, const char *node, const struct cookie **given, struct error *err)
{
	(void)context;
	(void)err;
	assert_string_equal(node, "node@host");
	*given = &cookie;
	return true;
}

static bool take(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err)
{
	struct outcome *o = context;

	(void)stream;
	(void)err;
	assert_true(o->len + len <= sizeof o->taken);
	memcpy(o->taken + o->len, data, len);
	o->len += len;
	return true;
}

static void evaluate(int fd, bool stalls, struct outcome *o)
{
	const struct link_peer peer = { .version = 6, .timeout_ms = stalls ? STALL_MS : LIMIT_MS };
	const struct link_needs needs = { .ready = ready, .cookie = give_cookie };
	const struct session_request request = { .text = "1.",
						 .text_len = 2,
						 .show = SESSION_SHOW_SHELL,
						 .columns = 80,
						 .timeout_ms = stalls ? STALL_MS : 0 };
	const struct session_sink sink = { .take = take, .context = o };
	struct session_result result;
	struct stream stream = STREAM_NONE;
	struct link link;

	stream_close(&stream);
	stream.fd = fd;
	snprintf(stream.what, sizeof stream.what, "127.0.0.1:1");
	o->opened = link_open(&link, &stream, &peer, &needs, &o->err);
	if (!o->opened)
		return;
	o->ok = session_run(&link, &request, &sink, &result, &o->err);
	link_close(&link);
}

static void converse(const struct plan *plan, const struct recording *recording, struct outcome *o)
{
	int64_t begun = clock_ms();
	int ends[2], status = 0;

	*o = (struct outcome){ .err.code = ERROR_NONE };
	assert_true(io_socketpair(ends) && io_set_nonblocking(ends[0]));
	pid_t node = fork();
	if (node == 0) {
		close(ends[0]);
		be_the_node(ends[1], plan, &recording->frames);
	}
	close(ends[1]);
	evaluate(ends[0], plan->stalls, o);
	assert_int_equal(waitpid(node, &status, 0), node);
	o->took_ms = clock_ms() - begun;
}

/* How many bytes of the conversation are the handshake's: found by cutting. The answer to our name, the challenge and the ack. */
static size_t handshake_size(const struct recording *recording)
{
	struct plan plan = { .cut = 0 };
	struct outcome o;

	do {
		converse(&plan, recording, &o);
		plan.cut++;
	} while (!o.opened);
	return plan.cut - 1;
}

/* What is to be taken of the first bytes of the frames: the third element of {Tag, 1 to 3, Bytes} in each frame that is whole. */
static size_t to_be_taken(const struct recording *recording, size_t frame_bytes)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	struct frame_reader r;
	struct arena arena;
	size_t taken = 0, used;

	frame_reader_init(&r, LINK_FRAME_MAX);
	for (size_t at = 0; at < frame_bytes; at += used) {
		struct dist_message message;
		struct error err;
		if (frame_feed(&r, recording->frames.data + at, frame_bytes - at, &used) != FRAME_MESSAGE)
			continue;
		arena_init(&arena, SIZE_MAX);
		assert_true(dist_message_decode(&arena, r.body.data, r.body.len, &limits, &message, &err));
		const struct term *t = message.payload;
		if (message.operation == DIST_SEND_SENDER && t->kind == ETF_TUPLE && t->tuple.count == 3 &&
		    t->tuple.elements[1].integer >= SESSION_OUTPUT && t->tuple.elements[1].integer <= SESSION_EXCEPTION)
			taken += t->tuple.elements[2].bytes.len;
		arena_clear(&arena);
	}
	frame_reader_clear(&r);
	return taken;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void read_recording(const char *name, struct recording *recording)
{
	const char *source = getenv("SRCDIR");
	char *path = xasprintf("%s/tests/fuzz/seeds/session/%s", source ? source : ".", name);
	struct error err;

	snprintf(recording->name, sizeof recording->name, "%s", name);
	buf_init(&recording->frames, RECORDING_MAX);
	assert_true(host_read_file(path, &recording->frames, NULL, NULL, &err));
	free(path);
}

static void say(const struct recording *recording, const struct plan *plan, const struct outcome *o)
{
	print_message("# %s cut at %zu%s: %s, %zu bytes taken, %lld ms: %s\n", recording->name, plan->cut,
		      plan->stalls ? " (stalled)" : "", error_name(o->err.code), o->len, (long long)o->took_ms,
		      o->err.message);
}

/* BEAMLINE_LONG: every byte of every recording; else of the first. */
static bool is_long(void)
{
	const char *given = getenv("BEAMLINE_LONG");

	return given && strcmp(given, "0") != 0;
}

/* What a conversation that ends in order after so many bytes of the handshake must come to: of 3 packets, each with 2 bytes of length. */
static enum error_code code_of_cut(size_t cut)
{
	/* "named:", the lent name with its length and the creation; the challenge with the node's name; the ack. */
	static const size_t status = 2 + 1 + 6 + 2 + 13 + 4, challenge = 2 + 1 + 8 + 4 + 4 + 2 + 9;

	if (cut == 0 || cut == status)
		return ERROR_HANDSHAKE_REFUSED;
	return cut == status + challenge ? ERROR_COOKIE_MISMATCH : ERROR_NODE_LOST;
}

static void check_cut(const struct recording *r, const struct plan *plan, size_t head, const struct outcome *whole)
{
	static struct outcome o;
	size_t frames = plan->cut < head ? 0 : plan->cut - head;

	converse(plan, r, &o);
	bool right =
		o.len == to_be_taken(r, frames) && memcmp(o.taken, whole->taken, o.len) == 0 && o.took_ms < LIMIT_MS;
	if (plan->cut < head)
		right = right && !o.opened && o.err.code == code_of_cut(plan->cut);
	else if (plan->cut < head + r->frames.len)
		right = right && o.opened && !o.ok && o.err.code == ERROR_NODE_LOST;
	else
		right = right && o.ok == whole->ok && o.err.code == whole->err.code;
	if (!right)
		say(r, plan, &o);
	assert_true(right);
	assert_true(o.ok || strlen(o.err.message) > 0);
}

static void cut_everywhere(const char *name, size_t step)
{
	static struct outcome whole;
	struct recording r;
	struct plan plan = { .cut = everything };
	int descriptors = open_descriptors();

	read_recording(name, &r);
	converse(&plan, &r, &whole);
	assert_true(whole.opened && whole.len == to_be_taken(&r, r.frames.len));
	size_t head = handshake_size(&r), cuts = 0;
	for (plan.cut = 0; plan.cut < head + r.frames.len; plan.cut += step, cuts++)
		check_cut(&r, &plan, head, &whole);
	plan.cut = head + r.frames.len;
	check_cut(&r, &plan, head, &whole);
	print_message("# %s: %zu bytes of handshake, %zu of evaluation, cut at %zu places\n", name, head, r.frames.len,
		      cuts);
	buf_clear(&r.frames);
	assert_int_equal(open_descriptors(), descriptors);
}

static void cut_after_every_byte(void **state)
{
	(void)state;
	static const char *const names[] = { "done",      "failed",      "question", "syntax", "killed",
					     "no_elixir", "not_spawned", "died",     "down",   "output" };
	static const size_t steps[] = { 1, 23, 29, 31, 37, 41, 43, 47, 53, 1999 };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cut_everywhere(names[i], is_long() ? 1 : steps[i]);
}

static void stalled_at(const struct recording *r, size_t cut, size_t head, const struct outcome *whole)
{
	const struct plan plan = { .cut = cut, .stalls = true };
	static struct outcome o;

	converse(&plan, r, &o);
	bool right =
		o.len == (cut < head ? 0 : to_be_taken(r, cut - head)) && memcmp(o.taken, whole->taken, o.len) == 0;
	right = right && !o.ok && o.err.code == (cut < head ? ERROR_HANDSHAKE_TIMEOUT : ERROR_TIMEOUT);
	right = right && o.took_ms < (cut < head ? 2000 : 8000);
	if (!right)
		say(r, &plan, &o);
	assert_true(right);
}

/* An evaluation is given 5 s to be ended in, so that few of these are made. */
static void stalled_after_every_byte(void **state)
{
	(void)state;
	static struct outcome whole;
	struct recording r;
	const struct plan plan = { .cut = everything };

	read_recording("done", &r);
	converse(&plan, &r, &whole);
	size_t head = handshake_size(&r);
	for (size_t cut = 0; cut < head; cut += is_long() ? 1 : 3)
		stalled_at(&r, cut, head, &whole);
	for (size_t cut = head + 400; cut < head + r.frames.len; cut += is_long() ? 20 : 400)
		stalled_at(&r, cut, head, &whole);
	buf_clear(&r.frames);
}

static void a_byte_at_a_time(void **state)
{
	(void)state;
	static const char *const names[] = { "done", "failed", "syntax", "question" };
	static struct outcome whole, singly;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct plan plan = { .cut = everything };
		struct recording r;
		read_recording(names[i], &r);
		converse(&plan, &r, &whole);
		plan.singly = true;
		converse(&plan, &r, &singly);
		assert_int_equal(singly.err.code, whole.err.code);
		assert_int_equal(singly.len, whole.len);
		assert_memory_equal(singly.taken, whole.taken, whole.len);
		buf_clear(&r.frames);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_after_every_byte),
		cmocka_unit_test(stalled_after_every_byte),
		cmocka_unit_test(a_byte_at_a_time),
	};

	io_catch_signals();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
