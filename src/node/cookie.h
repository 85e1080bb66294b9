/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The node's cookie, from the first source that has one: --cookie-file, BEAMLINE_COOKIE_FILE, the remote user's ~/.erlang.cookie
 * (read over SSH), and the local ~/.erlang.cookie only where that is asked for: offered to a host that is not trusted with it, its
 * proof lets that host guess. The cookie's bytes stay in this structure, which is wiped.
 */
#ifndef NODE_COOKIE_H
#define NODE_COOKIE_H

#include <stddef.h>

#include "base/error.h"
#include "ssh/tunnel.h"

enum { COOKIE_MAX = 255 };

struct cookie {
	char bytes[COOKIE_MAX];
	size_t len;        /* 0: none yet */
	char source[1024]; /* for messages: a path, or "user's ~/.erlang.cookie on the host" */
};

/*
 * From a file of this machine. Errors: ERROR_INPUT_MISSING, ERROR_COOKIE_UNSAFE (others may read it; it holds no cookie).
 */
bool cookie_from_file(const char *path, struct cookie *cookie, struct error *err);
/*
 * From what the options and the environment name on this machine, before anything travels. True with cookie->len 0:
 * nothing is named, the remote file is to be asked. file: --cookie-file or NULL.
 */
bool cookie_from_options(const char *file, struct cookie *cookie, struct error *err);
/* Asks for the remote file; does not wait. */
bool cookie_ask_remote(struct tunnel *tunnel, struct stream *stream, struct error *err);
/* Its answer. Errors: ERROR_COOKIE_MISSING (no such file there, no programs may be run), and those of the connection. */
bool cookie_from_remote(struct stream *stream, int64_t deadline, struct cookie *cookie, struct error *err);
/* The local ~/.erlang.cookie. */
bool cookie_from_home(struct cookie *cookie, struct error *err);
void cookie_wipe(struct cookie *cookie);

#endif
