/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both printers print for terms that are written here in Erlang's syntax, or as bytes where it has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/print.h"
#include "etf/scan.h"

enum { ARENA_MAX = 64 << 20, TEXT_MAX = 64 << 20 };

typedef bool printer(struct buf *, const struct term *, const struct etf_print_options *);

static struct etf_print_options wide = { .width = 80, .column = 1, .local_node = "here@host" };

static void check_term(const struct term *t, printer *print, const struct etf_print_options *options,
		       const char *expected)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	assert_true(print(&out, t, options));
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
}

static void check_text(const char *text, int width, const char *erlang, const char *elixir)
{
	struct etf_print_options options = wide;
	struct arena arena;
	struct error err;
	const struct term *t;

	options.width = width;
	arena_init(&arena, ARENA_MAX);
	assert_true(etf_scan(&arena, text, strlen(text), &t, &err));
	check_term(t, etf_print_erlang, &options, erlang);
	check_term(t, etf_print_elixir, &options, elixir);
	arena_clear(&arena);
}

static void check_bytes(const void *data, size_t len, const struct etf_print_options *options, const char *erlang,
			const char *elixir)
{
	struct arena arena;
	struct error err;
	const struct term *t;
	size_t used;

	arena_init(&arena, ARENA_MAX);
	assert_true(etf_decode(&arena, data, len, &ETF_LIMITS_DEFAULT, &t, &used, &err));
	check_term(t, etf_print_erlang, options, erlang);
	check_term(t, etf_print_elixir, options, elixir);
	arena_clear(&arena);
}

static void test_words(void **state)
{
	static const struct {
		const char *text, *erlang, *elixir;
	} cases[] = {
		{ "[]", "[]", "[]" },
		{ "{}", "{}", "{}" },
		{ "#{}", "#{}", "%{}" },
		{ "<<>>", "<<>>", "\"\"" },
		{ "-42", "-42", "-42" },
		{ "1180591620717411303424", "1180591620717411303424", "1180591620717411303424" },
		{ "1.0e15", "1.0e15", "1000000000000000.0" },
		{ "0.1", "0.1", "0.1" },
		{ "ok", "ok", ":ok" },
		{ "'end'", "'end'", ":end" },
		{ "nil", "nil", "nil" },
		{ "'Elixir.Foo.Bar'", "'Elixir.Foo.Bar'", "Foo.Bar" },
		{ "'a b'", "'a b'", ":\"a b\"" },
		{ "'it\\'s\\e'", "'it\\'s\\e'", ":\"it's\\e\"" },
		{ "\"abc\\n\"", "\"abc\\n\"", "~c\"abc\\n\"" },
		{ "'maybe'", "'maybe'", ":maybe" },
		{ "#{y => 1,'__struct__' => 'Elixir.P',x => 2}", "#{y => 1,'__struct__' => 'Elixir.P',x => 2}",
		  "%P{x: 2, y: 1}" },
		{ "<<\"a\\\"b#{c\">>", "<<\"a\\\"b#{c\">>", "\"a\\\"b\\#{c\"" },
		{ "<<195,169>>", "<<\"é\"/utf8>>", "\"é\"" },
		{ "<<233>>", "<<\"é\">>", "<<233>>" },
		{ "[233]", "\"é\"", "[233]" },
		{ "[1078]", "[1078]", "[1078]" },
		{ "<<5:3>>", "<<5:3>>", "<<5::size(3)>>" },
		{ "<<1,2,5:3>>", "<<1,2,5:3>>", "<<1, 2, 5::size(3)>>" },
		{ "fun lists:map/2", "fun lists:map/2", "&:lists.map/2" },
		{ "[a,b|c]", "[a,b|c]", "[:a, :b | :c]" },
		{ "[{a,1},{'B c',2}]", "[{a,1},{'B c',2}]", "[a: 1, \"B c\": 2]" },
		{ "#{a => 1}", "#{a => 1}", "%{a: 1}" },
		{ "#{1 => {2}}", "#{1 => {2}}", "%{1 => {2}}" },
		{ "#{'__struct__' => 'Elixir.Foo',a => 1}", "#{'__struct__' => 'Elixir.Foo',a => 1}", "%Foo{a: 1}" },
		{ "#{'__struct__' => 'Elixir.Range',first => 1,last => 9,step => 2}",
		  "#{'__struct__' => 'Elixir.Range',first => 1,last => 9,step => 2}", "1..9//2" },
		{ "#{'__struct__' => 'Elixir.MapSet',map => #{\"ab\" => []}}",
		  "#{'__struct__' => 'Elixir.MapSet',map => #{\"ab\" => []}}", "MapSet.new([[97, 98]])" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		check_text(cases[i].text, 80, cases[i].erlang, cases[i].elixir);
		check_text(cases[i].text, 0, cases[i].erlang, cases[i].elixir);
	}
}

static void test_lines(void **state)
{
	(void)state;
	check_text("{ok,[1,2,3,4,5,6,7,8,9]}", 20, "{ok,[1,2,3,4,5,6,\n     7,8,9]}",
		   "{:ok,\n [1, 2, 3, 4, 5, 6,\n  7, 8, 9]}");
	check_text("[{a,1},{b,2}]", 10, "[{a,1},\n {b,2}]", "[\n  a: 1,\n  b: 2\n]");
	check_text("#{key => {value,1,2,3}}", 20, "#{key =>\n   {value,1,2,3}}", "%{\n  key: {:value, 1,\n   2, 3}\n}");
	check_text("<<0,1,2,3,4,5,6,7,8,9>>", 12, "<<0,1,2,3,\n  4,5,6,7,\n  8,9>>",
		   "<<0, 1, 2,\n  3, 4, 5,\n  6, 7, 8,\n  9>>");
}

static void test_identifiers(void **state)
{
	static const uint8_t pid[] = "\x83X\x77\x09here@host\0\0\0\x05\0\0\0\x01\0\0\0\x09";
	static const uint8_t reference[] = "\x83Z\0\x03\x77\x09here@host\0\0\0\x09\0\0\0\x03\0\0\0\x02\0\0\0\x01";
	static const uint8_t port[] = "\x83x\x77\x09here@host\0\0\0\0\0\0\0\x06\0\0\0\x09";
	struct etf_print_options other = wide;
	struct etf_print_options unknown = wide;

	(void)state;
	other.local_node = "other@host";
	unknown.local_node = NULL;
	check_bytes(pid, sizeof pid - 1, &wide, "<0.5.1>", "#PID<0.5.1>");
	check_bytes(pid, sizeof pid - 1, &unknown, "<0.5.1>", "#PID<0.5.1>");
	check_bytes(pid, sizeof pid - 1, &other, "<here@host.5.1>", "#PID<here@host.5.1>");
	check_bytes(port, sizeof port - 1, &wide, "#Port<0.6>", "#Port<0.6>");
	check_bytes(reference, sizeof reference - 1, &wide, "#Ref<0.1.2.3>", "#Reference<0.1.2.3>");
}

static void test_node_names_are_not_trusted(void **state)
{
	static const uint8_t pid[] = "\x83X\x77\x04\x1b[2J\0\0\0\x05\0\0\0\x01\0\0\0\x09";

	(void)state;
	check_bytes(pid, sizeof pid - 1, &wide, "<?.5.1>", "#PID<?.5.1>");
}

static void test_unicode_range(void **state)
{
	static const uint8_t text[] = "\x83m\0\0\0\x02\xd0\xb6";
	struct etf_print_options unicode = wide;

	(void)state;
	unicode.printable_unicode = true;
	check_bytes(text, sizeof text - 1, &wide, "<<208,182>>", "\"ж\"");
	check_bytes(text, sizeof text - 1, &unicode, "<<\"ж\"/utf8>>", "\"ж\"");
}

/* A map of more than 32 keys is printed backwards in Erlang (its node iterates so), forwards in Elixir. */
static void test_large_map_order(void **state)
{
	enum { COUNT = 33 };
	struct buf encoded, erlang, elixir;

	(void)state;
	buf_init(&encoded, TEXT_MAX);
	buf_init(&erlang, TEXT_MAX);
	buf_init(&elixir, TEXT_MAX);
	etf_put_version(&encoded);
	etf_put_map(&encoded, COUNT);
	for (int i = 0; i < COUNT; i++) {
		etf_put_integer(&encoded, i);
		etf_put_integer(&encoded, i);
		buf_printf(&erlang, "%s%d => %d", i ? "," : "#{", COUNT - 1 - i, COUNT - 1 - i);
		buf_printf(&elixir, "%s%d => %d", i ? ", " : "%{", i, i);
	}
	buf_put_text(&erlang, "}");
	buf_put_text(&elixir, "}");
	struct etf_print_options line = { .width = 0 };
	check_bytes(encoded.data, encoded.len, &line, buf_text(&erlang), buf_text(&elixir));
	buf_clear(&encoded);
	buf_clear(&erlang);
	buf_clear(&elixir);
}

/* Indentation times lines may be more than any buffer holds; then the printers must end soon. */
static void print_both(const struct buf *encoded)
{
	static const int widths[] = { 0, 1, 80 };
	struct arena arena;
	struct error err;
	const struct term *t;
	size_t used;

	arena_init(&arena, (size_t)1 << 30);
	assert_true(etf_decode(&arena, encoded->data, encoded->len, &ETF_LIMITS_DEFAULT, &t, &used, &err));
	for (size_t i = 0; i < 2 * sizeof widths / sizeof *widths; i++) {
		struct etf_print_options options = { .width = widths[i / 2] };
		struct buf out;
		buf_init(&out, TEXT_MAX);
		bool whole = (i % 2 ? etf_print_elixir : etf_print_erlang)(&out, t, &options);
		assert_int_equal(whole, !out.overflow);
		buf_clear(&out);
	}
	arena_clear(&arena);
}

/* As deep as the decoder allows, around what takes long to look at: each level must not look at all of it again. */
static void test_deep_and_long(void **state)
{
	enum { DEPTH = 4000, LENGTH = 1 << 20 };

	(void)state;
	for (int shape = 0; shape < 6; shape++) {
		struct buf b;
		buf_init(&b, TEXT_MAX);
		etf_put_version(&b);
		for (int i = 0; i < DEPTH; i++) {
			if (shape % 3 == 0)
				etf_put_tuple(&b, 1);
			else if (shape % 3 == 1)
				etf_put_list(&b, 1);
			else
				etf_put_map(&b, 1);
			if (shape % 3 == 2)
				etf_put_atom(&b, "k");
		}
		if (shape < 3) {
			uint8_t *room = buf_reserve(&b, 5 + LENGTH);
			memset(room, 'a', 5 + LENGTH);
			room[0] = ETF_TAG_BINARY;
			put_be32(room + 1, LENGTH);
			room[4 + LENGTH] = 0;
			b.len += 5 + LENGTH;
		} else {
			etf_put_list(&b, LENGTH);
			for (int i = 0; i < LENGTH; i++)
				etf_put_integer(&b, i + 1 < LENGTH ? 'a' : 1000);
			etf_put_nil(&b);
		}
		for (int i = 0; i < DEPTH && shape % 3 == 1; i++)
			etf_put_nil(&b);
		print_both(&b);
		buf_clear(&b);
	}
}

static void test_buffer_too_small(void **state)
{
	struct arena arena;
	struct error err;
	const struct term *t;
	struct buf out;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_true(etf_scan(&arena, "[{a,1},{b,[1,2,3]}]", 19, &t, &err));
	for (size_t max = 0; max < 16; max++) {
		buf_init(&out, max);
		assert_false(etf_print_erlang(&out, t, &wide));
		buf_clear(&out);
		buf_init(&out, max);
		assert_false(etf_print_elixir(&out, t, &wide));
		buf_clear(&out);
	}
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),         cmocka_unit_test(test_lines),
		cmocka_unit_test(test_identifiers),   cmocka_unit_test(test_node_names_are_not_trusted),
		cmocka_unit_test(test_unicode_range), cmocka_unit_test(test_large_map_order),
		cmocka_unit_test(test_deep_and_long), cmocka_unit_test(test_buffer_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
