/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/terminal.h"
#include "cmd/evaluate.h"

enum { TEXT_MAX = 8 * 1024 * 1024 };

/* The text: the argument, a file, or standard input. */
static bool read_text(const struct command_options *options, const char *const *words, int count, struct buf *text,
		      bool *from_input, struct error *err)
{
	bool input = count < 2 && (!options->file || strcmp(options->file, "-") == 0);

	if (count > 1 && options->file)
		return error_set(err, ERROR_USAGE,
				 "eval takes its text from the command line or from --file, not from both");
	if (count > 1 && strcmp(words[1], "-") != 0)
		return buf_put_text(text, words[1]) || error_set(err, ERROR_USAGE, "the text is too long");
	if (options->file && !input)
		return host_read_input(options->file, text, err);
	if (input && !options->file && terminal_is(STDIN_FILENO)) {
		error_set(err, ERROR_USAGE, "eval needs a text to evaluate");
		return error_cure(
			err, "beamline eval TARGET 'erlang:memory().', or --file FILE, or a text on standard input");
	}
	*from_input = true;
	return host_read_fd(STDIN_FILENO, "standard input", text, err);
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct session_request request = { .show = SESSION_SHOW_SHELL, .read_only = options->read_only };
	bool from_input = false, ok = false;
	struct buf text;

	if (options->raw && options->json)
		return error_set(err, ERROR_USAGE, "--raw and --json exclude each other");
	if (options->raw && terminal_is(STDOUT_FILENO)) {
		error_set(err, ERROR_USAGE, "--raw does not write to a terminal");
		return error_cure(err, "send it to a file or another program: beamline eval --raw … > FILE");
	}
	if (options->raw)
		request.show = SESSION_SHOW_RAW;
	else if (options->full)
		request.show = SESSION_SHOW_FULL;
	buf_init(&text, TEXT_MAX);
	if (read_text(options, words, count, &text, &from_input, err)) {
		request.text = buf_text(&text);
		request.text_len = text.len;
		ok = evaluate(options, words[0], from_input, &request, err);
	}
	buf_clear(&text);
	return ok;
}

const struct command command_eval = {
	.name = "eval",
	.arguments = "TARGETS [EXPR]",
	.summary = "Evaluate Erlang or Elixir on a node and show the result",
	.description =
		"Evaluates EXPR (or --file FILE, or standard input) on the node as its own shell would: several "
		"expressions, separated by "
		"commas or dots, the last dot optional; the value of the last one is shown. The shell's "
		"functions (i(), memory(), "
		"rr(Module) …) and records of loaded modules are there. What the code prints is shown as it "
		"comes; requests for input get an "
		"error. Nothing is loaded on the node, and everything linked to the evaluation ends with it.\n\n"
		"An exception is shown on standard error and the status is 1. What could stop the node is asked "
		"about first, or refused where "
		"there is no terminal, unless --confirm names the node.\n\n"
		"With --read-only the text, which is Erlang, may look and not touch: processes, ETS, applications, "
		"memory, statistics, "
		"persistent terms, states of OTP processes, the shell's i(), memory(), regs(), and pure functions "
		"on what they bring. Everything "
		"else is refused by its name. It is a seat belt, not a wall.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_EVALUATE | GROUP_MANY | GROUP_EVAL | GROUP_JSON,
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
