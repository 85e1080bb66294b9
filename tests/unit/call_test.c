/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls over a link, whose other end the tests play. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "dist/flags.h"
#include "etf/encode.h"
#include "etf/scan.h"
#include "node/call.h"
#include "node/link_refuse.h"

#define NODE "node@host"

static struct link link_;
static struct calls calls;
static int peer;

/* What the handler was given last. */
static struct {
	int count;
	enum call_outcome outcome;
	int64_t value;
	void *of;
} last;

static bool on_answer(void *context, const struct call_answer *answer, struct error *err)
{
	(void)context;
	(void)err;
	last.count++;
	last.outcome = answer->outcome;
	last.value = answer->value && answer->value->kind == ETF_INTEGER ? answer->value->integer : -1;
	last.of = answer->of;
	return true;
}

static int begin_link(void **state)
{
	int ends[2];

	(void)state;
	link_ = (struct link){ .transport.stream = STREAM_NONE,
			       .self = { .node = "us@lent", .creation = 7, .id = 1 },
			       .node = NODE };
	if (!io_socketpair(ends) || !io_set_nonblocking(ends[0]))
		return -1;
	link_.transport.stream.fd = ends[0];
	link_.node_flags = dist_flags_ours();
	peer = ends[1];
	frame_reader_init(&link_.frames, LINK_FRAME_MAX);
	buf_init(&link_.out, LINK_OUT_MAX);
	calls_init(&calls, &link_, on_answer, NULL);
	memset(&last, 0, sizeof last);
	return 0;
}

static int end_link(void **state)
{
	(void)state;
	io_close(&peer);
	link_close(&link_);
	return 0;
}

static void begin_call(int64_t deadline, void *of)
{
	static const struct term none = { .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	struct error err;

	assert_true(call_begin(&calls, "m", "f", &none, deadline, of, &err));
}

static void turn(void)
{
	struct error err;

	assert_true(calls_turn(&calls, &err));
}

/* The next message that has come to the peer. */
static void expect_message(struct arena *arena, struct buf *body, struct dist_message *m)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	uint8_t header[4];
	struct error err;

	assert_int_equal(io_read(peer, header, 4), 4);
	uint32_t len = (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
	uint8_t *bytes = arena_alloc(arena, len, 1);
	assert_int_equal(io_read(peer, bytes, len), len);
	buf_put(body, bytes, len);
	assert_true(dist_message_decode(arena, body->data, body->len, &limits, m, &err));
}

static void put_pid(struct buf *out)
{
	etf_put_pid(out, NODE, 99, 0, 3);
}

static void send_to_us(struct buf *out)
{
	assert_true(io_write_all(peer, out->data, out->len));
	buf_clear(out);
}

/* {Ref, {Mark, 5}} */
static void send_reply(const struct link_ref *ref, const char *mark)
{
	struct buf out;

	buf_init(&out, 4096);
	size_t begin = dist_begin(&out);
	etf_put_tuple(&out, 3);
	etf_put_integer(&out, DIST_SEND);
	etf_put_atom(&out, "");
	dist_put_self(&out, &link_.self);
	dist_payload(&out);
	etf_put_tuple(&out, 2);
	etf_put_reference(&out, link_.self.node, link_.self.creation, ref->ids, 3);
	etf_put_tuple(&out, 2);
	etf_put_atom(&out, mark);
	etf_put_integer(&out, 5);
	dist_end(&out, begin);
	send_to_us(&out);
}

static void the_request_is_what_rex_takes(void **state)
{
	struct arena arena;
	struct buf body;
	struct dist_message m;
	struct error err;
	const struct term *wanted;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&body, 1 << 20);
	assert_true(etf_scan(&arena, "[1, <<\"x\">>]", 12, &wanted, &err));
	assert_true(call_begin(&calls, "lists", "nth", wanted, IO_NO_DEADLINE, NULL, &err));
	struct link_ref ref = calls.calls[0].ref;
	send_reply(&ref, "return");
	turn();
	expect_message(&arena, &body, &m);
	assert_int_equal(m.operation, DIST_REG_SEND);
	assert_true(link_is_us(&link_, &m.control->tuple.elements[1]));
	assert_true(etf_is_atom(&m.control->tuple.elements[3], "rex"));
	assert_true(etf_is_tuple(m.payload, 3, "$gen_call"));
	const struct term *from = &m.payload->tuple.elements[1], *call = &m.payload->tuple.elements[2];
	assert_true(etf_is_tuple(from, 2, NULL) && link_is_us(&link_, &from->tuple.elements[0]));
	assert_true(link_is_ref(&link_, &from->tuple.elements[1], &ref));
	assert_true(etf_is_tuple(call, 5, "call") && link_is_us(&link_, &call->tuple.elements[4]));
	assert_true(etf_is_atom(&call->tuple.elements[1], "erpc") &&
		    etf_is_atom(&call->tuple.elements[2], "execute_call"));
	const struct term *arguments = &call->tuple.elements[3];
	assert_true(arguments->kind == ETF_LIST && arguments->list.count == 3);
	assert_true(etf_is_atom(&arguments->list.elements[0], "lists") &&
		    etf_is_atom(&arguments->list.elements[1], "nth"));
	assert_true(etf_equal(&arguments->list.elements[2], wanted));
	buf_clear(&body);
	arena_clear(&arena);
}

static void answers_find_their_calls(void **state)
{
	int first, second, third;

	(void)state;
	begin_call(IO_NO_DEADLINE, &first);
	begin_call(IO_NO_DEADLINE, &second);
	begin_call(IO_NO_DEADLINE, &third);
	struct link_ref refs[3] = { calls.calls[0].ref, calls.calls[1].ref, calls.calls[2].ref };
	send_reply(&refs[1], "return");
	turn();
	assert_true(last.outcome == CALL_RETURNED && last.value == 5 && last.of == &second);
	send_reply(&refs[0], "badrpc");
	turn();
	assert_true(last.outcome == CALL_RAISED && last.value == -1 && last.of == &first);
	/* One that is answered already, and one whose place another has taken. */
	send_reply(&refs[1], "return");
	begin_call(IO_NO_DEADLINE, &first);
	send_reply(&refs[0], "return");
	turn();
	assert_true(last.count == 2 && calls.count == 2);
	send_reply(&refs[2], "return");
	turn();
	assert_true(last.count == 3 && last.outcome == CALL_RETURNED && last.of == &third);
}

static void what_takes_too_long_is_over(void **state)
{
	int slow;

	(void)state;
	begin_call(clock_ms() + 50, &slow);
	struct link_ref ref = calls.calls[0].ref;
	turn();
	assert_true(last.count == 1 && last.outcome == CALL_TIMED_OUT && last.of == &slow && calls.count == 0);
	send_reply(&ref, "return");
	turn();
	assert_int_equal(last.count, 1);
}

static void what_would_print_is_answered(void **state)
{
	struct arena arena;
	struct buf body, out;
	struct dist_message m;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&body, 1 << 20);
	buf_init(&out, 4096);
	size_t begin = dist_begin(&out);
	etf_put_tuple(&out, 3);
	etf_put_integer(&out, DIST_SEND);
	etf_put_atom(&out, "");
	dist_put_self(&out, &link_.self);
	dist_payload(&out);
	etf_put_tuple(&out, 4);
	etf_put_atom(&out, "io_request");
	put_pid(&out);
	etf_put_integer(&out, 77);
	etf_put_atom(&out, "getopts");
	dist_end(&out, begin);
	send_to_us(&out);
	turn();
	expect_message(&arena, &body, &m);
	assert_int_equal(m.operation, DIST_SEND);
	assert_true(etf_is_tuple(m.payload, 3, "io_reply"));
	assert_int_equal(m.payload->tuple.elements[1].integer, 77);
	buf_clear(&body);
	arena_clear(&arena);
}

static void only_so_many_are_on_their_way(void **state)
{
	static const struct term none = { .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	struct error err;

	(void)state;
	for (int i = 0; i < CALLS_MAX; i++)
		begin_call(IO_NO_DEADLINE, NULL);
	assert_false(call_begin(&calls, "m", "f", &none, IO_NO_DEADLINE, NULL, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	send_reply(&calls.calls[17].ref, "return");
	turn();
	begin_call(IO_NO_DEADLINE, NULL);
	assert_true(calls.calls[17].open);
}

static void references_stay_within_old_bounds(void **state)
{
	(void)state;
	link_.references = (1 << 18) - 2;
	struct link_ref a = link_new_ref(&link_), b = link_new_ref(&link_), c = link_new_ref(&link_);
	assert_true(a.ids[0] < 1 << 18 && b.ids[0] < 1 << 18 && c.ids[0] < 1 << 18);
	assert_true(memcmp(&a, &b, sizeof a) != 0 && memcmp(&b, &c, sizeof b) != 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin_link, end_link)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_request_is_what_rex_takes), CASE(answers_find_their_calls),
		CASE(what_takes_too_long_is_over),   CASE(what_would_print_is_answered),
		CASE(only_so_many_are_on_their_way), CASE(references_stay_within_old_bounds),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
