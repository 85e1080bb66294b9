/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cookie that the host has: a file there, or what a command there prints. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "node/cookie.h"

enum { REASON_MS = 500 }; /* for the SSH side to say why nothing came, where it knows */

bool cookie_quote_path(const char *path, struct buf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

	for (size_t i = 0; path[i]; i++) {
		unsigned char c = (unsigned char)path[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c < 0x80 && !strchr(plain, c) && !(i == 0 && c == '~'))
			buf_put_u8(out, '\\');
		buf_put_u8(out, c);
	}
	return !out->overflow;
}

bool cookie_ask_remote(struct tunnel *tunnel, const struct cookie_sources *sources, struct stream *stream,
		       struct error *err)
{
	struct buf command;
	bool ok;

	if (sources->remote_command)
		return tunnel_exec(tunnel, sources->remote_command, stream, err);
	if (!sources->remote_file)
		/* Understood alike by every login shell; `exec` saves a process. */
		return tunnel_exec(tunnel, "exec cat ~/.erlang.cookie", stream, err);
	buf_init(&command, 2 * COOKIE_TEXT_MAX);
	buf_put_text(&command, "exec cat -- ");
	if (cookie_quote_path(sources->remote_file, &command))
		ok = tunnel_exec(tunnel, buf_text(&command), stream, err);
	else
		ok = error_set(err, ERROR_CONFIG, "“%.200s” cannot be the name of a cookie file", sources->remote_file);
	buf_clear(&command);
	return ok;
}

static void describe(const struct cookie_sources *sources, struct cookie *cookie)
{
	if (sources->remote_command)
		snprintf(cookie->source, sizeof cookie->source, "the command “%.900s” on the host",
			 sources->remote_command);
	else
		snprintf(cookie->source, sizeof cookie->source, "%.900s on the host",
			 sources->remote_file ? sources->remote_file : "~/.erlang.cookie");
}

static bool missing(const struct cookie_sources *sources, const struct cookie *cookie, const char *what,
		    struct error *err)
{
	if (sources->remote_command) {
		error_set(err, ERROR_COOKIE_MISSING, "no cookie: %s %s", cookie->source, what);
		return error_cure(err, "run it by hand, by ssh: it must print the cookie without asking anything");
	}
	if (sources->remote_file) {
		error_set(err, ERROR_COOKIE_MISSING, "no cookie: %s %s", cookie->source, what);
		return error_cure(err,
				  "the SSH user must be able to read it; for another user's, remote_cookie_command "
				  "can be: sudo -n cat FILE");
	}
	error_set(err, ERROR_COOKIE_MISSING,
		  "no cookie: no option, environment or configuration names a source, and %s %s", cookie->source, what);
	return error_cure(err, "name a file that holds the node's cookie: --cookie-file FILE (or --local-cookie for "
			       "your own ~/.erlang.cookie)");
}

static bool read_to_end(struct stream *stream, int64_t deadline, const struct cookie_sources *sources,
			const struct cookie *cookie, struct buf *text, struct error *err)
{
	for (;;) {
		uint8_t *room = buf_reserve(text, 256);
		if (!room)
			return missing(sources, cookie, "is too large to be one", err);
		ssize_t n = io_read(stream->fd, room, 256);
		if (n == 0)
			return true;
		if (n > 0) {
			text->len += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set(err, ERROR_SSH_LOST, "%s: %s", cookie->source, strerror(errno));
		enum io_wait waited = io_wait_one(stream->fd, POLLIN, deadline, err);
		if (waited == IO_SIGNAL)
			return false;
		if (waited != IO_READY)
			return missing(sources, cookie, "does not come in time", err);
	}
}

bool cookie_from_remote(const struct cookie_sources *sources, struct stream *stream, int64_t deadline,
			struct cookie *cookie, struct error *err)
{
	struct buf text;
	bool ok = false;

	describe(sources, cookie);
	buf_init_secret(&text, COOKIE_TEXT_MAX);
	if (!stream_wait_open(stream, deadline, err)) {
		if (err->code == ERROR_SESSION_REFUSED)
			missing(sources, cookie, "cannot be read: the account may run no program on the host", err);
	} else if (read_to_end(stream, deadline, sources, cookie, &text, err)) {
		/* What has come is not made to wait for the program's end; a part of a cookie would not help anybody. */
		ok = stream_reason(stream, text.len > 0 ? 0 : clock_ms() + REASON_MS, err);
		if (ok && text.len > 0)
			ok = cookie_take(text.data, text.len, cookie, err);
		else if (ok)
			ok = missing(sources, cookie,
				     sources->remote_command ? "prints nothing"
							     : "is not there, or the account may not read it",
				     err);
	}
	buf_clear(&text);
	return ok;
}
