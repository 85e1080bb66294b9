/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes to terms. The bytes are not trusted: every length is checked against what is there before memory is taken, and
 * depth, elements and arena size are limited. All tags that OTP 21 to 29 send are known; the cached-atom and
 * distribution-header forms are not (we never negotiate them).
 */
#ifndef ETF_DECODE_H
#define ETF_DECODE_H

#include "base/arena.h"
#include "base/error.h"
#include "etf/term.h"

struct etf_limits {
	uint32_t depth;  /* nesting */
	size_t elements; /* terms in all */
	size_t inflated; /* bytes of a compressed term after inflation; it lives in the arena */
};

#define ETF_LIMITS_DEFAULT                                                                                             \
	((struct etf_limits){ .depth = 4096, .elements = 8 * 1024 * 1024, .inflated = 64 * 1024 * 1024 })

/*
 * Decodes one term that begins with the version byte (131), compressed or not. *used: bytes taken; what follows is the
 * caller's. The term points into `data` and into the arena. Errors: ERROR_PROTOCOL (malformed, with the offset),
 * ERROR_LIMIT (too deep, too many, too large).
 */
bool etf_decode(struct arena *arena, const void *data, size_t len, const struct etf_limits *limits,
		const struct term **out, size_t *used, struct error *err);

#endif
