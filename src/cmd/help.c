/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cmd/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/completion.h"

static bool finish(struct error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	return error_set(err, errno == EPIPE ? ERROR_OUTPUT_CLOSED : ERROR_OUTPUT_LOST, "standard output: %s",
			 strerror(errno));
}

bool help_version(struct error *err)
{
	printf("beamline %s\n", PACKAGE_VERSION);
	return finish(err);
}

bool help_all(struct error *err)
{
	printf("beamline [OPTIONS] COMMAND TARGET …\n\n"
	       "Work on Erlang and Elixir nodes whose EPMD and distribution listen on loopback only, through SSH.\n"
	       "TARGET is [user@]HOST[:NODE]: HOST as for ssh, NODE where the host has more than one.\n\nCommands:\n");
	for (size_t i = 0; command_table[i]; i++)
		printf("  %-9s %s\n", command_table[i]->name, command_table[i]->summary);
	printf("\nOptions of all commands (beamline COMMAND --help shows a command's own):\n");
	options_help(command_option_table, command_option_count, GROUP_ALL, stdout);
	printf("\nThe manual page beamline(1) has the exit statuses and code names.\n");
	return finish(err);
}

/* Paragraphs broken at 78 columns. */
static void print_paragraphs(const char *text)
{
	int column = 0;

	while (*text) {
		if (text[0] == '\n' && text[1] == '\n') {
			printf("\n\n");
			column = 0;
			text += 2;
			continue;
		}
		int len = (int)strcspn(text, " \n");
		if (column > 0 && column + 1 + len > 78) {
			putchar('\n');
			column = 0;
		} else if (column > 0) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		text += len;
		while (*text == ' ')
			text++;
	}
	putchar('\n');
}

bool help_command(const struct command *command, struct error *err)
{
	printf("beamline %s [OPTIONS] %s\n\n%s.\n\n", command->name, command->arguments, command->summary);
	print_paragraphs(command->description);
	printf("\nOptions:\n");
	options_help(command_option_table, command_option_count, command->groups & ~(unsigned)GROUP_ALL, stdout);
	options_help(command_option_table, command_option_count, GROUP_ALL, stdout);
	return finish(err);
}

/*
 * Text of a table as mdoc(7) text lines, a line for each sentence: a backslash, and a dot or quote at a line's beginning, would
 * be obeyed.
 */
static void put_roff(const char *text)
{
	for (bool start = true; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			printf("\\&");
		start = false;
		if (text[0] == '\n' && text[1] == '\n') {
			printf("\n.Pp\n");
			text++;
			start = true;
		} else if (text[0] == '.' && text[1] == ' ') {
			printf(".\n");
			text++;
			start = true;
		} else if (*text == '\\') {
			printf("\\e");
		} else {
			putchar(*text);
		}
	}
	putchar('\n');
}

static void mdoc_commands(void)
{
	for (size_t i = 0; command_table[i]; i++) {
		const struct command *c = command_table[i];
		printf(".Ss %s %s\n", c->name, c->arguments);
		put_roff(c->description);
	}
}

static void mdoc_options(void)
{
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < command_option_count; i++) {
		const struct option *o = &command_option_table[i];
		if (!o->groups)
			continue;
		printf(".It");
		if (o->letter)
			printf(" Fl %c , ", o->letter);
		printf(" Fl -%s", o->name);
		if (o->argument)
			printf(" Ar %s", o->argument);
		putchar('\n');
		put_roff(o->help);
		if (o->groups & GROUP_ALL)
			continue;
		printf("(");
		bool first = true;
		for (size_t k = 0; command_table[k]; k++) {
			if (o->groups & command_table[k]->groups) {
				printf("%s%s", first ? "" : ", ", command_table[k]->name);
				first = false;
			}
		}
		printf(")\n");
	}
	printf(".El\n");
}

static void mdoc_codes(void)
{
	printf(".Bl -column \"forwarding_prohibited\" \"128\"\n.It Sy code name Ta Sy status Ta Sy meaning\n");
	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++)
		printf(".It %s Ta %d Ta %s\n", error_name((enum error_code)code),
		       error_code_status((enum error_code)code), error_meaning((enum error_code)code));
	printf(".El\n");
}

/* The keys of beamline.conf(5). */
static void mdoc_keys(void)
{
	char key[SETTINGS_KEY_MAX];

	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < command_option_count; i++) {
		const struct option *o = &command_option_table[i];
		if (!o->keys)
			continue;
		printf(".It Ic %s No = Ar %s\n", settings_key(o, key), o->argument ? o->argument : "true|false");
		put_roff(o->help);
		if (o->groups)
			printf("As the option\n.Fl -%s .\n", o->name);
		if (o->builtin)
			printf("Built in: %s.\n", o->builtin);
		printf("(%s%s%s%s%s)\n", o->keys & OPTION_IN_DEFAULTS ? "defaults" : "",
		       o->keys & OPTION_IN_DEFAULTS && o->keys & OPTION_IN_HOST ? ", " : "",
		       o->keys & OPTION_IN_HOST ? "hosts" : "", o->keys & OPTION_IN_NODE ? ", " : "",
		       o->keys & OPTION_IN_NODE ? "nodes" : "");
	}
	printf(".El\n");
}

bool help_words(const struct command *(*find)(const char *name), const char *const *words, int count, struct error *err)
{
	static const struct {
		const char *word;
		void (*print)(void);
	} lists[] = { { "mdoc-commands", mdoc_commands },
		      { "mdoc-options", mdoc_options },
		      { "mdoc-keys", mdoc_keys },
		      { "mdoc-codes", mdoc_codes } };

	if (count == 0)
		return help_all(err);
	if (find(words[0]))
		return help_command(find(words[0]), err);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (strcmp(words[0], lists[i].word) == 0) {
			lists[i].print();
			return finish(err);
		}
	}
	if (count > 1 && strcmp(words[0], "completion") == 0 && completion_print(words[1]))
		return finish(err);
	return error_set(err, ERROR_USAGE, "there is no help on %s", words[0]);
}
