/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help and --version, and the manual page's lists, all from the tables of commands, options and error codes. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include "cmd/command.h"

bool help_version(struct error *err);
bool help_all(struct error *err);
bool help_command(const struct command *command, struct error *err);
/* `beamline help [WORD …]`: a command's name, or what the build asks for: mdoc-… (lists of manual pages), completion SHELL. */
bool help_words(const struct command *(*find)(const char *name), const char *const *words, int count,
		struct error *err);

#endif
