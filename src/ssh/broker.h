/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that owns the SSH connection and serves OpenSSH's multiplexing protocol on a unix socket. Forked, not executed anew. It
 * connects, checks the host key and authenticates while it still has the terminal, then leaves the terminal's session and splices
 * descriptors with channels until its front ends, or, where the connection is to stay, until nobody has used it for long. If it cannot
 * connect, or loses the connection, it goes on to tell everyone why who has asked, and takes nobody new.
 */
#ifndef SSH_BROKER_H
#define SSH_BROKER_H

#include "base/alloc.h"
#include "ssh/resolve.h"
#include "ssh/tunnel.h"

struct broker_start {
	int lifeline; /* its end is the front's end, however that came about */
	const struct ssh_config *config;
	struct tunnel_info info; /* what is known so far */
	int64_t started_us;
	const char *kept_at; /* the connection stays, and this is its socket's path; NULL: it ends with the front */
	int persist_ms;      /* how long it may be idle */
};

/*
 * The whole life of the child process: closes all other descriptors, makes the socket, whose path (or, after a '!', why
 * there is none) it writes to the lifeline with a NUL behind it, serves, and removes both at its end. Does not return.
 */
NORETURN void broker_run(const struct broker_start *start);

#endif
