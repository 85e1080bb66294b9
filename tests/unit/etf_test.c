/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Terms: bytes to terms and back, builders, limits, order. What a real node says of them is in tests/e2e/etf_differential.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/encode.h"
#include "etf/number.h"
#include "etf/json.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

#define BYTES(text) (text), sizeof(text) - 1

static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, ARENA_MAX);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

/* The bytes in a block of their own, so that the sanitizers see a read beyond the end. */
static const struct term *try_decode(const void *data, size_t len, const struct etf_limits *limits, struct error *err)
{
	const struct term *t = NULL;
	uint8_t *copy = arena_copy(&arena, data, len);
	size_t used = 0;

	*err = (struct error){ .code = ERROR_NONE };
	if (!etf_decode(&arena, copy, len, limits, &t, &used, err))
		return NULL;
	assert_int_equal(used, len);
	return t;
}

static const struct term *decode(const void *data, size_t len)
{
	struct error err;
	const struct term *t = try_decode(data, len, &ETF_LIMITS_DEFAULT, &err);

	if (!t)
		fail_msg("%s", err.message);
	return t;
}

static enum error_code decode_error(const void *data, size_t len)
{
	struct error err;

	assert_null(try_decode(data, len, &ETF_LIMITS_DEFAULT, &err));
	return err.code;
}

static void assert_encodes(const struct term *t, const void *data, size_t len)
{
	struct buf b;

	buf_init(&b, ARENA_MAX);
	etf_put_version(&b);
	assert_true(etf_put_term(&b, t));
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, data, len);
	buf_clear(&b);
}

#define NODE "\x77\3a@b"
#define FUN                                                                                                            \
	"\x83p\0\0\0\x37\1"                                                                                            \
	"0123456789abcdef"                                                                                             \
	"\0\0\0\1\0\0\0\1"                                                                                             \
	"\x77\1m"                                                                                                      \
	"a\5"                                                                                                          \
	"b\0\0\1\0"                                                                                                    \
	"g" NODE "\0\0\0\1\0\0\0\0\0j"

/* One of each tag, with the kind that it has. */
static const struct {
	const char *data;
	size_t len;
	enum etf_kind kind;
} samples[] = {
	{ BYTES("\x83"
		"F\x3f\xf0\0\0\0\0\0\0"),
	  ETF_FLOAT },
	{ BYTES("\x83"
		"M\0\0\0\2\3\xff\xa0"),
	  ETF_BITSTRING },
	{ BYTES("\x83X" NODE "\0\0\0\1\0\0\0\2\x80\0\0\3"), ETF_PID },
	{ BYTES("\x83Y" NODE "\0\0\0\1\x80\0\0\3"), ETF_PORT },
	{ BYTES("\x83Z\0\3" NODE "\x80\0\0\3\0\0\0\1\0\0\0\2\0\0\0\3"), ETF_REFERENCE },
	{ BYTES("\x83"
		"a\xff"),
	  ETF_INTEGER },
	{ BYTES("\x83"
		"b\x80\0\0\0"),
	  ETF_INTEGER },
	{ BYTES("\x83"
		"c1.50000000000000000000e+00\0\0\0\0\0"),
	  ETF_FLOAT },
	{ BYTES("\x83"
		"d\0\2\xe9z"),
	  ETF_ATOM },
	{ BYTES("\x83"
		"e" NODE "\0\0\0\1\2"),
	  ETF_REFERENCE },
	{ BYTES("\x83"
		"f" NODE "\0\0\0\1\2"),
	  ETF_PORT },
	{ BYTES("\x83g" NODE "\0\0\0\1\0\0\0\2\1"), ETF_PID },
	{ BYTES("\x83h\2a\1a\2"), ETF_TUPLE },
	{ BYTES("\x83i\0\0\0\1a\1"), ETF_TUPLE },
	{ BYTES("\x83j"), ETF_NIL },
	{ BYTES("\x83k\0\2hi"), ETF_STRING },
	{ BYTES("\x83l\0\0\0\1a\1j"), ETF_LIST },
	{ BYTES("\x83l\0\0\0\1a\1a\2"), ETF_LIST },
	{ BYTES("\x83m\0\0\0\2hi"), ETF_BINARY },
	{ BYTES("\x83n\x08\1\0\0\0\0\0\0\0\x80"), ETF_INTEGER },
	{ BYTES("\x83n\x08\0\0\0\0\0\0\0\0\x80"), ETF_BIG },
	{ BYTES(FUN), ETF_FUN },
	{ BYTES("\x83qd\0\5listsd\0\3mapa\2"), ETF_EXPORT },
	{ BYTES("\x83r\0\2" NODE "\2\0\0\0\1\0\0\0\2"), ETF_REFERENCE },
	{ BYTES("\x83s\2ok"), ETF_ATOM },
	{ BYTES("\x83t\0\0\0\1a\1a\2"), ETF_MAP },
	{ BYTES("\x83v\0\2\xce\xbb"), ETF_ATOM },
	{ BYTES("\x83w\2\xce\xbb"), ETF_ATOM },
	{ BYTES("\x83x" NODE "\1\0\0\0\0\0\0\1\x80\0\0\3"), ETF_PORT },
};

static void every_tag_survives(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		const struct term *t = decode(samples[i].data, samples[i].len);
		assert_int_equal(t->kind, samples[i].kind);
		assert_encodes(t, samples[i].data, samples[i].len);
		assert_true(etf_equal(t, t));
	}
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		for (size_t len = 0; len < samples[i].len; len++)
			assert_int_equal(decode_error(samples[i].data, len), ERROR_PROTOCOL);
	}
}

static void parts_are_read_right(void **state)
{
	(void)state;
	const struct term *t = decode(BYTES(FUN));

	assert_true(etf_is_atom(t->fun.module, "m"));
	assert_int_equal(t->fun.arity, 1);
	assert_int_equal(t->fun.index, 5);
	assert_int_equal(t->fun.uniq, 256);
	assert_int_equal(t->fun.encoded.len, sizeof FUN - 2);
	assert_true(etf_is_atom(decode(BYTES("\x83"
					     "d\0\2\xe9z")),
				"\xc3\xa9z"));
	assert_true(decode(BYTES("\x83"
				 "c1.50000000000000000000e+00\0\0\0\0\0"))
			    ->real == 1.5);
	assert_int_equal(decode(BYTES("\x83n\x08\1\0\0\0\0\0\0\0\x80"))->integer, INT64_MIN);
	assert_true(etf_is_tuple(decode(BYTES("\x83h\2w\2oka\1")), 2, "ok"));
	assert_false(etf_is_tuple(decode(BYTES("\x83h\0")), 0, "ok"));
	t = decode(BYTES("\x83r\0\2" NODE "\2\0\0\0\1\0\0\0\2"));
	assert_int_equal(t->reference.ids[1], 2);
	assert_int_equal(t->reference.creation, 2);
}

static void lists_of_lists_are_joined(void **state)
{
	(void)state;
	struct term scratch;
	size_t len;
	const struct term *t = decode(BYTES("\x83l\0\0\0\1a\1l\0\0\0\0l\0\0\0\1w\1xk\0\2\7\x08"));

	assert_true(etf_is_proper_list(t, &len));
	assert_int_equal(len, 4);
	assert_int_equal(etf_list_element(t, 3, &scratch)->integer, 8);
	assert_null(etf_list_element(t, 4, &scratch));
	assert_encodes(t, BYTES("\x83l\0\0\0\4a\1w\1xa\7a\x08j"));
	assert_int_equal(decode(BYTES("\x83l\0\0\0\0j"))->kind, ETF_NIL);
	assert_int_equal(decode(BYTES("\x83k\0\0"))->kind, ETF_NIL);
	assert_int_equal(decode(BYTES("\x83l\0\0\0\0a\5"))->integer, 5);
	assert_false(etf_is_proper_list(decode(BYTES("\x83l\0\0\0\1a\1a\2")), &len));
	t = decode(BYTES("\x83k\0\1x"));
	assert_int_equal(etf_list_element(t, 0, &scratch)->integer, 'x');
	assert_true(etf_equal(t, decode(BYTES("\x83l\0\0\0\1axj"))));
}

static void malformed_terms_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		size_t len;
	} bad[] = {
		{ BYTES("\x82"
			"a\1") },
		{ BYTES("\x83R\1") },                  /* the atom cache is never negotiated */
		{ BYTES("\x83y\0\0\0\0\0\0\0\0a\1") }, /* LOCAL_EXT means something to its maker only */
		{ BYTES("\x83l\xff\xff\xff\xff"
			"a\1a\1a\1") }, /* counts beyond what is there */
		{ BYTES("\x83i\xff\xff\xff\xff"
			"a\1a\1a\1") },
		{ BYTES("\x83t\xff\xff\xff\xff"
			"a\1a\1a\1") },
		{ BYTES("\x83t\x80\0\0\0") },
		{ BYTES("\x83o\xff\xff\xff\xff\0\1") },
		{ BYTES("\x83m\xff\xff\xff\xff\0\1") },
		{ BYTES("\x83w\2\xc3\x28") }, /* atoms that are not UTF-8 */
		{ BYTES("\x83w\3\xed\xa0\x80") },
		{ BYTES("\x83"
			"F\x7f\xf0\0\0\0\0\0\0") }, /* infinity */
		{ BYTES("\x83"
			"F\x7f\xf8\0\0\0\0\0\0") }, /* not a number */
		{ BYTES("\x83"
			"cinf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
		{ BYTES("\x83"
			"c1.0e999\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
		{ BYTES("\x83Z\0\0" NODE "\x80\0\0\3") }, /* references of 0 and of 6 words */
		{ BYTES("\x83Z\0\6" NODE "\x80\0\0\3"
			"aaaabbbbccccddddeeeeffff") },
		{ BYTES("\x83Xa\1\0\0\0\1\0\0\0\2\x80\0\0\3") }, /* a pid of no node */
		{ BYTES("\x83M\0\0\0\1\x09\xff") },
		{ BYTES("\x83M\0\0\0\1\0\xff") },
		{ BYTES("\x83qw\1mw\1fb\0\0\1\0") },                         /* an arity of 256 */
		{ BYTES("\x83u\0\0\0\0gw\1n\0\0\0\0\0\0\0\0\0w\1ma\1a\1") }, /* funs as before OTP R8 */
		{ BYTES("\x83P\0\0\0\2garbage") },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(decode_error(bad[i].data, bad[i].len), ERROR_PROTOCOL);
}

static void a_fun_of_a_wrong_length_is_refused(void **state)
{
	(void)state;
	char fun[sizeof FUN - 1];

	memcpy(fun, FUN, sizeof fun);
	fun[5]++;
	assert_int_equal(decode_error(fun, sizeof fun), ERROR_PROTOCOL);
}

static void compressed_terms_are_bounded(void **state)
{
	(void)state;
	/* zlib data of {<<>>}, stored: header, one stored block, checksum. */
	static const char stored[] = "\x83P\0\0\0\7\x78\x01\1\7\0\xf8\xff"
				     "h\1m\0\0\0\0"
				     "\x05\x06\x00\xd7";
	const struct term *t = decode(BYTES(stored));
	char data[sizeof stored - 1];

	assert_encodes(t, BYTES("\x83h\1m\0\0\0\0"));
	memcpy(data, stored, sizeof data);
	data[5] = 6; /* says less than there is */
	assert_int_equal(decode_error(data, sizeof data), ERROR_PROTOCOL);
	data[5] = 8; /* says more */
	assert_int_equal(decode_error(data, sizeof data), ERROR_PROTOCOL);
	data[2] = 0x7f; /* says more than is allowed */
	assert_int_equal(decode_error(data, sizeof data), ERROR_LIMIT);
	data[2] = 0;
	data[3] = 0x10; /* says more than deflate can */
	assert_int_equal(decode_error(data, sizeof data), ERROR_PROTOCOL);
}

/* `open` repeated, then `middle`, then `close` repeated. */
static struct buf nested(const char *open, size_t open_len, size_t times, const char *middle, const char *close,
			 size_t close_len)
{
	struct buf b;

	buf_init(&b, ARENA_MAX);
	etf_put_version(&b);
	for (size_t i = 0; i < times; i++)
		buf_put(&b, open, open_len);
	buf_put_text(&b, middle);
	for (size_t i = 0; i < times; i++)
		buf_put(&b, close, close_len);
	return b;
}

static void assert_depth(size_t levels, const char *open, size_t open_len, const char *close, size_t close_len)
{
	struct error err;

	for (size_t times = 4096 / levels; times <= 4096 / levels + 1; times++) {
		struct buf b = nested(open, open_len, times, "j", close, close_len);
		const struct term *t = try_decode(b.data, b.len, &ETF_LIMITS_DEFAULT, &err);
		assert_int_equal(err.code, times * levels <= 4096 ? ERROR_NONE : ERROR_LIMIT);
		if (t) {
			const struct term *again = decode(b.data, b.len);
			assert_encodes(t, b.data, b.len);
			assert_true(etf_equal(t, again));
			assert_int_equal(etf_compare(t, again), 0);
			struct buf json;
			buf_init(&json, 1024 * 1024);
			assert_true(etf_put_json(&json, t));
			buf_clear(&json);
		}
		buf_clear(&b);
		arena_clear(&arena);
	}
}

static void nesting_is_bounded_for_every_container(void **state)
{
	(void)state;
	assert_depth(1, BYTES("h\1"), BYTES(""));
	assert_depth(1, BYTES("l\0\0\0\1"), BYTES("j"));
	assert_depth(1, BYTES("t\0\0\0\1a\1"), BYTES(""));
	assert_depth(1, BYTES("t\0\0\0\1"), BYTES("a\1"));
	assert_depth(2, BYTES("l\0\0\0\1a\1h\1"), BYTES("")); /* a tuple as an improper tail */
	assert_depth(1, BYTES("t\0\0\0\2a\1a\1"), BYTES("a\1"));
}

static void assert_funs_nested(size_t times, enum error_code expected)
{
	static const char head[] = "\1"
				   "0123456789abcdef"
				   "\0\0\0\1\0\0\0\1"
				   "w\1m"
				   "a\5"
				   "a\6"
				   "g" NODE "\0\0\0\1\0\0\0\0\0";
	const size_t own = 4 + sizeof head - 1;
	struct error err;
	struct buf b;

	buf_init(&b, ARENA_MAX);
	etf_put_version(&b);
	for (size_t i = 0; i < times; i++) {
		buf_put_u8(&b, ETF_TAG_NEW_FUN);
		buf_put_u32(&b, (uint32_t)((times - i) * (own + 1)));
		buf_put(&b, head, sizeof head - 1);
	}
	etf_put_nil(&b);
	try_decode(b.data, b.len, &ETF_LIMITS_DEFAULT, &err);
	assert_int_equal(err.code, expected);
	buf_clear(&b);
}

static void nesting_is_bounded_in_funs(void **state)
{
	(void)state;
	assert_funs_nested(1, ERROR_NONE);
	assert_funs_nested(4096, ERROR_NONE);
	assert_funs_nested(4097, ERROR_LIMIT);
}

static void long_chains_of_cells_need_no_stack(void **state)
{
	(void)state;
	struct buf b = nested(BYTES("l\0\0\0\1a\1"), 100000, "j", BYTES(""));
	const struct term *t = decode(b.data, b.len);

	assert_int_equal(t->list.count, 100000);
	assert_null(t->list.tail);
	buf_clear(&b);
}

static void elements_and_memory_are_bounded(void **state)
{
	(void)state;
	struct etf_limits limits = { .depth = 10, .elements = 3, .inflated = 10 };
	struct arena small;
	const struct term *t;
	size_t used;
	struct error err;

	assert_non_null(try_decode(BYTES("\x83h\3jjj"), &limits, &err));
	assert_null(try_decode(BYTES("\x83h\4jjjj"), &limits, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_null(try_decode(BYTES("\x83h\2jh\2jj"), &limits, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_null(try_decode(BYTES("\x83l\0\0\0\2jjk\0\2ab"), &limits, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	arena_init(&small, 100);
	assert_false(etf_decode(&small, BYTES("\x83h\4jjjj"), &ETF_LIMITS_DEFAULT, &t, &used, &err));
	assert_int_equal(err.code, ERROR_LIMIT);
	arena_clear(&small);
}

static void what_follows_is_the_callers(void **state)
{
	(void)state;
	const struct term *t;
	struct error err;
	size_t used;

	assert_true(etf_decode(&arena,
			       BYTES("\x83"
				     "a\1\x83"
				     "a\2"),
			       &ETF_LIMITS_DEFAULT, &t, &used, &err));
	assert_int_equal(used, 3);
}

static void assert_built(struct buf *b, const void *data, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, data, len);
	b->len = 0;
}

static void builders_choose_the_right_tags(void **state)
{
	(void)state;
	struct buf b;
	uint8_t many[70000] = { 0 };

	buf_init(&b, ARENA_MAX);
	etf_put_integer(&b, 255);
	assert_built(&b, BYTES("a\xff"));
	etf_put_integer(&b, 256);
	assert_built(&b, BYTES("b\0\0\1\0"));
	etf_put_integer(&b, -1);
	assert_built(&b, BYTES("b\xff\xff\xff\xff"));
	etf_put_integer(&b, 1LL << 31);
	assert_built(&b, BYTES("n\4\0\0\0\0\x80"));
	etf_put_integer(&b, INT64_MIN);
	assert_built(&b, BYTES("n\x08\1\0\0\0\0\0\0\0\x80"));
	etf_put_atom(&b, "\xc3\xa9");
	assert_built(&b, BYTES("w\2\xc3\xa9"));
	etf_put_string(&b, "", 0);
	assert_built(&b, BYTES("j"));
	etf_put_string(&b, "hi", 2);
	assert_built(&b, BYTES("k\0\2hi"));
	etf_put_tuple(&b, 256);
	assert_built(&b, BYTES("i\0\0\1\0"));
	etf_put_map(&b, 1);
	assert_built(&b, BYTES("t\0\0\0\1"));
	etf_put_pid(&b, "a@b", 1, 2, 0x80000003);
	assert_built(&b, BYTES("X" NODE "\0\0\0\1\0\0\0\2\x80\0\0\3"));
	etf_put_reference(&b, "a@b", 0x80000003, (const uint32_t[]){ 1, 2, 3 }, 3);
	assert_built(&b, BYTES("Z\0\3" NODE "\x80\0\0\3\0\0\0\1\0\0\0\2\0\0\0\3"));
	etf_put_version(&b);
	etf_put_string(&b, many, sizeof many);
	const struct term *t = decode(b.data, b.len);
	assert_int_equal(t->kind, ETF_LIST);
	assert_int_equal(t->list.count, sizeof many);
	buf_clear(&b);
	buf_init(&b, 3);
	assert_false(etf_put_integer(&b, 256));
	assert_true(b.overflow);
	buf_clear(&b);
}

/* In Erlang's order, each strictly before the next. */
static void terms_are_ordered(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		size_t len;
	} order[] = {
		{ BYTES("\x83n\x09\1\0\0\0\0\0\0\0\0\1") }, /* -2^64 */
		{ BYTES("\x83"
			"F\xc3\xe0\0\0\0\0\0\0") }, /* -2.0^63 */
		{ BYTES("\x83"
			"b\xff\xff\xff\xff") },
		{ BYTES("\x83"
			"a\1") },
		{ BYTES("\x83"
			"F\x3f\xf8\0\0\0\0\0\0") }, /* 1.5 */
		{ BYTES("\x83"
			"a\2") },
		{ BYTES("\x83n\x08\0\1\0\0\0\0\0\x20\0") }, /* 2^53 + 1, which no float is */
		{ BYTES("\x83n\x09\0\0\0\0\0\0\0\0\0\1") }, /* 2^64 */
		{ BYTES("\x83n\x09\0\1\0\0\0\0\0\0\0\1") },
		{ BYTES("\x83"
			"F\x43\xf0\0\0\0\0\0\1") }, /* the float after 2^64 */
		{ BYTES("\x83"
			"F\x7f\xef\xff\xff\xff\xff\xff\xff") },
		{ BYTES("\x83w\1a") },
		{ BYTES("\x83w\2aa") },
		{ BYTES("\x83Z\0\1" NODE "\0\0\0\1\0\0\0\1") },
		{ BYTES(FUN) },
		{ BYTES("\x83qw\1mw\1fa\2") },
		{ BYTES("\x83Y" NODE "\0\0\0\1\0\0\0\1") },
		{ BYTES("\x83X" NODE "\0\0\0\2\0\0\0\0\0\0\0\1") },
		{ BYTES("\x83X" NODE "\0\0\0\1\0\0\0\1\0\0\0\1") },
		{ BYTES("\x83h\0") },
		{ BYTES("\x83h\1w\1a") },
		{ BYTES("\x83h\2a\1a\1") },
		{ BYTES("\x83t\0\0\0\0") },
		{ BYTES("\x83t\0\0\0\1a\1a\7") },
		{ BYTES("\x83t\0\0\0\1F\0\0\0\0\0\0\0\0a\1") }, /* as keys, integers come before floats */
		{ BYTES("\x83j") },
		{ BYTES("\x83l\0\0\0\1aaa\1") },
		{ BYTES("\x83k\0\1a") },
		{ BYTES("\x83k\0\2aa") },
		{ BYTES("\x83k\0\1b") },
		{ BYTES("\x83m\0\0\0\0") },
		{ BYTES("\x83M\0\0\0\1\3\xa0") },
		{ BYTES("\x83m\0\0\0\1\xa0") },
		{ BYTES("\x83M\0\0\0\1\2\xc0") },
	};
	const size_t count = sizeof order / sizeof *order;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			int result =
				etf_compare(decode(order[i].data, order[i].len), decode(order[j].data, order[j].len));
			if ((result > 0) - (result < 0) != (i > j) - (i < j))
				fail_msg("terms %zu and %zu", i, j);
		}
	}
}

/* 99…9, 100…0 and 100…01, of every length up to some words and of some that are long. */
static void large_integers_have_all_their_digits(void **state)
{
	static const size_t long_lengths[] = { 600, 1152, 1153, 4000, 30000 };
	char *digits = xmalloc(30001);

	(void)state;
	for (size_t i = 19; i < 200 + sizeof long_lengths / sizeof *long_lengths; i++) {
		size_t len = i < 200 ? i : long_lengths[i - 200];
		for (int form = 0; form < 3; form++) {
			struct term t;
			memset(digits, form == 0 ? '9' : '0', len);
			digits[0] = form == 0 ? '9' : '1';
			digits[len - 1] = form == 2 ? '1' : digits[len - 1];
			digits[len] = '\0';
			assert_true(etf_integer_parse(&arena, digits, len, 10, form == 1, &t));
			char *text = etf_integer_text(&t);
			assert_true((text[0] == '-') == (form == 1));
			assert_string_equal(text + (form == 1), digits);
			free(text);
		}
	}
	free(digits);
}

static void equality_is_exact(void **state)
{
	(void)state;
	const struct term *one = decode(BYTES("\x83"
					      "a\1")),
			  *real = decode(BYTES("\x83"
					       "F\x3f\xf0\0\0\0\0\0\0"));

	assert_int_equal(etf_compare(one, real), 0);
	assert_false(etf_equal(one, real));
	assert_true(etf_equal(decode(BYTES("\x83t\0\0\0\2a\1ja\2j")), decode(BYTES("\x83t\0\0\0\2a\2ja\1j"))));
	assert_true(etf_equal(decode(BYTES("\x83"
					   "d\0\1\xe9")),
			      decode(BYTES("\x83w\2\xc3\xa9"))));
	assert_false(etf_equal(decode(BYTES("\x83"
					    "F\0\0\0\0\0\0\0\0")),
			       decode(BYTES("\x83"
					    "F\x80\0\0\0\0\0\0\0"))));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
	const struct CMUnitTest tests[] = {
		TEST(every_tag_survives),
		TEST(every_truncation_is_refused),
		TEST(parts_are_read_right),
		TEST(lists_of_lists_are_joined),
		TEST(malformed_terms_are_refused),
		TEST(a_fun_of_a_wrong_length_is_refused),
		TEST(compressed_terms_are_bounded),
		TEST(nesting_is_bounded_for_every_container),
		TEST(nesting_is_bounded_in_funs),
		TEST(long_chains_of_cells_need_no_stack),
		TEST(elements_and_memory_are_bounded),
		TEST(what_follows_is_the_callers),
		TEST(builders_choose_the_right_tags),
		TEST(terms_are_ordered),
		TEST(equality_is_exact),
		TEST(large_integers_have_all_their_digits),
	};
	return cmocka_run_group_tests_name("etf", tests, NULL, NULL);
}
