/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .secret = true };
}

void buf_clear(struct buf *b)
{
	if (b->secret)
		secret_wipe(b->data, b->cap);
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->overflow = false;
}

static void buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 64;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max && need <= b->max)
		cap = b->max;
	if (!b->secret) {
		b->data = xrealloc(b->data, cap);
	} else {
		uint8_t *moved = xmalloc(cap);
		if (b->len)
			memcpy(moved, b->data, b->len);
		secret_wipe(b->data, b->cap);
		free(b->data);
		b->data = moved;
	}
	b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
	if (len > b->max || b->len > b->max - len) {
		b->overflow = true;
		return NULL;
	}
	if (b->len + len > b->cap || !b->data)
		buf_grow(b, b->len + len);
	return b->data + b->len;
}

bool buf_put(struct buf *b, const void *data, size_t len)
{
	uint8_t *room = buf_reserve(b, len);

	if (!room)
		return false;
	if (len)
		memcpy(room, data, len);
	b->len += len;
	return true;
}

bool buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_put(b, &v, 1);
}

bool buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2];

	put_be16(bytes, v);
	return buf_put(b, bytes, sizeof bytes);
}

bool buf_put_u32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	put_be32(bytes, v);
	return buf_put(b, bytes, sizeof bytes);
}

bool buf_put_u64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	put_be32(bytes, (uint32_t)(v >> 32));
	put_be32(bytes + 4, (uint32_t)v);
	return buf_put(b, bytes, sizeof bytes);
}

bool buf_put_text(struct buf *b, const char *text)
{
	return buf_put(b, text, strlen(text));
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	uint8_t *room = len < 0 ? NULL : buf_reserve(b, (size_t)len + 1);
	if (room) {
		vsnprintf((char *)room, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
	return room != NULL;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

const char *buf_text(struct buf *b)
{
	if (b->len == b->cap || !b->data)
		buf_grow(b, b->len + 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

struct reader reader_of(const void *data, size_t len)
{
	const uint8_t *p = data;

	return (struct reader){ .p = p, .end = len ? p + len : p };
}

size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

const uint8_t *read_bytes(struct reader *r, size_t len)
{
	if (r->failed || len > reader_left(r)) {
		r->failed = true;
		r->p = r->end;
		return NULL;
	}
	const uint8_t *at = r->p;
	r->p += len;
	return at;
}

uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 1);

	return p ? *p : 0;
}

uint16_t read_u16(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 2);

	return p ? get_be16(p) : 0;
}

uint32_t read_u32(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 4);

	return p ? get_be32(p) : 0;
}

uint64_t read_u64(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 8);

	return p ? (uint64_t)get_be32(p) << 32 | get_be32(p + 4) : 0;
}

struct reader read_view(struct reader *r, size_t len)
{
	const uint8_t *p = read_bytes(r, len);
	struct reader view = reader_of(p, p ? len : 0);

	view.failed = p == NULL;
	return view;
}
