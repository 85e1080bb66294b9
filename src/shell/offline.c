/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompt where there is no connection. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "shell/input.h"
#include "shell/shell_private.h"

static bool on_signal_offline(struct error *err)
{
	switch (err->signal) {
	case SIGINT:
		input_give_up(true);
		return true;
	case SIGWINCH:
		input_resize();
		return true;
	case SIGTSTP:
		input_stop();
		raise(SIGSTOP);
		return input_start(err);
	default:
		return false;
	}
}

bool shell_wait_offline(const struct shell_options *options, enum shell_end *end, struct error *err)
{
	struct buf above, prompt;
	bool decided = false, ok = true;

	shell_tell(true);
	buf_init(&above, PROMPT_TEXT_MAX);
	buf_init(&prompt, PROMPT_TEXT_MAX);
	prompt_compose(&options->look, REMSH_FOR_SHELL, false, "(not connected; :reconnect or :quit)> ",
		       terminal_columns(STDOUT_FILENO), &above, &prompt);
	/* Where the terminal is narrow. */
	io_write_all(STDOUT_FILENO, above.data, above.len);
	while (ok && !decided) {
		if (!input_is_editing())
			input_edit(buf_text(&prompt));
		if (io_wait_one(STDIN_FILENO, POLLIN, IO_NO_DEADLINE, err) == IO_SIGNAL) {
			ok = on_signal_offline(err);
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
	shell_tell(false);
	buf_clear(&above);
	buf_clear(&prompt);
	return false;
}
