/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory for things that live and die together, such as the parts of one decoded term. Bounded: what a peer sends
 * decides how much is taken, so there is a maximum, and passing it is a result that the decoder reports, not a crash.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes taken from the system */
	size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_clear(struct arena *a); /* frees all; the arena may be used again */
/* Memory aligned for any object, not zeroed; NULL if the maximum would be passed. count * size may not overflow. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
void *arena_copy(struct arena *a, const void *data, size_t len);

#endif
