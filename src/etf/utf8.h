/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * UTF-8 as the standard has it: shortest forms only, no surrogates, nothing beyond U+10FFFF (RFC 3629). Atoms, printers,
 * JSON and the scanner all judge text by these.
 */
#ifndef ETF_UTF8_H
#define ETF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_MAX = 4 };

/* The code point at `p` into *code and its length in bytes; 0 if there is none, or no valid one. */
size_t utf8_decode(const void *p, size_t len, uint32_t *code);
/* How many bytes were written; 0 if `code` has no UTF-8. */
size_t utf8_encode(uint32_t code, char out[UTF8_MAX]);
/* All of it valid? The number of code points into *count (which may be NULL). */
bool utf8_valid(const void *p, size_t len, size_t *count);

#endif
