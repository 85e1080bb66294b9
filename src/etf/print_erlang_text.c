/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/print_erlang_text.h"

#include <string.h>

#include "etf/number.h"
#include "etf/utf8.h"

enum binary_text { BINARY_NUMBERS, BINARY_LATIN1, BINARY_UTF8 };

/* What io:printable_range() allows: the node's default is Latin-1, `+pc unicode` makes it all of Unicode. */
static bool printable(uint32_t code, bool unicode)
{
	if (code < ' ')
		return (code >= '\b' && code <= '\r') || code == 27;
	if (code <= 0xff)
		return code < 0x7f || code >= 0xa0;
	return unicode && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && code != 0xfffe && code != 0xffff;
}

static bool printable_list(const struct sink *s, const struct term *t)
{
	struct cursor c = cursor_of(t);

	for (const struct term *e; (e = cursor_next(&c));) {
		if (e->kind != ETF_INTEGER || e->integer < 0 || e->integer > 0x10ffff ||
		    !printable((uint32_t)e->integer, s->options->printable_unicode))
			return false;
	}
	return !c.tail;
}

static enum binary_text binary_latin1(const struct etf_bytes *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (!printable(b->data[i], false))
			return BINARY_NUMBERS;
	}
	return BINARY_LATIN1;
}

/* Bytes that are no UTF-8 may still be Latin-1 text; UTF-8 that is not printable is shown as numbers. */
static enum binary_text binary_text(const struct sink *s, const struct etf_bytes *b)
{
	bool ok = true;
	bool ascii = true;
	uint32_t code;

	for (size_t i = 0, n; i < b->len; i += n) {
		n = utf8_decode(b->data + i, b->len - i, &code);
		if (n == 0)
			return binary_latin1(b);
		ok = ok && printable(code, s->options->printable_unicode);
		ascii = ascii && n == 1;
	}
	if (!ok)
		return BINARY_NUMBERS;
	return ascii ? BINARY_LATIN1 : BINARY_UTF8;
}

enum erlang_shape erlang_shape(const struct sink *s, const struct term *t)
{
	switch (t->kind) {
	case ETF_STRING:
	case ETF_LIST:
		return printable_list(s, t) ? ERLANG_WORD : ERLANG_LIST;
	case ETF_TUPLE:
		return t->tuple.count ? ERLANG_TUPLE : ERLANG_WORD;
	case ETF_MAP:
		return t->map.count ? ERLANG_MAP : ERLANG_WORD;
	case ETF_BINARY:
		return t->bytes.len && binary_text(s, &t->bytes) == BINARY_NUMBERS ? ERLANG_BINARY : ERLANG_WORD;
	case ETF_BITSTRING:
		return ERLANG_BINARY;
	default:
		return ERLANG_WORD;
	}
}

/* The emulator writes a fun's names with fewer escapes (`native`) than the library writes atoms. */
static void put_escaped(struct sink *s, uint32_t code, char quote, bool native)
{
	static const char letters[] = "btnvfr";

	if (code == (unsigned char)quote || code == '\\') {
		sink_char(s, '\\');
		sink_char(s, (char)code);
	} else if (code >= '\b' && code <= '\r') {
		sink_char(s, '\\');
		sink_char(s, letters[code - '\b']);
	} else if (!native && (code == 27 || code == 127)) {
		sink_char(s, '\\');
		sink_char(s, code == 27 ? 'e' : 'd');
	} else if (code < ' ' || (code >= 127 && code < 0xa0)) {
		sink_printf(s, "\\%03o", (unsigned)code);
	} else {
		sink_code(s, code);
	}
}

static bool reserved_word(const char *name, size_t len)
{
	static const char *const words[] = {
		"after", "and",   "andalso", "band",    "begin", "bnot", "bor",  "bsl", "bsr",   "bxor",
		"case",  "catch", "cond",    "div",     "end",   "fun",  "if",   "let", "maybe", "not",
		"of",    "or",    "orelse",  "receive", "rem",   "try",  "when", "xor",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strlen(words[i]) == len && !memcmp(words[i], name, len))
			return true;
	}
	return false;
}

static bool lower_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

static bool name_letter(uint32_t c)
{
	return lower_letter(c) || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	       (c >= '0' && c <= '9') || c == '_' || c == '@';
}

static void put_atom(struct sink *s, const struct term *t, bool native)
{
	const char *name = t->atom.name;
	size_t len = t->atom.len;
	uint32_t code;
	size_t n = utf8_decode(name, len, &code);
	bool quote = n == 0 || !lower_letter(code);

	for (size_t i = n; i < len && !quote; i += n) {
		n = utf8_decode(name + i, len - i, &code);
		quote = n == 0 || !name_letter(code);
	}
	if (!quote && (native || !reserved_word(name, len))) {
		sink_put(s, name, len);
		return;
	}
	sink_char(s, '\'');
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(name + i, len - i, &code);
		if (n == 0)
			break;
		put_escaped(s, code, '\'', native);
	}
	sink_char(s, '\'');
}

static void put_string(struct sink *s, const struct term *t)
{
	struct cursor c = cursor_of(t);

	sink_char(s, '"');
	for (const struct term *e; (e = cursor_next(&c)) && !sink_done(s);)
		put_escaped(s, (uint32_t)e->integer, '"', false);
	sink_char(s, '"');
}

static void put_numbers(struct sink *s, const uint8_t *data, size_t len, unsigned last_bits)
{
	for (size_t i = 0; i < len && !sink_done(s); i++) {
		if (i)
			sink_char(s, ',');
		if (i + 1 < len || last_bits == 8)
			sink_number(s, data[i]);
		else
			sink_printf(s, "%u:%u", data[i] >> (8 - last_bits), last_bits);
	}
}

static void put_binary(struct sink *s, const struct etf_bytes *b)
{
	/* As text a character takes four bytes at most, as numbers a byte takes more than one column. */
	if (sink_too_long(s, b->len / 4 + 4))
		return;
	enum binary_text text = binary_text(s, b);
	uint32_t code;

	sink_text(s, "<<");
	if (text == BINARY_NUMBERS || b->len == 0) {
		put_numbers(s, b->data, b->len, 8);
	} else {
		sink_char(s, '"');
		for (size_t i = 0, n; i < b->len && !sink_done(s); i += n) {
			n = text == BINARY_UTF8 ? utf8_decode(b->data + i, b->len - i, &code) : 1;
			put_escaped(s, n == 1 ? b->data[i] : code, '"', false);
		}
		sink_text(s, text == BINARY_UTF8 ? "\"/utf8" : "\"");
	}
	sink_text(s, ">>");
}

static void put_elements(struct sink *s, const struct term *t, char open, char close)
{
	struct cursor c = cursor_of(t);
	bool first = true;

	sink_char(s, open);
	for (const struct term *e; (e = cursor_next(&c)) && !sink_done(s); first = false) {
		if (!first)
			sink_char(s, ',');
		erlang_flat(s, e);
	}
	if (c.tail && !sink_done(s)) {
		sink_char(s, '|');
		erlang_flat(s, c.tail);
	}
	sink_char(s, close);
}

/*
 * A node sends the pairs of a map in its own order, but iterates over a large one (more than 32 keys, a hash map) in the
 * opposite direction.
 */
const struct term *erlang_pair(const struct term *map, uint32_t i)
{
	enum { FLAT_MAP_MAX = 32 };

	return &map->map.pairs[2 * (size_t)(map->map.count <= FLAT_MAP_MAX ? i : map->map.count - 1 - i)];
}

static void put_map(struct sink *s, const struct term *t)
{
	sink_text(s, "#{");
	for (uint32_t i = 0; i < t->map.count && !sink_done(s); i++) {
		const struct term *pair = erlang_pair(t, i);
		if (i)
			sink_char(s, ',');
		erlang_flat(s, &pair[0]);
		sink_text(s, " => ");
		erlang_flat(s, &pair[1]);
	}
	sink_char(s, '}');
}

static void put_identifier(struct sink *s, const struct term *t, const char *prefix)
{
	sink_text(s, prefix);
	sink_identifier(s, t);
	sink_char(s, '>');
}

static void put_fun(struct sink *s, const struct term *t)
{
	if (t->kind == ETF_EXPORT) {
		sink_text(s, "fun ");
		put_atom(s, t->export.module, true);
		sink_char(s, ':');
		put_atom(s, t->export.function, true);
		sink_printf(s, "/%u", (unsigned)t->export.arity);
	} else {
		sink_text(s, "#Fun<");
		put_atom(s, t->fun.module, true);
		sink_printf(s, ".%u.%u>", (unsigned)t->fun.index, (unsigned)t->fun.uniq);
	}
}

static void put_list(struct sink *s, const struct term *t)
{
	/* Longer than this as a string already, and as a list more so. */
	if (sink_too_long(s, (t->kind == ETF_STRING ? t->bytes.len : t->list.count) + 2))
		return;
	if (printable_list(s, t))
		put_string(s, t);
	else
		put_elements(s, t, '[', ']');
}

void erlang_flat(struct sink *s, const struct term *t)
{
	char text[ETF_FLOAT_TEXT_MAX];

	switch ((enum etf_kind)t->kind) {
	case ETF_INTEGER:
	case ETF_BIG:
		sink_integer(s, t, "16#");
		break;
	case ETF_FLOAT:
		sink_put(s, text, etf_float_text(t->real, text));
		break;
	case ETF_ATOM:
		put_atom(s, t, false);
		break;
	case ETF_PID:
		put_identifier(s, t, "<");
		break;
	case ETF_PORT:
		put_identifier(s, t, "#Port<");
		break;
	case ETF_REFERENCE:
		put_identifier(s, t, "#Ref<");
		break;
	case ETF_TUPLE:
		put_elements(s, t, '{', '}');
		break;
	case ETF_NIL:
		sink_text(s, "[]");
		break;
	case ETF_STRING:
	case ETF_LIST:
		put_list(s, t);
		break;
	case ETF_BINARY:
		put_binary(s, &t->bytes);
		break;
	case ETF_BITSTRING:
		sink_text(s, "<<");
		put_numbers(s, t->bits.data, t->bits.len, t->bits.last_bits);
		sink_text(s, ">>");
		break;
	case ETF_MAP:
		put_map(s, t);
		break;
	case ETF_EXPORT:
	case ETF_FUN:
		put_fun(s, t);
		break;
	}
}
