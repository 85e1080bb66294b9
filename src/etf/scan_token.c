/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/scan_token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etf/number.h"
#include "etf/utf8.h"

enum { ATOM_CHARACTERS_MAX = 255, BASE_MAX = 36 };

/* ---- errors ---- */

bool scan_error_at(struct scanner *s, const char *at, const char *fmt, ...)
{
	unsigned int line = 1, column = 1;
	va_list args;

	for (const char *p = s->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if ((*p & 0xc0) != 0x80) {
			column++;
		}
	}
	s->err->code = ERROR_SYNTAX;
	va_start(args, fmt);
	vsnprintf(s->err->message, sizeof s->err->message, fmt, args);
	va_end(args);
	s->err->cure[0] = '\0';
	return error_prefix(s->err, "line %u, column %u", line, column);
}

bool scan_expected(struct scanner *s, const char *what)
{
	uint32_t code = 0;
	size_t len = utf8_decode(s->p, (size_t)(s->end - s->p), &code);

	if (s->p == s->end)
		return scan_error_at(s, s->p, "expected %s, found the end of the text", what);
	size_t word = scan_word(s);
	return scan_error_at(s, s->p, "expected %s, found '%.*s'", what, (int)(word > len && word < 64 ? word : len),
			     s->p);
}

bool scan_no_memory(struct scanner *s)
{
	return scan_error_at(s, s->p, "the term is too large");
}

/* ---- characters and words ---- */

uint32_t scan_peek(const struct scanner *s)
{
	uint32_t code = 0;

	utf8_decode(s->p, (size_t)(s->end - s->p), &code);
	return code;
}

void scan_skip(struct scanner *s)
{
	while (s->p < s->end) {
		if (*s->p == '%') {
			const char *newline = memchr(s->p, '\n', (size_t)(s->end - s->p));
			s->p = newline ? newline : s->end;
		} else if ((unsigned char)*s->p <= ' ') {
			s->p++;
		} else {
			return;
		}
	}
}

bool scan_take(struct scanner *s, const char *text)
{
	size_t len = strlen(text);

	scan_skip(s);
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
		return false;
	s->p += len;
	return true;
}

static bool is_digit(uint32_t code)
{
	return code >= '0' && code <= '9';
}

/* Erlang's bare words are made of Latin-1 letters, whatever the encoding of the text. */
static bool is_lower(uint32_t code)
{
	return (code >= 'a' && code <= 'z') || (code >= 0xdf && code <= 0xff && code != 0xf7);
}

static bool is_upper(uint32_t code)
{
	return (code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde && code != 0xd7);
}

size_t scan_word(const struct scanner *s)
{
	const char *p = s->p;

	while (p < s->end) {
		uint32_t code = 0;
		size_t step = utf8_decode(p, (size_t)(s->end - p), &code);
		bool letter = is_lower(code) || is_upper(code) || code == '_';
		if (!letter && (p == s->p || (!is_digit(code) && code != '@')))
			break;
		p += step;
	}
	return (size_t)(p - s->p);
}

/* ---- numbers ---- */

/* Digits with single underscores between them, added to `digits` without these. */
static void take_digits(struct scanner *s, struct buf *digits, bool letters)
{
	while (s->p < s->end) {
		uint32_t next = s->p + 1 < s->end ? (unsigned char)s->p[1] : 0;
		bool letter = letters && ((*s->p >= 'a' && *s->p <= 'z') || (*s->p >= 'A' && *s->p <= 'Z'));
		bool more = is_digit(next) || (letters && (is_lower(next) || is_upper(next)) && next < 0x80);
		if (is_digit((unsigned char)*s->p) || letter)
			buf_put_u8(digits, (uint8_t)*s->p);
		else if (*s->p != '_' || !digits->len || !more)
			return;
		s->p++;
	}
}

static bool take_exponent(struct scanner *s, struct buf *digits)
{
	if (s->p == s->end || (*s->p != 'e' && *s->p != 'E'))
		return true;
	buf_put_u8(digits, (uint8_t)*s->p++);
	if (s->p < s->end && (*s->p == '-' || *s->p == '+'))
		buf_put_u8(digits, (uint8_t)*s->p++);
	if (!is_digit(scan_peek(s)))
		return scan_expected(s, "the digits of an exponent");
	take_digits(s, digits, false);
	return true;
}

static bool scan_real(struct scanner *s, const char *at, bool negative, struct buf *digits, struct term *t)
{
	buf_put_u8(digits, (uint8_t)*s->p++);
	take_digits(s, digits, false);
	if (!take_exponent(s, digits))
		return false;
	*t = (struct term){ .kind = ETF_FLOAT, .tag = ETF_TAG_NEW_FLOAT };
	if (!etf_float_parse((const char *)digits->data, digits->len, &t->real))
		return scan_error_at(s, at, "the number is beyond the range of floats");
	if (negative)
		t->real = -t->real;
	return true;
}

static bool scan_integer(struct scanner *s, const char *at, bool negative, struct buf *digits, struct term *t)
{
	long base = 10;

	if (s->p < s->end && *s->p == '#') {
		base = digits->len < 3 ? strtol(buf_text(digits), NULL, 10) : 0;
		if (base < 2 || base > BASE_MAX)
			return scan_error_at(s, at, "the base of a number is between 2 and %d", BASE_MAX);
		s->p++;
		at = s->p;
		buf_clear(digits);
		take_digits(s, digits, true);
	}
	if (!etf_integer_parse(s->arena, (const char *)digits->data, digits->len, (int)base, negative, t))
		return scan_error_at(s, at, "expected digits of base %ld", base);
	return true;
}

bool scan_number(struct scanner *s, bool negative, struct term *t)
{
	const char *at = s->p;
	struct buf digits;
	bool ok;

	buf_init(&digits, (size_t)(s->end - s->p) + 1);
	take_digits(s, &digits, false);
	if (digits.len == 0)
		ok = scan_expected(s, "a number");
	else if (s->end - s->p >= 2 && s->p[0] == '.' && is_digit((unsigned char)s->p[1]))
		ok = scan_real(s, at, negative, &digits, t);
	else
		ok = scan_integer(s, at, negative, &digits, t);
	buf_clear(&digits);
	return ok;
}

bool scan_small(struct scanner *s, uint32_t max, const char *what, uint32_t *value)
{
	struct term t;

	scan_skip(s);
	if (!is_digit(scan_peek(s)))
		return scan_expected(s, what);
	const char *at = s->p;
	if (!scan_number(s, false, &t))
		return false;
	if (t.kind != ETF_INTEGER || t.integer > max)
		return scan_error_at(s, at, "expected %s of at most %u", what, max);
	*value = (uint32_t)t.integer;
	return true;
}

/* ---- characters ---- */

static bool take_code(struct scanner *s, uint32_t *code)
{
	size_t step = utf8_decode(s->p, (size_t)(s->end - s->p), code);

	s->p += step;
	return step != 0;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* \xHH or \x{H…}, the x having been taken. */
static bool scan_hex_escape(struct scanner *s, uint32_t *code)
{
	bool braces = s->p < s->end && *s->p == '{';
	const char *at = s->p += braces;
	char utf8[UTF8_MAX];

	*code = 0;
	while (s->p < s->end && hex_value(*s->p) >= 0 && *code <= 0x10ffff && (braces || s->p - at < 2))
		*code = *code << 4 | (uint32_t)hex_value(*s->p++);
	if (s->p == at || (!braces && s->p - at != 2))
		return scan_expected(s, "hexadecimal digits");
	if (braces && (s->p == s->end || *s->p++ != '}'))
		return scan_error_at(s, at, "expected hexadecimal digits and '}'");
	if (!utf8_encode(*code, utf8))
		return scan_error_at(s, at, "there is no such character");
	return true;
}

/* What stands behind a backslash. */
static bool scan_escape(struct scanner *s, uint32_t *code)
{
	static const char letters[] = "bdefnrstv";
	static const char values[] = "\b\x7f\x1b\f\n\r \t\v";

	if (!take_code(s, code))
		return scan_expected(s, "the rest of an escape");
	if (*code == 'x')
		return scan_hex_escape(s, code);
	if (*code == '^') {
		if (!take_code(s, code))
			return scan_expected(s, "the letter of a control character");
		*code &= 31;
		return true;
	}
	if (*code >= '0' && *code <= '7') {
		*code -= '0';
		for (int i = 0; i < 2 && s->p < s->end && *s->p >= '0' && *s->p <= '7'; i++)
			*code = *code << 3 | (uint32_t)(*s->p++ - '0');
		return true;
	}
	const char *letter = *code && *code < 0x80 ? strchr(letters, (int)*code) : NULL;
	if (letter)
		*code = (uint32_t)values[letter - letters];
	return true;
}

bool scan_character(struct scanner *s, uint32_t *code)
{
	s->p++;
	if (!take_code(s, code))
		return scan_expected(s, "a character");
	return *code != '\\' || scan_escape(s, code);
}

bool scan_quoted(struct scanner *s, struct buf *codes)
{
	const char *at = s->p;
	uint32_t code, quote = (unsigned char)*s->p++;

	while (take_code(s, &code)) {
		if (code == quote)
			return true;
		if (code == '\\' && !scan_escape(s, &code))
			return false;
		if (!buf_put(codes, &code, sizeof code))
			return scan_no_memory(s);
	}
	return scan_error_at(s, at, "the closing %c is missing", (int)quote);
}

/* ---- atoms ---- */

static bool is_reserved(const char *word, size_t len)
{
	static const char *const reserved[] = {
		"after", "and",  "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr",
		"bxor",  "case", "catch",   "cond",   "div",     "end",  "fun", "if",   "let",
		"not",   "of",   "or",      "orelse", "receive", "rem",  "try", "when", "xor",
	};

	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (strlen(reserved[i]) == len && memcmp(reserved[i], word, len) == 0)
			return true;
	}
	return false;
}

static bool set_atom(struct scanner *s, const char *at, const char *name, size_t len, struct term *t)
{
	size_t characters = 0;

	utf8_valid(name, len, &characters);
	if (characters > ATOM_CHARACTERS_MAX)
		return scan_error_at(s, at, "an atom has at most %d characters", ATOM_CHARACTERS_MAX);
	*t = (struct term){ .kind = ETF_ATOM, .tag = len > UINT8_MAX ? ETF_TAG_ATOM_UTF8 : ETF_TAG_SMALL_ATOM_UTF8 };
	t->atom.name = arena_copy(s->arena, name, len);
	t->atom.len = len;
	return t->atom.name || scan_no_memory(s);
}

static bool scan_quoted_atom(struct scanner *s, struct term *t)
{
	const char *at = s->p;
	struct buf codes, name;
	bool ok;

	buf_init(&codes, SIZE_MAX);
	buf_init(&name, SIZE_MAX);
	ok = scan_quoted(s, &codes);
	for (size_t i = 0; ok && i < codes.len; i += sizeof(uint32_t)) {
		uint32_t code;
		char utf8[UTF8_MAX];
		memcpy(&code, codes.data + i, sizeof code);
		buf_put(&name, utf8, utf8_encode(code, utf8));
	}
	ok = ok && set_atom(s, at, (const char *)name.data, name.len, t);
	buf_clear(&codes);
	buf_clear(&name);
	return ok;
}

bool scan_atom(struct scanner *s, struct term *t)
{
	const char *at;

	scan_skip(s);
	at = s->p;
	if (scan_peek(s) == '\'')
		return scan_quoted_atom(s, t);
	if (!is_lower(scan_peek(s)))
		return scan_expected(s, "an atom");
	size_t len = scan_word(s);
	if (is_reserved(at, len))
		return scan_error_at(s, at, "expected a term, found the reserved word %.*s (as an atom it is '%.*s')",
				     (int)len, at, (int)len, at);
	s->p += len;
	return set_atom(s, at, at, len, t);
}
