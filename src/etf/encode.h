/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Terms to bytes: whole trees as they were decoded, or built piece by piece (a header, then that many parts), as a
 * message is composed. Nothing here puts the version byte but etf_put_version. Tags chosen are those that OTP 23 to 29
 * all read.
 */
#ifndef ETF_ENCODE_H
#define ETF_ENCODE_H

#include "base/buf.h"
#include "etf/term.h"

/* All return false only if the buffer's maximum is passed (b->overflow is set too), so a run of calls is checked once. */
bool etf_put_version(struct buf *b);
bool etf_put_term(struct buf *b, const struct term *t);

bool etf_put_integer(struct buf *b, int64_t value);
bool etf_put_atom(struct buf *b, const char *name);                 /* UTF-8, NUL-terminated, at most 255 characters */
bool etf_put_atom_len(struct buf *b, const char *name, size_t len); /* UTF-8 */
bool etf_put_binary(struct buf *b, const void *data, size_t len);
bool etf_put_string(struct buf *b, const void *data, size_t len); /* a list of bytes; NIL if empty; any length */
bool etf_put_tuple(struct buf *b, uint32_t count);                /* `count` terms follow */
bool etf_put_list(struct buf *b, uint32_t count); /* `count` > 0 terms and a tail (etf_put_nil) follow */
bool etf_put_nil(struct buf *b);
bool etf_put_map(struct buf *b, uint32_t count); /* `count` key-value pairs follow */
bool etf_put_pid(struct buf *b, const char *node, uint32_t id, uint32_t serial, uint32_t creation);
bool etf_put_reference(struct buf *b, const char *node, uint32_t creation, const uint32_t *ids, uint16_t count);

#endif
