/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/evaluate.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cmd/environment.h"
#include "cmd/many.h"
#include "cmd/report.h"
#include "etf/decode.h"
#include "etf/json.h"
#include "etf/print.h"

/* What an output may hold back: the session's window, and what one more message brings. */
enum { OUTPUT_MAX = 2 * SESSION_WINDOW_MAX };

static const char word_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@";

struct show {
	const struct command_options *options;
	const struct session_request *request;
	const char *target;
	const char *node;
	struct output out;     /* standard output */
	struct output err_out; /* standard error */
	struct buf value;      /* a value that is taken whole */
	struct buf printed;    /* --json: output of the code */
	struct buf exception;  /* --json: the exception's text */
	bool value_open;       /* what came of it does not end with a newline */
	bool exception_open;
};

static bool failed(const struct output *output, struct error *err)
{
	*err = output->err;
	return false;
}

static bool take_value(struct show *show, const uint8_t *data, size_t len, struct error *err)
{
	show->value_open = len > 0 ? data[len - 1] != '\n' : show->value_open;
	if (show->request->show == SESSION_SHOW_TERM) {
		if (buf_put(&show->value, data, len))
			return true;
		error_set(err, ERROR_RESULT_TOO_LARGE, "the result is larger than %d MiB", EVALUATE_VALUE_MAX >> 20);
		return error_cure(err, "ask for less of it, or take it as bytes: eval --raw 'term_to_binary(…)'");
	}
	return output_put(&show->out, data, len) || failed(&show->out, err);
}

static bool take_output(struct show *show, const uint8_t *data, size_t len, struct error *err)
{
	if (show->options->json) {
		buf_put(&show->printed, data, len);
		return true;
	}
	/* With --raw, standard output is the result's alone. */
	struct output *output = show->request->show == SESSION_SHOW_RAW ? &show->err_out : &show->out;
	return output_put(output, data, len) || failed(output, err);
}

static bool take_exception(struct show *show, const uint8_t *data, size_t len, struct error *err)
{
	show->exception_open = len > 0 ? data[len - 1] != '\n' : show->exception_open;
	if (show->options->json) {
		buf_put(&show->exception, data, len);
		return true;
	}
	return output_put(&show->err_out, data, len) || failed(&show->err_out, err);
}

static bool take(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err)
{
	struct show *show = context;

	if (stream == SESSION_OUTPUT)
		return take_output(show, data, len, err);
	if (stream == SESSION_VALUE)
		return take_value(show, data, len, err);
	return take_exception(show, data, len, err);
}

static void show_init(struct show *show)
{
	output_init(&show->out, STDOUT_FILENO, "standard output", OUTPUT_MAX);
	output_init(&show->err_out, STDERR_FILENO, "standard error", OUTPUT_MAX);
	buf_init(&show->value, EVALUATE_VALUE_MAX);
	buf_init(&show->printed, EVALUATE_OUTPUT_MAX);
	buf_init(&show->exception, EVALUATE_OUTPUT_MAX);
	if (show->request->show == SESSION_SHOW_RAW)
		show->out.terminal = false;
}

static void show_clear(struct show *show)
{
	output_clear(&show->out);
	output_clear(&show->err_out);
	buf_clear(&show->value);
	buf_clear(&show->printed);
	buf_clear(&show->exception);
}

static bool decode_value(struct show *show, struct arena *arena, const struct term **value, struct error *err)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	size_t used;

	if (etf_decode(arena, show->value.data, show->value.len, &limits, value, &used, err))
		return true;
	if (err->code == ERROR_LIMIT) {
		error_set(err, ERROR_RESULT_TOO_LARGE,
			  "the result takes more than %d MiB here, or is nested too deeply", EVALUATE_ARENA_MAX >> 20);
		error_cure(err, "ask for less of it");
	}
	return false;
}

static bool put_value(struct show *show, const struct term *value, struct buf *text)
{
	const struct etf_print_options options = { .width = show->request->columns,
						   .column = 1,
						   .local_node = show->node };

	if (show->options->json)
		return etf_put_json(text, value);
	return show->request->language == SESSION_ELIXIR ? etf_print_elixir(text, value, &options)
							 : etf_print_erlang(text, value, &options);
}

/* A value that came whole becomes text. */
static bool format_value(struct show *show, struct buf *text, struct error *err)
{
	const struct term *value;
	struct arena arena;

	/* What the node made may take long; nobody looks for signals meanwhile, so they do what they do to any program. */
	int signal = io_take_signal();
	if (signal)
		return error_interrupted(err, signal);
	io_release_signals();
	arena_init(&arena, EVALUATE_ARENA_MAX);
	bool ok = decode_value(show, &arena, &value, err);
	if (ok && !put_value(show, value, text)) {
		ok = error_set(err, ERROR_RESULT_TOO_LARGE, "the result is longer than %d MiB as text",
			       EVALUATE_TEXT_MAX >> 20);
		error_cure(err, "ask for less of it, or take it as bytes: eval --raw 'term_to_binary(…)'");
	}
	arena_clear(&arena);
	io_catch_signals();
	return ok;
}

/* In pieces, so that the output does not hold all of it once more. */
static bool print_value(struct show *show, struct buf *text, struct error *err)
{
	enum { PIECE = 64 * 1024 };

	buf_put_u8(text, '\n');
	bool ok = true;
	for (size_t at = 0; ok && at < text->len; at += PIECE) {
		output_put(&show->out, text->data + at, text->len - at < PIECE ? text->len - at : PIECE);
		ok = output_drain(&show->out, err);
	}
	return ok && output_flush(&show->out, err);
}

static bool json_answer(struct show *show, const struct buf *value, const struct session_result *result,
			const struct error *outcome, struct error *err)
{
	struct json_object *object = json_object_new_object();

	report_add_text(object, "target", show->target);
	report_add_text(object, "node", show->node);
	json_object_object_add(object, "ok", json_object_new_boolean(outcome->code == ERROR_NONE));
	json_object_object_add(object, "output", report_text_json(buf_text(&show->printed), show->printed.len));
	if (show->printed.overflow)
		json_object_object_add(object, "output_cut", json_object_new_boolean(true));
	if (result->detached > 0)
		json_object_object_add(object, "detached", json_object_new_int(result->detached));
	if (outcome->code != ERROR_NONE) {
		struct json_object *error = report_error_json(outcome);
		if (outcome->code == ERROR_EXCEPTION) {
			report_add_text(error, "class", result->class);
			report_add_text(error, "reason", result->reason);
			json_object_object_add(error, "text",
					       report_text_json(buf_text(&show->exception), show->exception.len));
		}
		json_object_object_add(object, "error", error);
	}
	return value->len ? report_json_value(object, "value", value, err) : report_json(object, err);
}

/* Ends what came as text with a newline, and writes it all. */
static bool finish_outputs(struct show *show, struct error *err)
{
	if (show->value_open && (show->request->show == SESSION_SHOW_SHELL || show->request->show == SESSION_SHOW_FULL))
		output_put(&show->out, "\n", 1);
	if (show->exception_open && !show->options->json)
		output_put(&show->err_out, "\n", 1);
	return output_flush(&show->out, err) && output_flush(&show->err_out, err);
}

/* Everything that came is written; then the value, where it came whole. A value that cannot be shown becomes the outcome. */
static bool show_outcome(struct show *show, const struct session_result *result, struct error *outcome,
			 struct error *err)
{
	struct buf text;

	/* And a newline. */
	buf_init(&text, EVALUATE_TEXT_MAX + 1);
	if (outcome->code == ERROR_NONE && show->request->show == SESSION_SHOW_TERM &&
	    !format_value(show, &text, outcome))
		text.len = 0;
	bool ok = finish_outputs(show, err);
	if (ok && show->options->json)
		ok = json_answer(show, &text, result, outcome, err);
	else if (ok && text.len)
		ok = print_value(show, &text, err);
	buf_clear(&text);
	return ok;
}

/* A module's name before a point, and what Erlang never has. */
static bool looks_like_elixir(const char *text)
{
	static const char *const signs[] = { "%{", "|>", "fn ", "defmodule " };

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		if (strstr(text, signs[i]))
			return true;
	}
	while (*text) {
		size_t len = strspn(text, word_characters);
		if (len > 1 && *text >= 'A' && *text <= 'Z' && text[len] == '.' && text[len + 1] >= 'a' &&
		    text[len + 1] <= 'z')
			return true;
		text += len ? len : 1;
	}
	return false;
}

/* What is known here and not where the evaluation failed. */
static void explain(const struct show *show, const struct session_result *result, struct error *outcome)
{
	const struct session_request *request = show->request;

	if (outcome->code == ERROR_SYNTAX && request->text) {
		if (show->options->file && strcmp(show->options->file, "-") != 0)
			error_prefix(outcome, "%s", show->options->file);
		if (request->language == SESSION_ERLANG && looks_like_elixir(request->text))
			error_cure(outcome, "if it is Elixir: --elixir");
	}
	if (outcome->code == ERROR_NODE_LOST && (request->confirmed || result->confirmed))
		error_cure(outcome,
			   "what you confirmed may have stopped it; beamline ping %s tells whether it is there",
			   show->target);
}

static void say_detached(const struct session_result *result)
{
	if (result->detached > 0)
		log_notice("%d process%s started by this evaluation, not linked to it, go%s on running on the node",
			   result->detached, result->detached == 1 ? "" : "es", result->detached == 1 ? "es" : "");
}

static bool run(struct show *show, struct link *link, struct session_request *request, struct error *err)
{
	struct session_sink sink = { .take = take, .context = show, .outputs = { &show->out, &show->err_out, NULL } };
	struct session_result result;
	struct error outcome = { 0 };

	show->node = link->node;
	show_init(show);
	if (!session_run(link, request, &sink, &result, &outcome))
		explain(show, &result, &outcome);
	bool shown = show_outcome(show, &result, &outcome, err);
	show_clear(show);
	say_detached(&result);
	if (outcome.code == ERROR_NONE)
		return shown;
	/* The evaluation's own failure says more than that its output was lost, unless that is why it failed. */
	*err = outcome;
	err->shown = show->options->json || (outcome.code == ERROR_EXCEPTION && result.class[0]);
	return false;
}

/* What holds for the node, whose name is known by now. */
static bool run_with(struct target_options *holds, const char *target, struct link *link,
		     struct session_request *request, struct error *err)
{
	struct show show = { .options = &holds->options, .request = request, .target = target };

	if (!environment_check(holds, target, link, &request->confirmed, err))
		return false;
	request->language = target_options_is_elixir(holds) ? SESSION_ELIXIR : SESSION_ERLANG;
	request->timeout_ms = holds->options.timeout_ms;
	if (request->columns == 0)
		request->columns = terminal_columns(STDOUT_FILENO);
	request->may_ask = holds->connect.may_ask;
	if (holds->options.json)
		request->show = SESSION_SHOW_TERM;
	return run(&show, link, request, err);
}

/* entered: its environment has been. */
static bool evaluate_in(const struct command_options *options, const char *target, bool entered,
			struct session_request *request, struct error *err)
{
	struct connection connection;
	struct target_options holds;
	struct link link;
	bool ok = false;

	if (!target_options_init(&holds, options, target, err))
		return false;
	if (target_options_check_read_only(&holds, err) && (entered || environment_enter(&holds, target, err)) &&
	    connect_begin(&connection, &holds.connect, holds.target.destination, holds.target.node, false, err)) {
		if (connect_link(&connection, &link, err)) {
			ok = run_with(&holds, target, &link, request, err);
			link_close(&link);
		}
		connect_end(&connection, err);
	}
	target_options_clear(&holds);
	return ok;
}

struct work {
	const struct command_options *options;
	const struct session_request *request;
};

static bool work(void *context, const char *target, struct error *err)
{
	const struct work *w = context;
	struct session_request request = *w->request;

	return evaluate_in(w->options, target, true, &request, err);
}

static bool evaluate_many(struct many *many, struct session_request *request, struct error *err)
{
	struct work w = { .options = many->options, .request = request };

	if (many->options->raw) {
		error_set(err, ERROR_USAGE, "--raw is for one target: the bytes of several would be one stream");
		return error_cure(err,
				  "run it for each: for t in …; do beamline eval --raw \"$t\" … > \"$t.out\"; done");
	}
	request->columns = terminal_columns(STDOUT_FILENO);
	many->show = many_wanted_show(many->options);
	many->work = work;
	many->context = &w;
	return environment_enter_all(many->options, &many->targets, err) && many_run(many, err);
}

bool evaluate(const struct command_options *options, const char *word, bool from_input, struct session_request *request,
	      struct error *err)
{
	struct many many;
	bool ok = false;

	if (!many_init(&many, options, &word, 1, from_input, err))
		ok = false;
	else if (many.targets.many)
		ok = evaluate_many(&many, request, err);
	else
		ok = evaluate_in(options, many.targets.list.items[0], false, request, err);
	many_clear(&many);
	return ok;
}
