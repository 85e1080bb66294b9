/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connected descriptor to the host's sshd: TCP to whichever of its addresses answers first, or what ProxyJump or ProxyCommand
 * gives (a program with one end of a socketpair as its standard input and output).
 */
#ifndef SSH_CONNECT_H
#define SSH_CONNECT_H

#include "ssh/resolve.h"

/*
 * Both give a non-blocking descriptor. `watch` (or -1): waiting ends with ERROR_INTERRUPTED when this descriptor ends. Errors:
 * ERROR_HOST_UNKNOWN, ERROR_TCP_REFUSED, ERROR_TCP_TIMEOUT, ERROR_NO_RESOURCES, ERROR_INTERRUPTED.
 */
bool connect_tcp(const struct ssh_config *config, int64_t deadline, int watch, int *fd, struct error *err);
/* Errors: ERROR_CONFIG (a host name that a shell could misread), ERROR_NO_RESOURCES. *pid: the program, for connect_end_proxy. *said (NULL: it
 * has our standard error): where its standard error is read. */
bool connect_proxy(const struct ssh_config *config, int *fd, int *pid, int *said, struct error *err);
/* Does ssh_config ask for a proxy? */
bool connect_wants_proxy(const struct ssh_config *config);
/* Ends the proxy, whose descriptor is closed already, and waits for it to be gone. *pid becomes 0. */
void connect_end_proxy(int *pid);

#endif
