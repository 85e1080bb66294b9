/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/remsh.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "etf/encode.h"
#include "node/guard.h"
#include "node/program.h"
#include "remote/session.h"

enum {
	PIDS_MAX = 16 * 1024,
	ACKNOWLEDGE_AT = REMSH_WINDOW / 4, /* so that a flood costs few messages back */
};

struct arguments {
	const struct remsh *remsh;
	const struct remsh_options *options;
};

static bool stands_in(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool needs_section(const void *context, const char *section)
{
	const struct arguments *a = context;
	static const char *const everywhere[] = { "remsh", "remsh_helper", "remsh_relay", NULL };
	static const char *const erlang[] = { "session_guard", NULL };
	static const char *const elixir[] = { "session_guard", "session_guard_elixir", "remsh_elixir", NULL };
	static const char *const read_only[] = { "remsh_evaluator",
						 "session_evaluator",
						 "session_harmless",
						 "session_readonly",
						 "session_records",
						 "session_shell",
						 NULL };

	return stands_in(everywhere, section) || stands_in(a->options->read_only                         ? read_only
							   : strcmp(a->options->language, "erlang") != 0 ? elixir
													 : erlang,
							   section);
}

/* {Client, Tag, Language, Columns, Rows, Window, Guard} */
static void put_arguments(const void *context, struct link *link)
{
	const struct arguments *a = context;
	struct buf *out = &link->out;

	etf_put_tuple(out, 7);
	dist_put_self(out, &link->self);
	link_put_ref(link, &a->remsh->tag);
	etf_put_atom(out, a->options->language);
	etf_put_integer(out, a->options->columns);
	etf_put_integer(out, a->options->rows);
	etf_put_integer(out, REMSH_WINDOW);
	if (a->options->read_only)
		etf_put_integer(out, SESSION_READ_ONLY);
	else
		guard_put_list(out);
}

bool remsh_start(struct remsh *r, struct link *link, const struct remsh_options *options,
		 const struct remsh_handler *handler, struct error *err)
{
	const struct arguments arguments = { .remsh = r, .options = options };
	const struct program_start start = {
		.program = &remote_remsh_program,
		.needs = needs_section,
		.put_arguments = put_arguments,
		.context = &arguments,
	};

	*r = (struct remsh){ .link = link, .handler = handler, .detached = -1 };
	arena_init(&r->pids, PIDS_MAX);
	r->spawn = link_new_ref(link);
	r->tag = link_new_ref(link);
	return program_spawn(link, &start, &r->spawn, err);
}

void remsh_clear(struct remsh *r)
{
	arena_clear(&r->pids);
}

static bool wrong_shape(struct error *err)
{
	return error_set(err, ERROR_PROTOCOL, "the node's side of the shell sent a message of the wrong shape");
}

/* Begins a message to the relay; link_end sends it. It is known before the first prompt has come. */
static bool begin(struct remsh *r, uint32_t parts, enum remsh_order order, size_t *begun)
{
	if (!r->relay || r->ended)
		return false;
	*begun = link_begin(r->link);
	link_put_send(r->link, r->relay);
	etf_put_tuple(&r->link->out, parts);
	link_put_ref(r->link, &r->tag);
	etf_put_integer(&r->link->out, order);
	return true;
}

bool remsh_lines(struct remsh *r, const char *text, size_t len, struct error *err)
{
	size_t begun;

	if (!begin(r, 3, REMSH_LINES, &begun))
		return true;
	r->sent = len < SIZE_MAX - r->sent ? r->sent + len + 1 : SIZE_MAX;
	etf_put_binary(&r->link->out, text, len);
	return link_end(r->link, begun, err);
}

bool remsh_resize(struct remsh *r, int columns, int rows, struct error *err)
{
	size_t begun;

	if (!begin(r, 4, REMSH_SIZE, &begun))
		return true;
	etf_put_integer(&r->link->out, columns);
	etf_put_integer(&r->link->out, rows);
	return link_end(r->link, begun, err);
}

bool remsh_ask(struct remsh *r, enum remsh_help what, const char *text, struct error *err)
{
	size_t begun;

	if (!begin(r, 5, REMSH_ASK, &begun))
		return true;
	etf_put_integer(&r->link->out, ++r->help);
	etf_put_integer(&r->link->out, what);
	etf_put_binary(&r->link->out, text, strlen(text));
	return link_end(r->link, begun, err);
}

bool remsh_answer(struct remsh *r, bool yes, struct error *err)
{
	r->asked = false;
	/* What was sent behind a refused line is not seen by the shell. */
	if (!yes)
		r->sent = 0;
	return program_send(r->link, r->relay, &r->tag, REMSH_ANSWER, yes ? PROGRAM_TRUE : PROGRAM_FALSE, err);
}

bool remsh_interrupt(struct remsh *r, struct error *err)
{
	return program_send(r->link, r->relay, &r->tag, REMSH_INTERRUPT, PROGRAM_NO_VALUE, err);
}

bool remsh_acknowledge(struct remsh *r, struct error *err)
{
	size_t taken = r->unacknowledged;

	if (taken < ACKNOWLEDGE_AT || !r->relay || r->ended)
		return true;
	r->unacknowledged = 0;
	return program_send(r->link, r->relay, &r->tag, REMSH_ACKNOWLEDGE, (int64_t)taken, err);
}

bool remsh_end(struct remsh *r, struct error *err)
{
	enum { TO_WATCHER = 2 };

	r->ending = true;
	return program_send(r->link, r->watcher, &r->tag, TO_WATCHER, PROGRAM_NO_VALUE, err);
}

static bool on_watcher(struct remsh *r, const struct term *pid, struct error *err)
{
	if (r->watcher)
		return true;
	r->watcher = program_keep_pid(&r->pids, pid);
	if (!r->watcher)
		return wrong_shape(err);
	return !r->ending || remsh_end(r, err);
}

static bool on_started(struct remsh *r, const struct term *part, struct error *err)
{
	char release[32];

	if (r->relay)
		return wrong_shape(err);
	r->relay = program_keep_pid(&r->pids, &part[2]);
	program_line(&part[4], release, sizeof release);
	if (!r->relay)
		return wrong_shape(err);
	r->elixir = etf_is_atom(&part[5], "elixir");
	return on_watcher(r, &part[3], err) && r->handler->started(r->handler->context, release, err);
}

static bool on_output(struct remsh *r, const struct term *bytes, struct error *err)
{
	if (bytes->kind != ETF_BINARY)
		return wrong_shape(err);
	r->unacknowledged += bytes->bytes.len;
	if (r->unacknowledged > 2 * (size_t)REMSH_WINDOW)
		return error_set(err, ERROR_PROTOCOL, "the node sends more than it may before we have taken it");
	return r->handler->output(r->handler->context, bytes->bytes.data, bytes->bytes.len, err);
}

static bool on_prompt(struct remsh *r, const struct term *part, struct error *err)
{
	char text[REMSH_PROMPT_MAX];

	if (part[2].kind != ETF_INTEGER || part[2].integer < REMSH_NO_PROMPT || part[2].integer > REMSH_FOR_CODE)
		return wrong_shape(err);
	program_text(&part[4], text, sizeof text);
	return r->handler->prompt(r->handler->context, (enum remsh_prompt_kind)part[2].integer,
				  etf_is_atom(&part[3], "true"), text, err);
}

static bool on_question(struct remsh *r, const struct term *what, struct error *err)
{
	char text[512];

	if (r->asked)
		return error_set(err, ERROR_PROTOCOL, "the node asks again before it has its answer");
	/* An expression has a byte at least: nobody can be kept busy by questions about nothing. */
	if (r->sent == 0)
		return error_set(err, ERROR_PROTOCOL, "the node asks about a line that it was not sent");
	r->sent--;
	r->asked = true;
	program_line(what, text, sizeof text);
	return r->handler->question(r->handler->context, text, err);
}

/* One that is late is of a line that has changed since. */
static bool on_help(struct remsh *r, const struct term *part, struct error *err)
{
	size_t len;

	if (part[2].kind != ETF_INTEGER || part[3].kind != ETF_BINARY || !etf_is_proper_list(&part[4], &len) ||
	    part[5].kind != ETF_INTEGER)
		return wrong_shape(err);
	return part[2].integer != r->help ||
	       r->handler->help(r->handler->context, &part[3], &part[4], part[5].integer, err);
}

static bool on_end(struct remsh *r, const struct term *part, struct error *err)
{
	enum { ENDED = 4, NO_LANGUAGE = 6, DIED = 7 };
	char detail[512];

	if (part[2].kind != ETF_INTEGER ||
	    (part[2].integer != ENDED && part[2].integer != NO_LANGUAGE && part[2].integer != DIED))
		return wrong_shape(err);
	r->ended = true;
	r->detached = part[5].kind == ETF_INTEGER && part[5].integer >= 0 && part[5].integer <= INT32_MAX
			      ? (int)part[5].integer
			      : -1;
	program_line(&part[3], detail, sizeof detail);
	if (part[2].integer == NO_LANGUAGE) {
		error_set(&r->outcome, ERROR_NO_ELIXIR, "the node has no IEx");
		error_cure(&r->outcome, "leave --elixir out");
	} else if (!r->ending) {
		error_set(&r->outcome, ERROR_EXCEPTION, "the shell on the node ended: %s", detail);
	}
	return true;
}

/* {Tag, Kind, …} */
static bool on_message(struct remsh *r, const struct term *m, struct error *err)
{
	const struct term *part = m->tuple.elements;

	if (m->kind != ETF_TUPLE || m->tuple.count < 2 || !link_is_ref(r->link, part, &r->tag)) {
		r->link->counters.refused++;
		log_vv("node", "%s sent us a message that nobody here expects: dropped", r->link->node);
		return true;
	}
	if (r->ended)
		return true;
	if (part[1].kind != ETF_INTEGER || part[1].integer < 0 || part[1].integer > REMSH_INTERRUPTED ||
	    m->tuple.count > UINT8_MAX)
		return wrong_shape(err);
	switch (part[1].integer << 8 | m->tuple.count) {
	case REMSH_STARTED << 8 | 6:
		return on_started(r, part, err);
	case REMSH_OUTPUT << 8 | 3:
		return on_output(r, &part[2], err);
	case REMSH_PROMPT << 8 | 5:
		return on_prompt(r, part, err);
	case REMSH_QUESTION << 8 | 3:
		return on_question(r, &part[2], err);
	case REMSH_END << 8 | 6:
		return on_end(r, part, err);
	case REMSH_HELP << 8 | 6:
		return on_help(r, part, err);
	case REMSH_INTERRUPTED << 8 | 2:
		return r->handler->interrupted(r->handler->context, err);
	default:
		return wrong_shape(err);
	}
}

static bool on_spawn_reply(struct remsh *r, const struct term *result, struct error *err)
{
	char text[512];

	if (result->kind == ETF_PID)
		return on_watcher(r, result, err);
	error_set(err, ERROR_CALL_REFUSED, "%s does not spawn the shell: %s", r->link->node,
		  program_reason(result, text, sizeof text));
	return error_cure(err, "the node may have reached its limit of processes");
}

/* The watcher is gone: in order after the end, else something killed it. */
static bool on_down(struct remsh *r, const struct term *reason, struct error *err)
{
	char text[512];

	return r->ended || error_set(err, ERROR_CALL_REFUSED, "the shell's process on %s ended before its time: %s",
				     r->link->node, program_reason(reason, text, sizeof text));
}

static bool on_link_message(void *context, const struct link_message *message, struct error *err)
{
	struct remsh *r = context;

	switch (message->kind) {
	case LINK_TO_US:
		if (etf_is_tuple(message->payload, 2, "rex"))
			return on_down(r, &message->payload->tuple.elements[1], err);
		return on_message(r, message->payload, err);
	case LINK_SPAWN_REPLY:
		return !link_is_ref(r->link, message->ref, &r->spawn) || on_spawn_reply(r, message->payload, err);
	case LINK_DOWN:
		return !link_is_ref(r->link, message->ref, &r->spawn) || on_down(r, message->payload, err);
	}
	return true;
}

bool remsh_serve(struct remsh *r, struct error *err)
{
	return link_serve(r->link, on_link_message, r, err);
}
