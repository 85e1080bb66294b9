/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A multiplexing socket, listening, in a private folder (mode 0700): one of its own, or one that stays (kept.h). */
#ifndef SSH_SOCKET_FOLDER_H
#define SSH_SOCKET_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/error.h"

enum { SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path };

/* Nothing is allocated, so that nothing can fail between the folder's making and the time when others know of it. */
struct socket_folder {
	char folder[SOCKET_PATH_MAX]; /* "": there is none, or it stays */
	char socket[SOCKET_PATH_MAX]; /* its path; "": there is none */
	ino_t made;                   /* which file that is; 0: whichever */
	int listener;                 /* non-blocking; -1 when closed */
};

/* In $XDG_RUNTIME_DIR/beamline (made if missing), else in $TMPDIR or /tmp. Errors: ERROR_NO_RESOURCES. */
bool socket_folder_make(struct socket_folder *f, struct error *err);
/* The folder alone: another program makes the socket. */
bool socket_folder_reserve(struct socket_folder *f, struct error *err);
/* A socket of that path, where none may be. Errors: ERROR_NO_RESOURCES. */
bool socket_folder_listen_at(struct socket_folder *f, const char *path, struct error *err);
/* Removes the socket of that path and its folder, which another process made and can remove no more; NULL is allowed. */
void socket_folder_forget(const char *socket);
/*
 * While a person is asked, whoever else would use the connection must not wait for the answer: the socket of one that stays is marked (its file
 * has the mode 0700, otherwise 0600).
 */
void socket_folder_mark_asking(const struct socket_folder *f, bool asking);
bool socket_folder_is_asking(const char *socket);
/* Is the socket still at its path? */
bool socket_folder_is_there(const struct socket_folder *f);
/* Removes socket and folder, which may be gone already; what another one made in their place stays. */
void socket_folder_remove(struct socket_folder *f);

/* $XDG_RUNTIME_DIR/beamline, made if missing; NULL: there is none that is private. The caller frees. */
char *socket_folder_runtime(void);
/* A folder of ours that nobody else may enter? */
bool socket_folder_is_private(const char *path);

#endif
