/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds for one target: what the command line says, then the environment's BEAMLINE_COOKIE_FILE, then what the configuration files
 * say of its node and host, then what is built in.
 */
#ifndef CMD_TARGET_OPTIONS_H
#define CMD_TARGET_OPTIONS_H

#include "cmd/command.h"
#include "node/connect.h"
#include "node/target.h"

struct target_options {
	struct command_options options; /* with everything filled in */
	struct connect_options connect; /* for node/connect; refers to this structure, which stays where it is */
	const struct command_options *typed;
	struct target target; /* as asked */
	const char *host;     /* of it, without user@ */
};

/*
 * text: a target as it was typed. Errors: ERROR_USAGE (it is none; options that contradict each other); nothing is to be cleared then.
 */
bool target_options_init(struct target_options *t, const struct command_options *typed, const char *text,
			 struct error *err);
void target_options_clear(struct target_options *t);
/* When a node that was not named has told its name: what holds for it. The sources of its cookie have been used by then. */
void target_options_know_node(struct target_options *t, const char *node);

bool target_options_is_elixir(const struct target_options *t);
/* --read-only is for Erlang: macros of Elixir are called while a text is compiled, and each call is code that nobody has looked at. Errors: ERROR_USAGE. */
bool target_options_check_read_only(const struct target_options *t, struct error *err);

/* Does BEAMLINE_COOKIE_FILE count? It stands below every option that names a source, and above the files. */
const char *target_options_environment_cookie(const struct command_options *typed);

#endif
