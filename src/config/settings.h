/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration files (beamline.conf(5)): what holds for which host and node, and where it was said. The keys are those of the option
 * table that the caller brings. For each of them the strongest place counts that says something: a node's block, a host's, the
 * defaults; among those the first, and the user's file stands before the machine's.
 *
 * The files are the operator's own, yet they may be wrong, or written by somebody else: sizes, depths and numbers are bounded, a file that
 * others may write is refused, and each error tells file, line and cure.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/options.h"

/* One key with its value; which member holds it follows from the option's kind. */
struct settings_value {
	const struct option *option;
	bool flag;  /* OPTION_FLAG */
	int number; /* OPTION_PORT, OPTION_NUMBER, OPTION_DURATION (ms) */
	char *text; /* OPTION_TEXT, OPTION_CHOICE; a FILE is absolute */
	const char *file;
	unsigned line;
};

/* Names and patterns, as written. */
struct settings_list {
	char **items;
	size_t count;
};

struct settings_blocks {
	struct settings_block *blocks;
	size_t count;
};

/* Defaults, or what holds for the hosts or nodes that `match` means. */
struct settings_block {
	struct settings_list match;
	struct settings_value *values;
	size_t count;
	struct settings_blocks nodes; /* of a host's block */
	const char *file;
	unsigned line;
};

struct settings_group {
	char *name;
	struct settings_list members; /* hosts, patterns, @groups */
	const char *file;
	unsigned line;
};

struct settings {
	const struct option *table;
	size_t table_count;
	struct settings_list files; /* those read, in order */
	struct settings_blocks defaults, hosts, nodes;
	struct settings_group *groups;
	size_t group_count;
};

/*
 * Reads one file (`only`: a path, or “none”), or where it is NULL the user's file and then the machine's, of which either may be missing.
 * Errors: ERROR_CONFIG. settings_clear must follow in any case.
 */
bool settings_load(struct settings *settings, const struct option *table, size_t count, const char *only,
		   struct error *err);
/* One file's text alone, without the files that it includes; for tests and fuzzing. */
bool settings_parse(struct settings *settings, const struct option *table, size_t count, const char *text, size_t len,
		    struct error *err);
void settings_clear(struct settings *settings);

/* What holds for a host (as typed, without user@) and a node (before its @; NULL: not known); NULL if no file says anything. */
const struct settings_value *settings_find(const struct settings *settings, const struct option *option,
					   const char *host, const char *node);
/* Puts all of it into the structure that the table describes, but for what the command line gave. */
void settings_apply(const struct settings *settings, const bool *given, const char *host, const char *node,
		    void *values);
/* May node blocks matter for this host? */
bool settings_knows_nodes(const struct settings *settings, const char *host);

/* Is the host one of these? A list of exceptions alone has none. */
bool settings_match(const struct settings *settings, const struct settings_list *list, const char *host);
const struct settings_group *settings_group(const struct settings *settings, const char *name);

void settings_list_clear(struct settings_list *list);

/* "cookie_file", the key of option "cookie-file". */
enum { SETTINGS_KEY_MAX = 64 };
const char *settings_key(const struct option *option, char room[SETTINGS_KEY_MAX]);

#endif
