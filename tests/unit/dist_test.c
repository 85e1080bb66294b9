/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dist/control.h"
#include "dist/epmd.h"
#include "dist/frame.h"
#include "etf/encode.h"

static void names_are_listed(void **state)
{
	(void)state;
	static const char answer[] = "\0\0\x11\x11name example at port 41234\nname b-c_1 at port 65535\n";
	struct epmd_names names;
	struct error err;

	assert_true(epmd_parse_names_resp((const uint8_t *)answer, sizeof answer - 1, &names, &err));
	assert_int_equal(names.count, 2);
	assert_string_equal(names.nodes[0].name, "example");
	assert_int_equal(names.nodes[0].port, 41234);
	assert_string_equal(names.nodes[1].name, "b-c_1");
	epmd_names_clear(&names);
}

static void garbage_for_names_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
#define B(text) { text, sizeof(text) - 1 }
		B("\0\0"),
		B("\0\0\x11\x11name x at port 1"),
		B("\0\0\x11\x11name x at port 65536\n"),
		B("\0\0\x11\x11name  at port 1\n"),
		B("\0\0\x11\x11nom x at port 1\n"),
		B("\0\0\x11\x11name x at port \n"),
		B("\0\0\x11\x11name x at port 1x\n"),
		B("\0\0\x11\x11name x\0y at port 1\n"),
		B("HTTP/1.1 200 OK\r\n\r\n"),
		B("\0\0\x11\x11\n"),
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct epmd_names names;
		struct error err;
		assert_false(epmd_parse_names_resp((const uint8_t *)bad[i].bytes, bad[i].len, &names, &err));
		assert_int_equal(err.code, ERROR_EPMD_GARBAGE);
	}
}

static void a_port_is_found_however_it_comes(void **state)
{
	(void)state;
	static const char answer[] = "w\0\x9c\x40M\0\0\6\0\5\0\7example\0\0";
	struct epmd_port port;
	struct error err;

	for (size_t len = 0; len < 10; len++)
		assert_int_equal(epmd_parse_port2_resp((const uint8_t *)answer, len, &port, &err), EPMD_MORE);
	assert_int_equal(epmd_parse_port2_resp((const uint8_t *)answer, sizeof answer - 1, &port, &err), EPMD_FOUND);
	assert_int_equal(port.port, 40000);
	assert_int_equal(port.highest_version, 6);
	assert_int_equal(epmd_parse_port2_resp((const uint8_t *)"w\1", 2, &port, &err), EPMD_NOT_FOUND);
	assert_int_equal(epmd_parse_port2_resp((const uint8_t *)"SSH", 3, &port, &err), EPMD_BAD);
	assert_int_equal(epmd_parse_port2_resp((const uint8_t *)"w\0\0\0M\0\0\6\0\5", 10, &port, &err), EPMD_BAD);
}

/* A tick, a message of 3 bytes, one of 300 that is too long, and another message; in pieces of each size. */
static void frames_come_apart_in_any_pieces(void **state)
{
	(void)state;
	static const enum frame_event expected[] = { FRAME_TICK, FRAME_MESSAGE, FRAME_SKIPPED, FRAME_MESSAGE };
	uint8_t bytes[4 + 4 + 3 + 4 + 300 + 4 + 1] = { [7] = 3, [8] = 'a', 'b', 'c', [13] = 1, 44, [318] = 1, 'z' };

	for (size_t step = 1; step <= sizeof bytes; step++) {
		struct frame_reader r;
		size_t events = 0;
		frame_reader_init(&r, 200);
		for (size_t at = 0; at < sizeof bytes;) {
			size_t used, len = sizeof bytes - at < step ? sizeof bytes - at : step;
			enum frame_event event = frame_feed(&r, bytes + at, len, &used);
			at += used;
			if (event == FRAME_MORE)
				continue;
			assert_int_equal(event, expected[events++]);
			if (event == FRAME_MESSAGE)
				assert_int_equal(r.body.data[0], events == 2 ? 'a' : 'z');
			assert_true(r.body.cap <= 200);
		}
		assert_int_equal(events, 4);
		frame_reader_clear(&r);
	}
}

static bool decode(struct arena *arena, const void *bytes, size_t len, struct dist_message *m, struct error *err)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;

	return dist_message_decode(arena, bytes, len, &limits, m, err);
}

static void messages_have_the_parts_that_they_must_have(void **state)
{
	(void)state;
	const struct dist_self self = { .node = "a@b", .creation = 5, .id = 7 };
	struct dist_message m;
	struct error err;
	struct arena arena;
	struct buf out;

	arena_init(&arena, 1024 * 1024);
	buf_init(&out, 1024);
	size_t begin = dist_begin(&out);
	etf_put_tuple(&out, 3);
	etf_put_integer(&out, DIST_SEND);
	etf_put_atom(&out, "");
	dist_put_self(&out, &self);
	size_t before_payload = out.len;
	dist_payload(&out);
	etf_put_integer(&out, 42);
	dist_end(&out, begin);
	assert_int_equal(get_be32(out.data), out.len - 4);
	assert_true(decode(&arena, out.data + 4, out.len - 4, &m, &err));
	assert_int_equal(m.operation, DIST_SEND);
	assert_int_equal(m.payload->integer, 42);
	assert_false(decode(&arena, out.data + 4, before_payload - 4, &m, &err));
	assert_int_equal(err.code, ERROR_PROTOCOL);
	assert_false(decode(&arena, "x", 1, &m, &err));
	assert_false(decode(&arena, "", 0, &m, &err));
	assert_false(decode(&arena, "\x70\x83\x68\2\x61\2\x61\2", 8, &m, &err)); /* SEND of two parts */
	assert_false(decode(&arena, "\x70\x83\x61\2", 4, &m, &err));             /* no tuple */
	assert_true(decode(&arena, "\x70\x83\x68\1\x61\x63", 6, &m, &err));      /* an operation unknown to us */
	assert_null(dist_operation_name(m.operation));
	buf_clear(&out);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_listed),
		cmocka_unit_test(garbage_for_names_is_refused),
		cmocka_unit_test(a_port_is_found_however_it_comes),
		cmocka_unit_test(frames_come_apart_in_any_pieces),
		cmocka_unit_test(messages_have_the_parts_that_they_must_have),
	};
	return cmocka_run_group_tests_name("dist", tests, NULL, NULL);
}
