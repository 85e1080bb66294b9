/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The node's cookie, from the source that the options name: a file or a command of this machine, a file or a command of the host (read
 * over SSH), by default the remote user's ~/.erlang.cookie; and the local ~/.erlang.cookie only where that is asked for: offered to a
 * host that is not trusted with it, its proof lets that host guess. The cookie's bytes stay in this structure, which is wiped.
 */
#ifndef NODE_COOKIE_H
#define NODE_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "ssh/tunnel.h"

enum { COOKIE_MAX = 255 };

struct cookie {
	char bytes[COOKIE_MAX];
	size_t len;        /* 0: none yet */
	char source[1024]; /* for messages: a path, or "~/.erlang.cookie on the host" */
};

/* Where it comes from. One of the first four at most is not NULL; none: the remote ~/.erlang.cookie. */
struct cookie_sources {
	const char *file;
	const char *command;
	const char *remote_file;
	const char *remote_command;
	bool local; /* if the remote one is missing: the local ~/.erlang.cookie */
};

/*
 * From a file of this machine. Errors: ERROR_INPUT_MISSING, ERROR_COOKIE_UNSAFE (others may read it; it holds no cookie).
 */
bool cookie_from_file(const char *path, struct cookie *cookie, struct error *err);
/*
 * From what a command of this machine prints; /bin/sh -c runs it. It may ask on the terminal, and may take its time. Errors:
 * ERROR_COOKIE_MISSING (it failed, with the last line that it said), ERROR_COOKIE_UNSAFE (no cookie), ERROR_INTERRUPTED.
 */
bool cookie_from_command(const char *command, struct cookie *cookie, struct error *err);
/* Asks the host for its file or command; does not wait. */
bool cookie_ask_remote(struct tunnel *tunnel, const struct cookie_sources *sources, struct stream *stream,
		       struct error *err);
/* The answer. Errors: ERROR_COOKIE_MISSING (no such file there, no programs may be run), and those of the connection. */
bool cookie_from_remote(const struct cookie_sources *sources, struct stream *stream, int64_t deadline,
			struct cookie *cookie, struct error *err);
/* Are they the same? */
bool cookie_same_sources(const struct cookie_sources *a, const struct cookie_sources *b);
/* The local ~/.erlang.cookie. */
bool cookie_from_home(struct cookie *cookie, struct error *err);
void cookie_wipe(struct cookie *cookie);

/* A cookie file is short; more than this is not one. */
enum { COOKIE_TEXT_MAX = 4096 };
/* What was read from cookie->source: printable ASCII, without the blanks at its end. Errors: ERROR_COOKIE_UNSAFE. */
bool cookie_take(const uint8_t *data, size_t len, struct cookie *cookie, struct error *err);
/* The file's name for any shell that the remote account may have: what is not plain has a \ before it, but for a ~ at its beginning. */
bool cookie_quote_path(const char *path, struct buf *out);

#endif
