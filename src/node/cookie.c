/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/cookie.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host.h"
#include "base/io.h"
#include "base/secret.h"

/* A cookie file is short; more than this is not one. */
enum { FILE_MAX = 4096 };

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* What OTP takes of such a file: printable ASCII up to the blanks at its end. */
static bool take_cookie(const uint8_t *data, size_t len, struct cookie *cookie, struct error *err)
{
	while (len > 0 && is_blank(data[len - 1]))
		len--;
	if (len == 0 || len > COOKIE_MAX)
		return error_set(err, ERROR_COOKIE_UNSAFE, "%s holds %s", cookie->source,
				 len ? "more than a cookie (255 characters)" : "no cookie: it is empty");
	for (size_t i = 0; i < len; i++) {
		if (data[i] < 0x20 || data[i] > 0x7e)
			return error_set(err, ERROR_COOKIE_UNSAFE,
					 "%s holds no cookie: character %zu is not printable ASCII", cookie->source,
					 i + 1);
	}
	memcpy(cookie->bytes, data, len);
	cookie->len = len;
	return true;
}

bool cookie_from_file(const char *path, struct cookie *cookie, struct error *err)
{
	struct buf text;
	mode_t mode;
	bool ok = false;

	snprintf(cookie->source, sizeof cookie->source, "%s", path);
	buf_init_secret(&text, FILE_MAX);
	if (!host_read_file(path, &text, &mode, NULL, err)) {
		error_cure(err, "name a file that holds the node's cookie");
	} else if (mode & (S_IRWXG | S_IRWXO)) {
		error_set(err, ERROR_COOKIE_UNSAFE, "%s may be read or written by others (mode %04o)", path,
			  (unsigned)(mode & 07777));
		error_cure(err, "chmod 400 '%s'", path);
	} else {
		ok = take_cookie(text.data, text.len, cookie, err);
	}
	buf_clear(&text);
	return ok;
}

bool cookie_from_options(const char *file, struct cookie *cookie, struct error *err)
{
	cookie->len = 0;
	if (!file)
		file = getenv("BEAMLINE_COOKIE_FILE");
	return file && *file ? cookie_from_file(file, cookie, err) : true;
}

bool cookie_from_home(struct cookie *cookie, struct error *err)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/.erlang.cookie", host_home());
	return cookie_from_file(path, cookie, err);
}

bool cookie_ask_remote(struct tunnel *tunnel, struct stream *stream, struct error *err)
{
	/* Understood alike by every login shell; `exec` saves a process. */
	return tunnel_exec(tunnel, "exec cat ~/.erlang.cookie", stream, err);
}

static bool remote_missing(struct error *err, const char *why)
{
	error_set(err, ERROR_COOKIE_MISSING,
		  "no cookie: neither --cookie-file nor BEAMLINE_COOKIE_FILE is given, and %s", why);
	return error_cure(err, "name a file that holds the node's cookie: --cookie-file FILE (or --local-cookie for "
			       "your own ~/.erlang.cookie)");
}

static bool read_to_end(struct stream *stream, int64_t deadline, struct buf *text, struct error *err)
{
	for (;;) {
		uint8_t *room = buf_reserve(text, 256);
		if (!room)
			return remote_missing(err, "the remote ~/.erlang.cookie is too large to be one");
		ssize_t n = io_read(stream->fd, room, 256);
		if (n == 0)
			return true;
		if (n > 0) {
			text->len += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return true;
		enum io_wait waited = io_wait_one(stream->fd, POLLIN, deadline, err);
		if (waited == IO_SIGNAL)
			return false;
		if (waited != IO_READY)
			return remote_missing(err, "the host does not send the remote ~/.erlang.cookie in time");
	}
}

bool cookie_from_remote(struct stream *stream, int64_t deadline, struct cookie *cookie, struct error *err)
{
	struct buf text;
	bool ok = false;

	snprintf(cookie->source, sizeof cookie->source, "~/.erlang.cookie on the host");
	buf_init_secret(&text, FILE_MAX);
	if (!stream_wait_open(stream, deadline, err)) {
		if (err->code == ERROR_SESSION_REFUSED)
			remote_missing(
				err,
				"the account may run no program on the host, so its ~/.erlang.cookie cannot be read");
	} else if (read_to_end(stream, deadline, &text, err)) {
		if (text.len > 0)
			ok = take_cookie(text.data, text.len, cookie, err);
		else if (stream_reason(stream, 0, err))
			remote_missing(err, "the account on the host has no ~/.erlang.cookie that it may read");
	}
	buf_clear(&text);
	return ok;
}

void cookie_wipe(struct cookie *cookie)
{
	secret_wipe(cookie->bytes, sizeof cookie->bytes);
	cookie->len = 0;
}
