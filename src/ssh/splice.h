/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One channel of the SSH connection, spliced with a client's descriptors. Both directions are bounded: the descriptor is not read while the
 * remote window is closed or SSH has bytes that it could not send; what libssh holds for us is left there (and its window
 * not refilled) while the descriptor does not take it. The end of either side is passed on without closing the other.
 */
#ifndef SSH_SPLICE_H
#define SSH_SPLICE_H

#include <libssh/libssh.h>

#include "base/error.h"
#include "ssh/mux.h"
#include "ssh/pollset.h"

struct splice;

enum splice_state {
	SPLICE_OPENING,
	SPLICE_OPEN,
	SPLICE_REFUSED, /* splice_error tells */
	SPLICE_ENDED,   /* both sides closed it, and all that came was passed on */
};

/* Copies what it needs of the request and owns the descriptors (2 or 3) from here on. Opening begins with splice_advance. */
struct splice *splice_new(ssh_session ssh, const struct mux_request *request, const int *fds);
/* Gives the descriptors back their modes and closes them. Not while splice_is_opening: such a one is abandoned. */
void splice_free(struct splice *c);

/* Goes on with the opening as far as it comes without waiting. */
enum splice_state splice_advance(struct splice *c);
/* Is an answer of the server's outstanding that libssh must find the channel for? */
bool splice_is_opening(const struct splice *c);
/*
 * Is such an answer outstanding, or, of one abandoned, the server's close? Freed before that, libssh would keep what comes for it, and nobody
 * would know how much (splice_is_flooded).
 */
bool splice_is_awaited(const struct splice *c);
const struct error *splice_error(const struct splice *c);
/* The program's exit status (255 if a signal ended it), or -1. */
int splice_exit_status(const struct splice *c);
/* Has the server sent more on any channel than the window allows? libssh takes it all and keeps it. */
bool splice_is_flooded(void);
/* A terminal was asked for, and the server gave none. */
bool splice_lacks_terminal(const struct splice *c);

/* blocked: SSH has unsent bytes, so nothing more is to be read for it. */
void splice_gather(struct splice *c, struct pollset *set, bool blocked);
/* Moves bytes after the poll. True: more could be moved at once, without waiting. */
bool splice_run(struct splice *c, const struct pollset *set);
/* The client has gone: what it wrote before is sent, then the channel is closed. Its descriptors are closed at once. */
void splice_abandon(struct splice *c);
/* "127.0.0.1:4369", "exec" …, for the log; never the command, which may hold what is nobody's business. Returns text. */
const char *splice_describe(const struct splice *c, char *text, size_t size);
/* Passes the size of the client's terminal on, if it has one (SIGWINCH). */
void splice_resize(struct splice *c);

#endif
