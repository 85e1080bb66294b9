/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/terminal.h"

static void buffer_stops_at_its_maximum(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 5);
	assert_true(buf_put_u32(&b, 0x01020304));
	assert_false(buf_put_u16(&b, 1));
	assert_true(b.overflow);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "\1\2\3\4", 4);
	buf_clear(&b);
}

static void reader_fails_softly_at_its_end(void **state)
{
	(void)state;
	struct reader r = reader_of("\0\1\2", 3);

	assert_int_equal(read_u16(&r), 1);
	assert_int_equal(read_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(read_u8(&r), 0);
}

static void arena_stops_at_its_maximum(void **state)
{
	(void)state;
	struct arena a;

	arena_init(&a, 10000);
	assert_non_null(arena_alloc(&a, 100, 50));
	assert_null(arena_alloc(&a, 100, 100));
	assert_null(arena_alloc(&a, SIZE_MAX, 2));
	assert_non_null(arena_alloc(&a, 10, 10));
	arena_clear(&a);
}

static void every_code_has_a_name_and_a_status(void **state)
{
	(void)state;
	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
		const char *name = error_name((enum error_code)code);
		assert_true(strlen(name) > 2);
		assert_true(error_code_status((enum error_code)code) > 0);
		assert_int_equal(error_code_by_name(name, strlen(name)), code);
	}
}

/* The text filtered in one piece, and again byte by byte: both must come to the same. */
static void assert_filtered(bool colours, const char *text, size_t len, const char *expected)
{
	for (size_t step = 1; step <= len; step += len - 1 ? len - 1 : 1) {
		struct terminal_filter f = { .colours = colours };
		struct buf out;
		buf_init(&out, 4096);
		for (size_t at = 0; at < len; at += step)
			terminal_filter(&f, text + at, len - at < step ? len - at : step, &out);
		terminal_filter_end(&f, &out);
		assert_string_equal(buf_text(&out), expected);
		buf_clear(&out);
	}
}
#define assert_text(colours, text, expected) assert_filtered(colours, text, sizeof(text) - 1, expected)

static void filter_passes_text_and_colours_only(void **state)
{
	(void)state;
	assert_text(true, "plain\ttext\n", "plain\ttext\n");
	assert_text(true, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
	assert_text(true, "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m");
	assert_text(true, "\x1b[31mred", "\x1b[31mred\x1b[0m");
	assert_text(false, "\x1b[31mred\x1b[0m", "red");
	assert_text(true, "\x1b]0;title\x07", "^[]0;title^G");
	assert_text(true, "\x1b[2J\x1b[6n", "^[[2J^[[6n");
	assert_text(true, "a\rb", "a^Mb");
	assert_text(true, "a\r\nb", "a\nb");
	assert_text(true,
		    "\xc2\x9b"
		    "2J",
		    "\\xc2\\x9b2J");
	assert_text(true, "\xff\xfe", "\\xff\\xfe");
	assert_text(true, "\xc3", "\\xc3");
	assert_text(true,
		    "\xe2\x80\xae"
		    "evil",
		    "\\xe2\\x80\\xaeevil");
	assert_text(true, "\x1b[1111111111111111111111111111111111111111m",
		    "^[[1111111111111111111111111111111111111111m");
	assert_text(true, "\x1b", "^[");
	assert_text(true, "\b\x7f", "^H^?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_stops_at_its_maximum),
		cmocka_unit_test(reader_fails_softly_at_its_end),
		cmocka_unit_test(arena_stops_at_its_maximum),
		cmocka_unit_test(every_code_has_a_name_and_a_status),
		cmocka_unit_test(filter_passes_text_and_colours_only),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
