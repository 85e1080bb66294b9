/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dist/flags.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int bit;
} names[] = {
#define X(name, bit) { #name, bit },
	DIST_FLAGS(X)
#undef X
};

uint64_t dist_flags_mandatory(void)
{
	return DIST_FLAG_EXTENDED_REFERENCES | DIST_FLAG_FUN_TAGS | DIST_FLAG_NEW_FUN_TAGS |
	       DIST_FLAG_EXTENDED_PIDS_PORTS | DIST_FLAG_EXPORT_PTR_TAG | DIST_FLAG_BIT_BINARIES |
	       DIST_FLAG_NEW_FLOATS | DIST_FLAG_UTF8_ATOMS | DIST_FLAG_MAP_TAG | DIST_FLAG_BIG_CREATION |
	       DIST_FLAG_HANDSHAKE_23 | DIST_FLAG_UNLINK_ID | DIST_FLAG_V4_NC;
}

uint64_t dist_flags_ours(void)
{
	return dist_flags_mandatory() | DIST_FLAG_DIST_MONITOR | DIST_FLAG_DIST_MONITOR_NAME | DIST_FLAG_UNICODE_IO |
	       DIST_FLAG_SMALL_ATOM_TAGS | DIST_FLAG_SEND_SENDER | DIST_FLAG_BIG_SEQTRACE_LABELS |
	       DIST_FLAG_EXIT_PAYLOAD | DIST_FLAG_MANDATORY_25_DIGEST | DIST_FLAG_SPAWN | DIST_FLAG_ALIAS;
}

static const char *flag_name(int bit)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].bit == bit)
			return names[i].name;
	}
	return NULL;
}

const char *dist_flags_text(uint64_t flags, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int bit = 0; bit < 64; bit++) {
		if (!(flags >> bit & 1))
			continue;
		const char *name = flag_name(bit);
		int n = name ? snprintf(text + used, size - used, "%s%s", used ? "," : "", name)
			     : snprintf(text + used, size - used, "%sbit %d", used ? "," : "", bit);
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return text;
}
