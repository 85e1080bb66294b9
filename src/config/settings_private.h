/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of config/settings share: the file that is being read, and the shape of its errors. */
#ifndef CONFIG_SETTINGS_PRIVATE_H
#define CONFIG_SETTINGS_PRIVATE_H

#include <libconfig.h>

#include "config/settings.h"

enum {
	SETTINGS_FILE_MAX = 1024 * 1024,
	SETTINGS_FILES_MAX = 64, /* with all that they include */
	SETTINGS_INCLUDE_DEPTH_MAX = 8,
	SETTINGS_NESTING_MAX = 16, /* of brackets; five have a meaning */
	SETTINGS_WORD_MAX = 256,   /* of a pattern or a group's name */
};

struct settings_source {
	struct settings *settings;
	const char *file;              /* for messages; kept by settings->files */
	const char *text;              /* all of it */
	struct settings_list includes; /* as written */
	unsigned *include_lines;       /* where */
};

/* "FILE:LINE: …" with ERROR_CONFIG. Returns false. */
bool settings_wrong(const char *file, unsigned line, struct error *err, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The cure “did you mean NAME?”, or else the list of all. Returns false. */
bool settings_advise(struct error *err, const char *word, const char *const *names, size_t count, const char *what);

void settings_list_add(struct settings_list *list, const char *text);

/*
 * What libconfig takes without a word, or refuses without telling why: texts without quotes, brackets and comments that never end, numbers
 * that do not fit, @include. Errors: ERROR_CONFIG.
 */
bool settings_scan(const char *file, const char *text, size_t len, struct error *err);
/* Adds what a file says. */
bool settings_read(struct settings_source *source, struct error *err);
/* One member of a block, whose key is not “match” or “nodes”. level: OPTION_IN_…. */
bool settings_read_value(const struct settings_source *source, const config_setting_t *member, unsigned level,
			 struct settings_block *block, struct error *err);
/* A text or a list of texts, each checked to be a pattern of a host, or of a node. */
bool settings_read_patterns(const struct settings_source *source, const config_setting_t *member, bool of_nodes,
			    struct settings_list *list, struct error *err);
/* When all files are read: every @group is there, and none is a member of itself. */
bool settings_check_groups(const struct settings *settings, struct error *err);

#endif
