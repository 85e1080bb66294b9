/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer's mutations know nothing of terms: they break the outermost length, and what is within is never looked at. Here half of them put
 * another term in the place of one that is there; and where the input is frames, its lengths are made right again.
 */
#include "fuzz_must.h"

#include "base/buf.h"
#include "etf/term.h"

enum { TERM_MAX = 2048, STARTS_MAX = 512, DEPTH_MAX = 64 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* ---- where terms begin ---- */

struct walk {
	const uint8_t *data;
	size_t size;
	size_t starts[STARTS_MAX], ends[STARTS_MAX];
	size_t count;
};

static size_t walk_term(struct walk *w, size_t at, int depth);

static size_t number_at(const struct walk *w, size_t at, int bytes)
{
	size_t n = 0;

	for (int i = 0; i < bytes; i++)
		n = n << 8 | (at + (size_t)i < w->size ? w->data[at + (size_t)i] : 0);
	return n;
}

static size_t walk_terms(struct walk *w, size_t at, size_t count, int depth)
{
	for (; at && count > 0; count--)
		at = walk_term(w, at, depth);
	return at;
}

/* What stands between a tag and its end, for those that hold no terms; 0: it does. */
static size_t plain_size(const struct walk *w, size_t at)
{
	switch (w->data[at]) {
	case ETF_TAG_SMALL_INTEGER:
		return 2;
	case ETF_TAG_INTEGER:
		return 5;
	case ETF_TAG_NEW_FLOAT:
		return 9;
	case ETF_TAG_FLOAT:
		return 32;
	case ETF_TAG_NIL:
		return 1;
	case ETF_TAG_ATOM:
	case ETF_TAG_ATOM_UTF8:
	case ETF_TAG_STRING:
		return 3 + number_at(w, at + 1, 2);
	case ETF_TAG_SMALL_ATOM:
	case ETF_TAG_SMALL_ATOM_UTF8:
		return 2 + number_at(w, at + 1, 1);
	case ETF_TAG_BINARY:
		return 5 + number_at(w, at + 1, 4);
	case ETF_TAG_BIT_BINARY:
		return 6 + number_at(w, at + 1, 4);
	case ETF_TAG_SMALL_BIG:
		return 3 + number_at(w, at + 1, 1);
	case ETF_TAG_LARGE_BIG:
		return 6 + number_at(w, at + 1, 4);
	case ETF_TAG_NEW_FUN:
		return 1 + number_at(w, at + 1, 4);
	default:
		return 0;
	}
}

static size_t walk_parts(struct walk *w, size_t at, int depth)
{
	switch (w->data[at]) {
	case ETF_TAG_SMALL_TUPLE:
		return walk_terms(w, at + 2, number_at(w, at + 1, 1), depth);
	case ETF_TAG_LARGE_TUPLE:
		return walk_terms(w, at + 5, number_at(w, at + 1, 4), depth);
	case ETF_TAG_LIST:
		return walk_terms(w, at + 5, number_at(w, at + 1, 4) + 1, depth);
	case ETF_TAG_MAP:
		return walk_terms(w, at + 5, 2 * number_at(w, at + 1, 4), depth);
	case ETF_TAG_EXPORT:
		return walk_terms(w, at + 1, 3, depth);
	case ETF_TAG_NEW_PID:
	case ETF_TAG_V4_PORT:
		at = walk_term(w, at + 1, depth);
		return at ? at + 12 : 0;
	case ETF_TAG_NEWER_REFERENCE: {
		size_t ids = number_at(w, at + 1, 2);
		at = walk_term(w, at + 3, depth);
		return at ? at + 4 + 4 * ids : 0;
	}
	default:
		return 0;
	}
}

/* Its end, or 0 where it is none. Notes where it and its parts stand. */
static size_t walk_term(struct walk *w, size_t at, int depth)
{
	if (at >= w->size || depth == 0)
		return 0;
	size_t plain = plain_size(w, at);
	size_t end = plain ? at + plain : walk_parts(w, at, depth - 1);
	if (end == 0 || end > w->size)
		return 0;
	if (w->count < STARTS_MAX) {
		w->starts[w->count] = at;
		w->ends[w->count++] = end;
	}
	return end;
}

/* ---- another term ---- */

static void put_atom(struct buf *out)
{
	static const char *const names[] = {
		"",      "ok",         "true",      "nil",           "error",        "return",
		"rex",   "io_request", "node@host", "recorder@host", "Elixir.Range", "__struct__",
		"first", "a b",        "\xc3\xa9"
	};
	const char *name = names[random_below(sizeof names / sizeof *names)];

	buf_put_u8(out, ETF_TAG_SMALL_ATOM_UTF8);
	buf_put_u8(out, (uint8_t)strlen(name));
	buf_put_text(out, name);
}

static void put_random(struct buf *out, size_t len)
{
	while (len-- > 0)
		buf_put_u8(out, (uint8_t)(random_below(2) ? ' ' + random_below(95) : random_below(256)));
}

static void put_leaf(struct buf *out)
{
	static const int64_t integers[] = { 0, 1, 5, 31, 77, -1, 255, 256, INT32_MAX, INT32_MIN };

	switch (random_below(7)) {
	case 0:
		buf_put_u8(out, ETF_TAG_INTEGER);
		buf_put_u32(out, (uint32_t)integers[random_below(sizeof integers / sizeof *integers)]);
		break;
	case 1:
		buf_put_u8(out, ETF_TAG_NEW_FLOAT);
		buf_put_u32(out, random_below(1 << 24) << 7);
		buf_put_u32(out, random_below(1 << 24));
		break;
	case 2: {
		uint8_t len = (uint8_t)random_below(16);
		buf_put_u8(out, ETF_TAG_SMALL_BIG);
		buf_put_u8(out, len);
		buf_put_u8(out, (uint8_t)random_below(2));
		put_random(out, len);
		break;
	}
	case 3: {
		uint32_t len = random_below(24);
		buf_put_u8(out, ETF_TAG_BINARY);
		buf_put_u32(out, len);
		put_random(out, len);
		break;
	}
	case 4: {
		uint16_t len = (uint16_t)random_below(24);
		buf_put_u8(out, ETF_TAG_STRING);
		buf_put_u16(out, len);
		put_random(out, len);
		break;
	}
	case 5:
		buf_put_u8(out, ETF_TAG_NIL);
		break;
	default:
		put_atom(out);
		break;
	}
}

static void put_term(struct buf *out, int depth)
{
	uint32_t count = random_below(4);

	if (depth == 0 || random_below(3) == 0) {
		put_leaf(out);
		return;
	}
	switch (random_below(5)) {
	case 0:
		buf_put_u8(out, ETF_TAG_SMALL_TUPLE);
		buf_put_u8(out, (uint8_t)count);
		break;
	case 1:
		buf_put_u8(out, ETF_TAG_MAP);
		buf_put_u32(out, count);
		count *= 2;
		break;
	case 2:
		buf_put_u8(out, ETF_TAG_NEW_PID);
		put_atom(out);
		for (int i = 0; i < 3; i++)
			buf_put_u32(out, random_below(8));
		return;
	case 3:
		buf_put_u8(out, ETF_TAG_NEWER_REFERENCE);
		buf_put_u16(out, 3);
		put_atom(out);
		for (int i = 0; i < 4; i++)
			buf_put_u32(out, random_below(8));
		return;
	default:
		buf_put_u8(out, ETF_TAG_LIST);
		buf_put_u32(out, count);
		count++; /* the tail */
		break;
	}
	while (count-- > 0)
		put_term(out, depth - 1);
}

/* ---- the mutation ---- */

/* Puts a new term, or a copy of another of its own, in the place of one. */
static size_t replace_term(uint8_t *data, size_t size, size_t max, size_t begin)
{
	static struct walk w;
	struct buf term;

	w = (struct walk){ .data = data, .size = size };
	while (begin < size) {
		size_t end = walk_term(&w, data[begin] == ETF_TAG_VERSION ? begin + 1 : begin, DEPTH_MAX);
		if (end == 0)
			break;
		begin = end;
	}
	if (w.count == 0)
		return LLVMFuzzerMutate(data, size, max);
	size_t which = random_below((uint32_t)w.count), from = random_below((uint32_t)w.count);
	buf_init(&term, TERM_MAX);
	if (random_below(3) == 0)
		buf_put(&term, data + w.starts[from], w.ends[from] - w.starts[from]);
	else
		put_term(&term, 3);
	size_t at = w.starts[which], after = size - w.ends[which];
	if (!term.overflow && at + term.len + after <= max) {
		memmove(data + at + term.len, data + w.ends[which], after);
		memcpy(data + at, term.data, term.len);
		size = at + term.len + after;
	}
	buf_clear(&term);
	return size;
}

/* One of the frames is changed within, and told its new length. */
static size_t mutate_frame(uint8_t *data, size_t size, size_t max)
{
	size_t starts[64], count = 0, at = 0;

	while (at + 4 < size && count < 64) {
		size_t len = get_be32(data + at);
		if (len > size - at - 4)
			break;
		if (len > 2)
			starts[count++] = at;
		at += 4 + len;
	}
	if (count == 0)
		return LLVMFuzzerMutate(data, size, max);
	uint8_t *frame = data + starts[random_below((uint32_t)count)];
	size_t len = get_be32(frame), after = size - (size_t)(frame - data) - 4 - len, room = len + (max - size);
	uint8_t *body = xmalloc(room), *rest = xmalloc(after);
	memcpy(body, frame + 4, len);
	memcpy(rest, frame + 4 + len, after);
	len = random_below(4) ? replace_term(body, len, room, 1) : LLVMFuzzerMutate(body, len, room);
	put_be32(frame, (uint32_t)len);
	memcpy(frame + 4, body, len);
	memcpy(frame + 4 + len, rest, after);
	free(body);
	free(rest);
	return (size_t)(frame - data) + 4 + len + after;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	random_state = seed;
	if (random_below(2) || size < 4 || max_size < size)
		return LLVMFuzzerMutate(data, size, max_size);
	if (data[0] == ETF_TAG_VERSION)
		return replace_term(data, size, max_size, 0);
	if (data[2] == ETF_TAG_VERSION) /* behind a width and a column */
		return replace_term(data, size, max_size, 2);
	return mutate_frame(data, size, max_size);
}
