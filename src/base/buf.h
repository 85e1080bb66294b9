/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes going out (struct buf: grows up to a maximum given at creation) and bytes coming in (struct reader: a cursor that
 * never passes its end). Both fail softly: what does not fit, or is not there, sets a flag that the caller checks once
 * after a run of calls. Integers are big-endian, as in all the protocols here.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow; /* something did not fit; it was left out */
	bool secret;   /* wipe before memory is given back or moved */
};

void buf_init(struct buf *b, size_t max);
void buf_init_secret(struct buf *b, size_t max);
void buf_clear(struct buf *b); /* frees; the buffer may be used again */
/* Room for `len` more bytes at the end, or NULL (and overflow) if that passes the maximum; commit with b->len += n. */
uint8_t *buf_reserve(struct buf *b, size_t len);
bool buf_put(struct buf *b, const void *data, size_t len);
bool buf_put_u8(struct buf *b, uint8_t v);
bool buf_put_u16(struct buf *b, uint16_t v);
bool buf_put_u32(struct buf *b, uint32_t v);
bool buf_put_u64(struct buf *b, uint64_t v);
bool buf_put_text(struct buf *b, const char *text); /* without the NUL */
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first `len` bytes, which have been used. */
void buf_consume(struct buf *b, size_t len);
/* The text with a NUL after it (not counted in len); "" if nothing was ever put. */
const char *buf_text(struct buf *b);

void put_be16(uint8_t *p, uint16_t v);
void put_be32(uint8_t *p, uint32_t v);
uint16_t get_be16(const uint8_t *p);
uint32_t get_be32(const uint8_t *p);

struct reader {
	const uint8_t *p;
	const uint8_t *end;
	bool failed; /* something was asked for that is not there; all later reads give 0 */
};

struct reader reader_of(const void *data, size_t len);
size_t reader_left(const struct reader *r);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* A pointer to the next `len` bytes inside the buffer, or NULL. */
const uint8_t *read_bytes(struct reader *r, size_t len);
/* A view of the next `len` bytes as a reader of its own. */
struct reader read_view(struct reader *r, size_t len);

#endif
