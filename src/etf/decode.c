/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/decode.h"

#include <string.h>
#include <zlib.h>

#include "etf/decode_leaf.h"

enum {
	FUN_UNIQ_LEN = 16,
	DEFLATE_RATIO_MAX = 1032, /* no deflate stream says more with a byte: larger claims are lies */
};

static bool decode_term(struct decoder *d, struct term *t);

/* ---- containers ---- */

/* That many terms. A term has at least one byte, so a count beyond what is left is a lie and costs nothing. */
static struct term *decode_elements(struct decoder *d, size_t count)
{
	if (d->r.failed || count > reader_left(&d->r)) {
		decoder_cut(d);
		return NULL;
	}
	if (count > d->elements || d->depth == 0) {
		decoder_too_much(d, d->depth ? "has too many elements" : "is nested too deeply");
		return NULL;
	}
	struct term *elements = decoder_take(d, count, sizeof *elements);
	d->elements -= count;
	d->depth--;
	for (size_t i = 0; elements && i < count; i++) {
		if (!decode_term(d, &elements[i]))
			elements = NULL;
	}
	d->depth++;
	return elements;
}

static bool decode_tuple(struct decoder *d, struct term *t)
{
	t->kind = ETF_TUPLE;
	t->tuple.count = t->tag == ETF_TAG_SMALL_TUPLE ? read_u8(&d->r) : read_u32(&d->r);
	t->tuple.elements = decode_elements(d, t->tuple.count);
	return t->tuple.elements != NULL;
}

static bool decode_map(struct decoder *d, struct term *t)
{
	t->kind = ETF_MAP;
	t->map.count = read_u32(&d->r);
	t->map.pairs = decode_elements(d, 2 * (size_t)t->map.count);
	return t->map.pairs != NULL;
}

/* A run of list cells, from one LIST_EXT or STRING_EXT. */
struct run {
	struct run *next;
	const struct term *elements;
	size_t count;
};

static struct term *string_elements(struct decoder *d, size_t *count)
{
	*count = read_u16(&d->r);
	const uint8_t *bytes = read_bytes(&d->r, *count);
	if (!bytes || *count > d->elements) {
		bytes ? decoder_too_much(d, "has too many elements") : decoder_cut(d);
		return NULL;
	}
	struct term *elements = decoder_take(d, *count, sizeof *elements);
	d->elements -= *count;
	for (size_t i = 0; elements && i < *count; i++)
		elements[i] = (struct term){ .kind = ETF_INTEGER, .tag = ETF_TAG_SMALL_INTEGER, .integer = bytes[i] };
	return elements;
}

/* Reads the next run; *tag becomes the tag of what follows it: the tail, or another run. */
static struct run *decode_run(struct decoder *d, uint8_t *tag)
{
	struct run *run = decoder_take(d, 1, sizeof *run);

	if (!run)
		return NULL;
	*run = (struct run){ .next = NULL };
	if (*tag == ETF_TAG_STRING) {
		run->elements = string_elements(d, &run->count);
		*tag = ETF_TAG_NIL;
	} else {
		run->count = read_u32(&d->r);
		run->elements = decode_elements(d, run->count);
		*tag = run->elements ? read_u8(&d->r) : 0;
		if (run->elements && d->r.failed) {
			decoder_cut(d);
			return NULL;
		}
	}
	return run->elements ? run : NULL;
}

static const struct term *join_runs(struct decoder *d, const struct run *first, size_t count)
{
	if (!first->next)
		return first->elements;
	struct term *all = decoder_take(d, count, sizeof *all);
	size_t at = 0;
	for (const struct run *run = first; all && run; run = run->next) {
		memcpy(all + at, run->elements, run->count * sizeof *all);
		at += run->count;
	}
	return all;
}

/* A tail that is no list; its tag has been read. */
static const struct term *decode_tail(struct decoder *d)
{
	d->r.p--;
	return decode_elements(d, 1);
}

/*
 * A list whose tail is again a list is one list, as it is for a node; so nothing else here ever meets a list as a tail. It is
 * read run by run and not by recursion: some peers write every cell as a list of its own.
 */
static bool decode_list(struct decoder *d, struct term *t)
{
	struct run *first = NULL, **last = &first;
	const struct term *tail = NULL;
	uint8_t tag = t->tag;
	size_t count = 0;

	do {
		*last = decode_run(d, &tag);
		if (!*last)
			return false;
		count += (*last)->count;
		last = &(*last)->next;
	} while (tag == ETF_TAG_LIST || tag == ETF_TAG_STRING);
	if (tag != ETF_TAG_NIL) {
		tail = decode_tail(d);
		if (!tail)
			return false;
	}
	if (count == 0) {
		*t = tail ? *tail : (struct term){ .kind = ETF_NIL, .tag = ETF_TAG_NIL };
		return true;
	}
	if (count > UINT32_MAX)
		return decoder_too_much(d, "has too many elements");
	t->kind = ETF_LIST;
	t->list.count = (uint32_t)count;
	t->list.tail = tail;
	t->list.elements = join_runs(d, first, count);
	return t->list.elements != NULL;
}

/* ---- funs ---- */

static bool small_integer(struct decoder *d, uint32_t *value)
{
	struct term t = { .tag = read_u8(&d->r) };

	if (d->r.failed)
		return decoder_cut(d);
	if (t.tag != ETF_TAG_SMALL_INTEGER && t.tag != ETF_TAG_INTEGER)
		return decoder_malformed(d, "no integer where one must stand");
	*value = 0;
	if (!decode_integer(d, &t))
		return false;
	*value = (uint32_t)t.integer;
	return true;
}

static bool decode_export(struct decoder *d, struct term *t)
{
	t->kind = ETF_EXPORT;
	t->export.module = decode_atom_part(d);
	t->export.function = t->export.module ? decode_atom_part(d) : NULL;
	if (!t->export.function || !small_integer(d, &t->export.arity))
		return false;
	return t->export.arity <= UINT8_MAX || decoder_malformed(d, "a fun of an impossible arity");
}

static bool fun_creator(struct decoder *d)
{
	struct term creator = { .tag = read_u8(&d->r) };

	if (d->r.failed)
		return decoder_cut(d);
	if (creator.tag != ETF_TAG_PID && creator.tag != ETF_TAG_NEW_PID)
		return decoder_malformed(d, "no pid where one must stand");
	return decode_pid(d, &creator);
}

/* Kept as its bytes; what it is made of is read only to know that they are whole. */
static bool decode_fun(struct decoder *d, struct term *t)
{
	const uint8_t *start = d->r.p;
	size_t size = read_u32(&d->r);

	t->kind = ETF_FUN;
	t->fun.arity = read_u8(&d->r);
	read_bytes(&d->r, FUN_UNIQ_LEN);
	read_u32(&d->r); /* the index in the module's own table; the old one, below, is what is printed */
	uint32_t free_variables = read_u32(&d->r);
	t->fun.module = decode_atom_part(d);
	if (!t->fun.module || !small_integer(d, &t->fun.index) || !small_integer(d, &t->fun.uniq) || !fun_creator(d) ||
	    !decode_elements(d, free_variables))
		return false;
	if ((size_t)(d->r.p - start) != size)
		return decoder_malformed(d, "a fun of a wrong length");
	t->fun.encoded = (struct etf_bytes){ start - 1, size + 1 };
	return true;
}

/* ---- all ---- */

static bool decode_nil(struct decoder *d, struct term *t)
{
	(void)d;
	t->kind = ETF_NIL;
	return true;
}

static bool (*const decoders[UINT8_MAX + 1])(struct decoder *, struct term *) = {
	[ETF_TAG_NEW_FLOAT] = decode_float,
	[ETF_TAG_BIT_BINARY] = decode_bits,
	[ETF_TAG_NEW_PID] = decode_pid,
	[ETF_TAG_NEW_PORT] = decode_port,
	[ETF_TAG_NEWER_REFERENCE] = decode_reference,
	[ETF_TAG_SMALL_INTEGER] = decode_integer,
	[ETF_TAG_INTEGER] = decode_integer,
	[ETF_TAG_FLOAT] = decode_text_float,
	[ETF_TAG_ATOM] = decode_atom,
	[ETF_TAG_REFERENCE] = decode_old_reference,
	[ETF_TAG_PORT] = decode_port,
	[ETF_TAG_PID] = decode_pid,
	[ETF_TAG_SMALL_TUPLE] = decode_tuple,
	[ETF_TAG_LARGE_TUPLE] = decode_tuple,
	[ETF_TAG_NIL] = decode_nil,
	[ETF_TAG_STRING] = decode_binary,
	[ETF_TAG_LIST] = decode_list,
	[ETF_TAG_BINARY] = decode_binary,
	[ETF_TAG_SMALL_BIG] = decode_big,
	[ETF_TAG_LARGE_BIG] = decode_big,
	[ETF_TAG_NEW_FUN] = decode_fun,
	[ETF_TAG_EXPORT] = decode_export,
	[ETF_TAG_NEW_REFERENCE] = decode_reference,
	[ETF_TAG_SMALL_ATOM] = decode_atom,
	[ETF_TAG_MAP] = decode_map,
	[ETF_TAG_ATOM_UTF8] = decode_atom,
	[ETF_TAG_SMALL_ATOM_UTF8] = decode_atom,
	[ETF_TAG_V4_PORT] = decode_port,
};

static bool decode_term(struct decoder *d, struct term *t)
{
	*t = (struct term){ .tag = read_u8(&d->r) };
	if (d->r.failed)
		return decoder_cut(d);
	if (!decoders[t->tag]) {
		error_set(d->err, ERROR_PROTOCOL, "unknown tag %u in an external term (at byte %zu%s)", t->tag,
			  decoder_offset(d) - 1, d->where);
		return false;
	}
	return decoders[t->tag](d, t);
}

/* Inflates what follows into the arena and leaves the reader behind it. NULL: an error was set. */
static uint8_t *inflate_rest(struct decoder *d, size_t size)
{
	z_stream z = { .next_in = (z_const Bytef *)d->r.p };
	size_t left = reader_left(&d->r);
	uint8_t *data = decoder_take(d, size, 1);

	if (!data)
		return NULL;
	z.avail_in = left > UINT32_MAX ? UINT32_MAX : (uInt)left;
	z.next_out = data;
	z.avail_out = (uInt)size;
	if (inflateInit(&z) != Z_OK) {
		error_set(d->err, ERROR_NO_RESOURCES, "no memory to inflate a compressed term");
		return NULL;
	}
	int result = inflate(&z, Z_FINISH);
	read_bytes(&d->r, z.total_in);
	bool whole = result == Z_STREAM_END && z.total_out == size;
	inflateEnd(&z);
	if (!whole)
		decoder_malformed(d, "compressed data that does not inflate to what was said");
	return whole ? data : NULL;
}

static bool decode_compressed(struct decoder *d, struct term *t, size_t max)
{
	size_t size = read_u32(&d->r);

	if (d->r.failed)
		return decoder_cut(d);
	if (size > max)
		return decoder_too_much(d, "is compressed and too large");
	if (size / DEFLATE_RATIO_MAX > reader_left(&d->r))
		return decoder_cut(d);
	const uint8_t *data = inflate_rest(d, size);
	if (!data)
		return false;
	struct decoder inner = *d;
	inner.r = reader_of(data, size);
	inner.start = data;
	inner.where = " after inflation";
	if (!decode_term(&inner, t))
		return false;
	return reader_left(&inner.r) == 0 || decoder_malformed(&inner, "bytes after the end");
}

bool etf_decode(struct arena *arena, const void *data, size_t len, const struct etf_limits *limits,
		const struct term **out, size_t *used, struct error *err)
{
	struct decoder d = {
		.r = reader_of(data, len),
		.start = data,
		.where = "",
		.arena = arena,
		.elements = limits->elements,
		.depth = etf_depth(limits->depth),
		.err = err,
	};
	uint8_t version = read_u8(&d.r);
	struct term *t;

	if (d.r.failed)
		return decoder_cut(&d);
	if (version != ETF_TAG_VERSION)
		return decoder_malformed(&d, "no version byte");
	t = decoder_take(&d, 1, sizeof *t);
	if (!t)
		return false;
	if (reader_left(&d.r) && *d.r.p == ETF_TAG_COMPRESSED) {
		read_u8(&d.r);
		if (!decode_compressed(&d, t, limits->inflated))
			return false;
	} else if (!decode_term(&d, t)) {
		return false;
	}
	*out = t;
	*used = decoder_offset(&d);
	return true;
}
