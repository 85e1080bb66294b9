/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/terminal.h"
#include "node/guard.h"
#include "node/keeper.h"

enum { NAMES_MAX = 64 * 1024 };

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

int environment_colour(const struct command_options *options, int fd)
{
	return options->environment && terminal_wants_colours(fd) ? colour_number(options->colour) : 0;
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

/* Targets of one environment. */
struct entered {
	char *name;
	struct command_options options; /* of the first of them */
	const char **targets;
	size_t count;
};

struct entries {
	struct entered *all;
	size_t count;
};

static struct entered *entered_as(struct entries *entries, const struct target_options *t)
{
	const char *name = name_of(t);

	for (size_t i = 0; i < entries->count; i++) {
		struct entered *e = &entries->all[i];
		if (strcmp(e->name, name) == 0 && !e->options.environment == !t->options.environment &&
		    e->options.confirm_environment == t->options.confirm_environment)
			return e;
	}
	entries->all = xrealloc(entries->all, (entries->count + 1) * sizeof *entries->all);
	struct entered *e = &entries->all[entries->count++];
	*e = (struct entered){ .name = xstrdup(name), .options = t->options };
	return e;
}

static bool note_target(struct entries *entries, const struct command_options *options, const char *target,
			struct error *err)
{
	struct target_options holds;

	if (!target_options_init(&holds, options, target, err))
		return false;
	if (holds.options.environment || holds.options.confirm_environment) {
		struct entered *e = entered_as(entries, &holds);
		e->targets = xrealloc(e->targets, (e->count + 1) * sizeof *e->targets);
		e->targets[e->count++] = target;
	}
	target_options_clear(&holds);
	return true;
}

static bool enter_with(const struct entered *e, struct error *err)
{
	struct buf names;

	buf_init(&names, NAMES_MAX);
	if (e->count > 1)
		buf_printf(&names, "%zu targets: ", e->count);
	struct buf folded;
	buf_init(&folded, NAMES_MAX);
	targets_fold(e->targets, e->count, &folded);
	buf_put_text(&names, buf_text(&folded));
	show(&e->options, buf_text(&names));
	bool ok = !e->options.confirm_environment || e->options.confirm ||
		  guard_ask_environment(e->name, buf_text(&names), terminal_can_ask(), err);
	buf_clear(&folded);
	buf_clear(&names);
	return ok;
}

bool environment_enter_all(const struct command_options *options, const struct targets *targets, struct error *err)
{
	struct entries entries = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < targets->list.count; i++)
		ok = note_target(&entries, options, targets->list.items[i], err);
	for (size_t i = 0; ok && i < entries.count; i++)
		ok = enter_with(&entries.all[i], err);
	for (size_t i = 0; i < entries.count; i++) {
		free(entries.all[i].name);
		free(entries.all[i].targets);
	}
	free(entries.all);
	return ok;
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
	return guard_add(t->options.guard, err) &&
	       guard_check_confirm(t->options.confirm, link->node,
				   t->options.environment || t->options.confirm_environment ? name_of(t) : NULL,
				   confirmed, err);
}
