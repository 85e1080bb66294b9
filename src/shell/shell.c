/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/shell_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "node/keeper.h"
#include "shell/history.h"
#include "shell/input.h"

enum {
	OUTPUT_MAX = 4 * REMSH_WINDOW,
	SLOW_TERMINAL = 64 * 1024, /* no acknowledgement while this much waits for it */
	END_WAIT_MS = 5000,        /* for the node to end the shell */

};

bool shell_put(struct shell *s, const void *data, size_t len, struct error *err)
{
	if (len == 0)
		return true;
	input_hide();
	s->line_begun = ((const char *)data)[len - 1] != '\n';
	if (output_put(&s->out, data, len))
		return record_output(s->options->record, data, len, err);
	*err = s->out.err;
	return false;
}

bool shell_say(struct shell *s, const char *text, struct error *err)
{
	return (!s->line_begun || shell_put(s, "\n", 1, err)) && shell_put(s, text, strlen(text), err);
}

bool shell_leave(struct shell *s, enum shell_end end, struct error *err)
{
	if (s->leaving)
		return true;
	s->leaving = true;
	s->end = end;
	s->leave_by = clock_ms() + END_WAIT_MS;
	input_end_edit();
	return remsh_end(&s->remsh, err);
}

void shell_size(int *columns, int *rows)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

	*columns = known ? size.ws_col : 80;
	*rows = known ? size.ws_row : 24;
}

bool shell_say_hidden(struct shell *s, struct error *err)
{
	char text[128];

	if (s->turn.hidden_lines == 0)
		return true;
	snprintf(text, sizeof text, "… %zu more lines (:more, :save FILE, :pager)\n", s->turn.hidden_lines);
	return shell_say(s, text, err);
}

bool shell_end_turn(struct shell *s, struct error *err)
{
	bool timed = s->times && s->turn.open;
	char text[64];

	if (!turn_end(&s->turn, err) || !shell_say_hidden(s, err))
		return false;
	if (s->watched)
		s->watch_at = clock_ms() + s->watch_ms;
	snprintf(text, sizeof text, "(%.1f ms)\n", (double)s->turn.took_us / 1000.0);
	return !timed || shell_say(s, text, err);
}

/* At a prompt the line is given up, and what is unfinished; else the evaluation ends. */
static bool interrupt(struct shell *s, struct error *err)
{
	bool at_prompt = input_is_editing();

	free(s->watched);
	s->watched = NULL;
	bool again = s->kind == REMSH_FOR_SHELL && !s->more;

	if (at_prompt)
		input_give_up(again);
	if (at_prompt && again)
		return true;
	s->wanted = REMSH_NO_PROMPT;
	output_drop(&s->out);
	s->discarding = s->turn.interrupted = true;
	return (at_prompt || shell_say(s, "^C\n", err)) && remsh_interrupt(&s->remsh, err);
}

static bool suspend(struct shell *s, struct error *err)
{
	bool editing = input_is_editing();

	input_stop();
	bool ok = keeper_suspend(s->remsh.link, err) && input_start(err);
	if (editing)
		s->wanted = s->kind;
	return ok;
}

static bool resize(struct shell *s, struct error *err)
{
	int columns, rows;

	input_resize();
	shell_size(&columns, &rows);
	if (!record_size(s->options->record, columns, rows, err))
		return false;
	return remsh_resize(&s->remsh, columns, rows, err);
}

static bool on_signal(struct shell *s, struct error *err)
{
	int signal = io_take_signal();

	switch (signal) {
	case 0:
		return true;
	case SIGINT:
		return s->leaving ? error_interrupted(err, signal) : interrupt(s, err);
	case SIGTSTP:
		return suspend(s, err);
	case SIGWINCH:
		return resize(s, err);
	default:
		if (s->ending_signal)
			return error_interrupted(err, signal);
		s->ending_signal = signal;
		return shell_leave(s, SHELL_LEFT, err);
	}
}

/* What the terminal does not take must not be made more. */
static bool acknowledge(struct shell *s, struct error *err)
{
	return output_pending(&s->out) > SLOW_TERMINAL || remsh_acknowledge(&s->remsh, err);
}

static bool turn(struct shell *s, struct error *err)
{
	struct link *link = s->remsh.link;
	struct pollfd fds[] = {
		{ .fd = link->transport.stream.fd, .events = link_poll_events(link) },
		{ .fd = input_is_editing() ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = output_pending(&s->out) > 0 ? s->out.fd : -1, .events = POLLOUT },
	};

	switch (io_wait(fds, 3, s->leaving ? s->leave_by : s->watched ? s->watch_at : IO_NO_DEADLINE)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		return on_signal(s, err) && shell_show_prompt(s, err);
	case IO_TIMEOUT:
		if (!s->leaving)
			return shell_watch(s, err);
		return error_set(err, ERROR_TIMEOUT, "%s does not say that it has ended the shell", link->node);
	case IO_FAILED:
		return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	}
	if (fds[0].revents && !remsh_serve(&s->remsh, err))
		return false;
	if (!output_flush_some(&s->out)) {
		*err = s->out.err;
		return false;
	}
	if (fds[1].revents && input_is_editing() && !shell_read_input(s, err))
		return false;
	if (output_pending(&s->out) == 0)
		input_show();
	return acknowledge(s, err) && shell_show_prompt(s, err);
}

static void say_detached(const struct remsh *r)
{
	if (r->detached > 0)
		log_notice("%d process%s started in this shell, not linked to it, go%s on running on the node",
			   r->detached, r->detached == 1 ? "" : "es", r->detached == 1 ? "es" : "");
}

bool shell_start(const struct shell_options *options, struct error *err)
{
	if (!input_start(err))
		return false;
	shell_history_start(options->target);
	io_tell_stop(true);
	io_tell_resize();
	return true;
}

void shell_stop(void)
{
	input_stop();
	shell_history_stop();
	io_tell_stop(false);
}

bool shell_wait_offline(const struct shell_options *options, enum shell_end *end, struct error *err)
{
	struct buf above, prompt;
	bool decided = false, ok = true;

	buf_init(&above, PROMPT_TEXT_MAX);
	buf_init(&prompt, PROMPT_TEXT_MAX);
	prompt_compose(&options->look, REMSH_FOR_SHELL, false, "(not connected; :reconnect or :quit)> ", &above,
		       &prompt);
	while (ok && !decided) {
		if (!input_is_editing())
			input_edit(buf_text(&prompt));
		if (io_wait_one(STDIN_FILENO, POLLIN, IO_NO_DEADLINE, err) == IO_SIGNAL) {
			ok = err->signal == SIGINT && input_is_editing();
			if (ok)
				input_give_up(true);
			continue;
		}
		enum input_event event = input_read();
		char *line = event == INPUT_LINE ? input_take_line() : NULL;
		bool anew = line && shell_is_word(line, ":reconnect");
		decided = anew || event == INPUT_END ||
			  (line && (shell_is_word(line, ":quit") || shell_is_word(line, "exit")));
		*end = anew ? SHELL_ANEW : SHELL_LEFT;
		free(line);
	}
	input_end_edit();
	buf_clear(&above);
	buf_clear(&prompt);
	return false;
}

bool shell_run(struct link *link, const struct shell_options *options, enum shell_end *end, struct error *err)
{
	struct shell s = { .options = options, .started_us = clock_us() };
	struct remsh_handler handler = shell_node_side;
	struct remsh_options wanted = { .language = options->language, .read_only = options->read_only };
	struct error unwritten;

	shell_size(&wanted.columns, &wanted.rows);
	turn_init(&s.turn, options->journal, options->lines_max);
	output_init(&s.out, STDOUT_FILENO, "standard output", OUTPUT_MAX);
	handler.context = &s;
	bool ok = remsh_start(&s.remsh, link, &wanted, &handler, err);
	while (ok && !s.remsh.ended)
		ok = turn(&s, err);
	input_end_edit();
	if (ok) {
		say_detached(&s.remsh);
		*err = s.remsh.outcome;
		ok = s.remsh.outcome.code == ERROR_NONE &&
		     (!s.ending_signal || error_interrupted(err, s.ending_signal));
	}
	if (!ok && err->code != ERROR_JOURNAL && err->code != ERROR_OUTPUT_LOST)
		turn_lost(&s.turn, &unwritten);
	turn_clear(&s.turn);
	free(s.asked);
	free(s.begun);
	free(s.watched);
	output_clear(&s.out);
	remsh_clear(&s.remsh);
	*end = s.end;
	return ok;
}
