/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Up to four terms, one behind the other: comparing them must be a total order in which equal terms are equal, sorting a map's keys must end in
 * their order, and their JSON must be JSON, the same for equal terms and another for different ones. (Maps as keys of maps aside: of those
 * docs/json.md promises less.)
 */
#include <errno.h>
#include <iconv.h>

#include <json-c/json.h>

#include "base/arena.h"
#include "base/buf.h"
#include "etf/decode.h"
#include "etf/json.h"
#include "fuzz_must.h"

enum { TERMS = 4, ARENA_MAX = 16 * 1024 * 1024, JSON_MAX = 1024 * 1024, JSON_DEPTH = 4 * 256 };

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void check_order(const struct term *const *t, size_t count)
{
	int order[TERMS][TERMS];

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++)
			order[i][j] = sign(etf_compare(t[i], t[j]));
	}
	for (size_t i = 0; i < count; i++) {
		must(order[i][i] == 0 && etf_equal(t[i], t[i]));
		for (size_t j = 0; j < count; j++) {
			bool equal = etf_equal(t[i], t[j]);
			must(order[i][j] == -order[j][i] && equal == etf_equal(t[j], t[i]));
			must(!equal || order[i][j] == 0);
			for (size_t k = 0; k < count; k++)
				must(!(order[i][j] <= 0 && order[j][k] <= 0) || order[i][k] <= 0);
		}
	}
}

/*
 * As json-c 0.18 can read it, which takes integers up to 64 bits only when it is strict, and characters beyond ASCII not always: shorter integers,
 * and question marks.
 */
static size_t simplify(const struct buf *json, char *out)
{
	enum { DIGITS_MAX = 18 };
	bool in_string = false;
	size_t digits = 0, len = 0;

	for (size_t i = 0; i < json->len; i++) {
		char c = (char)json->data[i];
		if (in_string && c == '\\')
			out[len++] = (char)json->data[i++];
		else if (c == '"')
			in_string = !in_string;
		digits = !in_string && c >= '0' && c <= '9' ? digits + 1 : 0;
		if (digits <= DIGITS_MAX)
			out[len++] = (char)(json->data[i] < 0x80 ? json->data[i] : '?');
	}
	out[len] = '\0';
	return len;
}

static void must_be_utf8(const struct buf *json)
{
	static iconv_t converter;
	char room[4096], *text = (char *)json->data;
	size_t len = json->len;

	if (!converter)
		converter = iconv_open("UTF-32LE", "UTF-8");
	while (len > 0) {
		char *out = room;
		size_t left = sizeof room;
		must(iconv(converter, &text, &len, &out, &left) != (size_t)-1 || errno == E2BIG);
	}
}

static void must_be_json(const struct buf *json)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	char *text = xmalloc(json->len + 1);
	size_t len = simplify(json, text);

	must_be_utf8(json);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *parsed = json_tokener_parse_ex(tokener, text, (int)len + 1);
	must(json_tokener_get_error(tokener) == json_tokener_success);
	json_object_put(parsed);
	json_tokener_free(tokener);
	free(text);
}

/* The buffer's text may end in the midst of a number or a literal only where it did not fit. */
static bool put_json(struct buf *out, const struct term *t)
{
	buf_init(out, JSON_MAX);
	bool whole = etf_put_json(out, t);
	must(whole == !out->overflow);
	if (!whole)
		return false;
	must_be_json(out);
	return true;
}

static void check_json(const struct term *const *t, size_t count)
{
	struct buf text[TERMS];
	bool whole[TERMS];

	for (size_t i = 0; i < count; i++) {
		whole[i] = put_json(&text[i], t[i]);
		for (size_t j = 0; j < i && whole[i]; j++) {
			bool same = whole[j] && text[i].len == text[j].len &&
				    memcmp(text[i].data, text[j].data, text[i].len) == 0;
			must(!same || etf_compare(t[i], t[j]) == 0);
		}
	}
	for (size_t i = 0; i < count; i++)
		buf_clear(&text[i]);
}

static void check_keys(const struct term *t)
{
	if (t->kind != ETF_MAP)
		return;
	const struct term **keys = etf_map_sorted(t);
	for (uint32_t i = 1; i < t->map.count; i++)
		must(keys[i] != keys[i - 1]);
	free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct etf_limits limits = { .depth = 256, .elements = 20000, .inflated = 1 << 18 };
	const struct term *terms[TERMS];
	struct arena arena;
	struct error err;
	size_t count = 0, used;

	arena_init(&arena, ARENA_MAX);
	while (count < TERMS && size > 0 && etf_decode(&arena, data, size, &limits, &terms[count], &used, &err)) {
		check_keys(terms[count++]);
		data += used;
		size -= used;
	}
	check_order(terms, count);
	check_json(terms, count);
	arena_clear(&arena);
	return 0;
}
