/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/session_message.h"

#include <stdio.h>
#include <string.h>

#include "dist/flags.h"
#include "etf/encode.h"
#include "node/guard.h"

/* {Client, Tag, Language, Input, Confirmed, Show, Columns, Window, Guard} */
static void put_arguments(struct link *link, const struct session_request *request, const struct link_ref *tag,
			  size_t window, bool guarded)
{
	struct buf *out = &link->out;

	etf_put_tuple(out, 9);
	dist_put_self(out, &link->self);
	link_put_ref(link, tag);
	etf_put_atom(out, request->language == SESSION_ELIXIR ? "elixir" : "erlang");
	if (request->text) {
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
	etf_put_integer(out, (int64_t)window);
	if (request->read_only)
		etf_put_integer(out, SESSION_READ_ONLY);
	else if (guarded)
		guard_put_list(out);
	else
		etf_put_nil(out);
}

static bool needs_section(const char *name, const struct session_request *request, bool guarded)
{
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

/*
 * The content of a binary: {Section, …}. What is not needed is left out, so that all fits into what TCP sends to a far host before the first
 * acknowledgement, 14 KB; the rest would cost a round trip.
 */
static void put_program(struct buf *out, const struct session_request *request, bool guarded)
{
	const struct remote_section *section = remote_session_sections;
	uint32_t count = 0;
	struct buf program;

	while (section[count].name)
		count++;
	buf_init(&program, LINK_OUT_MAX);
	etf_put_version(&program);
	etf_put_tuple(&program, count);
	for (; section->name; section++)
		etf_put_binary(&program, section->bytes,
			       needs_section(section->name, request, guarded) ? section->len : 0);
	etf_put_binary(out, program.data, program.len);
	buf_clear(&program);
}

/* May it need the guard? What has been confirmed already is not looked at again; what is read-only cannot do what is guarded. */
static bool is_guarded(const struct session_request *request)
{
	if (request->confirmed || request->read_only)
		return false;
	return request->text ? guard_concerns_text(request->text, request->text_len)
			     : guard_concerns_call(request->module, request->function, request->arguments);
}

/* The arguments of erl_eval:exprs/2: [Loader, [{P, <<Program>>}, {A, Arguments}]]. */
static void put_call(struct link *link, const struct session_request *request, const struct link_ref *tag,
		     size_t window)
{
	struct buf *out = &link->out;
	bool guarded = is_guarded(request);

	etf_put_list(out, 2);
	buf_put(out, remote_session_loader, remote_session_loader_len);
	etf_put_list(out, 2);
	etf_put_tuple(out, 2);
	etf_put_atom(out, SESSION_VAR_PROGRAM);
	put_program(out, request, guarded);
	etf_put_tuple(out, 2);
	etf_put_atom(out, SESSION_VAR_ARGUMENTS);
	put_arguments(link, request, tag, window, guarded);
	etf_put_nil(out);
	etf_put_nil(out);
}

/* {SPAWN_REQUEST, ReqId, From, GroupLeader, {Module, Function, Arity}, [monitor]} */
static void put_spawn_request(struct link *link, const struct link_ref *spawn)
{
	struct buf *out = &link->out;

	etf_put_tuple(out, 6);
	etf_put_integer(out, DIST_SPAWN_REQUEST);
	link_put_ref(link, spawn);
	dist_put_self(out, &link->self);
	dist_put_self(out, &link->self);
	etf_put_tuple(out, 3);
	etf_put_atom(out, "erl_eval");
	etf_put_atom(out, "exprs");
	etf_put_integer(out, 2);
	etf_put_list(out, 1);
	etf_put_atom(out, "monitor");
	etf_put_nil(out);
	dist_payload(out);
}

/* {REG_SEND, From, Unused, rex}, and up to its arguments {From, {call, Module, Function, Arguments, GroupLeader}}. */
static void put_rex_call(struct link *link)
{
	struct buf *out = &link->out;

	link_put_reg_send(link, "rex");
	etf_put_tuple(out, 2);
	dist_put_self(out, &link->self);
	etf_put_tuple(out, 5);
	etf_put_atom(out, "call");
	etf_put_atom(out, "erl_eval");
	etf_put_atom(out, "exprs");
}

bool session_spawn(struct link *link, const struct session_request *request, const struct link_ref *spawn,
		   const struct link_ref *tag, size_t window, struct error *err)
{
	bool by_request = link->node_flags & DIST_FLAG_SPAWN;
	size_t begin = link_begin(link);

	if (by_request)
		put_spawn_request(link, spawn);
	else
		put_rex_call(link);
	put_call(link, request, tag, window);
	if (!by_request)
		dist_put_self(&link->out, &link->self);
	return link_end(link, begin, err);
}

bool session_send(struct link *link, const struct term *to, const struct link_ref *tag, int kind, int64_t value,
		  struct error *err)
{
	if (!to)
		return true;
	size_t begin = link_begin(link);
	link_put_send(link, to);
	etf_put_tuple(&link->out, value == SESSION_NO_VALUE ? 2 : 3);
	link_put_ref(link, tag);
	etf_put_integer(&link->out, kind);
	if (value == SESSION_TRUE || value == SESSION_FALSE)
		etf_put_atom(&link->out, value == SESSION_TRUE ? "true" : "false");
	else if (value != SESSION_NO_VALUE)
		etf_put_integer(&link->out, value);
	return link_end(link, begin, err);
}

void session_text(const struct term *binary, char *text, size_t size)
{
	size_t len = binary->kind == ETF_BINARY ? binary->bytes.len : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(text, binary->bytes.data, len);
	text[len] = '\0';
}

void session_line(const struct term *binary, char *text, size_t size)
{
	session_text(binary, text, size);
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
}

static void syntax_error(const struct term *detail, struct error *err)
{
	char text[ERROR_MESSAGE_MAX / 2] = "";
	int64_t line = 0, column = 0;

	if (etf_is_tuple(detail, 3, NULL) && detail->tuple.elements[0].kind == ETF_INTEGER &&
	    detail->tuple.elements[1].kind == ETF_INTEGER) {
		line = detail->tuple.elements[0].integer;
		column = detail->tuple.elements[1].integer;
		session_text(&detail->tuple.elements[2], text, sizeof text);
	}
	error_set(err, ERROR_SYNTAX, "line %lld, column %lld: %s", (long long)line, (long long)column, text);
}

static void exception(const struct term *detail, struct session_result *result, struct error *err)
{
	if (etf_is_tuple(detail, 2, NULL)) {
		session_text(&detail->tuple.elements[0], result->class, sizeof result->class);
		session_text(&detail->tuple.elements[1], result->reason, sizeof result->reason);
	}
	error_set(err, ERROR_EXCEPTION, "exception %s: %.800s", result->class, result->reason);
}

/* {What, Begun} */
static void not_harmless(const struct term *detail, struct error *err)
{
	char what[ERROR_MESSAGE_MAX / 2] = "a call";
	bool begun = true;

	if (etf_is_tuple(detail, 2, NULL)) {
		session_line(&detail->tuple.elements[0], what, sizeof what);
		begun = detail->tuple.elements[1].kind != ETF_INTEGER || detail->tuple.elements[1].integer != 0;
	}
	error_set(err, ERROR_READ_ONLY, "%s is not among the harmless functions of --read-only; %s", what,
		  begun ? "what stands before it has been evaluated" : "nothing was evaluated");
	error_cure(err, "if it shall run all the same: leave --read-only out");
}

void session_outcome(int64_t outcome, const struct term *detail, struct session_result *result, struct error *err)
{
	char text[512];

	session_text(detail, text, sizeof text);
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
