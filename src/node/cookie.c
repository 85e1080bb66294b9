/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/cookie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host.h"
#include "base/secret.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* What OTP takes of such a file: printable ASCII up to the blanks at its end. */
bool cookie_take(const uint8_t *data, size_t len, struct cookie *cookie, struct error *err)
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
	buf_init_secret(&text, COOKIE_TEXT_MAX);
	if (!host_read_file(path, &text, &mode, NULL, err)) {
		error_cure(err, "name a file that holds the node's cookie");
	} else if (mode & (S_IRWXG | S_IRWXO)) {
		error_set(err, ERROR_COOKIE_UNSAFE, "%s may be read or written by others (mode %04o)", path,
			  (unsigned)(mode & 07777));
		error_cure(err, "chmod 400 '%s'", path);
	} else {
		ok = cookie_take(text.data, text.len, cookie, err);
	}
	buf_clear(&text);
	return ok;
}

bool cookie_from_command(const char *command, struct cookie *cookie, struct error *err)
{
	struct buf text;

	snprintf(cookie->source, sizeof cookie->source, "the command “%.900s”", command);
	buf_init_secret(&text, COOKIE_TEXT_MAX);
	bool ok = host_command_output(cookie->source, command, ERROR_COOKIE_MISSING, &text, err) &&
		  cookie_take(text.data, text.len, cookie, err);
	if (text.overflow)
		error_set(err, ERROR_COOKIE_UNSAFE, "%s prints more than a cookie", cookie->source);
	buf_clear(&text);
	return ok;
}

bool cookie_from_home(struct cookie *cookie, struct error *err)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/.erlang.cookie", host_home());
	return cookie_from_file(path, cookie, err);
}

void cookie_wipe(struct cookie *cookie)
{
	secret_wipe(cookie->bytes, sizeof cookie->bytes);
	cookie->len = 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool cookie_same_sources(const struct cookie_sources *a, const struct cookie_sources *b)
{
	return same_text(a->file, b->file) && same_text(a->command, b->command) &&
	       same_text(a->remote_file, b->remote_file) && same_text(a->remote_command, b->remote_command) &&
	       a->local == b->local;
}
