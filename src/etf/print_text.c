/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/print_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etf/number.h"
#include "etf/utf8.h"

bool sink_done(const struct sink *s)
{
	return s->out ? s->out->overflow : s->columns >= s->limit;
}

/*
 * Marks that join the character before them, the common ones: OTP counts grapheme clusters, not code points. What is
 * not listed here (Indic vowel signs, Hangul parts, emoji sequences) counts as a column of its own.
 */
static bool joins(uint32_t code)
{
	static const uint32_t ranges[][2] = {
		{ 0x0300, 0x036f },   { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x064b, 0x065f },
		{ 0x1ab0, 0x1ace },   { 0x1dc0, 0x1dff }, { 0x200c, 0x200d },   { 0x20d0, 0x20f0 },
		{ 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f }, { 0x1f3fb, 0x1f3ff }, { 0xe0020, 0xe007f },
		{ 0xe0100, 0xe01ef },
	};

	for (size_t i = 0; code >= ranges[0][0] && i < sizeof ranges / sizeof *ranges; i++) {
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	}
	return false;
}

static size_t columns_of(const uint8_t *p, size_t len)
{
	size_t columns = 0;
	uint32_t code;

	for (size_t i = 0, n; i < len; i += n) {
		n = p[i] < 0x80 ? 1 : utf8_decode(p + i, len - i, &code);
		if (n < 2)
			n = 1;
		columns += n == 1 || !joins(code);
	}
	return columns;
}

void sink_put(struct sink *s, const void *utf8, size_t len)
{
	s->columns += s->bytes ? len : columns_of(utf8, len);
	if (s->out && !s->out->overflow)
		buf_put(s->out, utf8, len);
}

void sink_text(struct sink *s, const char *text)
{
	sink_put(s, text, strlen(text));
}

void sink_char(struct sink *s, char c)
{
	s->columns++;
	if (s->out && !s->out->overflow)
		buf_put(s->out, &c, 1);
}

void sink_code(struct sink *s, uint32_t code)
{
	char utf8[UTF8_MAX];
	size_t len = utf8_encode(code, utf8);

	sink_put(s, utf8, len);
}

void sink_printf(struct sink *s, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (len > 0)
		sink_put(s, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void sink_number(struct sink *s, uint64_t value)
{
	char text[20];
	size_t at = sizeof text;

	do
		text[--at] = (char)('0' + value % 10);
	while (value /= 10);
	s->columns += sizeof text - at;
	if (s->out && !s->out->overflow)
		buf_put(s->out, text + at, sizeof text - at);
}

void sink_newline(struct sink *s, size_t indent)
{
	s->columns = indent;
	if (!s->out)
		return;
	uint8_t *room = s->out->overflow ? NULL : buf_reserve(s->out, indent + 1);
	if (room) {
		room[0] = '\n';
		memset(room + 1, ' ', indent);
		s->out->len += indent + 1;
	}
}

bool sink_too_long(struct sink *s, size_t len)
{
	if (s->out || s->columns >= s->limit || len < s->limit - s->columns)
		return false;
	s->columns += len;
	return true;
}

static void cursor_enter(struct cursor *c, const struct term *t)
{
	c->index = 0;
	c->tail = NULL;
	if (t->kind == ETF_STRING) {
		c->elements = NULL;
		c->bytes = t->bytes.data;
		c->count = t->bytes.len;
	} else if (t->kind == ETF_LIST) {
		c->elements = t->list.elements;
		c->count = t->list.count;
		c->tail = t->list.tail;
	} else if (t->kind == ETF_TUPLE) {
		c->elements = t->tuple.elements;
		c->count = t->tuple.count;
	} else {
		c->count = 0;
	}
}

/* A tail that is a list goes on with its elements: [a | [b]] is [a, b]. */
static void cursor_settle(struct cursor *c)
{
	while (c->index == c->count && c->tail) {
		if (c->tail->kind == ETF_NIL)
			c->tail = NULL;
		else if (c->tail->kind == ETF_LIST || c->tail->kind == ETF_STRING)
			cursor_enter(c, c->tail);
		else
			break;
	}
}

struct cursor cursor_of(const struct term *t)
{
	struct cursor c = { .index = 0 };

	cursor_enter(&c, t);
	cursor_settle(&c);
	return c;
}

bool cursor_more(const struct cursor *c)
{
	return c->index < c->count;
}

const struct term *cursor_next(struct cursor *c)
{
	const struct term *t;

	if (!cursor_more(c))
		return NULL;
	if (c->elements) {
		t = &c->elements[c->index];
	} else {
		c->scratch = (struct term){ .kind = ETF_INTEGER,
					    .tag = ETF_TAG_SMALL_INTEGER,
					    .integer = c->bytes[c->index] };
		t = &c->scratch;
	}
	c->index++;
	cursor_settle(c);
	return t;
}

void sink_integer(struct sink *s, const struct term *t, const char *hex_prefix)
{
	if (t->kind == ETF_INTEGER) {
		if (t->integer < 0)
			sink_char(s, '-');
		sink_number(s, t->integer < 0 ? -(uint64_t)t->integer : (uint64_t)t->integer);
		return;
	}
	/* A byte is more than two decimal digits, and at least one of a measured number's bytes is not zero. */
	if (sink_too_long(s, 2 * t->big.len))
		return;
	if (t->big.len <= INTEGER_DECIMAL_MAX) {
		char *digits = etf_integer_text(t);
		sink_text(s, digits);
		free(digits);
		return;
	}
	if (t->big.negative)
		sink_char(s, '-');
	sink_text(s, hex_prefix);
	size_t len = t->big.len;
	while (len > 1 && t->big.digits[len - 1] == 0)
		len--;
	sink_printf(s, "%X", t->big.digits[len - 1]);
	for (size_t i = len - 1; i-- > 0 && !sink_done(s);)
		sink_printf(s, "%02X", t->big.digits[i]);
}

static bool plain_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr("_@.-", c))))
			return false;
	}
	return len > 0;
}

/* The node itself shows its own as 0, others by a number that only it knows. */
static void sink_node(struct sink *s, const struct term *node)
{
	const char *local = s->options->local_node;

	if (!local || node->kind != ETF_ATOM ||
	    (strlen(local) == node->atom.len && !memcmp(local, node->atom.name, node->atom.len)))
		sink_char(s, '0');
	else if (plain_name(node->atom.name, node->atom.len))
		sink_put(s, node->atom.name, node->atom.len);
	else
		sink_char(s, '?');
}

void sink_identifier(struct sink *s, const struct term *t)
{
	if (t->kind == ETF_PID) {
		sink_node(s, t->pid.node);
		sink_printf(s, ".%" PRIu32 ".%" PRIu32, t->pid.id, t->pid.serial);
	} else if (t->kind == ETF_PORT) {
		sink_node(s, t->port.node);
		sink_printf(s, ".%" PRIu64, t->port.id);
	} else if (t->kind == ETF_REFERENCE) {
		sink_node(s, t->reference.node);
		for (size_t i = t->reference.count; i-- > 0;)
			sink_printf(s, ".%" PRIu32, t->reference.ids[i]);
	}
}
