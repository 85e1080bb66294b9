/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What scan.c and scan_bits.c share: the place in the text, its errors, and the smallest parts (words, numbers, quoted
 * text). For them only; everybody else uses scan.h. All functions return false after having set an error.
 */
#ifndef ETF_SCAN_TOKEN_H
#define ETF_SCAN_TOKEN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "etf/term.h"

struct scanner {
	const char *start;
	const char *p; /* valid UTF-8 from here to the end */
	const char *end;
	struct arena *arena;
	uint32_t depth; /* still allowed */
	struct error *err;
};

/* “line 1, column 5: expected …, found …” at the present place. */
bool scan_expected(struct scanner *s, const char *what);
/* The same with a text of one's own, for a place that has been passed. */
bool scan_error_at(struct scanner *s, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool scan_no_memory(struct scanner *s);

/* White space and comments. */
void scan_skip(struct scanner *s);
/* Skips white space; is that text next? It is taken then. */
bool scan_take(struct scanner *s, const char *text);
/* The next character, not taken; 0 at the end. */
uint32_t scan_peek(const struct scanner *s);

/* An integer or a float, without a sign before it. */
bool scan_number(struct scanner *s, bool negative, struct term *t);
/* A number that must be a plain integer between 0 and `max`. */
bool scan_small(struct scanner *s, uint32_t max, const char *what, uint32_t *value);
/* `$c`, the dollar being next. */
bool scan_character(struct scanner *s, uint32_t *code);
/* Quoted text, the opening quote being next: its characters are added to `codes`, four bytes each, in host order. */
bool scan_quoted(struct scanner *s, struct buf *codes);
/* An atom, bare or quoted. */
bool scan_atom(struct scanner *s, struct term *t);
/* Letters of a bare word, not taken; 0 if none begins here. */
size_t scan_word(const struct scanner *s);

/* `<<…>>`, the opening having been taken. */
bool scan_bits(struct scanner *s, struct term *t);

#endif
