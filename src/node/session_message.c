/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/session_message.h"

#include <stdio.h>
#include <string.h>

#include "etf/encode.h"
#include "node/guard.h"
#include "node/program.h"

struct arguments {
	const struct session_request *request;
	const struct link_ref *tag;
	size_t window;
	bool guarded;
};

/* {Client, Tag, Language, Input, Confirmed, Show, Columns, Window, Guard} */
static void put_arguments(const void *context, struct link *link)
{
	const struct arguments *a = context;
	const struct session_request *request = a->request;
	struct buf *out = &link->out;

	etf_put_tuple(out, 9);
	dist_put_self(out, &link->self);
	link_put_ref(link, a->tag);
	etf_put_atom(out, request->language == SESSION_ELIXIR ? "elixir" : "erlang");
	if (request->script) {
		etf_put_tuple(out, 3);
		etf_put_integer(out, SESSION_INPUT_SCRIPT);
		etf_put_binary(out, request->text, request->text_len);
		etf_put_atom(out, request->keep_going ? "true" : "false");
	} else if (request->text) {
		etf_put_tuple(out, 2);
		etf_put_integer(out, SESSION_INPUT_TEXT);
		etf_put_binary(out, request->text, request->text_len);
	} else {
		etf_put_tuple(out, 4);
		etf_put_integer(out, SESSION_INPUT_APPLY);
		etf_put_atom(out, request->module);
		etf_put_atom(out, request->function);
		etf_put_term(out, request->arguments);
	}
	etf_put_atom(out, request->confirmed ? "true" : "false");
	etf_put_integer(out, request->show);
	etf_put_integer(out, request->columns);
	etf_put_integer(out, (int64_t)a->window);
	if (request->read_only)
		etf_put_integer(out, SESSION_READ_ONLY);
	else if (a->guarded)
		guard_put_list(out);
	else
		etf_put_nil(out);
}

static bool needs_section(const void *context, const char *name)
{
	const struct arguments *a = context;
	const struct session_request *request = a->request;
	bool guarded = a->guarded;
	bool elixir = request->language == SESSION_ELIXIR;

	if (strcmp(name, "session_elixir") == 0)
		return elixir;
	if (strcmp(name, "session_readonly") == 0 || strcmp(name, "session_harmless") == 0)
		return request->read_only;
	if (strcmp(name, "session_guard") == 0)
		return guarded;
	if (strcmp(name, "session_guard_elixir") == 0)
		return guarded && elixir && request->text;
	if (strcmp(name, "session_records") == 0 || strcmp(name, "session_shell") == 0)
		return !elixir && request->text;
	return true;
}

/* May it need the guard? What has been confirmed already is not looked at again; what is read-only cannot do what is guarded. */
static bool is_guarded(const struct session_request *request)
{
	if (request->confirmed || request->read_only)
		return false;
	return request->text ? guard_concerns_text(request->text, request->text_len)
			     : guard_concerns_call(request->module, request->function, request->arguments);
}

bool session_spawn(struct link *link, const struct session_request *request, const struct link_ref *spawn,
		   const struct link_ref *tag, size_t window, struct error *err)
{
	const struct arguments arguments = {
		.request = request, .tag = tag, .window = window, .guarded = is_guarded(request)
	};
	const struct program_start start = {
		.program = &remote_session_program,
		.needs = needs_section,
		.put_arguments = put_arguments,
		.context = &arguments,
	};

	return program_spawn(link, &start, spawn, err);
}

static void syntax_error(const struct term *detail, struct error *err)
{
	char text[ERROR_MESSAGE_MAX / 2] = "";
	int64_t line = 0, column = 0;

	if (etf_is_tuple(detail, 3, NULL) && detail->tuple.elements[0].kind == ETF_INTEGER &&
	    detail->tuple.elements[1].kind == ETF_INTEGER) {
		line = detail->tuple.elements[0].integer;
		column = detail->tuple.elements[1].integer;
		program_text(&detail->tuple.elements[2], text, sizeof text);
	}
	error_set(err, ERROR_SYNTAX, "line %lld, column %lld: %s", (long long)line, (long long)column, text);
}

static void exception(const struct term *detail, struct session_result *result, struct error *err)
{
	if (etf_is_tuple(detail, 2, NULL)) {
		program_text(&detail->tuple.elements[0], result->class, sizeof result->class);
		program_text(&detail->tuple.elements[1], result->reason, sizeof result->reason);
	}
	error_set(err, ERROR_EXCEPTION, "exception %s: %.800s", result->class, result->reason);
}

/* {What, Begun} */
static void not_harmless(const struct term *detail, struct error *err)
{
	char what[ERROR_MESSAGE_MAX / 2] = "a call";
	bool begun = true;

	if (etf_is_tuple(detail, 2, NULL)) {
		program_line(&detail->tuple.elements[0], what, sizeof what);
		begun = detail->tuple.elements[1].kind != ETF_INTEGER || detail->tuple.elements[1].integer != 0;
	}
	error_set(err, ERROR_READ_ONLY, "%s is not among the harmless functions of --read-only; %s", what,
		  begun ? "what stands before it has been evaluated" : "nothing was evaluated");
	error_cure(err, "if it shall run all the same: leave --read-only out");
}

void session_outcome(int64_t outcome, const struct term *detail, struct session_result *result, struct error *err)
{
	char text[512];

	program_text(detail, text, sizeof text);
	switch (outcome) {
	case SESSION_DONE:
		err->code = ERROR_NONE;
		return;
	case SESSION_FAILED:
		exception(detail, result, err);
		return;
	case SESSION_SYNTAX:
		syntax_error(detail, err);
		return;
	case SESSION_REFUSED:
		error_set(err, ERROR_GUARD, "%s could stop the node; nothing was evaluated", text);
		return;
	case SESSION_NOT_HARMLESS:
		not_harmless(detail, err);
		return;
	case SESSION_NOT_BYTES:
		error_set(err, ERROR_RESULT_NOT_BYTES, "the result is neither a binary nor iodata, which --raw needs");
		error_cure(err,
			   "leave --raw out, or turn the result into a binary: term_to_binary(…), iolist_to_binary(…)");
		return;
	case SESSION_NO_LANGUAGE:
		error_set(err, ERROR_NO_ELIXIR, "the node has no Elixir (its code path has no module Elixir.Code)");
		error_cure(err, "leave --elixir out");
		return;
	case SESSION_DIED:
		error_set(err, ERROR_EXCEPTION, "the evaluation's process was killed: %s", text);
		return;
	default:
		error_set(err, ERROR_EXCEPTION, "the evaluation was ended on the node");
	}
}
