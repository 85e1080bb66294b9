/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "cmd/evaluate.h"
#include "etf/scan.h"

enum { ARGUMENTS_MAX = 64 * 1024 * 1024 };

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct session_request request = { .show = SESSION_SHOW_TERM, .module = words[1], .function = words[2] };
	const char *text = count > 3 ? words[3] : "[]";
	struct arena arena;
	size_t arity;
	bool ok = false;

	if (strchr(words[1], ':')) {
		error_set(err, ERROR_USAGE, "“%s” is not a module's name", words[1]);
		return error_cure(err, "module and function are two words: rpc TARGET lists reverse '[[1, 2, 3]]'");
	}
	arena_init(&arena, ARGUMENTS_MAX);
	if (!etf_scan(&arena, text, strlen(text), &request.arguments, err)) {
		error_prefix(err, "ARGS");
	} else if (!etf_is_proper_list(request.arguments, &arity)) {
		error_set(err, ERROR_SYNTAX, "ARGS is not a list of arguments");
		error_cure(err, "write it as Erlang writes a list: '[example, 42, <<\"text\">>]'");
	} else {
		ok = evaluate(options, words[0], false, &request, err);
	}
	arena_clear(&arena);
	return ok;
}

const struct command command_rpc = {
	.name = "rpc",
	.arguments = "TARGETS MODULE FUNCTION [ARGS]",
	.summary = "Call a function on a node and show what it returns",
	.description = "Calls MODULE:FUNCTION with ARGS, the text of a list of terms in Erlang's syntax ('[]' if it is "
		       "left out), which is read here: no "
		       "text is evaluated on the node. The value is shown in full. For a module of Elixir write its "
		       "whole name, Elixir.String. "
		       "Otherwise as eval.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_EVALUATE | GROUP_MANY | GROUP_JSON,
	.min_words = 3,
	.max_words = 4,
	.run = run,
};
