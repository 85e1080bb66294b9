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
	OBEY_MS = 500,             /* for the node to obey Ctrl-C, until a second one means us */
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

bool shell_settle(struct shell *s, struct error *err)
{
	s->line_begun = s->line_begun || s->out.filter.held_len > 0;
	if (output_pause(&s->out))
		return true;
	*err = s->out.err;
	return false;
}

bool shell_say(struct shell *s, const char *text, struct error *err)
{
	return shell_settle(s, err) && (!s->line_begun || shell_put(s, "\n", 1, err)) &&
	       shell_put(s, text, strlen(text), err);
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

/* The line that was being edited is dropped, and another wanted. */
static void ask_anew(struct shell *s)
{
	if (input_is_editing())
		s->wanted = s->kind;
	input_end_edit();
}

static void stop_watching(struct shell *s)
{
	free(s->watched);
	s->watched = NULL;
}

/* At a prompt the line is given up, and what is unfinished; else the evaluation ends. Where the node does not obey, we leave. */
static bool interrupt(struct shell *s, struct error *err)
{
	bool at_prompt = input_is_editing(), again = s->kind == REMSH_FOR_SHELL && !s->more;

	stop_watching(s);
	if (!s->remsh.relay || (s->discarding && clock_ms() - s->interrupted_at >= OBEY_MS))
		return shell_say(s, "^C\n", err) && shell_leave(s, SHELL_LEFT, err);
	output_drop(&s->out);
	/* Where the terminal has had half of something, nothing may be drawn before the rest. */
	if (at_prompt && output_pending(&s->out) == 0)
		input_give_up(again);
	else
		ask_anew(s);
	if (at_prompt && again)
		return true;
	s->wanted = REMSH_NO_PROMPT;
	if (!s->discarding)
		s->interrupted_at = clock_ms();
	s->discarding = s->turn.interrupted = true;
	return (at_prompt || shell_say(s, "^C\n", err)) && remsh_interrupt(&s->remsh, err);
}

static bool suspend(struct shell *s, struct error *err)
{
	bool editing = input_is_editing();

	input_stop();
	bool ok = shell_settle(s, err) && keeper_suspend(s->remsh.link, err) && input_start(err);
	if (editing)
		s->wanted = s->kind;
	return ok;
}

bool shell_resize(struct shell *s, struct error *err)
{
	int columns, rows;

	input_resize();
	shell_size(&columns, &rows);
	return record_size(s->options->record, columns, rows, err) && remsh_resize(&s->remsh, columns, rows, err);
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
		return shell_resize(s, err);
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
	/* A line that is being edited is hidden while output waits: it must come back now and then. */
	size_t most = input_is_editing() ? 0 : SLOW_TERMINAL;

	return output_pending(&s->out) > most || remsh_acknowledge(&s->remsh, err);
}

/* The line that output has hidden comes back. */
static bool show_line(struct shell *s, struct error *err)
{
	if (!input_is_editing() || input_is_shown() || output_pending(&s->out) > 0)
		return true;
	if (!shell_settle(s, err))
		return false;
	if (output_pending(&s->out) == 0)
		input_show();
	return true;
}

static bool turn(struct shell *s, struct error *err)
{
	struct link *link = s->remsh.link;
	struct pollfd fds[] = {
		{ .fd = link->transport.stream.fd, .events = link_poll_events(link) },
		{ .fd = input_is_shown() ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = output_pending(&s->out) > 0 ? s->out.fd : -1, .events = POLLOUT },
	};

	if (s->leaving && clock_ms() >= s->leave_by)
		return error_set(err, ERROR_TIMEOUT, "%s does not say that it has ended the shell", link->node);
	switch (io_wait(fds, 3, s->leaving ? s->leave_by : s->watched ? s->watch_at : IO_NO_DEADLINE)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		return on_signal(s, err) && shell_show_prompt(s, err);
	case IO_TIMEOUT:
		return s->leaving || shell_watch(s, err);
	case IO_FAILED:
		return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	}
	/* First, so that what the node sends, which may end the line, cannot keep it from being read. */
	if (fds[1].revents && !shell_read_input(s, err))
		return false;
	if (fds[0].revents && !remsh_serve(&s->remsh, err))
		return false;
	if (!output_flush_some(&s->out)) {
		*err = s->out.err;
		return false;
	}
	return show_line(s, err) && acknowledge(s, err) && shell_show_prompt(s, err);
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
	return true;
}

void shell_tell(bool tell)
{
	io_tell_stop(tell);
	io_tell_resize(tell);
}

void shell_stop(void)
{
	input_stop();
	shell_history_stop();
}

/* What waits is still shown where it is the shell that ended. The terminal keeps no colour of it, nor the half of one. */
static void last_words(struct shell *s, bool ended)
{
	struct error ignored;

	if (!ended || s->leaving)
		output_drop(&s->out);
	output_pause(&s->out);
	if (s->line_begun)
		output_put(&s->out, "\n", 1);
	if (!output_drain(&s->out, &ignored))
		io_give_back(&ignored);
}

static void clear(struct shell *s)
{
	turn_clear(&s->turn);
	stop_watching(s);
	free(s->asked);
	free(s->begun);
	output_clear(&s->out);
	remsh_clear(&s->remsh);
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
	shell_tell(true);
	bool ok = remsh_start(&s.remsh, link, &wanted, &handler, err);
	while (ok && !s.remsh.ended)
		ok = turn(&s, err);
	input_end_edit();
	last_words(&s, ok);
	shell_tell(false);
	if (ok) {
		say_detached(&s.remsh);
		*err = s.remsh.outcome;
		ok = err->code == ERROR_NONE;
	}
	if (!ok && err->code != ERROR_JOURNAL && err->code != ERROR_OUTPUT_LOST)
		turn_lost(&s.turn, &unwritten);
	if (s.ending_signal)
		ok = error_interrupted(err, s.ending_signal);
	*end = ok || s.leaving ? s.end : SHELL_LOST;
	clear(&s);
	return ok;
}
