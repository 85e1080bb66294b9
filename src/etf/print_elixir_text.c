/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/print_elixir_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "etf/number.h"
#include "etf/utf8.h"

static bool printable_code(uint32_t c)
{
	if (c < 0x80)
		return c >= ' ' || (c >= 7 && c <= '\r') || c == 27;
	return c >= 0xa0 && !(c >= 0xd800 && c <= 0xdfff) && c != 0xfffe && c != 0xffff;
}

static bool printable_charlist(const struct term *t)
{
	struct cursor c = cursor_of(t);

	for (const struct term *e; (e = cursor_next(&c));) {
		if (e->kind != ETF_INTEGER || e->integer < 7 || e->integer > '~' ||
		    !printable_code((uint32_t)e->integer))
			return false;
	}
	return !c.tail;
}

bool elixir_printable(const struct term *t)
{
	uint32_t code;

	if (t->kind != ETF_BINARY)
		return printable_charlist(t);
	for (size_t i = 0, n; i < t->bytes.len; i += n) {
		n = utf8_decode(t->bytes.data + i, t->bytes.len - i, &code);
		if (n == 0 || !printable_code(code))
			return false;
	}
	return true;
}

/* Spaces that are not the common one, and marks without a shape of their own, such as those that turn the direction of writing. */
static bool invisible(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0xa0, 0xa0 },     { 0x34f, 0x34f },   { 0x61c, 0x61c },   { 0x2000, 0x200f }, { 0x2028, 0x202e },
		{ 0x205f, 0x2064 }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffc },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

static void put_escaped(struct sink *s, uint32_t code)
{
	static const char letters[] = "abtnvfr";

	if (code == '"' || code == '\\') {
		sink_char(s, '\\');
		sink_char(s, (char)code);
	} else if (code >= 7 && code <= '\r') {
		sink_char(s, '\\');
		sink_char(s, letters[code - 7]);
	} else if (code == 27 || code == 127 || code == 0) {
		sink_char(s, '\\');
		sink_char(s, code == 27 ? 'e' : code ? 'd' : '0');
	} else if (invisible(code)) {
		sink_printf(s, "\\u%04X", (unsigned)code);
	} else if (printable_code(code)) {
		sink_code(s, code);
	} else if (code < 0x100) {
		sink_printf(s, "\\x%02X", (unsigned)code);
	} else {
		sink_printf(s, "\\x{%04X}", (unsigned)code);
	}
}

void elixir_string(struct sink *s, const struct term *t)
{
	uint32_t before = 0;

	sink_text(s, t->kind == ETF_BINARY ? "\"" : "~c\"");
	if (t->kind == ETF_BINARY) {
		for (size_t i = 0, n; i < t->bytes.len && !sink_done(s); i += n) {
			uint32_t code = 0;
			n = utf8_decode(t->bytes.data + i, t->bytes.len - i, &code);
			if (n == 0) {
				sink_printf(s, "\\x%02X", t->bytes.data[i]);
				n = 1;
			} else if (code == '#' && i + 1 < t->bytes.len && t->bytes.data[i + 1] == '{') {
				sink_text(s, "\\#{");
				n = 2;
			} else {
				put_escaped(s, code);
			}
		}
	} else {
		struct cursor c = cursor_of(t);
		for (const struct term *e; (e = cursor_next(&c)) && !sink_done(s);) {
			uint32_t code = (uint32_t)e->integer;
			if (before == '#')
				sink_text(s, code == '{' ? "\\#" : "#");
			if (code != '#')
				put_escaped(s, code);
			before = code;
		}
		if (before == '#')
			sink_char(s, '#');
	}
	sink_char(s, '"');
}

/* Whole numbers are shown without an exponent for longer than OTP does. */
void elixir_float(struct sink *s, double value)
{
	char text[ETF_FLOAT_TEXT_MAX];

	if (fabs(value) >= 1 && fabs(value) < 1e16 && trunc(value) == value)
		sink_printf(s, "%" PRId64 ".0", (int64_t)value);
	else
		sink_put(s, text, etf_float_text(value, text));
}

/* The node also knows which function a local fun was made in; what comes over the wire does not tell. */
void elixir_fun(struct sink *s, const struct term *t)
{
	if (t->kind == ETF_EXPORT) {
		sink_char(s, '&');
		elixir_atom(s, t->export.module, ELIXIR_LITERAL);
		sink_char(s, '.');
		elixir_atom(s, t->export.function, ELIXIR_CALL);
		sink_printf(s, "/%u", (unsigned)t->export.arity);
	} else {
		sink_printf(s, "#Function<%u.%u/%u in ", (unsigned)t->fun.index, (unsigned)t->fun.uniq, t->fun.arity);
		elixir_atom(s, t->fun.module, ELIXIR_LITERAL);
		sink_char(s, '>');
	}
}

static void put_identifier(struct sink *s, const struct term *t, const char *prefix)
{
	sink_text(s, prefix);
	sink_identifier(s, t);
	sink_char(s, '>');
}

static void put_map(struct sink *s, const struct term *t)
{
	const struct term *module = elixir_field(t, "__struct__");
	int64_t first, last, step;

	if (module && elixir_set(t)) {
		sink_text(s, "MapSet.new([])");
	} else if (module && elixir_range(t, &first, &last, &step)) {
		sink_printf(s, "%lld..%lld", (long long)first, (long long)last);
		if (step != 1 || last < first)
			sink_printf(s, "//%lld", (long long)step);
	} else if (!module || !elixir_calendar(s, t)) {
		sink_char(s, '%');
		if (module)
			elixir_atom(s, module, ELIXIR_LITERAL);
		sink_text(s, "{}");
	}
}

void elixir_word(struct sink *s, const struct term *t)
{
	switch ((enum etf_kind)t->kind) {
	case ETF_INTEGER:
	case ETF_BIG:
		sink_integer(s, t, "0x");
		break;
	case ETF_FLOAT:
		elixir_float(s, t->real);
		break;
	case ETF_ATOM:
		elixir_atom(s, t, ELIXIR_LITERAL);
		break;
	case ETF_PID:
		put_identifier(s, t, "#PID<");
		break;
	case ETF_PORT:
		put_identifier(s, t, "#Port<");
		break;
	case ETF_REFERENCE:
		put_identifier(s, t, "#Reference<");
		break;
	case ETF_TUPLE:
		sink_text(s, "{}");
		break;
	case ETF_NIL:
		sink_text(s, "[]");
		break;
	case ETF_STRING:
	case ETF_LIST:
	case ETF_BINARY:
	case ETF_BITSTRING:
		elixir_string(s, t);
		break;
	case ETF_MAP:
		put_map(s, t);
		break;
	case ETF_EXPORT:
	case ETF_FUN:
		elixir_fun(s, t);
		break;
	}
}
