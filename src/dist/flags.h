/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Capabilities exchanged in the handshake, and which of them we offer. Source: “Distribution Protocol”, section
 * “Distribution Flags”, ERTS User's Guide; what each release insists on: docs/protocol.md.
 */
#ifndef DIST_FLAGS_H
#define DIST_FLAGS_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define DIST_FLAGS(X) \
	X(PUBLISHED,            0) X(ATOM_CACHE,           1) X(EXTENDED_REFERENCES, 2) X(DIST_MONITOR,     3) \
	X(FUN_TAGS,             4) X(DIST_MONITOR_NAME,    5) X(HIDDEN_ATOM_CACHE,   6) X(NEW_FUN_TAGS,     7) \
	X(EXTENDED_PIDS_PORTS,  8) X(EXPORT_PTR_TAG,       9) X(BIT_BINARIES,       10) X(NEW_FLOATS,      11) \
	X(UNICODE_IO,          12) X(DIST_HDR_ATOM_CACHE, 13) X(SMALL_ATOM_TAGS,    14) X(UTF8_ATOMS,      16) \
	X(MAP_TAG,             17) X(BIG_CREATION,        18) X(SEND_SENDER,        19) X(BIG_SEQTRACE_LABELS, 20) \
	X(EXIT_PAYLOAD,        22) X(FRAGMENTS,           23) X(HANDSHAKE_23,       24) X(UNLINK_ID,       25) \
	X(MANDATORY_25_DIGEST, 26) X(SPAWN,               32) X(NAME_ME,            33) X(V4_NC,           34) \
	X(ALIAS,               35)
/* clang-format on */

#define X(name, bit) static const uint64_t DIST_FLAG_##name = UINT64_C(1) << bit;
DIST_FLAGS(X)
#undef X

/*
 * Everything that we can do; not PUBLISHED (we are hidden, always), not the atom cache and not FRAGMENTS (so that every
 * frame is one message of plain terms). NAME_ME is added where a dynamic name is wanted.
 */
uint64_t dist_flags_ours(void);
/* What OTP 25 and newer insist on; a peer that lacks one of them is not refused by us, it is named in errors. */
uint64_t dist_flags_mandatory(void);
/* The names of the set bits, separated by commas, unknown ones as "bit N"; cut to fit. Returns `text`. */
const char *dist_flags_text(uint64_t flags, char *text, size_t size);

#endif
