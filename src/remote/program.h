/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of the programs that session.h and remsh.h describe. *_program.c are generated from *.erl and kept in the tree, so that
 * building needs no Erlang; `make check` regenerates and compares.
 */
#ifndef REMOTE_PROGRAM_H
#define REMOTE_PROGRAM_H

#include <stddef.h>

/* One of each source file: compressed, to be sent as the binaries of one tuple. One that is not needed is sent as <<>>. */
struct remote_section {
	const char *name; /* of the source file */
	const unsigned char *bytes;
	size_t len;
};

struct remote_program {
	const struct remote_section *sections; /* in order; a NULL name ends the list */
	const unsigned char
		*loader; /* external term format without the version byte: the list of expressions that starts it */
	size_t loader_len;
};

extern const struct remote_program remote_session_program, remote_remsh_program;

#endif
