/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/shell.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/terminal.h"
#include "cmd/command.h"
#include "cmd/environment.h"
#include "cmd/report.h"
#include "cmd/target_options.h"

/* One connection, and the session on it. */
static bool session(struct target_options *holds, const char *target, struct shell_options *shell, enum shell_end *end,
		    struct error *err)
{
	struct connection connection;
	struct link link;
	bool confirmed, ok = false;

	if (!connect_begin(&connection, &holds->connect, holds->target.destination, holds->target.node, false, err))
		return false;
	if (connect_link(&connection, &link, err)) {
		if (environment_check(holds, target, &link, &confirmed, err)) {
			shell->elixir = holds->options.language && strcmp(holds->options.language, "elixir") == 0;
			shell->look.environment = holds->options.environment;
			shell->look.colour = environment_colour(&holds->options, STDOUT_FILENO);
			ok = shell_run(&link, shell, end, err);
		}
		link_close(&link);
	}
	connect_end(&connection, err);
	return ok;
}

/* Lost to the network or the node's end: a new session may be had. */
static bool may_reconnect(const struct error *err)
{
	return err->code == ERROR_NODE_LOST || err->code == ERROR_SSH_LOST || err->code == ERROR_EXCEPTION;
}

static bool sessions(struct target_options *holds, const char *target, struct error *err)
{
	struct shell_options shell = { .target = target, .may_ask = holds->connect.may_ask };
	enum shell_end end = SHELL_ANEW;
	bool ok = true, began = false;

	shell.look.host = holds->host;
	if (!shell_start(&shell, err))
		return false;
	while (end == SHELL_ANEW) {
		end = SHELL_LOST;
		*err = (struct error){ .code = ERROR_NONE };
		ok = session(holds, target, &shell, &end, err);
		began = began || ok || may_reconnect(err);
		if (!ok && began && end == SHELL_LOST && err->code != ERROR_INTERRUPTED) {
			report_error(&holds->options, err);
			err->shown = true;
			ok = shell_wait_offline(&shell, &end, err);
		}
	}
	shell_stop();
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct target_options holds;
	bool ok;

	(void)count;
	if (!terminal_is(STDIN_FILENO) || !terminal_is(STDOUT_FILENO)) {
		error_set(err, ERROR_USAGE, "shell needs a terminal");
		return error_cure(err, "beamline eval %s --file FILE evaluates what a file or standard input holds",
				  words[0]);
	}
	if (!target_options_init(&holds, options, words[0], err))
		return false;
	ok = environment_enter(&holds, words[0], err) && sessions(&holds, words[0], err);
	target_options_clear(&holds);
	return ok;
}

const struct command command_shell = {
	.name = "shell",
	.arguments = "TARGET",
	.summary = "The node's own Erlang shell or IEx, with lines edited here",
	.description = "Starts a shell on the node, as erl -remsh would, without a BEAM here and with nothing loaded "
		       "there. Lines "
		       "are edited by readline, kept for each target, and sent when they are finished; records, v(N), "
		       "f() and all "
		       "else is the node's own shell's. Ctrl-C ends what is being evaluated; Ctrl-D, exit or :quit "
		       "leaves, and "
		       "the node runs on. :help lists the commands that are beamline's own.\n\n"
		       "What could stop the node is asked about first: one must type the node's name.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_SHELL,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
