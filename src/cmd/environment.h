/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An environment that the configuration gives a target, such as production: shown before anything is run there, and confirmed. */
#ifndef CMD_ENVIRONMENT_H
#define CMD_ENVIRONMENT_H

#include "cmd/target_options.h"
#include "config/targets.h"
#include "node/link.h"

/*
 * Shows the environment in its colour on standard error, if that is a terminal and neither --json nor -q is given; then, where the
 * configuration wants that, has it confirmed: a person types its name (the host's, where it has none), unless --confirm was given, which
 * is checked when the node's name is known. Errors: ERROR_GUARD, ERROR_INTERRUPTED.
 */
bool environment_enter(const struct target_options *t, const char *target, struct error *err);
/* The SGR number of the environment's colour where that descriptor shows colours; 0: none. */
int environment_colour(const struct command_options *options, int fd);
/*
 * The same for many, which cannot be asked each for itself: shows each environment with its targets, and has each that wants it confirmed
 * once. Errors: those of environment_enter, and ERROR_USAGE for what is no target.
 */
bool environment_enter_all(const struct command_options *options, const struct targets *targets, struct error *err);
/*
 * The node has told its name. If none was asked for, what holds for it may differ: then the environment is entered now, while the
 * connection is kept. What its configuration guards is, from now on. --confirm is checked; *confirmed: it names the node. Same errors, and ERROR_CONFIG.
 */
bool environment_check(struct target_options *t, const char *target, struct link *link, bool *confirmed,
		       struct error *err);

#endif
