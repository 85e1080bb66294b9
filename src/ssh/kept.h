/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections that stay: where the sockets of brokers lie that outlive their front. A folder of mode 0700, $XDG_RUNTIME_DIR/beamline, else
 * /tmp/beamline-UID; a socket's name is a digest of what decides which connection it is. The folder itself is what is locked. A command without
 * XDG_RUNTIME_DIR (cron's) has connections of its own, which the others list and close.
 */
#ifndef SSH_KEPT_H
#define SSH_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "ssh/socket_folder.h"
#include "ssh/tunnel.h"

/*
 * The path of the destination's socket, whether it is there or not: the same for the same [user@]HOST, the same options, and ssh_config files that
 * have not changed. make: the folder too, if it is missing. False: there is no private folder.
 */
bool kept_path(const struct tunnel_options *options, bool make, char path[SOCKET_PATH_MAX]);
/* A connection to whoever serves there, or -1: nobody does. */
int kept_connect(const char *path);
/* Removes the socket of a process that was killed. With the lock, which kept_sweep takes itself. True: there is none there now. */
bool kept_clear(const char *path);
bool kept_sweep(const char *path);
/*
 * From looking to starting, one process at a time: a descriptor, whose closing ends it. -1: another one holds it for longer than it can need, or a signal
 * has come.
 */
int kept_lock(const char *path);
/* The paths of all sockets that lie in either folder, NULL-terminated; freed with kept_list_free. */
char **kept_list(void);
void kept_list_free(char **paths);

#endif
