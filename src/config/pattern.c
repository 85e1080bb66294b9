/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/pattern.h"

#include <stddef.h>
#include <string.h>

bool pattern_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *resumed = NULL;

	/* Only the last * may have to take more: what stands before it fits already, and as early as it can. */
	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			resumed = text;
		} else if (*pattern == *text || *pattern == '?') {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resumed;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool pattern_is_plain(const char *pattern)
{
	static const char others[] = "._-:%+@*?!";

	for (; *pattern; pattern++) {
		unsigned char c = (unsigned char)*pattern;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && c < 0x80 && !strchr(others, c))
			return false;
	}
	return true;
}

bool pattern_is_wild(const char *pattern)
{
	return pattern[0] == '!' || strpbrk(pattern, "*?") != NULL;
}
