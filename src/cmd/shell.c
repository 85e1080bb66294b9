/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cmd/command.h"
#include "cmd/environment.h"
#include "cmd/evaluate.h"
#include "cmd/report.h"
#include "cmd/target_options.h"
#include "shell/record.h"

enum { REASON_MAX = 4096, LINES_SHOWN = 1000, SCRIPT_MAX = 8 * 1024 * 1024 };

struct session {
	struct target_options *holds;
	const char *target;
	struct shell_options shell;
	struct buf reason;
	struct record record;
	bool linked;    /* the node was reached this time */
	char notes[64]; /* for the line at the start */
};

/* Why, where a reason is wanted: typed, or asked for. */
static bool get_reason(const struct target_options *holds, struct buf *reason, struct error *err)
{
	if (holds->options.reason)
		return buf_put_text(reason, holds->options.reason);
	if (!holds->options.require_reason)
		return true;
	if (!terminal_ask("Reason, for the journal: ", false, reason, err))
		return false;
	if (reason->len > 0)
		return true;
	error_set(err, ERROR_GUARD, "the configuration wants a reason for a shell here");
	return error_cure(err, "type one, or give --reason TEXT");
}

/* --record FILE, or a folder of the configuration's in which each session has a file of its own. */
static bool start_record(struct session *s, struct error *err)
{
	const char *folder = s->holds->options.record_folder, *file = s->holds->options.record;
	char *made = NULL, when[32];
	time_t now = time(NULL);
	struct tm utc;
	int columns, rows;

	if (!file && folder) {
		strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
		made = xasprintf("%s/%s-%s-%ld.cast", folder, when, s->holds->host, (long)getpid());
		file = made;
	}
	shell_size(&columns, &rows);
	bool ok = !file || record_start(&s->record, file, s->target, columns, rows, err);
	snprintf(s->notes, sizeof s->notes, "%s%s", s->shell.read_only ? "; read-only" : "",
		 ok && file ? "; recorded" : "");
	free(made);
	return ok;
}

/* The session's line in the journal, before anything is done. */
static bool begin_journal(const struct session *s, const struct connection *connection, const struct link *link,
			  struct error *err)
{
	const struct tunnel_info *info = &connection->info;
	char *who = xasprintf("%s@%s", info->user, info->hostname);
	const struct journal_begun begun = {
		.target = s->target,
		.node = link->node,
		.connection = info->hostname[0] ? who : NULL,
		.read_only = s->shell.read_only,
		.recording = s->record.fd >= 0 ? s->record.path : NULL,
		.reason = s->reason.len > 0 ? buf_text((struct buf *)&s->reason) : NULL,
	};
	bool ok = journal_begin(s->shell.journal, &begun, err);

	free(who);
	return ok;
}

/* How it ended is the last line. That it cannot be written is told where nothing worse is. */
static bool end_journal(struct journal *journal, bool ok, struct error *err)
{
	struct error unwritten;
	char why[ERROR_MESSAGE_MAX + 16];

	snprintf(why, sizeof why, "%s%s", ok ? "left" : "lost: ", ok ? "" : err->message);
	if (journal_end(journal, why, ok ? err : &unwritten))
		return ok;
	return false;
}

/* One connection, and the shell on it. */
static bool run_one(struct session *s, enum shell_end *end, struct error *err)
{
	struct target_options *holds = s->holds;
	struct connection connection;
	struct link link;
	bool confirmed, ok = false;

	if (!connect_begin(&connection, &holds->connect, holds->target.destination, holds->target.node, false, err))
		return false;
	if (connect_link(&connection, &link, err)) {
		if (environment_check(holds, s->target, &link, &confirmed, err) &&
		    begin_journal(s, &connection, &link, err)) {
			s->shell.language = holds->options.language ? holds->options.language : "erlang";
			s->shell.startup = holds->options.startup;
			s->shell.look.environment = holds->options.environment;
			s->shell.look.colour = environment_colour(&holds->options, STDOUT_FILENO);
			s->shell.lines_max = holds->options.output_lines ? holds->options.output_lines : LINES_SHOWN;
			s->linked = true;
			ok = shell_run(&link, &s->shell, end, err);
			ok = end_journal(s->shell.journal, ok, err);
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

/* Longer each time; Ctrl-C ends it. */
static bool wait_for_another_try(int tries, struct error *err)
{
	enum { FIRST_MS = 500, LAST_MS = 30000 };
	int64_t ms = FIRST_MS << (tries < 6 ? tries : 6);

	ms = ms < LAST_MS ? ms : LAST_MS;
	log_notice("connecting anew in %.1f s; Ctrl-C gives up", (double)ms / 1000.0);
	return io_wait_one(-1, 0, clock_ms() + ms, err) == IO_TIMEOUT;
}

static bool sessions(struct session *s, struct error *err)
{
	enum shell_end end = SHELL_ANEW;
	bool ok = true, began = false;
	int tries = 0;

	if (!shell_start(&s->shell, err))
		return false;
	while (end == SHELL_ANEW) {
		end = SHELL_LOST;
		*err = (struct error){ .code = ERROR_NONE };
		s->linked = false;
		ok = run_one(s, &end, err);
		began = began || ok || may_reconnect(err);
		if (!ok && began && end == SHELL_LOST && may_reconnect(err)) {
			report_error(&s->holds->options, err);
			err->shown = true;
			tries = s->linked ? 0 : tries + 1;
			if (s->holds->options.reconnect && wait_for_another_try(tries, err)) {
				end = SHELL_ANEW;
				continue;
			}
			ok = shell_wait_offline(&s->shell, &end, err);
		}
	}
	shell_stop();
	return ok;
}

/* Standard input is no terminal: what it holds is evaluated as eval does, each sentence with its value and the variables of those before. */
static bool run_script(const struct command_options *options, const char *target, struct error *err)
{
	struct session_request request = { .show = SESSION_SHOW_SHELL,
					   .script = true,
					   .keep_going = options->keep_going,
					   .read_only = options->read_only };
	struct buf text;

	buf_init(&text, SCRIPT_MAX);
	bool ok = host_read_fd(STDIN_FILENO, "standard input", &text, err);
	request.text = buf_text(&text);
	request.text_len = text.len;
	ok = ok && evaluate(options, target, true, &request, err);
	buf_clear(&text);
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct target_options holds;
	struct journal journal = { .fd = -1 };
	struct session s = { .holds = &holds, .target = words[0], .record.fd = -1 };

	(void)count;
	if (!terminal_is(STDIN_FILENO))
		return run_script(options, words[0], err);
	if (!terminal_is(STDOUT_FILENO)) {
		error_set(err, ERROR_USAGE, "shell draws on a terminal, and standard output is none");
		return error_cure(err, "beamline shell %s <FILE evaluates what a file holds", words[0]);
	}
	if (!target_options_init(&holds, options, words[0], err))
		return false;
	buf_init(&s.reason, REASON_MAX);
	s.shell = (struct shell_options){ .target = words[0],
					  .may_ask = holds.connect.may_ask,
					  .journal = &journal,
					  .record = &s.record,
					  .notes = s.notes,
					  .look.host = holds.host,
					  .read_only = holds.options.read_only };
	bool ok = target_options_check_read_only(&holds, err) && environment_enter(&holds, words[0], err) &&
		  get_reason(&holds, &s.reason, err) && journal_open(&journal, holds.options.journal, err) &&
		  start_record(&s, err) && sessions(&s, err);
	journal_close(&journal);
	record_stop(&s.record);
	buf_clear(&s.reason);
	target_options_clear(&holds);
	return ok;
}

const struct command command_shell = {
	.name = "shell",
	.arguments = "TARGET",
	.summary = "The node's own Erlang shell or IEx, with lines edited here",
	.description =
		"Starts a shell on the node, as erl -remsh would, without a BEAM here and with nothing loaded there. "
		"Lines "
		"are edited by readline, kept for each target, and sent when they are finished; records, v(N), f() and "
		"all "
		"else is the node's own shell's. Ctrl-C ends what is being evaluated; Ctrl-D, exit or :quit leaves, "
		"and the "
		"node runs on. :help lists the commands that are beamline's own.\n\n"
		"Where standard input is no terminal, the sentences that it holds are evaluated in order, in eval's "
		"evaluator: each shows its value, variables are kept, the first failure ends it with its status, "
		"unless "
		"--keep-going is given.\n\n"
		"What could stop the node is asked about first: one must type the node's name. Each line that is typed "
		"goes "
		"into the journal before it is sent, with what became of it behind.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_SHELL | GROUP_JOURNAL,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
