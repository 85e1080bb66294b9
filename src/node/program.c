/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/program.h"

#include <stdio.h>
#include <string.h>

#include "dist/flags.h"
#include "etf/encode.h"
#include "etf/print.h"

/* Names of bindings are atoms on the node: the program and its arguments have two that every node knows. */
static const char program_variable[] = "pid", arguments_variable[] = "node";

/* The content of a binary: {Section, …}. */
static void put_program(struct buf *out, const struct program_start *start)
{
	const struct remote_section *section = start->program->sections;
	uint32_t count = 0;
	struct buf program;

	while (section[count].name)
		count++;
	buf_init(&program, LINK_OUT_MAX);
	etf_put_version(&program);
	etf_put_tuple(&program, count);
	for (; section->name; section++)
		etf_put_binary(&program, section->bytes,
			       start->needs(start->context, section->name) ? section->len : 0);
	etf_put_binary(out, program.data, program.len);
	buf_clear(&program);
}

/* The arguments of erl_eval:exprs/2: [Loader, [{P, <<Program>>}, {A, Arguments}]]. */
static void put_call(struct link *link, const struct program_start *start)
{
	struct buf *out = &link->out;

	etf_put_list(out, 2);
	buf_put(out, start->program->loader, start->program->loader_len);
	etf_put_list(out, 2);
	etf_put_tuple(out, 2);
	etf_put_atom(out, program_variable);
	put_program(out, start);
	etf_put_tuple(out, 2);
	etf_put_atom(out, arguments_variable);
	start->put_arguments(start->context, link);
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

bool program_spawn(struct link *link, const struct program_start *start, const struct link_ref *spawn,
		   struct error *err)
{
	bool by_request = link->node_flags & DIST_FLAG_SPAWN;
	size_t begin = link_begin(link);

	if (by_request)
		put_spawn_request(link, spawn);
	else
		put_rex_call(link);
	put_call(link, start);
	if (!by_request)
		dist_put_self(&link->out, &link->self);
	return link_end(link, begin, err);
}

bool program_send(struct link *link, const struct term *to, const struct link_ref *tag, int kind, int64_t value,
		  struct error *err)
{
	if (!to)
		return true;
	size_t begin = link_begin(link);
	link_put_send(link, to);
	etf_put_tuple(&link->out, value == PROGRAM_NO_VALUE ? 2 : 3);
	link_put_ref(link, tag);
	etf_put_integer(&link->out, kind);
	if (value == PROGRAM_TRUE || value == PROGRAM_FALSE)
		etf_put_atom(&link->out, value == PROGRAM_TRUE ? "true" : "false");
	else if (value != PROGRAM_NO_VALUE)
		etf_put_integer(&link->out, value);
	return link_end(link, begin, err);
}

const struct term *program_keep_pid(struct arena *arena, const struct term *pid)
{
	struct term *node = arena_alloc(arena, 1, sizeof *node), *kept = arena_alloc(arena, 1, sizeof *kept);

	if (!node || !kept || pid->kind != ETF_PID)
		return NULL;
	*node = *pid->pid.node;
	node->atom.name = arena_copy(arena, pid->pid.node->atom.name, pid->pid.node->atom.len);
	*kept = *pid;
	kept->pid.node = node;
	return node->atom.name ? kept : NULL;
}

void program_text(const struct term *binary, char *text, size_t size)
{
	size_t len = binary->kind == ETF_BINARY ? binary->bytes.len : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(text, binary->bytes.data, len);
	text[len] = '\0';
}

void program_line(const struct term *binary, char *text, size_t size)
{
	program_text(binary, text, size);
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
}

const char *program_reason(const struct term *reason, char *text, size_t size)
{
	const struct etf_print_options options = { .width = 0 };
	struct buf printed;

	buf_init(&printed, 64 * 1024);
	etf_print_erlang(&printed, reason, &options);
	snprintf(text, size, "%.300s", buf_text(&printed));
	buf_clear(&printed);
	return text;
}
