/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands: one file each, each exporting one entry; table.c gathers them. And the options, in one structure that the option
 * table (options_table.c) fills.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>

#include "base/error.h"
#include "base/options.h"
#include "node/connect.h"

/* Which options go together; a command names the groups that it takes. */
enum option_group {
	GROUP_ALL = 1 << 0,      /* every command */
	GROUP_CONNECT = 1 << 1,  /* reaching a host and its nodes */
	GROUP_EVALUATE = 1 << 2, /* running something on a node */
	GROUP_EVAL = 1 << 3,     /* eval alone */
	GROUP_JSON = 1 << 4,
};

struct command_options {
	/* GROUP_ALL */
	int verbose;
	bool quiet;
	bool help;
	bool version;
	bool json;
	/* GROUP_CONNECT */
	const char *ssh_config;
	struct option_list ssh_options;
	int epmd_port;
	int dist_port;
	const char *cookie_file;
	bool local_cookie;
	int handshake_timeout_ms;
	/* GROUP_EVALUATE */
	bool elixir;
	int timeout_ms;
	const char *confirm;
	/* GROUP_EVAL */
	const char *file;
	bool raw;
	bool full;
};

extern const struct option command_option_table[];
extern const size_t command_option_count;

enum { COMMAND_WORDS_MAX = 1024 };

struct command {
	const char *name;
	const char *arguments;   /* "TARGET [EXPR]" */
	const char *summary;     /* one line, without a full stop */
	const char *description; /* paragraphs separated by blank lines, for --help and the manual page */
	unsigned groups;
	int min_words;
	int max_words;
	/* words: what stands behind the command's name. False: err is set, and is still to be said. */
	bool (*run)(const struct command_options *options, const char *const *words, int count, struct error *err);
};

extern const struct command command_nodes, command_ping, command_eval, command_rpc;

/* NULL-terminated, in the order in which --help shows them. */
extern const struct command *const command_table[];

/* What reaching a host needs of the options. */
struct connect_options command_connect_options(const struct command_options *options);

#endif
