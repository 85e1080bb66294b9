/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The half of the decoder that reads terms without terms in them: atoms, numbers, identifiers, bytes; and its errors. For
 * decode.c only; everybody else uses decode.h.
 */
#ifndef ETF_DECODE_LEAF_H
#define ETF_DECODE_LEAF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "etf/term.h"

struct decoder {
	struct reader r;
	const uint8_t *start;
	const char *where; /* for errors: "" or that the offset counts inflated bytes */
	struct arena *arena;
	size_t elements; /* still allowed */
	uint32_t depth;  /* still allowed */
	struct error *err;
};

size_t decoder_offset(const struct decoder *d);
/* Errors with the place; all return false. */
bool decoder_malformed(struct decoder *d, const char *what);
bool decoder_cut(struct decoder *d);
bool decoder_too_much(struct decoder *d, const char *what);
/* Memory of the arena, or NULL and an error. */
void *decoder_take(struct decoder *d, size_t count, size_t size);

/* An atom in a place where nothing else may stand, or NULL and an error. */
const struct term *decode_atom_part(struct decoder *d);

/* These fill a term whose tag has been read and is in t->tag; all else in it is zero. */
bool decode_atom(struct decoder *d, struct term *t);
bool decode_integer(struct decoder *d, struct term *t);
bool decode_big(struct decoder *d, struct term *t);
bool decode_float(struct decoder *d, struct term *t);
bool decode_text_float(struct decoder *d, struct term *t);
bool decode_pid(struct decoder *d, struct term *t);
bool decode_port(struct decoder *d, struct term *t);
bool decode_old_reference(struct decoder *d, struct term *t);
bool decode_reference(struct decoder *d, struct term *t);
bool decode_binary(struct decoder *d, struct term *t); /* strings too */
bool decode_bits(struct decoder *d, struct term *t);

#endif
