/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client's connection to a multiplexing socket: requests with their descriptors out, bounded replies in. */
#ifndef SSH_MUX_CLIENT_H
#define SSH_MUX_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

/*
 * A non-blocking connection; waits (2 s at most) only for a server whose queue of connections is full. Errors: ERROR_SSH_LOST (nobody
 * serves the socket), ERROR_NO_RESOURCES.
 */
bool mux_client_connect(const char *path, int *fd, struct error *err);
/*
 * Sends the packets and then each descriptor in a message of its own, as OpenSSH reads them. Waits only if the packets are larger than a socket's
 * buffer. Errors: ERROR_SSH_LOST, ERROR_NO_RESOURCES.
 */
bool mux_client_send(int fd, const struct buf *packets, const int *descriptors, size_t count, struct error *err);

enum mux_received { MUX_RECEIVED, MUX_NOTHING, MUX_END };
/* Appends what has come, without waiting. MUX_END: the server closed, or the buffer is full. */
enum mux_received mux_client_receive(int fd, struct buf *in);

#endif
