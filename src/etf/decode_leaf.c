/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/decode_leaf.h"

#include <math.h>
#include <string.h>

#include "etf/number.h"
#include "etf/utf8.h"

enum { ATOM_CHARACTERS_MAX = 255, REFERENCE_IDS_MAX = 5, FLOAT_TEXT_LEN = 31 };

size_t decoder_offset(const struct decoder *d)
{
	return (size_t)(d->r.p - d->start);
}

bool decoder_malformed(struct decoder *d, const char *what)
{
	return error_set(d->err, ERROR_PROTOCOL, "%s in an external term (at byte %zu%s)", what, decoder_offset(d),
			 d->where);
}

bool decoder_cut(struct decoder *d)
{
	return error_set(d->err, ERROR_PROTOCOL, "an external term ends too early (at byte %zu%s)", decoder_offset(d),
			 d->where);
}

bool decoder_too_much(struct decoder *d, const char *what)
{
	return error_set(d->err, ERROR_LIMIT, "an external term %s (at byte %zu%s)", what, decoder_offset(d), d->where);
}

void *decoder_take(struct decoder *d, size_t count, size_t size)
{
	void *at = arena_alloc(d->arena, count, size);

	if (!at)
		decoder_too_much(d, "needs more memory than is allowed");
	return at;
}

/* ---- atoms ---- */

static bool atom_latin1(struct decoder *d, struct term *t, const uint8_t *name, size_t len)
{
	char *text = NULL;
	size_t used = 0, high = 0;

	for (size_t i = 0; i < len; i++)
		high += name[i] >> 7;
	t->atom.name = (const char *)name;
	t->atom.len = len + high;
	if (high == 0)
		return true;
	text = decoder_take(d, len + high, 1);
	for (size_t i = 0; text && i < len; i++) {
		char code[UTF8_MAX];
		size_t step = utf8_encode(name[i], code);
		memcpy(text + used, code, step);
		used += step;
	}
	t->atom.name = text;
	return text != NULL;
}

bool decode_atom(struct decoder *d, struct term *t)
{
	bool small = t->tag == ETF_TAG_SMALL_ATOM || t->tag == ETF_TAG_SMALL_ATOM_UTF8;
	size_t characters, len = small ? read_u8(&d->r) : read_u16(&d->r);
	const uint8_t *name = read_bytes(&d->r, len);

	t->kind = ETF_ATOM;
	if (!name)
		return decoder_cut(d);
	if (t->tag == ETF_TAG_ATOM || t->tag == ETF_TAG_SMALL_ATOM)
		return len > ATOM_CHARACTERS_MAX ? decoder_malformed(d, "an atom of more than 255 characters")
						 : atom_latin1(d, t, name, len);
	if (!utf8_valid(name, len, &characters))
		return decoder_malformed(d, "an atom that is not UTF-8");
	if (characters > ATOM_CHARACTERS_MAX)
		return decoder_malformed(d, "an atom of more than 255 characters");
	t->atom.name = (const char *)name;
	t->atom.len = len;
	return true;
}

static bool is_atom_tag(uint8_t tag)
{
	return tag == ETF_TAG_ATOM || tag == ETF_TAG_SMALL_ATOM || tag == ETF_TAG_ATOM_UTF8 ||
	       tag == ETF_TAG_SMALL_ATOM_UTF8;
}

/* An atom in a place where nothing else may stand. */
const struct term *decode_atom_part(struct decoder *d)
{
	struct term *t = decoder_take(d, 1, sizeof *t);

	if (!t)
		return NULL;
	*t = (struct term){ .tag = read_u8(&d->r) };
	if (d->r.failed)
		decoder_cut(d);
	else if (!is_atom_tag(t->tag))
		decoder_malformed(d, "no atom where one must stand");
	else if (decode_atom(d, t))
		return t;
	return NULL;
}

/* ---- numbers ---- */

bool decode_integer(struct decoder *d, struct term *t)
{
	t->kind = ETF_INTEGER;
	t->integer = t->tag == ETF_TAG_SMALL_INTEGER ? read_u8(&d->r) : (int32_t)read_u32(&d->r);
	return !d->r.failed || decoder_cut(d);
}

bool decode_big(struct decoder *d, struct term *t)
{
	size_t len = t->tag == ETF_TAG_SMALL_BIG ? read_u8(&d->r) : read_u32(&d->r);
	uint8_t sign = read_u8(&d->r);
	const uint8_t *digits = read_bytes(&d->r, len);

	if (!digits)
		return decoder_cut(d);
	etf_integer_set(t, digits, len, sign != 0);
	return true;
}

bool decode_float(struct decoder *d, struct term *t)
{
	uint64_t bits = read_u64(&d->r);

	t->kind = ETF_FLOAT;
	memcpy(&t->real, &bits, sizeof bits);
	if (d->r.failed)
		return decoder_cut(d);
	return isfinite(t->real) || decoder_malformed(d, "a float that is no number");
}

bool decode_text_float(struct decoder *d, struct term *t)
{
	const uint8_t *text = read_bytes(&d->r, FLOAT_TEXT_LEN);

	t->kind = ETF_FLOAT;
	t->text = text;
	if (!text)
		return decoder_cut(d);
	size_t len = strnlen((const char *)text, FLOAT_TEXT_LEN);
	return etf_float_parse((const char *)text, len, &t->real) || decoder_malformed(d, "a float that is no number");
}

/* ---- identifiers ---- */

bool decode_pid(struct decoder *d, struct term *t)
{
	t->kind = ETF_PID;
	t->pid.node = decode_atom_part(d);
	if (!t->pid.node)
		return false;
	t->pid.id = read_u32(&d->r);
	t->pid.serial = read_u32(&d->r);
	t->pid.creation = t->tag == ETF_TAG_PID ? read_u8(&d->r) : read_u32(&d->r);
	return !d->r.failed || decoder_cut(d);
}

bool decode_port(struct decoder *d, struct term *t)
{
	t->kind = ETF_PORT;
	t->port.node = decode_atom_part(d);
	if (!t->port.node)
		return false;
	t->port.id = t->tag == ETF_TAG_V4_PORT ? read_u64(&d->r) : read_u32(&d->r);
	t->port.creation = t->tag == ETF_TAG_PORT ? read_u8(&d->r) : read_u32(&d->r);
	return !d->r.failed || decoder_cut(d);
}

static bool reference_ids(struct decoder *d, struct term *t, uint16_t count)
{
	if (d->r.failed || reader_left(&d->r) < 4U * count)
		return decoder_cut(d);
	uint32_t *ids = decoder_take(d, count, sizeof *ids);
	for (uint16_t i = 0; ids && i < count; i++)
		ids[i] = read_u32(&d->r);
	t->reference.ids = ids;
	t->reference.count = count;
	return ids != NULL;
}

bool decode_old_reference(struct decoder *d, struct term *t)
{
	t->kind = ETF_REFERENCE;
	t->reference.node = decode_atom_part(d);
	if (!t->reference.node || !reference_ids(d, t, 1))
		return false;
	t->reference.creation = read_u8(&d->r);
	return !d->r.failed || decoder_cut(d);
}

bool decode_reference(struct decoder *d, struct term *t)
{
	uint16_t count = read_u16(&d->r);

	t->kind = ETF_REFERENCE;
	if (d->r.failed)
		return decoder_cut(d);
	if (count < 1 || count > REFERENCE_IDS_MAX)
		return decoder_malformed(d, "a reference of a wrong length");
	t->reference.node = decode_atom_part(d);
	if (!t->reference.node)
		return false;
	t->reference.creation = t->tag == ETF_TAG_NEW_REFERENCE ? read_u8(&d->r) : read_u32(&d->r);
	return reference_ids(d, t, count);
}

/* ---- bytes ---- */

bool decode_binary(struct decoder *d, struct term *t)
{
	size_t len = t->tag == ETF_TAG_STRING ? read_u16(&d->r) : read_u32(&d->r);
	const uint8_t *data = read_bytes(&d->r, len);

	t->kind = t->tag == ETF_TAG_STRING ? ETF_STRING : ETF_BINARY;
	if (!data)
		return decoder_cut(d);
	t->bytes = (struct etf_bytes){ data, len };
	if (t->kind == ETF_STRING && len == 0)
		*t = (struct term){ .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	return true;
}

bool decode_bits(struct decoder *d, struct term *t)
{
	size_t len = read_u32(&d->r);
	uint8_t last_bits = read_u8(&d->r);
	const uint8_t *data = read_bytes(&d->r, len);

	if (!data)
		return decoder_cut(d);
	if (last_bits > 8 || (last_bits == 0) != (len == 0))
		return decoder_malformed(d, "a bitstring of a wrong length");
	if (last_bits == 0 || last_bits == 8) {
		*t = (struct term){ .kind = ETF_BINARY, .tag = ETF_TAG_BINARY, .bytes = { data, len } };
		return true;
	}
	t->kind = ETF_BITSTRING;
	t->bits.data = data;
	t->bits.len = len;
	t->bits.last_bits = last_bits;
	return true;
}
