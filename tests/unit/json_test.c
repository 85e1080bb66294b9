/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mapping of docs/json.md, with terms written as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "etf/decode.h"
#include "etf/json.h"
#include "etf/scan.h"

enum { ARENA_MAX = 1024 * 1024 };

static void assert_term_json(const struct term *t, const char *expected)
{
	struct buf json;

	buf_init(&json, ARENA_MAX);
	assert_true(etf_put_json(&json, t));
	assert_string_equal(buf_text(&json), expected);
	buf_clear(&json);
}

static const struct {
	const char *text;
	const char *json;
} samples[] = {
	{ "0", "0" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "-9223372036854775809", "-9223372036854775809" },
	{ "1267650600228229401496703205376", "1267650600228229401496703205376" },
	{ "1.0", "1.0" },
	{ "-0.0", "-0.0" },
	{ "0.1", "0.1" },
	{ "1.0e22", "1.0e22" },
	{ "5.0e-324", "5.0e-324" },
	{ "true", "true" },
	{ "false", "false" },
	{ "nil", "null" },
	{ "null", "{\"atom\":\"null\"}" },
	{ "undefined", "{\"atom\":\"undefined\"}" },
	{ "'\\0'", "{\"atom\":\"\\u0000\"}" },
	{ "<<\"\">>", "\"\"" },
	{ "<<\"gr\xc3\xbcn\"/utf8>>", "\"gr\xc3\xbcn\"" },
	{ "<<0,\"a\\\"b\">>", "\"\\u0000a\\\"b\"" },
	{ "<<255,0>>", "{\"binary\":\"/wA=\"}" },
	{ "<<5:3>>", "{\"bitstring\":{\"bits\":3,\"base64\":\"oA==\"}}" },
	{ "[]", "[]" },
	{ "\"hi\"", "[104,105]" },
	{ "[104,105]", "[104,105]" },
	{ "[a|b]", "{\"improper_list\":{\"elements\":[{\"atom\":\"a\"}],\"tail\":{\"atom\":\"b\"}}}" },
	{ "{}", "{\"tuple\":[]}" },
	{ "{ok,nil}", "{\"tuple\":[{\"atom\":\"ok\"},null]}" },
	{ "#{}", "{}" },
	{ "#{<<\"name\">> => <<\"x\">>, size => 3}", "{\":size\":3,\"name\":\"x\"}" },
	{ "#{nil => true}", "{\":nil\":true}" },
	{ "#{'' => 1, <<>> => 2}", "{\":\":1,\"\":2}" },
	{ "#{2 => 1, 1 => 2}", "{\"map\":[[1,2],[2,1]]}" },
	{ "#{1 => 1, 1.0 => 2}", "{\"map\":[[1,1],[1.0,2]]}" },
	{ "#{<<\":a\">> => 1}", "{\"map\":[[\":a\",1]]}" },
	{ "#{<<\"tuple\">> => 1}", "{\"map\":[[\"tuple\",1]]}" },
	{ "#{<<\"tuple\">> => 1, <<\"x\">> => 2}", "{\"tuple\":1,\"x\":2}" },
	{ "#{tuple => 1}", "{\":tuple\":1}" },
	{ "#{<<\"a\\0b\">> => 1}", "{\"map\":[[\"a\\u0000b\",1]]}" },
	{ "#{<<255>> => 1}", "{\"map\":[[{\"binary\":\"/w==\"},1]]}" },
	{ "fun lists:map/2", "{\"fun\":{\"module\":\"lists\",\"function\":\"map\",\"arity\":2}}" },
};

static void texts_have_the_documented_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct arena arena;
		struct error err;
		const struct term *t;
		arena_init(&arena, ARENA_MAX);
		if (!etf_scan(&arena, samples[i].text, strlen(samples[i].text), &t, &err))
			fail_msg("%s: %s", samples[i].text, err.message);
		assert_term_json(t, samples[i].json);
		arena_clear(&arena);
	}
}

static void assert_bytes_json(const void *data, size_t len, const char *expected)
{
	struct arena arena;
	struct error err;
	const struct term *t;
	size_t used;

	arena_init(&arena, ARENA_MAX);
	assert_true(etf_decode(&arena, data, len, &ETF_LIMITS_DEFAULT, &t, &used, &err));
	assert_term_json(t, expected);
	arena_clear(&arena);
}
#define ASSERT_BYTES(data, expected) assert_bytes_json(data, sizeof(data) - 1, expected)

static void what_has_no_text_has_json_too(void **state)
{
	(void)state;
	ASSERT_BYTES("\x83Xw\3a@b\0\0\0\x55\0\0\0\0\x80\0\0\3",
		     "{\"pid\":{\"node\":\"a@b\",\"id\":85,\"serial\":0,\"creation\":2147483651}}");
	ASSERT_BYTES("\x83xw\3a@b\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\3",
		     "{\"port\":{\"node\":\"a@b\",\"id\":18446744073709551615,\"creation\":3}}");
	ASSERT_BYTES("\x83Z\0\2w\3a@b\0\0\0\3\0\0\0\1\xff\xff\xff\xff",
		     "{\"reference\":{\"node\":\"a@b\",\"ids\":[1,4294967295],\"creation\":3}}");
	ASSERT_BYTES("\x83M\0\0\0\1\3\xff", "{\"bitstring\":{\"bits\":3,\"base64\":\"4A==\"}}");
	/* A key twice: no member may be lost. */
	ASSERT_BYTES("\x83t\0\0\0\2w\1aa\1w\1aa\2", "{\"map\":[[{\"atom\":\"a\"},1],[{\"atom\":\"a\"},2]]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_the_documented_json),
		cmocka_unit_test(what_has_no_text_has_json_too),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
