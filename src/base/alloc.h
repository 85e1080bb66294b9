/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that is there or the process is not. These never return NULL: when the system has no memory left, they say so
 * in one line and end the process with status 71 (the one exit below cmd/; docs/architecture.md says why). Sizes that a
 * peer chooses never come here unchecked: buffers (buf.h) and arenas (arena.h) bound them first.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#if defined(__GNUC__)
#define RETURNS_NONNULL         __attribute__((returns_nonnull))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN                __attribute__((noreturn))
#else
#define RETURNS_NONNULL
#define PRINTF_LIKE(fmt, first)
#define NORETURN
#endif

void *xmalloc(size_t size) RETURNS_NONNULL;
void *xcalloc(size_t count, size_t size) RETURNS_NONNULL;
void *xrealloc(void *old, size_t size) RETURNS_NONNULL;
char *xstrdup(const char *text) RETURNS_NONNULL;
char *xstrndup(const char *text, size_t len) RETURNS_NONNULL;
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) RETURNS_NONNULL;
/* What they do then, for memory that a library asked for. */
void out_of_memory(void) NORETURN;

#endif
