/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bit syntax of literals: <<1, 300:16/little, 5:3, "text", "grün"/utf8, 1.5/float>>. */
#include <math.h>
#include <string.h>

#include "etf/scan_token.h"
#include "etf/utf8.h"

enum { SEGMENT_BITS_MAX = 1 << 24 };

struct bits {
	struct buf bytes;
	uint8_t last_bits; /* in use of the last byte; 0: all */
};

struct segment {
	enum { SEGMENT_INTEGER, SEGMENT_FLOAT, SEGMENT_UTF8 } type;
	bool sized;
	bool little;
	uint32_t size; /* bits */
	const char *at;
};

static void put_bit(struct bits *out, bool bit)
{
	if (out->last_bits == 0)
		buf_put_u8(&out->bytes, 0);
	if (bit)
		out->bytes.data[out->bytes.len - 1] |= (uint8_t)(0x80U >> out->last_bits);
	out->last_bits = (uint8_t)((out->last_bits + 1) % 8);
}

/* An integer of any size as two's complement. */
struct complement {
	const uint8_t *digits;
	size_t len;
	size_t lowest; /* of the bits that are set: for a negative number, those above it are inverted */
	bool negative;
};

static bool complement_bit(const struct complement *c, size_t i)
{
	bool bit = i / 8 < c->len && (c->digits[i / 8] >> i % 8 & 1);

	return c->negative && i > c->lowest ? !bit : bit;
}

static void put_integer(struct bits *out, const struct segment *segment, const uint8_t *digits, size_t len,
			bool negative)
{
	struct complement c = { .digits = digits, .len = len };

	while (c.lowest < len * 8 && !complement_bit(&c, c.lowest))
		c.lowest++;
	c.negative = negative;
	for (size_t i = segment->size; i > 0; i--) {
		size_t bit = i - 1;
		if (segment->little) /* whole bytes, the other way round */
			bit = (segment->size - 8 - bit / 8 * 8) + bit % 8;
		put_bit(out, complement_bit(&c, bit));
	}
}

static void put_small(struct bits *out, const struct segment *segment, uint64_t value, bool negative)
{
	uint8_t digits[8];

	for (size_t i = 0; i < sizeof digits; i++, value >>= 8)
		digits[i] = (uint8_t)value;
	put_integer(out, segment, digits, sizeof digits, negative);
}

static bool put_real(struct scanner *s, struct bits *out, const struct segment *segment, double value)
{
	uint64_t bits;
	uint32_t single_bits;
	float single = (float)value;

	if (segment->size == 32 && !isfinite(single))
		return scan_error_at(s, segment->at, "the number is beyond the range of 32-bit floats");
	memcpy(&bits, &value, sizeof bits);
	memcpy(&single_bits, &single, sizeof single_bits);
	put_small(out, segment, segment->size == 64 ? bits : single_bits, false);
	return true;
}

static bool put_code(struct scanner *s, struct bits *out, const struct segment *segment, uint32_t code)
{
	char utf8[UTF8_MAX];

	if (segment->type == SEGMENT_UTF8) {
		struct segment byte = { .size = 8 };
		size_t len = utf8_encode(code, utf8);
		for (size_t i = 0; i < len; i++)
			put_small(out, &byte, (uint8_t)utf8[i], false);
		return len || scan_error_at(s, segment->at, "there is no such character");
	}
	if (segment->type == SEGMENT_FLOAT)
		return put_real(s, out, segment, code);
	if (!segment->sized && code > UINT8_MAX)
		return scan_error_at(s, segment->at, "a character that needs more than a byte: write <<\"...\"/utf8>>");
	put_small(out, segment, code, false);
	return true;
}

static bool put_number(struct scanner *s, struct bits *out, const struct segment *segment, const struct term *t)
{
	if (segment->type == SEGMENT_FLOAT) {
		if (t->kind == ETF_BIG)
			return scan_error_at(s, segment->at, "expected a float");
		return put_real(s, out, segment, t->kind == ETF_FLOAT ? t->real : (double)t->integer);
	}
	if (t->kind == ETF_FLOAT)
		return scan_error_at(s, segment->at, "a float in a binary is written with /float");
	if (segment->type == SEGMENT_UTF8) {
		bool code = t->kind == ETF_INTEGER && t->integer >= 0 && t->integer <= 0x10ffff;
		return put_code(s, out, segment, code ? (uint32_t)t->integer : UINT32_MAX);
	}
	if (t->kind == ETF_BIG)
		put_integer(out, segment, t->big.digits, t->big.len, t->big.negative);
	else
		put_small(out, segment, t->integer < 0 ? 0 - (uint64_t)t->integer : (uint64_t)t->integer,
			  t->integer < 0);
	return true;
}

static bool scan_type(struct scanner *s, struct segment *segment)
{
	static const char what[] = "integer, float, utf8, big, little, signed or unsigned";

	do {
		scan_skip(s);
		size_t len = scan_word(s);
		const char *word = s->p;
#define IS(text) (len == sizeof(text) - 1 && memcmp(word, text, sizeof(text) - 1) == 0)
		if (IS("float"))
			segment->type = SEGMENT_FLOAT;
		else if (IS("utf8"))
			segment->type = SEGMENT_UTF8;
		else if (IS("little"))
			segment->little = true;
		else if (!IS("integer") && !IS("big") && !IS("signed") && !IS("unsigned"))
			return scan_expected(s, what);
#undef IS
		s->p += len;
	} while (scan_take(s, "-"));
	return true;
}

/* `:Size/Type`, each of which may be absent. */
static bool scan_specifier(struct scanner *s, struct segment *segment)
{
	segment->sized = scan_take(s, ":");
	if (segment->sized && !scan_small(s, SEGMENT_BITS_MAX, "a size in bits", &segment->size))
		return false;
	if (scan_take(s, "/") && !scan_type(s, segment))
		return false;
	if (!segment->sized)
		segment->size = segment->type == SEGMENT_FLOAT ? 64 : 8;
	if (segment->type == SEGMENT_UTF8 && segment->sized)
		return scan_error_at(s, segment->at, "utf8 takes no size");
	if (segment->type == SEGMENT_FLOAT && segment->size != 32 && segment->size != 64)
		return scan_error_at(s, segment->at, "a float has 32 or 64 bits");
	if (segment->little && segment->size % 8)
		return scan_error_at(s, segment->at, "little is for whole bytes");
	return true;
}

static bool scan_text_segment(struct scanner *s, struct bits *out, struct segment *segment)
{
	struct buf codes;
	bool ok = true;

	buf_init(&codes, SIZE_MAX);
	if (scan_peek(s) == '$') {
		uint32_t code;
		ok = scan_character(s, &code) && buf_put(&codes, &code, sizeof code);
	} else {
		while (ok && scan_peek(s) == '"') {
			ok = scan_quoted(s, &codes);
			scan_skip(s);
		}
	}
	ok = ok && scan_specifier(s, segment);
	for (size_t i = 0; ok && i < codes.len; i += sizeof(uint32_t)) {
		uint32_t code;
		memcpy(&code, codes.data + i, sizeof code);
		ok = put_code(s, out, segment, code);
	}
	buf_clear(&codes);
	return ok;
}

static bool scan_segment(struct scanner *s, struct bits *out)
{
	struct segment segment = { .type = SEGMENT_INTEGER };
	struct term t;

	scan_skip(s);
	segment.at = s->p;
	if (scan_peek(s) == '"' || scan_peek(s) == '$')
		return scan_text_segment(s, out, &segment);
	bool negative = scan_take(s, "-");
	scan_skip(s);
	if (s->p == s->end || *s->p < '0' || *s->p > '9')
		return scan_expected(s, "a number, a character or a string");
	return scan_number(s, negative, &t) && scan_specifier(s, &segment) && put_number(s, out, &segment, &t);
}

static bool set_bits(struct scanner *s, const struct bits *bits, struct term *t)
{
	const uint8_t *data = arena_copy(s->arena, bits->bytes.data, bits->bytes.len);

	if (!data)
		return scan_no_memory(s);
	if (bits->last_bits == 0) {
		*t = (struct term){ .kind = ETF_BINARY, .tag = ETF_TAG_BINARY, .bytes = { data, bits->bytes.len } };
		return true;
	}
	*t = (struct term){ .kind = ETF_BITSTRING, .tag = ETF_TAG_BIT_BINARY };
	t->bits.data = data;
	t->bits.len = bits->bytes.len;
	t->bits.last_bits = bits->last_bits;
	return true;
}

bool scan_bits(struct scanner *s, struct term *t)
{
	struct bits bits = { .last_bits = 0 };
	bool ok = true;

	buf_init(&bits.bytes, SIZE_MAX);
	if (!scan_take(s, ">>")) {
		do
			ok = scan_segment(s, &bits);
		while (ok && scan_take(s, ","));
		if (ok && !scan_take(s, ">>"))
			ok = scan_expected(s, "',' or '>>'");
	}
	ok = ok && set_bits(s, &bits, t);
	buf_clear(&bits.bytes);
	return ok;
}
