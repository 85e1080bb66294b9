/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that are ours, set apart by a leading colon. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "base/options.h"
#include "shell/input.h"
#include "shell/shell_private.h"

enum { SOURCE_MAX = 4 * 1024 * 1024, TEXT_MAX = 2 * 1024 * 1024 };

bool shell_is_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && line[len + strspn(line + len, " ().")] == '\0';
}

static bool needs(struct shell *s, const char *what, struct error *err)
{
	char text[ERROR_MESSAGE_MAX + 64];

	snprintf(text, sizeof text, "beamline: %s\n", what);
	return shell_say(s, text, err);
}

static bool complain(struct shell *s, const struct error *why, struct error *err)
{
	return needs(s, why->message, err);
}

static bool do_quit(struct shell *s, const char *argument, struct error *err)
{
	(void)argument;
	return shell_leave(s, SHELL_LEFT, err);
}

static bool do_reconnect(struct shell *s, const char *argument, struct error *err)
{
	(void)argument;
	return shell_leave(s, SHELL_ANEW, err);
}

static bool do_node(struct shell *s, const char *argument, struct error *err)
{
	char text[2048];

	(void)argument;
	snprintf(text, sizeof text, "%s on %s%s%s\n", s->remsh.link->node, s->options->look.host,
		 s->options->look.environment ? ", " : "",
		 s->options->look.environment ? s->options->look.environment : "");
	return shell_say(s, text, err);
}

static bool do_info(struct shell *s, const char *argument, struct error *err)
{
	(void)argument;
	return remsh_ask(&s->remsh, REMSH_INFO, "", err);
}

static bool do_more(struct shell *s, const char *argument, struct error *err)
{
	struct buf text;

	(void)argument;
	buf_init(&text, TEXT_MAX);
	bool ok = turn_more(&s->turn, &text) ? shell_put(s, text.data, text.len, err)
					     : needs(s, "there is nothing more of the last output", err);
	buf_clear(&text);
	return ok && shell_say_hidden(s, err);
}

static bool do_save(struct shell *s, const char *argument, struct error *err)
{
	struct error why = { .code = ERROR_NONE };
	char text[128];

	if (!argument[0])
		return needs(s, ":save FILE", err);
	int fd = open(argument, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 ? turn_copy(&s->turn, fd, &why)
			  : error_set(&why, ERROR_OUTPUT_LOST, "%s: %s", argument, strerror(errno));
	if (fd >= 0 && close(fd) < 0)
		ok = error_set(&why, ERROR_OUTPUT_LOST, "%s: %s", argument, strerror(errno));
	if (!ok)
		return complain(s, &why, err);
	snprintf(text, sizeof text, "%zu bytes saved\n", s->turn.kept_len);
	return shell_say(s, text, err);
}

static bool do_time(struct shell *s, const char *argument, struct error *err)
{
	bool off = strcmp(argument, "off") == 0;

	if (!off && argument[0] && strcmp(argument, "on") != 0)
		return needs(s, ":time on, or :time off", err);
	s->times = !off;
	return true;
}

static bool do_record(struct shell *s, const char *argument, struct error *err)
{
	struct record *r = s->options->record;
	struct error why = { .code = ERROR_NONE };
	int columns, rows;

	if (strcmp(argument, "off") == 0) {
		record_stop(r);
		return shell_say(s, "nothing is recorded any more\n", err);
	}
	if (!argument[0] || r->fd >= 0)
		return needs(
			s, r->fd >= 0 ? "it is being recorded; :record off ends that" : ":record FILE, or :record off",
			err);
	shell_size(&columns, &rows);
	return record_start(r, argument, s->options->target, columns, rows, &why) || complain(s, &why, err);
}

static bool do_source(struct shell *s, const char *argument, struct error *err)
{
	struct error why = { .code = ERROR_NONE };
	struct buf text;

	if (!argument[0])
		return needs(s, ":source FILE", err);
	buf_init(&text, SOURCE_MAX);
	bool ok = host_read_input(argument, &text, &why);
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	ok = ok ? text.len == 0 || shell_send(s, buf_text(&text), text.len, err) : complain(s, &why, err);
	buf_clear(&text);
	return ok;
}

static bool do_watch(struct shell *s, const char *argument, struct error *err)
{
	size_t len = strcspn(argument, " ");
	char *time = xstrndup(argument, len);
	const char *text = argument + len + strspn(argument + len, " ");
	int ms = 0;
	bool ok = text[0] && options_parse_duration(time, &ms);

	free(time);
	if (!ok)
		return needs(s, ":watch TIME TEXT, such as :watch 2s erlang:memory(total).", err);
	free(s->watched);
	s->watched = xstrdup(text);
	s->watch_ms = ms;
	s->watch_at = clock_ms();
	return true;
}

static bool do_help(struct shell *s, const char *argument, struct error *err);

static const struct local {
	const char *name, *argument, *help;
	bool (*run)(struct shell *s, const char *argument, struct error *err);
} commands[] = {
	{ ":help", "", "this", do_help },
	{ ":node", "", "which node this is", do_node },
	{ ":info", "", "the node's release, age, memory, load and connections", do_info },
	{ ":more", "", "go on showing the last output, where it was cut", do_more },
	{ ":pager", "", "the last output in $PAGER", shell_page },
	{ ":save", "FILE", "the last output into a new file", do_save },
	{ ":edit", "", "the line, or the last one, in $EDITOR; so does Ctrl-X Ctrl-E", shell_edit },
	{ ":source", "FILE", "evaluate what a file of this machine holds", do_source },
	{ ":watch", "TIME TEXT", "evaluate it again and again, until Ctrl-C", do_watch },
	{ ":time", "on|off", "tell how long each evaluation takes", do_time },
	{ ":record", "FILE|off", "record the session for replay (asciicast)", do_record },
	{ ":reconnect", "", "a new shell on a new connection", do_reconnect },
	{ ":quit", "", "leave; so do Ctrl-D and exit. The node runs on", do_quit },
};

static bool do_help(struct shell *s, const char *argument, struct error *err)
{
	struct buf text;

	(void)argument;
	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		int width = 20 - (int)strlen(commands[i].name);
		buf_printf(&text, "  %s %-*s %s\n", commands[i].name, width, commands[i].argument, commands[i].help);
	}
	buf_put_text(&text, "  Tab                   how the line may go on; Alt-h: the documentation of the function\n"
			    "  Ctrl-C                ends what is being evaluated, or gives up the line\n"
			    "All else is the node's own shell's.\n");
	bool ok = shell_say(s, buf_text(&text), err);
	buf_clear(&text);
	return ok;
}

bool shell_complete_command(struct shell *s, const char *text, bool *taken, struct error *err)
{
	size_t len = strlen(text), found = 0, common = 0;
	const char *first = NULL;
	struct buf names;

	buf_init(&names, TEXT_MAX);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const char *name = commands[i].name;
		if (strncmp(name, text, len) != 0)
			continue;
		size_t same = 0;
		while (first && same < common && name[same] == first[same])
			same++;
		common = first ? same : strlen(name);
		first = first ? first : name;
		buf_printf(&names, "%s%s", found++ ? "  " : "", name);
	}
	/* In Elixir an atom may begin so. */
	*taken = text[0] == ':' && (found > 0 || !s->remsh.elixir);
	bool ok = true;
	if (*taken && found > 0 && common > len) {
		char *more = xasprintf("%.*s%s", (int)(common - len), first + len, found == 1 ? " " : "");
		input_insert(more);
		free(more);
	} else if (*taken && found > 1) {
		buf_put_u8(&names, '\n');
		ok = shell_put(s, names.data, names.len, err);
	}
	buf_clear(&names);
	return ok;
}

/* Ours at once, the node's gathered. */
static bool sort_lines(struct shell *s, char *text, struct buf *others, struct error *err)
{
	bool ok = true, taken;

	for (char *line; ok && (line = strsep(&text, "\n"));) {
		taken = false;
		if (line[0] == ':' && line[1] >= 'a' && line[1] <= 'z')
			ok = shell_take_command(s, line, &taken, err);
		if (!taken)
			buf_printf(others, "%s%s", others->len ? "\n" : "", line);
	}
	while (others->len > 0 && others->data[others->len - 1] == '\n')
		others->len--;
	return ok;
}

bool shell_run_startup(struct shell *s, struct error *err)
{
	struct error why = { .code = ERROR_NONE };
	struct buf text, others;
	bool ok;

	if (s->started || !s->options->startup)
		return true;
	s->started = true;
	buf_init(&text, SOURCE_MAX);
	buf_init(&others, SOURCE_MAX);
	if (!host_read_input(s->options->startup, &text, &why))
		ok = complain(s, &why, err);
	else
		ok = sort_lines(s, (char *)buf_text(&text), &others, err);
	if (ok && others.len > 0 && !s->leaving) {
		s->wanted = REMSH_NO_PROMPT;
		ok = shell_send(s, buf_text(&others), others.len, err);
	}
	buf_clear(&text);
	buf_clear(&others);
	return ok;
}

bool shell_take_command(struct shell *s, const char *line, bool *taken, struct error *err)
{
	*taken = true;
	if (shell_is_word(line, "exit") || shell_is_word(line, ":quit"))
		return shell_leave(s, SHELL_LEFT, err);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		size_t len = strlen(commands[i].name);
		if (strncmp(line, commands[i].name, len) != 0 || (line[len] && line[len] != ' '))
			continue;
		char *argument = xstrdup(line + len + strspn(line + len, " "));
		size_t end = strlen(argument);
		while (end > 0 && argument[end - 1] == ' ')
			argument[--end] = '\0';
		bool ok = commands[i].run(s, argument, err);
		free(argument);
		return ok;
	}
	/* In Elixir such a line may begin with an atom. */
	*taken = line[0] == ':' && !s->remsh.elixir;
	return !*taken || needs(s, "there is no such command; :help lists them", err);
}
