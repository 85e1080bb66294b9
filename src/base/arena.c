/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_BLOCK = 1024, LARGEST_STEP = 1024 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t len;
	size_t cap;
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_clear(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}

static struct arena_block *arena_grow(struct arena *a, size_t need)
{
	size_t left = a->max - a->used;
	size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;

	if (cap > LARGEST_STEP)
		cap = LARGEST_STEP;
	if (cap < need)
		cap = need;
	if (cap > left)
		cap = left;
	if (cap < need)
		return NULL;
	struct arena_block *block = xmalloc(sizeof *block + cap);
	*block = (struct arena_block){ .next = a->blocks, .cap = cap };
	a->blocks = block;
	a->used += cap;
	return block;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);

	if (size && count > (SIZE_MAX - align) / size)
		return NULL;
	size_t need = (count * size + align - 1) / align * align;
	struct arena_block *block = a->blocks;
	if (!block || need > block->cap - block->len)
		block = arena_grow(a, need);
	if (!block)
		return NULL;
	void *at = block->data + block->len;
	block->len += need;
	return at;
}

void *arena_copy(struct arena *a, const void *data, size_t len)
{
	void *at = arena_alloc(a, len, 1);

	if (at && len)
		memcpy(at, data, len);
	return at;
}
