/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the node's side of the shell sends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "node/guard.h"
#include "node/keeper.h"
#include "shell/complete.h"
#include "shell/input.h"
#include "shell/shell_private.h"

enum { HELP_MAX = 1024 * 1024 };

static bool on_started(void *context, const char *release, struct error *err)
{
	struct shell *s = context;
	char text[2048];

	snprintf(text, sizeof text, "%s, node %s, OTP %s, %.1f ms away%s; :help tells more\n", s->options->look.host,
		 s->remsh.link->node, release, (double)(clock_us() - s->started_us) / 1000.0,
		 s->options->notes ? s->options->notes : "");
	return shell_put(s, text, strlen(text), err);
}

static bool on_output(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct shell *s = context;

	bool cut;

	if (s->discarding || s->leaving)
		return true;
	size_t show = turn_output(&s->turn, data, len, &cut);
	return shell_put(s, data, show, err) &&
	       (!cut || shell_say(s, "… the rest is not shown; Ctrl-C ends the evaluation\n", err));
}

static bool on_prompt(void *context, enum remsh_prompt_kind kind, bool more, const char *text, struct error *err)
{
	struct shell *s = context;

	/* The one that Ctrl-C asks for comes behind the answer to it. */
	if (s->discarding)
		return true;
	input_end_edit();
	s->above_shown = false;
	s->kind = s->wanted = kind;
	s->more = more;
	snprintf(s->prompt, sizeof s->prompt, "%s", text);
	return kind != REMSH_FOR_SHELL || more || (shell_end_turn(s, err) && shell_run_startup(s, err));
}

/* What has been typed meanwhile made it useless. */
static bool on_help(void *context, const struct term *insert, const struct term *names, int64_t count,
		    struct error *err)
{
	struct shell *s = context;
	char *asked = s->asked, *now = input_is_editing() ? input_before() : NULL;
	struct buf text, list;
	bool ok = true;

	s->asked = NULL;
	buf_init(&text, HELP_MAX);
	buf_init(&list, HELP_MAX);
	complete_insertion(insert, &text);
	if (asked && now && strcmp(asked, now) == 0 && text.len > 0) {
		input_insert(buf_text(&text));
	} else if (asked && now && strcmp(asked, now) == 0) {
		complete_list(names, count, terminal_columns(STDOUT_FILENO), &list);
		ok = shell_put(s, list.data, list.len, err);
	}
	buf_clear(&text);
	buf_clear(&list);
	free(asked);
	free(now);
	return ok;
}

static bool on_interrupted(void *context, struct error *err)
{
	struct shell *s = context;

	(void)err;
	s->discarding = false;
	/* What the shell says to it is shown in any case. */
	s->turn.shown_lines = 0;
	return true;
}

/* The question stands on a line of its own, below all that the node has said, in no colour of its. */
static bool make_room(struct shell *s, struct error *err)
{
	return shell_settle(s, err) && (!s->line_begun || shell_put(s, "\n", 1, err)) && output_drain(&s->out, err);
}

/* A person may take long to answer: meanwhile the keeper ticks. */
static bool ask_person(struct shell *s, const char *what, bool *yes, struct error *err)
{
	struct error refusal = { 0 };
	struct keeper keeper = { .lifeline = -1 };

	*yes = false;
	if (!keeper_start(&keeper, s->remsh.link, err))
		return false;
	/* Also from where Ctrl-Z leads meanwhile. */
	input_lend(true);
	io_tell_resize(false);
	if (make_room(s, &refusal))
		*yes = guard_ask(what, s->remsh.link->node, s->options->may_ask, &refusal);
	keeper_stop(&keeper);
	input_lend(false);
	io_tell_resize(true);
	if (!*yes && refusal.code == ERROR_INTERRUPTED && refusal.signal != SIGINT)
		io_give_back(&refusal);
	else if (!*yes)
		log_notice("%s: not done", what);
	return shell_resize(s, err);
}

static bool on_question(void *context, const char *what, struct error *err)
{
	struct shell *s = context;
	bool editing = input_is_editing(), yes = false;

	/* Ctrl-C, or the end, has come before it: that is the answer. */
	if (s->discarding || s->leaving)
		return remsh_answer(&s->remsh, false, err);
	if (!ask_person(s, what, &yes, err))
		return false;
	if (editing)
		s->wanted = s->kind;
	s->turn.refused = !yes;
	return remsh_answer(&s->remsh, yes, err);
}

const struct remsh_handler shell_node_side = {
	.started = on_started,
	.output = on_output,
	.prompt = on_prompt,
	.question = on_question,
	.help = on_help,
	.interrupted = on_interrupted,
};
