/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/utf8.h"

#include <string.h>

static bool utf8_scalar(uint32_t code)
{
	return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

size_t utf8_decode(const void *p, size_t len, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *at = p;

	if (len == 0)
		return 0;
	if (at[0] < 0x80) {
		*code = at[0];
		return 1;
	}
	size_t want = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (at[0] < 0xc0 || at[0] > 0xf7 || want > len)
		return 0;
	uint32_t value = at[0] & (0x7fU >> want);
	for (size_t i = 1; i < want; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fU);
	}
	if (value < smallest[want] || !utf8_scalar(value))
		return 0;
	*code = value;
	return want;
}

size_t utf8_encode(uint32_t code, char out[UTF8_MAX])
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (!utf8_scalar(code))
		return 0;
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (char)(lead[len] | code);
	return len;
}

static bool is_ascii_8(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_valid(const void *p, size_t len, size_t *count)
{
	const uint8_t *at = p;
	size_t points = 0;

	while (len) {
		uint32_t code;
		/* Atoms are ASCII, nearly all of them. */
		if (len >= 8 && is_ascii_8(at)) {
			at += 8;
			len -= 8;
			points += 8;
			continue;
		}
		size_t step = *at < 0x80 ? 1 : utf8_decode(at, len, &code);
		if (!step)
			return false;
		at += step;
		len -= step;
		points++;
	}
	if (count)
		*count = points;
	return true;
}
