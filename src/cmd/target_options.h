/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds for one target: what the command line says, then the environment's BEAMLINE_COOKIE_FILE, then what the configuration files
 * say of its node and host, then what is built in.
 */
#ifndef CMD_TARGET_OPTIONS_H
#define CMD_TARGET_OPTIONS_H

#include "cmd/command.h"
#include "node/connect.h"

struct target_options {
	struct command_options options; /* with everything filled in */
	struct connect_options connect; /* for node/connect; refers to this structure, which stays where it is */
	const struct command_options *typed;
	char *host; /* without user@ */
};

/* node: as asked, NULL where it is not known yet. Errors: ERROR_USAGE (options that contradict each other); nothing is to be cleared then. */
bool target_options_init(struct target_options *t, const struct command_options *typed, const char *destination,
			 const char *node, struct error *err);
void target_options_clear(struct target_options *t);
/* When a node that was not named has told its name: what holds for it. The sources of its cookie have been used by then. */
void target_options_know_node(struct target_options *t, const char *node);

/* Does BEAMLINE_COOKIE_FILE count? It stands below every option that names a source, and above the files. */
const char *target_options_environment_cookie(const struct command_options *typed);
/* Does the name of an option stand on the command line? */
bool target_options_given(const struct command_options *typed, size_t option);

#endif
