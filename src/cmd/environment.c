/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/environment.h"

#include <string.h>
#include <unistd.h>

#include "base/terminal.h"
#include "node/guard.h"
#include "node/keeper.h"

/* In the order of their SGR numbers, from 31 on. */
static int colour_number(const char *colour)
{
	static const char *const names[] = { "red", "green", "yellow", "blue", "magenta", "cyan", "white" };

	for (int i = 0; colour && i < (int)(sizeof names / sizeof *names); i++) {
		if (strcmp(names[i], colour) == 0)
			return 31 + i;
	}
	return 37;
}

static void show(const struct command_options *options, const char *target)
{
	struct terminal_filter filter = { 0 };
	struct buf head;

	if (!options->environment || options->json || options->quiet || !terminal_is(STDERR_FILENO))
		return;
	bool colours = terminal_wants_colours(STDERR_FILENO);
	buf_init(&head, 64 * 1024);
	if (colours)
		buf_printf(&head, "\x1b[1;7;%dm ", colour_number(options->colour));
	terminal_filter(&filter, options->environment, strlen(options->environment), &head);
	terminal_filter_end(&filter, &head);
	buf_put_text(&head, colours ? " \x1b[0m " : ": ");
	terminal_print_line(STDERR_FILENO, buf_text(&head), target);
	buf_clear(&head);
}

/* What is to be confirmed goes by this name. */
static const char *name_of(const struct target_options *t)
{
	return t->options.environment ? t->options.environment : t->host;
}

bool environment_enter(const struct target_options *t, const char *target, struct error *err)
{
	show(&t->options, target);
	if (!t->options.confirm_environment || t->options.confirm)
		return true;
	return guard_ask_environment(name_of(t), target, t->connect.may_ask, err);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool enter_late(const struct target_options *t, const char *target, struct link *link, struct error *err)
{
	struct keeper keeper = { .lifeline = -1 };

	if (t->connect.may_ask && !keeper_start(&keeper, link, err))
		return false;
	bool ok = environment_enter(t, target, err);
	keeper_stop(&keeper);
	return ok;
}

bool environment_check(struct target_options *t, const char *target, struct link *link, bool *confirmed,
		       struct error *err)
{
	const char *environment = t->options.environment;
	bool asked = t->options.confirm_environment;

	if (!t->target.node) {
		target_options_know_node(t, link->node);
		bool differs = !same(environment, t->options.environment) || (t->options.confirm_environment && !asked);
		if (differs && !enter_late(t, target, link, err))
			return false;
	}
	return guard_check_confirm(t->options.confirm, link->node,
				   t->options.environment || t->options.confirm_environment ? name_of(t) : NULL,
				   confirmed, err);
}
