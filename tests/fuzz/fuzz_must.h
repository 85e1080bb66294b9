/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fuzz targets share: an assertion that holds in every build, and a cursor over the input where it is a script of what a peer does. */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool condition)
{
	if (!condition)
		abort();
}

struct script {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t script_byte(struct script *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->at++;
}

/* Up to so many of the next bytes; *len: how many there are. */
static inline const uint8_t *script_bytes(struct script *s, size_t wanted, size_t *len)
{
	const uint8_t *at = s->at;

	*len = wanted < s->left ? wanted : s->left;
	s->at += *len;
	s->left -= *len;
	return at;
}

#endif
