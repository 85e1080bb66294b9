/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* readline's headers want stdio.h before them. */
#include <readline/history.h>
#include <readline/readline.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/terminal.h"

static struct {
	struct termios before; /* the terminal's modes as they were */
	bool started;
	bool editing;
	bool hidden;
	char *prompt;
	char *line; /* of INPUT_LINE */
	enum input_event event;
} in;

/* No echo, and lines are not the terminal's affair; Ctrl-C, Ctrl-Z and Ctrl-\ are signals still. */
static void silence(void)
{
	struct termios modes = in.before;

	modes.c_lflag &= (tcflag_t) ~(ECHO | ICANON);
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
}

/* They return at once: who reads is told, and asks whom it may concern. */
static int on_tab(int count, int key)
{
	(void)count;
	(void)key;
	in.event = INPUT_COMPLETE;
	return 0;
}

static int on_document(int count, int key)
{
	(void)count;
	(void)key;
	in.event = INPUT_DOCUMENT;
	return 0;
}

static int on_edit(int count, int key)
{
	(void)count;
	(void)key;
	in.event = INPUT_EDIT;
	return 0;
}

static void bind_keys(void)
{
	rl_bind_keyseq("\\C-x\\C-e", on_edit);
	rl_bind_key('\t', on_tab);
	rl_bind_keyseq("\\eh", on_document);
	rl_bind_key_in_map('\t', on_tab, vi_insertion_keymap);
}

bool input_start(struct error *err)
{
	if (!terminal_is(STDIN_FILENO) || !terminal_is(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &in.before) < 0)
		return error_set(err, ERROR_USAGE, "standard input and output must be a terminal");
	/* Signals are ours, told by io_wait; so is Tab, and the environment is nobody's to be changed. */
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_readline_name = "beamline";
	rl_instream = stdin;
	rl_outstream = stdout;
	rl_initialize();
	bind_keys();
	in.started = true;
	silence();
	return true;
}

/* The modes under which readline begins: it shows what is typed where the terminal would. Ctrl-D that is typed meanwhile is no end of file. */
static void prepare(void)
{
	struct termios modes = in.before;

	modes.c_lflag &= (tcflag_t)~ICANON;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
}

/* Called by readline with a finished line, or NULL at the end of input. */
static void on_line(char *line)
{
	in.event = line ? INPUT_LINE : INPUT_END;
	in.line = line;
	rl_callback_handler_remove();
	in.editing = false;
	silence();
}

/* Any search, argument or undo list that was begun: readline would go on with it in the next line. */
static void give_up_state(void)
{
	rl_free_line_state();
	rl_callback_sigcleanup();
}

void input_end_edit(void)
{
	if (!in.editing)
		return;
	give_up_state();
	input_hide();
	rl_callback_handler_remove();
	in.editing = in.hidden = false;
	silence();
}

void input_stop(void)
{
	if (!in.started)
		return;
	input_end_edit();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &in.before);
	free(in.prompt);
	in.prompt = NULL;
	in.started = false;
}

void input_edit(const char *prompt)
{
	input_end_edit();
	free(in.prompt);
	in.prompt = xstrdup(prompt);
	in.event = INPUT_NOTHING;
	prepare();
	rl_callback_handler_install(in.prompt, on_line);
	in.editing = true;
	in.hidden = false;
}

bool input_is_editing(void)
{
	return in.editing;
}

bool input_is_shown(void)
{
	return in.editing && !in.hidden;
}

enum input_event input_read(void)
{
	struct pollfd typed = { .fd = STDIN_FILENO, .events = POLLIN };

	in.event = INPUT_NOTHING;
	/* All that is there, so that a pasted block is drawn and sent as one; but what was typed behind a Ctrl-C comes after it. */
	while (in.editing && in.event == INPUT_NOTHING && !io_signal_waits() && poll(&typed, 1, 0) > 0)
		rl_callback_read_char();
	return in.event;
}

char *input_take_line(void)
{
	char *line = in.line;

	in.line = NULL;
	return line;
}

char *input_line(void)
{
	return xstrdup(rl_line_buffer);
}

char *input_before(void)
{
	return xstrndup(rl_line_buffer, (size_t)rl_point);
}

static bool is_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_@:.?!", c));
}

char *input_word(void)
{
	int from = rl_point, to = rl_point;

	/* Behind an opened list of arguments the function is meant. */
	if (from > 0 && rl_line_buffer[from - 1] == '(')
		to = --from;
	while (from > 0 && is_of_word(rl_line_buffer[from - 1]))
		from--;
	while (to < rl_end && is_of_word(rl_line_buffer[to]))
		to++;
	return xstrndup(rl_line_buffer + from, (size_t)(to - from));
}

void input_insert(const char *text)
{
	rl_insert_text(text);
	if (!in.hidden)
		rl_redisplay();
}

void input_hide(void)
{
	if (!in.editing || in.hidden)
		return;
	rl_clear_visible_line();
	fflush(rl_outstream);
	in.hidden = true;
}

void input_show(void)
{
	if (!in.editing || !in.hidden)
		return;
	in.hidden = false;
	rl_on_new_line();
	rl_redisplay();
}

void input_give_up(bool again)
{
	if (!in.editing)
		return;
	give_up_state();
	fputs("^C\n", rl_outstream);
	rl_replace_line("", 1);
	rl_on_new_line();
	if (again) {
		rl_redisplay();
		return;
	}
	fflush(rl_outstream);
	rl_callback_handler_remove();
	in.editing = in.hidden = false;
	silence();
}

void input_lend(bool lend)
{
	input_end_edit();
	if (lend)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &in.before);
	else
		silence();
}

void input_resize(void)
{
	rl_resize_terminal();
}
