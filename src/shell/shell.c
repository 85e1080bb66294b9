/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/shell.h"

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
#include "base/output.h"
#include "node/guard.h"
#include "node/keeper.h"
#include "node/remsh.h"
#include "shell/history.h"
#include "shell/input.h"

enum {
	OUTPUT_MAX = 4 * REMSH_WINDOW,
	SLOW_TERMINAL = 64 * 1024, /* no acknowledgement while this much waits for it */
	END_WAIT_MS = 5000,        /* for the node to end the shell */
	PROMPT_TEXT_MAX = 16 * 1024,
};

struct shell {
	const struct shell_options *options;
	struct remsh remsh;
	struct output out;
	bool line_begun; /* the last output did not end with a newline */
	enum remsh_prompt_kind
		wanted; /* a line, and its prompt is not shown yet, as output is still on its way to the terminal */
	enum remsh_prompt_kind kind; /* of the line that is being edited */
	bool more;
	char prompt[REMSH_PROMPT_MAX];
	bool discarding; /* Ctrl-C: what the node had sent before it knew is not shown */
	bool leaving;
	int64_t leave_by;
	int ending_signal;
	enum shell_end end;
};

static bool put(struct shell *s, const void *data, size_t len, struct error *err)
{
	if (len == 0)
		return true;
	input_hide();
	s->line_begun = ((const char *)data)[len - 1] != '\n';
	if (output_put(&s->out, data, len))
		return true;
	*err = s->out.err;
	return false;
}

static bool say(struct shell *s, const char *text, struct error *err)
{
	return (!s->line_begun || put(s, "\n", 1, err)) && put(s, text, strlen(text), err);
}

static bool on_output(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct shell *s = context;

	return s->discarding || s->leaving || put(s, data, len, err);
}

static bool on_prompt(void *context, enum remsh_prompt_kind kind, bool more, const char *text, struct error *err)
{
	struct shell *s = context;

	(void)err;
	input_end_edit();
	s->kind = s->wanted = kind;
	s->more = more;
	snprintf(s->prompt, sizeof s->prompt, "%s", text);
	return true;
}

static bool on_interrupted(void *context, struct error *err)
{
	struct shell *s = context;

	(void)err;
	s->discarding = false;
	return true;
}

/* A person may take long to answer: meanwhile the keeper ticks. */
static bool on_question(void *context, const char *what, struct error *err)
{
	struct shell *s = context;
	struct error refusal = { 0 };
	struct keeper keeper = { .lifeline = -1 };

	if (!output_drain(&s->out, err) || !keeper_start(&keeper, s->remsh.link, err))
		return false;
	bool yes = guard_ask(what, s->remsh.link->node, s->options->may_ask, &refusal);
	keeper_stop(&keeper);
	if (!yes && refusal.code == ERROR_INTERRUPTED && refusal.signal != SIGINT)
		io_give_back(&refusal);
	else if (!yes)
		log_notice("%s: not done", what);
	return remsh_answer(&s->remsh, yes, err);
}

static void size_of_terminal(int *columns, int *rows)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

	*columns = known ? size.ws_col : 80;
	*rows = known ? size.ws_row : 24;
}

/* When all output is on the terminal, so that nothing comes between prompt and line. */
static bool show_prompt(struct shell *s, struct error *err)
{
	struct buf above, prompt;

	if (s->wanted == REMSH_NO_PROMPT || output_pending(&s->out) > 0 || s->leaving)
		return true;
	buf_init(&above, PROMPT_TEXT_MAX);
	buf_init(&prompt, PROMPT_TEXT_MAX);
	prompt_compose(&s->options->look, s->wanted, s->more, s->prompt, &above, &prompt);
	bool ok = (!s->line_begun || put(s, "\n", 1, err)) && put(s, above.data, above.len, err) &&
		  output_drain(&s->out, err);
	s->wanted = REMSH_NO_PROMPT;
	if (ok)
		input_edit(buf_text(&prompt));
	buf_clear(&above);
	buf_clear(&prompt);
	return ok;
}

static bool leave(struct shell *s, enum shell_end end, struct error *err)
{
	if (s->leaving)
		return true;
	s->leaving = true;
	s->end = end;
	s->leave_by = clock_ms() + END_WAIT_MS;
	input_end_edit();
	return remsh_end(&s->remsh, err);
}

static bool is_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && line[len + strspn(line + len, " ().")] == '\0';
}

static bool help(struct shell *s, struct error *err)
{
	static const char text[] =
		"  :help        this\n"
		"  :reconnect   a new shell on a new connection\n"
		"  :quit        leave; so do Ctrl-D and exit. The node runs on.\n"
		"Ctrl-C ends what is being evaluated, or gives up the line. All else is the node's own shell's.\n";

	return say(s, text, err);
}

/* A line that is ours. *taken: it is. */
static bool take_local(struct shell *s, const char *line, bool *taken, struct error *err)
{
	*taken = true;
	if (is_word(line, "exit") || is_word(line, ":quit"))
		return leave(s, SHELL_LEFT, err);
	if (is_word(line, ":reconnect"))
		return leave(s, SHELL_ANEW, err);
	if (is_word(line, ":help"))
		return help(s, err);
	*taken = line[0] == ':' && !s->options->elixir;
	return !*taken || say(s, "beamline: there is no such command; :help lists them\n", err);
}

static bool take_line(struct shell *s, char *line, struct error *err)
{
	bool local = false;
	size_t len = strlen(line);

	s->line_begun = false;
	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	if (s->kind == REMSH_FOR_SHELL)
		shell_history_keep(line);
	if (s->kind == REMSH_FOR_SHELL && !s->more && !take_local(s, line, &local, err))
		return false;
	if (local) {
		s->wanted = s->leaving ? REMSH_NO_PROMPT : s->kind;
		return true;
	}
	return remsh_lines(&s->remsh, line, len, err);
}

static bool read_input(struct shell *s, struct error *err)
{
	char *line;
	bool ok;

	switch (input_read()) {
	case INPUT_LINE:
		line = input_take_line();
		ok = take_line(s, line, err);
		free(line);
		return ok;
	case INPUT_END:
		return leave(s, SHELL_LEFT, err);
	case INPUT_NOTHING:
		break;
	}
	return true;
}

/* At a prompt the line is given up, and what is unfinished; else the evaluation ends. */
static bool interrupt(struct shell *s, struct error *err)
{
	bool at_prompt = input_is_editing();

	if (at_prompt && s->kind == REMSH_FOR_SHELL && !s->more) {
		input_give_up();
		return true;
	}
	input_end_edit();
	s->wanted = REMSH_NO_PROMPT;
	output_drop(&s->out);
	s->discarding = true;
	return put(s, "^C\n", 3, err) && remsh_interrupt(&s->remsh, err);
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
	size_of_terminal(&columns, &rows);
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
		return leave(s, SHELL_LEFT, err);
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

	switch (io_wait(fds, 3, s->leaving ? s->leave_by : IO_NO_DEADLINE)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		return on_signal(s, err) && show_prompt(s, err);
	case IO_TIMEOUT:
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
	if (fds[1].revents && input_is_editing() && !read_input(s, err))
		return false;
	if (output_pending(&s->out) == 0)
		input_show();
	return acknowledge(s, err) && show_prompt(s, err);
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
				input_give_up();
			continue;
		}
		enum input_event event = input_read();
		char *line = event == INPUT_LINE ? input_take_line() : NULL;
		bool anew = line && is_word(line, ":reconnect");
		decided = anew || event == INPUT_END || (line && (is_word(line, ":quit") || is_word(line, "exit")));
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
	struct shell s = { .options = options };
	const struct remsh_handler handler = { .output = on_output,
					       .prompt = on_prompt,
					       .question = on_question,
					       .interrupted = on_interrupted,
					       .context = &s };
	struct remsh_options wanted = { .elixir = options->elixir };

	size_of_terminal(&wanted.columns, &wanted.rows);
	output_init(&s.out, STDOUT_FILENO, "standard output", OUTPUT_MAX);
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
	output_clear(&s.out);
	remsh_clear(&s.remsh);
	*end = s.end;
	return ok;
}
