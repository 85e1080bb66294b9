/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Erlang's literals as text. Random ones, printed by a real node, are read in tests/e2e/etf_differential.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "etf/encode.h"
#include "etf/scan.h"

enum { ARENA_MAX = 16 * 1024 * 1024 };

#define BYTES(text) (text), sizeof(text) - 1

/* Text and the term's bytes, without the version. */
static const struct {
	const char *text;
	const char *data;
	size_t len;
} good[] = {
	{ "42", BYTES("a\x2a") },
	{ " % comment\n 42 . % another", BYTES("a\x2a") },
	{ "-1", BYTES("b\xff\xff\xff\xff") },
	{ "- 1", BYTES("b\xff\xff\xff\xff") },
	{ "+7", BYTES("a\7") },
	{ "1_000", BYTES("b\0\0\3\xe8") },
	{ "16#fF", BYTES("a\xff") },
	{ "-2#101", BYTES("b\xff\xff\xff\xfb") },
	{ "36#z", BYTES("a\x23") },
	{ "16#1_0", BYTES("a\x10") },
	{ "18446744073709551616", BYTES("n\x09\0\0\0\0\0\0\0\0\0\1") },
	{ "1.5", BYTES("F\x3f\xf8\0\0\0\0\0\0") },
	{ "1.5.", BYTES("F\x3f\xf8\0\0\0\0\0\0") },
	{ "-1.5e0", BYTES("F\xbf\xf8\0\0\0\0\0\0") },
	{ "1_5.0E-1", BYTES("F\x3f\xf8\0\0\0\0\0\0") },
	{ "$a", BYTES("aa") },
	{ "$\\n", BYTES("a\n") },
	{ "$ ", BYTES("a ") },
	{ "$\\x{3bb}", BYTES("b\0\0\3\xbb") },
	{ "$\xce\xbb", BYTES("b\0\0\3\xbb") },
	{ "$\\101", BYTES("aA") },
	{ "$\\^a", BYTES("a\1") },
	{ "$\\d", BYTES("a\x7f") },
	{ "ok", BYTES("w\2ok") },
	{ "ok@Host_1", BYTES("w\x09ok@Host_1") },
	{ "\xc3\xa9t\xc3\xa9", BYTES("w\5\xc3\xa9t\xc3\xa9") },
	{ "'A b'", BYTES("w\3A b") },
	{ "'it\\'s \xce\xbb'", BYTES("w\7it's \xce\xbb") },
	{ "''", BYTES("w\0") },
	{ "'case'", BYTES("w\4case") },
	{ "\"\"", BYTES("j") },
	{ "\"hi\"", BYTES("k\0\2hi") },
	{ "\"h\" % split\n \"i\"", BYTES("k\0\2hi") },
	{ "\"\\x41\\0\\s\\e\\\"\"", BYTES("k\0\5A\0 \x1b\"") },
	{ "\"\xce\xbb\"", BYTES("l\0\0\0\1b\0\0\3\xbbj") },
	{ "[]", BYTES("j") },
	{ "[1, 2]", BYTES("k\0\2\1\2") },
	{ "[1, 256]", BYTES("l\0\0\0\2a\1b\0\0\1\0j") },
	{ "[a | b]", BYTES("l\0\0\0\1w\1aw\1b") },
	{ "[a | [b | [c]]]", BYTES("l\0\0\0\3w\1aw\1bw\1cj") },
	{ "[1 | \"hi\"]", BYTES("k\0\3\1hi") },
	{ "[a | [b | c]]", BYTES("l\0\0\0\2w\1aw\1bw\1c") },
	{ "{}", BYTES("h\0") },
	{ "{ok, {1}}", BYTES("h\2w\2okh\1a\1") },
	{ "#{}", BYTES("t\0\0\0\0") },
	{ "#{a => 1, 1 => #{}}", BYTES("t\0\0\0\2w\1aa\1a\1t\0\0\0\0") },
	{ "#{1 => a, 1.0 => b}", BYTES("t\0\0\0\2a\1w\1aF\x3f\xf0\0\0\0\0\0\0w\1b") },
	{ "fun lists:map/2", BYTES("qw\5listsw\3mapa\2") },
	{ "fun 'A':b/0", BYTES("qw\1Aw\1ba\0") },
	{ "<<>>", BYTES("m\0\0\0\0") },
	{ "<<1, 300, -1>>", BYTES("m\0\0\0\3\1\x2c\xff") },
	{ "<<\"hi\", $!>>", BYTES("m\0\0\0\3hi!") },
	{ "<<\"\xc3\xa9\">>", BYTES("m\0\0\0\1\xe9") },
	{ "<<\"\xc3\xa9\"/utf8>>", BYTES("m\0\0\0\2\xc3\xa9") },
	{ "<<16#3bb/utf8>>", BYTES("m\0\0\0\2\xce\xbb") },
	{ "<<5:3>>", BYTES("M\0\0\0\1\3\xa0") },
	{ "<<1:1, 0:7>>", BYTES("m\0\0\0\1\x80") },
	{ "<<258:16>>", BYTES("m\0\0\0\2\1\2") },
	{ "<<258:16/little>>", BYTES("m\0\0\0\2\2\1") },
	{ "<<-2:12/big-signed-integer>>", BYTES("M\0\0\0\2\4\xff\xe0") },
	{ "<<-256:16>>", BYTES("m\0\0\0\2\xff\0") },
	{ "<<18446744073709551617:72>>", BYTES("m\0\0\0\x09\1\0\0\0\0\0\0\0\1") },
	{ "<<1.5/float>>", BYTES("m\0\0\0\x08\x3f\xf8\0\0\0\0\0\0") },
	{ "<<1.5:32/float-little>>", BYTES("m\0\0\0\4\0\0\xc0\x3f") },
	{ "<<\"ab\":16>>", BYTES("m\0\0\0\4\0a\0b") },
};

static void literals_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct arena arena;
		struct error err;
		struct buf b;
		const struct term *t;
		arena_init(&arena, ARENA_MAX);
		buf_init(&b, ARENA_MAX);
		if (!etf_scan(&arena, good[i].text, strlen(good[i].text), &t, &err))
			fail_msg("%s: %s", good[i].text, err.message);
		assert_true(etf_put_term(&b, t));
		if (b.len != good[i].len || memcmp(b.data, good[i].data, b.len) != 0)
			fail_msg("%s: another term", good[i].text);
		buf_clear(&b);
		arena_clear(&arena);
	}
}

static const struct {
	const char *text;
	const char *message;
} bad[] = {
	{ "", "line 1, column 1: expected a term, found the end of the text" },
	{ "[1,\n  ]", "line 2, column 3: expected a term, found ']'" },
	{ "{\xc3\xa9, Foo}", "line 1, column 5: expected a term, found the variable Foo" },
	{ "_", "line 1, column 1: expected a term, found the variable _" },
	{ "[1 2]", "line 1, column 4: expected ',', '|' or ']', found '2'" },
	{ "[1|2,3]", "line 1, column 5: expected ']', found ','" },
	{ "{1", "line 1, column 3: expected ',' or '}', found the end of the text" },
	{ "#{a}", "line 1, column 4: expected '=>', found '}'" },
	{ "#{a => 1, a => 2}", "line 1, column 3: a key of the map is given twice" },
	{ "1 2", "line 1, column 3: expected the end of the term, found '2'" },
	{ "foo:bar()", "line 1, column 4: expected the end of the term, found ':'" },
	{ "\"abc", "line 1, column 1: the closing \" is missing" },
	{ "'abc", "line 1, column 1: the closing ' is missing" },
	{ "\"\\x{110000}\"", "line 1, column 5: there is no such character" },
	{ "\"\\x4\"", "line 1, column 5: expected hexadecimal digits, found '\"'" },
	{ "case", "line 1, column 1: expected a term, found the reserved word case (as an atom it is 'case')" },
	{ "<0.1.2>", "line 1, column 1: expected a term; pids cannot be written as text" },
	{ "#Ref<0.1.2.3>",
	  "line 1, column 1: expected a term; records, references, ports and local funs cannot be written as text" },
	{ "fun(X) -> X end", "line 1, column 4: expected an atom, found '('" },
	{ "fun a:b/256", "line 1, column 9: expected an arity of at most 255" },
	{ "37#1", "line 1, column 1: the base of a number is between 2 and 36" },
	{ "2#2", "line 1, column 3: expected digits of base 2" },
	{ "16#", "line 1, column 4: expected digits of base 16" },
	{ "1.0e999", "line 1, column 1: the number is beyond the range of floats" },
	{ "1.0e", "line 1, column 5: expected the digits of an exponent, found the end of the text" },
	{ "<<\"\xce\xbb\">>", "line 1, column 3: a character that needs more than a byte: write <<\"...\"/utf8>>" },
	{ "<<1:99999999>>", "line 1, column 5: expected a size in bits of at most 16777216" },
	{ "<<1/binary>>",
	  "line 1, column 5: expected integer, float, utf8, big, little, signed or unsigned, found 'binary'" },
	{ "<<a>>", "line 1, column 3: expected a number, a character or a string, found 'a'" },
	{ "<<1.5>>", "line 1, column 3: a float in a binary is written with /float" },
	{ "<<1:3/little>>", "line 1, column 3: little is for whole bytes" },
	{ "a\xff", "line 1, column 2: the text is not UTF-8" },
};

static void errors_tell_the_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena arena;
		struct error err;
		const struct term *t;
		arena_init(&arena, ARENA_MAX);
		if (etf_scan(&arena, bad[i].text, strlen(bad[i].text), &t, &err))
			fail_msg("%s was read", bad[i].text);
		assert_int_equal(err.code, ERROR_SYNTAX);
		assert_string_equal(err.message, bad[i].message);
		arena_clear(&arena);
	}
}

static bool scan_nested(const char *open, size_t times)
{
	struct arena arena;
	struct error err;
	struct buf b;
	const struct term *t;

	arena_init(&arena, ARENA_MAX);
	buf_init(&b, ARENA_MAX);
	for (size_t i = 0; i < times; i++)
		buf_put_text(&b, open);
	bool ok = etf_scan(&arena, (const char *)b.data, b.len, &t, &err);
	bool deep = strstr(err.message, "nested too deeply") != NULL;
	assert_false(ok);
	buf_clear(&b);
	arena_clear(&arena);
	return !deep;
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	static const char *const opens[] = { "[", "{", "[1|", "#{", "#{1=>" };

	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		assert_true(scan_nested(opens[i], 900));
		assert_false(scan_nested(opens[i], 100000));
	}
}

static void long_strings_become_lists(void **state)
{
	(void)state;
	for (size_t len = 65535; len <= 65536; len++) {
		struct arena arena;
		struct error err;
		const struct term *t;
		char *text = malloc(len + 2);
		assert_non_null(text);
		memset(text, 'x', len + 2);
		text[0] = text[len + 1] = '"';
		arena_init(&arena, ARENA_MAX);
		assert_true(etf_scan(&arena, text, len + 2, &t, &err));
		assert_int_equal(t->kind, len <= 65535 ? ETF_STRING : ETF_LIST);
		arena_clear(&arena);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_read),
		cmocka_unit_test(errors_tell_the_place),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(long_strings_become_lists),
	};
	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
