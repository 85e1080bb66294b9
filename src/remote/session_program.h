/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of the program that session.h describes. session_program.c is generated from session.erl and kept in the tree,
 * so that building needs no Erlang; `make check` regenerates and compares.
 */
#ifndef REMOTE_SESSION_PROGRAM_H
#define REMOTE_SESSION_PROGRAM_H

#include <stddef.h>

/*
 * The program's sections, one of each source file, in order: compressed, to be sent as the binaries of one tuple. One that is not needed is
 * sent as <<>>. A NULL name ends the list.
 */
struct remote_section {
	const char *name; /* of the source file */
	const unsigned char *bytes;
	size_t len;
};
extern const struct remote_section remote_session_sections[];
/* External term format without the version byte: the list of expressions that starts the program. */
extern const unsigned char remote_session_loader[];
extern const size_t remote_session_loader_len;

#endif
