/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the command, runs it, says its error once. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/help.h"
#include "cmd/report.h"
#include "platform/platform.h"

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; command_table[i]; i++) {
		if (strcmp(command_table[i]->name, name) == 0)
			return command_table[i];
	}
	return NULL;
}

static bool unknown_command(const char *name, struct error *err)
{
	const char *names[64];
	size_t count = 0;

	while (command_table[count] && count < sizeof names / sizeof *names) {
		names[count] = command_table[count]->name;
		count++;
	}
	const char *nearest = options_nearest(name, names, count);
	error_set(err, ERROR_USAGE, "there is no command “%s”", name);
	if (nearest)
		return error_cure(err, "did you mean %s? beamline --help lists all", nearest);
	return error_cure(err, "beamline --help lists the commands");
}

static bool check_words(const struct command *command, int count, struct error *err)
{
	if (count >= command->min_words && count <= command->max_words)
		return true;
	error_set(err, ERROR_USAGE, "%s takes %s", command->name, command->arguments);
	return error_cure(err, "beamline %s --help", command->name);
}

/* The configuration is read for commands that can make use of it only: help is there whatever it holds. */
static bool run_command(const struct command *command, struct command_options *options, const char *const *words,
			int count, struct error *err)
{
	const char *file = options->config ? options->config : getenv("BEAMLINE_CONFIG");
	struct settings settings;

	if (!(command->groups & (GROUP_CONNECT | GROUP_HOSTS | GROUP_OPEN | GROUP_JOURNAL)))
		return command->run(options, words, count, err);
	bool ok =
		settings_load(&settings, command_option_table, command_option_count, file && *file ? file : NULL, err);
	options->settings = &settings;
	ok = ok && command->run(options, words, count, err);
	options->settings = NULL;
	settings_clear(&settings);
	return ok;
}

static bool run(int argc, char **argv, struct command_options *options, struct error *err)
{
	const char *words[COMMAND_WORDS_MAX + 1];
	bool given[COMMAND_OPTIONS_MAX] = { false };
	int count;

	options->given = given;
	if (!options_parse(command_option_table, command_option_count, argc, argv, options, given, words,
			   COMMAND_WORDS_MAX + 1, &count, err))
		return false;
	log_set_level(options->quiet ? -1 : options->verbose);
	if (options->version)
		return help_version(err);
	if (count == 0 && !options->help) {
		error_set(err, ERROR_USAGE, "which command?");
		return error_cure(err, "beamline --help lists the commands");
	}
	if (count == 0)
		return help_all(err);
	const struct command *command = find_command(words[0]);
	if (!command)
		return strcmp(words[0], "help") == 0 ? help_words(find_command, words + 1, count - 1, err)
						     : unknown_command(words[0], err);
	if (options->help)
		return help_command(command, err);
	return options_check(command_option_table, command_option_count, given, command->groups, command->name, err) &&
	       check_words(command, count - 1, err) && run_command(command, options, words + 1, count - 1, err);
}

/* Terms are printed by recursion, as deep as the decoder lets a node nest them: 4096 levels take 2 to 4 MiB (etf_depth). */
enum { STACK = 16 * 1024 * 1024 };

int main(int argc, char **argv)
{
	struct command_options options = { 0 };
	struct error err = { 0 };

	if (!platform_fill_standard())
		return error_code_status(ERROR_NO_RESOURCES);
	platform_want_stack(STACK);
	platform_no_core_dumps();
	/* Whoever starts us may ignore it: then no end of a program would be told. */
	signal(SIGCHLD, SIG_DFL);
	io_catch_signals();
	if (run(argc, argv, &options, &err))
		return 0;
	if (!err.shown)
		report_error(&options, &err);
	return error_status(&err);
}
