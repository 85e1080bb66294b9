/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/ssh_tokens.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host.h"

char *ssh_expand_home(const char *path)
{
	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
		return xasprintf("%s%s", host_home(), path + 1);
	return xstrdup(path);
}

/* The value of one %-token in a file name (ssh_config(5), TOKENS), or NULL; `room` is for numbers. */
static const char *token(const struct ssh_config *config, char which, char *room, size_t room_len)
{
	switch (which) {
	case '%':
		return "%";
	case 'd':
		return host_home();
	case 'h':
		return config->hostname;
	case 'n':
		return config->host;
	case 'k':
		return config->host_key_alias ? config->host_key_alias : config->host;
	case 'r':
		return config->user;
	case 'j':
		return config->proxy_jump ? config->proxy_jump : "";
	case 'u':
		return getenv("LOGNAME") ? getenv("LOGNAME") : getenv("USER");
	case 'p':
		snprintf(room, room_len, "%u", config->port);
		return room;
	case 'i':
		snprintf(room, room_len, "%lu", (unsigned long)getuid());
		return room;
	case 'l':
	case 'L':
		if (gethostname(room, room_len) < 0)
			return NULL;
		room[room_len - 1] = '\0';
		if (which == 'L')
			room[strcspn(room, ".")] = '\0';
		return room;
	default:
		return NULL;
	}
}

/* ${NAME} at p: appends its value and returns what follows, or NULL. */
static const char *expand_variable(const char *p, struct buf *out)
{
	const char *end = strchr(p, '}');
	char *name = end ? xstrndup(p + 2, (size_t)(end - p - 2)) : NULL;
	const char *value = name ? getenv(name) : NULL;

	free(name);
	if (!value)
		return NULL;
	buf_put_text(out, value);
	return end + 1;
}

char *ssh_expand_file(const struct ssh_config *config, const char *path)
{
	char *home = ssh_expand_home(path);
	char room[256];
	struct buf out;

	buf_init(&out, PATH_MAX);
	for (const char *p = home; *p;) {
		const char *value = p[0] == '%' && p[1] ? token(config, p[1], room, sizeof room) : NULL;
		const char *after = p[0] == '$' && p[1] == '{' ? expand_variable(p, &out) : NULL;
		if (value) {
			buf_put_text(&out, value);
			p += 2;
		} else if (after) {
			p = after;
		} else {
			buf_put_u8(&out, (uint8_t)*p++);
		}
	}
	char *expanded = out.overflow ? xstrdup(home) : xstrdup(buf_text(&out));
	buf_clear(&out);
	free(home);
	return expanded;
}
