/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a journal's lines are written with: any bytes as JSON that loses nothing but what is cut, and says how much that was; the digest that
 * chains the lines; the time.
 */
#ifndef JOURNAL_TEXT_H
#define JOURNAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { JOURNAL_HASH_LEN = 64, JOURNAL_HASH_MAX = JOURNAL_HASH_LEN + 1, JOURNAL_TIME_LEN = 24, JOURNAL_TIME_MAX = 40 };

/*
 * Appends ,"KEY":TEXT. TEXT is a string if it is UTF-8, with escapes for whatever a terminal may obey; else {"binary": BASE64}, as terms have it
 * (docs/json.md); null for NULL. It takes up to `max` bytes of the line: what is cut of a longer one is told by
 * ,"KEY_cut":{"bytes":N,"sha256":HEX}, the digest being that of the whole.
 */
void journal_put_text(struct buf *out, const char *key, const void *text, size_t len, size_t max);
/* SHA-256 in lower-case hexadecimal digits. False: OpenSSL has none, or no memory. */
bool journal_hash(const void *data, size_t len, char hex[JOURNAL_HASH_MAX]);
void journal_hex(const void *bytes, size_t len, char *hex);
/* The time now: UTC as RFC 3339 has it, with milliseconds. */
void journal_time(char text[JOURNAL_TIME_MAX]);

#endif
