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
#include "config/settings.h"

/* Which options go together; a command names the groups that it takes. */
enum option_group {
	GROUP_ALL = 1 << 0,      /* every command */
	GROUP_CONNECT = 1 << 1,  /* reaching a host and its nodes */
	GROUP_EVALUATE = 1 << 2, /* running something on a node */
	GROUP_EVAL = 1 << 3,     /* eval alone */
	GROUP_JSON = 1 << 4,
	GROUP_HOSTS = 1 << 5,    /* hosts alone */
	GROUP_OPEN = 1 << 6,     /* open alone */
	GROUP_CLOSE = 1 << 7,    /* close alone */
	GROUP_MANY = 1 << 8,     /* what takes many targets */
	GROUP_FORWARD = 1 << 9,  /* forward alone */
	GROUP_SHELL = 1 << 10,   /* shell alone */
	GROUP_JOURNAL = 1 << 11, /* what writes or reads the journal */
};

enum { COMMAND_OPTIONS_MAX = 128 };

struct command_options {
	/* GROUP_ALL */
	int verbose;
	bool quiet;
	bool help;
	bool version;
	bool json;
	/* GROUP_CONNECT */
	const char *ssh_config;
	const char *config;
	struct option_list ssh_options;
	int epmd_port;
	int dist_port;
	const char *cookie_file;
	const char *cookie_command;
	const char *remote_cookie_file;
	const char *remote_cookie_command;
	bool local_cookie;
	const char *tls_ca;
	const char *tls_cert;
	const char *tls_key;
	const char *tls_crl;
	const char *tls_server_name;
	const char *tls_verify;
	const char *tls_passphrase_command;
	int handshake_timeout_ms;
	const char *transport;
	int persist_ms;
	/* GROUP_EVALUATE */
	bool elixir;
	const char *language;
	int timeout_ms;
	const char *confirm;
	/* Keys of configuration files only */
	const char *environment;
	const char *colour;
	bool confirm_environment;
	/* GROUP_MANY; the last two are GROUP_EVALUATE's */
	int forks;
	int limit;
	struct option_list except;
	bool gather;
	bool lines;
	/* GROUP_EVAL */
	const char *file;
	bool raw;
	bool full;
	bool read_only;
	const char *guard; /* of configuration files only */
	/* GROUP_SHELL */
	const char *reason;
	const char *record;
	const char *record_folder;
	bool keep_going;
	const char *startup;
	bool reconnect;
	bool require_reason;
	int output_lines; /* 0: not given */
	/* GROUP_HOSTS */
	bool names;
	/* GROUP_FORWARD */
	int listen;
	/* GROUP_CLOSE */
	bool all;
	/* GROUP_JOURNAL */
	const char *journal;
	/* Not of the table: which of its options the command line gave, and what the configuration files say. */
	const bool *given;
	const struct settings *settings;
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

extern const struct command command_nodes, command_ping, command_eval, command_rpc, command_forward, command_open,
	command_shell, command_close, command_status, command_hosts, command_config, command_journal;

/* NULL-terminated, in the order in which --help shows them. */
extern const struct command *const command_table[];

#endif
