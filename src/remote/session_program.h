/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of the program that session.h describes. session_program.c is generated from session.erl and kept in the tree,
 * so that building needs no Erlang; `make check` regenerates and compares.
 */
#ifndef REMOTE_SESSION_PROGRAM_H
#define REMOTE_SESSION_PROGRAM_H

#include <stddef.h>

/* term_to_binary of the program, compressed: to be sent as the content of one binary. */
extern const unsigned char remote_session_program[];
extern const size_t remote_session_program_len;
/* External term format without the version byte: the list of expressions that starts the program. */
extern const unsigned char remote_session_loader[];
extern const size_t remote_session_loader_len;

#endif
