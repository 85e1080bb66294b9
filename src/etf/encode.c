/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/encode.h"

#include <string.h>

#include "etf/utf8.h"

enum { FLOAT_TEXT_LEN = 31 };

bool etf_put_version(struct buf *b)
{
	return buf_put_u8(b, ETF_TAG_VERSION);
}

static bool put_tag_u8(struct buf *b, uint8_t tag, size_t count)
{
	return buf_put_u8(b, tag) && buf_put_u8(b, (uint8_t)count);
}

static bool put_tag_u16(struct buf *b, uint8_t tag, size_t count)
{
	return buf_put_u8(b, tag) && buf_put_u16(b, (uint16_t)count);
}

static bool put_tag_u32(struct buf *b, uint8_t tag, size_t count)
{
	return buf_put_u8(b, tag) && buf_put_u32(b, (uint32_t)count);
}

/* ---- builders ---- */

bool etf_put_integer(struct buf *b, int64_t value)
{
	if (value >= 0 && value <= UINT8_MAX)
		return put_tag_u8(b, ETF_TAG_SMALL_INTEGER, (size_t)value);
	if (value >= INT32_MIN && value <= INT32_MAX)
		return put_tag_u32(b, ETF_TAG_INTEGER, (uint32_t)value);
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	uint8_t digits[8], len = 0;
	for (; magnitude; magnitude >>= 8)
		digits[len++] = (uint8_t)magnitude;
	return put_tag_u8(b, ETF_TAG_SMALL_BIG, len) && buf_put_u8(b, value < 0) && buf_put(b, digits, len);
}

bool etf_put_atom(struct buf *b, const char *name)
{
	return etf_put_atom_len(b, name, strlen(name));
}

bool etf_put_atom_len(struct buf *b, const char *name, size_t len)
{
	if (len <= UINT8_MAX)
		return put_tag_u8(b, ETF_TAG_SMALL_ATOM_UTF8, len) && buf_put(b, name, len);
	return put_tag_u16(b, ETF_TAG_ATOM_UTF8, len) && buf_put(b, name, len);
}

bool etf_put_binary(struct buf *b, const void *data, size_t len)
{
	return put_tag_u32(b, ETF_TAG_BINARY, len) && buf_put(b, data, len);
}

bool etf_put_string(struct buf *b, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	if (len == 0)
		return etf_put_nil(b);
	if (len <= UINT16_MAX)
		return put_tag_u16(b, ETF_TAG_STRING, len) && buf_put(b, data, len);
	bool ok = etf_put_list(b, (uint32_t)len);
	for (size_t i = 0; ok && i < len; i++)
		ok = put_tag_u8(b, ETF_TAG_SMALL_INTEGER, bytes[i]);
	return ok && etf_put_nil(b);
}

bool etf_put_tuple(struct buf *b, uint32_t count)
{
	if (count <= UINT8_MAX)
		return put_tag_u8(b, ETF_TAG_SMALL_TUPLE, count);
	return put_tag_u32(b, ETF_TAG_LARGE_TUPLE, count);
}

bool etf_put_list(struct buf *b, uint32_t count)
{
	return put_tag_u32(b, ETF_TAG_LIST, count);
}

bool etf_put_nil(struct buf *b)
{
	return buf_put_u8(b, ETF_TAG_NIL);
}

bool etf_put_map(struct buf *b, uint32_t count)
{
	return put_tag_u32(b, ETF_TAG_MAP, count);
}

bool etf_put_pid(struct buf *b, const char *node, uint32_t id, uint32_t serial, uint32_t creation)
{
	return buf_put_u8(b, ETF_TAG_NEW_PID) && etf_put_atom(b, node) && buf_put_u32(b, id) &&
	       buf_put_u32(b, serial) && buf_put_u32(b, creation);
}

bool etf_put_reference(struct buf *b, const char *node, uint32_t creation, const uint32_t *ids, uint16_t count)
{
	bool ok = put_tag_u16(b, ETF_TAG_NEWER_REFERENCE, count) && etf_put_atom(b, node) && buf_put_u32(b, creation);

	for (uint16_t i = 0; ok && i < count; i++)
		ok = buf_put_u32(b, ids[i]);
	return ok;
}

/* ---- whole terms, with the tags that they have ---- */

static bool put_integer(struct buf *b, const struct term *t)
{
	return etf_put_integer(b, t->integer);
}

static bool put_big(struct buf *b, const struct term *t)
{
	bool ok = t->tag == ETF_TAG_SMALL_BIG ? put_tag_u8(b, t->tag, t->big.len) : put_tag_u32(b, t->tag, t->big.len);

	return ok && buf_put_u8(b, t->big.negative) && buf_put(b, t->big.digits, t->big.len);
}

static bool put_float(struct buf *b, const struct term *t)
{
	uint64_t bits;

	if (t->tag == ETF_TAG_FLOAT)
		return buf_put_u8(b, t->tag) && buf_put(b, t->text, FLOAT_TEXT_LEN);
	memcpy(&bits, &t->real, sizeof bits);
	return buf_put_u8(b, ETF_TAG_NEW_FLOAT) && buf_put_u64(b, bits);
}

static bool put_latin1(struct buf *b, const char *name, size_t len)
{
	bool ok = true;

	for (size_t at = 0; ok && at < len;) {
		uint32_t code = 0;
		size_t step = utf8_decode(name + at, len - at, &code);
		ok = step && buf_put_u8(b, (uint8_t)code);
		at += step;
	}
	return ok;
}

static bool put_atom(struct buf *b, const struct term *t)
{
	size_t characters = 0;

	switch (t->tag) {
	case ETF_TAG_ATOM:
	case ETF_TAG_SMALL_ATOM:
		utf8_valid(t->atom.name, t->atom.len, &characters);
		return (t->tag == ETF_TAG_ATOM ? put_tag_u16(b, t->tag, characters)
					       : put_tag_u8(b, t->tag, characters)) &&
		       put_latin1(b, t->atom.name, t->atom.len);
	case ETF_TAG_ATOM_UTF8: /* OTP chooses it by characters, not by bytes */
		return put_tag_u16(b, t->tag, t->atom.len) && buf_put(b, t->atom.name, t->atom.len);
	default:
		return etf_put_atom_len(b, t->atom.name, t->atom.len);
	}
}

static bool put_creation(struct buf *b, bool old, uint32_t creation)
{
	return old ? buf_put_u8(b, (uint8_t)creation) : buf_put_u32(b, creation);
}

static bool put_pid(struct buf *b, const struct term *t)
{
	return buf_put_u8(b, t->tag) && put_atom(b, t->pid.node) && buf_put_u32(b, t->pid.id) &&
	       buf_put_u32(b, t->pid.serial) && put_creation(b, t->tag == ETF_TAG_PID, t->pid.creation);
}

static bool put_port(struct buf *b, const struct term *t)
{
	return buf_put_u8(b, t->tag) && put_atom(b, t->port.node) &&
	       (t->tag == ETF_TAG_V4_PORT ? buf_put_u64(b, t->port.id) : buf_put_u32(b, (uint32_t)t->port.id)) &&
	       put_creation(b, t->tag == ETF_TAG_PORT, t->port.creation);
}

static bool put_reference(struct buf *b, const struct term *t)
{
	if (t->tag == ETF_TAG_REFERENCE)
		return buf_put_u8(b, t->tag) && put_atom(b, t->reference.node) && buf_put_u32(b, t->reference.ids[0]) &&
		       put_creation(b, true, t->reference.creation);
	bool ok = put_tag_u16(b, t->tag, t->reference.count) && put_atom(b, t->reference.node) &&
		  put_creation(b, t->tag == ETF_TAG_NEW_REFERENCE, t->reference.creation);
	for (uint16_t i = 0; ok && i < t->reference.count; i++)
		ok = buf_put_u32(b, t->reference.ids[i]);
	return ok;
}

static bool put_terms(struct buf *b, const struct term *terms, size_t count)
{
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++)
		ok = etf_put_term(b, &terms[i]);
	return ok;
}

static bool put_tuple(struct buf *b, const struct term *t)
{
	bool ok = t->tag == ETF_TAG_LARGE_TUPLE ? put_tag_u32(b, t->tag, t->tuple.count)
						: etf_put_tuple(b, t->tuple.count);

	return ok && put_terms(b, t->tuple.elements, t->tuple.count);
}

static bool put_list(struct buf *b, const struct term *t)
{
	return etf_put_list(b, t->list.count) && put_terms(b, t->list.elements, t->list.count) &&
	       (t->list.tail ? etf_put_term(b, t->list.tail) : etf_put_nil(b));
}

static bool put_bits(struct buf *b, const struct term *t)
{
	return put_tag_u32(b, ETF_TAG_BIT_BINARY, t->bits.len) && buf_put_u8(b, t->bits.last_bits) &&
	       buf_put(b, t->bits.data, t->bits.len);
}

static bool put_export(struct buf *b, const struct term *t)
{
	return buf_put_u8(b, ETF_TAG_EXPORT) && put_atom(b, t->export.module) && put_atom(b, t->export.function) &&
	       etf_put_integer(b, t->export.arity);
}

bool etf_put_term(struct buf *b, const struct term *t)
{
	switch ((enum etf_kind)t->kind) {
	case ETF_INTEGER:
		return put_integer(b, t);
	case ETF_BIG:
		return put_big(b, t);
	case ETF_FLOAT:
		return put_float(b, t);
	case ETF_ATOM:
		return put_atom(b, t);
	case ETF_PID:
		return put_pid(b, t);
	case ETF_PORT:
		return put_port(b, t);
	case ETF_REFERENCE:
		return put_reference(b, t);
	case ETF_TUPLE:
		return put_tuple(b, t);
	case ETF_NIL:
		return etf_put_nil(b);
	case ETF_STRING:
		return etf_put_string(b, t->bytes.data, t->bytes.len);
	case ETF_LIST:
		return put_list(b, t);
	case ETF_BINARY:
		return etf_put_binary(b, t->bytes.data, t->bytes.len);
	case ETF_BITSTRING:
		return put_bits(b, t);
	case ETF_MAP:
		return put_terms(b, t->map.pairs, etf_put_map(b, t->map.count) ? 2 * (size_t)t->map.count : 0) &&
		       !b->overflow;
	case ETF_EXPORT:
		return put_export(b, t);
	case ETF_FUN:
		return buf_put(b, t->fun.encoded.data, t->fun.encoded.len);
	}
	return false;
}
