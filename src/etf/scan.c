/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/scan.h"

#include <stdlib.h>
#include <string.h>

#include "etf/scan_token.h"
#include "etf/utf8.h"

enum { DEPTH_MAX = 1000, STRING_MAX = UINT16_MAX };

static bool scan_term(struct scanner *s, struct term *t);

static void set_integer(struct term *t, uint32_t value)
{
	*t = (struct term){ .kind = ETF_INTEGER };
	t->tag = value <= UINT8_MAX ? ETF_TAG_SMALL_INTEGER : ETF_TAG_INTEGER;
	t->integer = value;
}

/* ---- lists ---- */

static bool is_byte(const struct term *t)
{
	return t->kind == ETF_INTEGER && t->integer >= 0 && t->integer <= UINT8_MAX;
}

/* What a node would send for it: bytes as a string, unless they are too many. */
static bool compact_list(struct scanner *s, struct term *t)
{
	for (uint32_t i = 0; i < t->list.count; i++) {
		if (!is_byte(&t->list.elements[i]))
			return true;
	}
	if (t->list.tail || t->list.count > STRING_MAX)
		return true;
	uint8_t *bytes = arena_alloc(s->arena, t->list.count, 1);
	if (!bytes)
		return scan_no_memory(s);
	for (uint32_t i = 0; i < t->list.count; i++)
		bytes[i] = (uint8_t)t->list.elements[i].integer;
	size_t len = t->list.count;
	*t = (struct term){ .kind = ETF_STRING, .tag = ETF_TAG_STRING, .bytes = { bytes, len } };
	return true;
}

/* The list of the terms in `elements`, and of that tail, which may be a list itself (NULL: none). */
static bool set_list(struct scanner *s, struct buf *elements, const struct term *tail, struct term *t)
{
	struct term scratch;
	const struct term *element;

	if (tail) {
		for (size_t i = 0; (element = etf_list_element(tail, i, &scratch)); i++)
			buf_put(elements, element, sizeof *element);
		if (tail->kind == ETF_LIST)
			tail = tail->list.tail;
		else if (tail->kind == ETF_NIL || tail->kind == ETF_STRING)
			tail = NULL;
	}
	*t = (struct term){ .kind = ETF_LIST, .tag = ETF_TAG_LIST };
	t->list.count = (uint32_t)(elements->len / sizeof *t);
	t->list.elements = arena_copy(s->arena, elements->data, elements->len);
	if (!t->list.elements)
		return scan_no_memory(s);
	if (tail) {
		t->list.tail = arena_copy(s->arena, tail, sizeof *tail);
		return t->list.tail || scan_no_memory(s);
	}
	return compact_list(s, t);
}

/* A term one level deeper. */
static bool scan_nested(struct scanner *s, struct term *t)
{
	if (s->depth == 0)
		return scan_error_at(s, s->p, "the term is nested too deeply");
	s->depth--;
	bool ok = scan_term(s, t);
	s->depth++;
	return ok;
}

/* Terms with commas between them, added to `out`. */
static bool scan_terms(struct scanner *s, struct buf *out)
{
	bool ok;

	do {
		struct term t;
		ok = scan_nested(s, &t) && (buf_put(out, &t, sizeof t) || scan_no_memory(s));
	} while (ok && scan_take(s, ","));
	return ok;
}

static bool scan_list(struct scanner *s, struct term *t)
{
	struct buf elements;
	struct term tail;
	bool ok, improper = false;

	*t = (struct term){ .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	if (scan_take(s, "]"))
		return true;
	buf_init(&elements, SIZE_MAX);
	ok = scan_terms(s, &elements);
	if (ok && scan_take(s, "|")) {
		improper = true;
		ok = scan_nested(s, &tail);
	}
	if (ok && !scan_take(s, "]"))
		ok = scan_expected(s, improper ? "']'" : "',', '|' or ']'");
	ok = ok && set_list(s, &elements, improper ? &tail : NULL, t);
	buf_clear(&elements);
	return ok;
}

static bool scan_tuple(struct scanner *s, struct term *t)
{
	struct buf elements;
	bool ok = true;

	buf_init(&elements, SIZE_MAX);
	if (!scan_take(s, "}")) {
		ok = scan_terms(s, &elements);
		if (ok && !scan_take(s, "}"))
			ok = scan_expected(s, "',' or '}'");
	}
	*t = (struct term){ .kind = ETF_TUPLE };
	t->tuple.count = (uint32_t)(elements.len / sizeof *t);
	t->tag = t->tuple.count > UINT8_MAX ? ETF_TAG_LARGE_TUPLE : ETF_TAG_SMALL_TUPLE;
	t->tuple.elements = ok ? arena_copy(s->arena, elements.data, elements.len) : NULL;
	if (ok && !t->tuple.elements)
		ok = scan_no_memory(s);
	buf_clear(&elements);
	return ok;
}

/* ---- maps ---- */

static bool scan_pairs(struct scanner *s, struct buf *out)
{
	bool ok;

	do {
		struct term pair[2];
		ok = scan_nested(s, &pair[0]) && (scan_take(s, "=>") || scan_expected(s, "'=>'")) &&
		     scan_nested(s, &pair[1]) && (buf_put(out, pair, sizeof pair) || scan_no_memory(s));
	} while (ok && scan_take(s, ","));
	return ok;
}

static bool keys_differ(struct scanner *s, const char *at, const struct term *map)
{
	const struct term **keys = etf_map_sorted(map);
	bool ok = true;

	for (uint32_t i = 1; ok && i < map->map.count; i++) {
		if (etf_equal(keys[i - 1], keys[i]))
			ok = scan_error_at(s, at, "a key of the map is given twice");
	}
	free(keys);
	return ok;
}

static bool scan_map(struct scanner *s, struct term *t)
{
	const char *at = s->p;
	struct buf pairs;
	bool ok = true;

	buf_init(&pairs, SIZE_MAX);
	if (!scan_take(s, "}")) {
		ok = scan_pairs(s, &pairs);
		if (ok && !scan_take(s, "}"))
			ok = scan_expected(s, "',' or '}'");
	}
	*t = (struct term){ .kind = ETF_MAP, .tag = ETF_TAG_MAP };
	t->map.count = (uint32_t)(pairs.len / sizeof *t / 2);
	t->map.pairs = ok ? arena_copy(s->arena, pairs.data, pairs.len) : NULL;
	if (ok && !t->map.pairs)
		ok = scan_no_memory(s);
	buf_clear(&pairs);
	return ok && keys_differ(s, at, t);
}

/* ---- the rest ---- */

/* Adjacent strings are one. */
static bool scan_string(struct scanner *s, struct term *t)
{
	struct buf codes, elements;
	bool ok = true;

	buf_init(&codes, SIZE_MAX);
	buf_init(&elements, SIZE_MAX);
	while (ok && scan_peek(s) == '"') {
		ok = scan_quoted(s, &codes);
		scan_skip(s);
	}
	for (size_t i = 0; ok && i < codes.len; i += sizeof(uint32_t)) {
		uint32_t code;
		struct term character;
		memcpy(&code, codes.data + i, sizeof code);
		set_integer(&character, code);
		ok = buf_put(&elements, &character, sizeof character) || scan_no_memory(s);
	}
	if (ok && codes.len == 0)
		*t = (struct term){ .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	else if (ok)
		ok = set_list(s, &elements, NULL, t);
	buf_clear(&codes);
	buf_clear(&elements);
	return ok;
}

static bool scan_export(struct scanner *s, struct term *t)
{
	struct term *names = arena_alloc(s->arena, 2, sizeof *names);

	if (!names)
		return scan_no_memory(s);
	s->p += strlen("fun");
	*t = (struct term){ .kind = ETF_EXPORT, .tag = ETF_TAG_EXPORT };
	t->export.module = &names[0];
	t->export.function = &names[1];
	return scan_atom(s, &names[0]) && (scan_take(s, ":") || scan_expected(s, "':'")) && scan_atom(s, &names[1]) &&
	       (scan_take(s, "/") || scan_expected(s, "'/'")) && scan_small(s, UINT8_MAX, "an arity", &t->export.arity);
}

/* What the shell prints for things that have no literal, and other things that people try. */
static bool no_literal(struct scanner *s)
{
	uint32_t code = scan_peek(s);

	if (code == '<')
		return scan_error_at(s, s->p, "expected a term; pids cannot be written as text");
	if (code == '#')
		return scan_error_at(
			s, s->p,
			"expected a term; records, references, ports and local funs cannot be written as text");
	if (code == '_' || (code >= 'A' && code <= 'Z'))
		return scan_error_at(s, s->p, "expected a term, found the variable %.*s", (int)scan_word(s), s->p);
	return scan_expected(s, "a term");
}

static bool scan_signed(struct scanner *s, struct term *t)
{
	bool negative = *s->p == '-';

	s->p++;
	scan_skip(s);
	return scan_number(s, negative, t);
}

static bool scan_term(struct scanner *s, struct term *t)
{
	uint32_t code;

	if (scan_take(s, "<<"))
		return scan_bits(s, t);
	if (scan_take(s, "#{"))
		return scan_map(s, t);
	if (scan_take(s, "{"))
		return scan_tuple(s, t);
	if (scan_take(s, "["))
		return scan_list(s, t);
	code = scan_peek(s);
	if (code >= '0' && code <= '9')
		return scan_number(s, false, t);
	switch (code) {
	case '-':
	case '+':
		return scan_signed(s, t);
	case '"':
		return scan_string(s, t);
	case '$':
		if (!scan_character(s, &code))
			return false;
		set_integer(t, code);
		return true;
	case '\'':
		return scan_atom(s, t);
	default:
		break;
	}
	size_t word = scan_word(s);
	if (word == strlen("fun") && memcmp(s->p, "fun", word) == 0)
		return scan_export(s, t);
	if (word && code != '_' && (code < 'A' || code > 'Z'))
		return scan_atom(s, t);
	return no_literal(s);
}

static bool check_utf8(struct scanner *s)
{
	const char *p = s->p;
	uint32_t code;

	while (p < s->end) {
		size_t step = utf8_decode(p, (size_t)(s->end - p), &code);
		if (!step)
			return scan_error_at(s, p, "the text is not UTF-8");
		p += step;
	}
	return true;
}

bool etf_scan(struct arena *arena, const char *text, size_t len, const struct term **out, struct error *err)
{
	struct scanner s = {
		.start = text,
		.p = text,
		.end = text + len,
		.arena = arena,
		.depth = etf_depth(DEPTH_MAX),
		.err = err,
	};
	struct term *t = arena_alloc(arena, 1, sizeof *t);

	if (!t)
		return scan_no_memory(&s);
	if (!check_utf8(&s) || !scan_term(&s, t))
		return false;
	scan_take(&s, ".");
	scan_skip(&s);
	if (s.p < s.end)
		return scan_expected(&s, "the end of the term");
	*out = t;
	return true;
}
