/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A private folder (mode 0700) for a multiplexing socket, and the socket, listening. */
#ifndef SSH_SOCKET_FOLDER_H
#define SSH_SOCKET_FOLDER_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/error.h"

/* Nothing is allocated, so that nothing can fail between the folder's making and the time when others know of it. */
struct socket_folder {
	char folder[sizeof((struct sockaddr_un *)0)->sun_path]; /* "": there is none */
	char socket[sizeof((struct sockaddr_un *)0)->sun_path]; /* its path */
	int listener;                                           /* non-blocking; -1 when closed */
};

/* In $XDG_RUNTIME_DIR/beamline (made if missing), else in $TMPDIR or /tmp. Errors: ERROR_NO_RESOURCES. */
bool socket_folder_make(struct socket_folder *f, struct error *err);
/* Removes the socket of that path and its folder, which another process made and can remove no more; NULL is allowed. */
void socket_folder_forget(const char *socket);
/* Removes socket and folder, which may be gone already. */
void socket_folder_remove(struct socket_folder *f);

#endif
