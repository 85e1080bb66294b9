/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many targets in few words. A word is one or more of these, with commas between them:
 *
 *     [USER@]HOST[:NODE]     itself
 *     web-*, web-?           the hosts of that form which ssh_config and the configuration name
 *     web-[1-20], db[01,03]  numbers, with as many digits as the first has
 *     @GROUP                 the hosts of a group of the configuration
 *     @./FILE, @/PATH        the lines of a file, each of them such a word; # begins a comment
 *     -                      the same of standard input
 *
 * Where USER@ or :NODE stands, it holds for all that the word means.
 */
#ifndef CONFIG_TARGETS_H
#define CONFIG_TARGETS_H

#include "base/buf.h"
#include "config/settings.h"

enum {
	TARGETS_MAX = 10000,
	TARGETS_TEXT_MAX = 1024 * 1024,
	TARGET_LENGTH_MAX = 1024, /* of each; names of users, hosts and nodes have 255 at most */
};

struct targets_request {
	const struct settings *settings;
	const char *ssh_config; /* as --ssh-config */
	const char *const *words;
	size_t count;
	const char *const *except; /* words of the same kind, NULL-terminated, or NULL: what they mean is left out */
	bool input_taken;          /* standard input is used up */
	size_t limit;              /* only the first so many; 0: all */
};

struct targets {
	struct settings_list list; /* each once, in the order in which they were named; never empty */
	bool many;                 /* several words were given, or one of a kind that may mean several */
};

/* Errors: ERROR_USAGE (a word that means nothing, a group that is not there, too many), ERROR_INPUT_MISSING. Clear in any case. */
bool targets_expand(const struct targets_request *request, struct targets *targets, struct error *err);
void targets_clear(struct targets *targets);

/* Names as a person writes them: web-[1-3],db-1. Appends to `out`, which bounds it. */
void targets_fold(const char *const *names, size_t count, struct buf *out);

#endif
