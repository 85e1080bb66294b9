/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options of the command line: one table tells names, kinds, help and where the value goes; the parser, `--help`, the lists of the
 * manual pages, shell completions, and the keys of configuration files all come from it.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_COUNT,    /* int, one more each time it stands there */
	OPTION_TEXT,     /* const char * */
	OPTION_LIST,     /* struct option_list */
	OPTION_PORT,     /* int, 1 to 65535 */
	OPTION_NUMBER,   /* int, 1 to OPTION_NUMBER_MAX */
	OPTION_DURATION, /* int, milliseconds: 500ms, 5s, 2m, 1h; a bare number is seconds */
	OPTION_CHOICE,   /* const char *, one of the words that `argument` lists: "erlang|elixir" */
};

/* Where an option may stand in a configuration file (src/config). */
enum option_key {
	OPTION_IN_DEFAULTS = 1 << 0,
	OPTION_IN_HOST = 1 << 1,
	OPTION_IN_NODE = 1 << 2,
	OPTION_IN_ALL = OPTION_IN_DEFAULTS | OPTION_IN_HOST | OPTION_IN_NODE,
	/* Of those with this mark one place has one only, and a stronger place's hides a weaker's. */
	OPTION_ONE_OF = 1 << 3,
};

enum { OPTION_LIST_MAX = 64, OPTION_NUMBER_MAX = 10000 };

struct option_list {
	const char *values[OPTION_LIST_MAX + 1]; /* NULL-terminated */
	int count;
};

struct option {
	const char *name; /* without the dashes */
	char letter;      /* or 0 */
	enum option_kind kind;
	size_t offset; /* in the structure of values */
	/* Commands that take it: any bit shared with the command's own. 0: it is a key of configuration files only. */
	unsigned groups;
	const char *argument; /* NULL for flags; "FILE" is one of this machine, and is completed and found as such */
	const char *help;     /* one sentence or two, for --help and the manual pages */
	unsigned keys;        /* enum option_key; its key is its name with _ for - */
	const char *builtin;  /* what holds where nobody says otherwise; NULL: nothing */
};

/*
 * Takes the options out of argv, wherever they stand, up to “--”; what is left are the words (at most max_words; the pointers are argv's).
 * Every option of the table is understood here: which command may have it is checked with options_check once the
 * command is known. `given[i]` tells whether option i of the table stood there.
 */
bool options_parse(const struct option *table, size_t count, int argc, char **argv, void *values, bool *given,
		   const char **words, int max_words, int *word_count, struct error *err);
/* Errors: ERROR_USAGE if a given option shares no group with the command, or two of OPTION_ONE_OF are given. */
bool options_check(const struct option *table, size_t count, const bool *given, unsigned groups, const char *command,
		   struct error *err);
/* The list for --help. */
void options_help(const struct option *table, size_t count, unsigned groups, FILE *out);
/* Is it one of the words of an OPTION_CHOICE? */
bool options_is_choice(const struct option *option, const char *text);
bool options_takes_argument(const struct option *option);
/* Milliseconds of such a text; false: not one. */
bool options_parse_duration(const char *text, int *ms);
/* Of `count` names, the one that a mistyped word most likely meant; NULL: none is near. */
const char *options_nearest(const char *word, const char *const *names, size_t count);

#endif
