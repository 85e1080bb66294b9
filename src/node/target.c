/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/target.h"

#include <stdlib.h>
#include <string.h>

#include "dist/epmd.h"

/* Where the host ends: at the first colon behind the user's @ and behind a bracketed address. */
static const char *host_end(const char *text)
{
	size_t to_colon = strcspn(text, ":");
	const char *at = memchr(text, '@', to_colon);
	const char *host = at ? at + 1 : text;

	if (*host == '[') {
		const char *bracket = strchr(host, ']');
		return bracket ? bracket + 1 : NULL;
	}
	return text + to_colon;
}

static bool has_controls(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static bool no_target(const char *text, struct error *err)
{
	error_set(err, ERROR_USAGE, "“%s” is not a target", text);
	return error_cure(err, "a target is [user@]HOST or [user@]HOST:NODE, such as web-1:shop");
}

/* ssh takes a bare IPv6 address. */
static void take_brackets_off(char *destination)
{
	char *open = strchr(destination, '['), *close = strchr(destination, ']');

	if (open && close && close[1] == '\0') {
		*close = '\0';
		memmove(open, open + 1, strlen(open));
	}
}

bool target_parse(const char *text, struct target *target, struct error *err)
{
	const char *end = host_end(text);

	*target = (struct target){ 0 };
	if (!end || (*end && *end != ':') || has_controls(text))
		return no_target(text, err);
	if (*end == ':' && (end[1] == '\0' || end[1] == '@' || strcspn(end + 1, "@") > EPMD_NAME_MAX)) {
		error_set(err, ERROR_USAGE, "“%s” names no node behind the colon", text);
		return error_cure(err, "leave the colon out where the host has one node");
	}
	target->destination = xstrndup(text, (size_t)(end - text));
	take_brackets_off(target->destination);
	const char *user_end = strrchr(target->destination, '@');
	const char *host = user_end ? user_end + 1 : target->destination;
	if (*host == '\0' || *host == '-' || target->destination[0] == '-') {
		target_clear(target);
		return no_target(text, err);
	}
	if (*end == ':')
		target->node = xstrdup(end + 1);
	return true;
}

void target_clear(struct target *target)
{
	free(target->destination);
	free(target->node);
	*target = (struct target){ 0 };
}

bool target_names_node(const char *given, const char *name)
{
	size_t short_len = strcspn(name, "@");

	return strcmp(given, name) == 0 || (strlen(given) == short_len && memcmp(given, name, short_len) == 0);
}
