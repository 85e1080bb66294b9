/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/terminal.h"
#include "etf/encode.h"
#include "node/target.h"

enum {
	FOUND_MAX = 64,               /* bytes shown of what was found */
	NAMES_MAX = 64 * 1024 * 1024, /* of a call */
	ADDED_MAX = 64,
};

struct guard_function {
	const char *module;
	const char *function;
	int arity; /* -1: any */
};

/* Exits and messages to system processes, and application:stop of kernel and stdlib, are known to remote/session itself. */
static const struct guard_function list[] = {
	{ "erlang", "halt", -1 },
	{ "init", "stop", -1 },
	{ "init", "restart", -1 },
	{ "init", "reboot", -1 },
	{ "init", "boot", 1 },
	{ "c", "q", 0 },
	{ "shell_default", "q", 0 },
	{ "heart", "set_cmd", 1 },
	{ "heart", "clear_cmd", 0 },
	{ "net_kernel", "stop", 0 },
	{ "release_handler", "reboot_old_release", -1 },
	{ "release_handler", "install_release", -1 },
	{ "erts_debug", "set_internal_state", 2 },
	{ "erts_internal", "erase_persistent_terms", 0 },
	{ "Elixir.System", "halt", -1 },
	{ "Elixir.System", "stop", -1 },
	{ "Elixir.System", "restart", -1 },
	{ "Elixir.IEx.Helpers", "q", 0 },
	{ "Elixir.Mix", "halt", -1 },
	{ NULL, NULL, 0 },
};

/* The configuration's. */
static struct guard_function added[ADDED_MAX + 1];

static bool wrong_function(const char *word, struct error *err)
{
	error_set(err, ERROR_CONFIG, "guard: “%s” is no function", word);
	return error_cure(err, "such as shop:drop_all/1, Shop.Repo.reset/0, or shop:drop_all for any arity");
}

/* Elixir's modules begin with a capital, and a point stands before the function. */
static bool take_function(char *word, struct guard_function *f, struct error *err)
{
	char *slash = strrchr(word, '/'), *end = "";
	bool elixir = word[0] >= 'A' && word[0] <= 'Z';

	f->arity = slash ? (int)strtol(slash + 1, &end, 10) : -1;
	if (slash && (*end || end == slash + 1 || f->arity < 0 || f->arity > 255))
		return wrong_function(word, err);
	if (slash)
		*slash = '\0';
	char *point = elixir ? strrchr(word, '.') : strchr(word, ':');
	if (!point || point == word || !point[1])
		return wrong_function(word, err);
	*point = '\0';
	f->module = elixir ? xasprintf("Elixir.%s", word) : xstrdup(word);
	f->function = xstrdup(point + 1);
	return true;
}

bool guard_add(const char *functions, struct error *err)
{
	char *text = functions ? xstrdup(functions) : NULL, *at = text;
	size_t count = 0;
	bool ok = true;

	for (struct guard_function *f = added; f->module; f++) {
		free((char *)f->module);
		free((char *)f->function);
	}
	memset(added, 0, sizeof added);
	for (char *word; ok && (word = strsep(&at, ", \t\n"));) {
		if (!*word)
			continue;
		if (count == ADDED_MAX)
			ok = error_set(err, ERROR_CONFIG, "guard: more than %d functions", ADDED_MAX);
		else
			ok = take_function(word, &added[count], err);
		count += ok;
	}
	free(text);
	return ok;
}

static uint32_t count_of(const struct guard_function *f)
{
	uint32_t count = 0;

	while (f[count].module)
		count++;
	return count;
}

static void put_functions(struct buf *out, const struct guard_function *f)
{
	for (; f->module; f++) {
		etf_put_tuple(out, 3);
		etf_put_binary(out, f->module, strlen(f->module));
		etf_put_binary(out, f->function, strlen(f->function));
		etf_put_integer(out, f->arity);
	}
}

bool guard_put_list(struct buf *out)
{
	etf_put_list(out, count_of(list) + count_of(added));
	put_functions(out, list);
	put_functions(out, added);
	return etf_put_nil(out);
}

static const char *find(const char *text, size_t len, const char *word)
{
	size_t want = strlen(word);
	const char *end = text + len;

	while ((size_t)(end - text) >= want) {
		const char *at = memchr(text, word[0], (size_t)(end - text) - want + 1);
		if (!at)
			return NULL;
		if (memcmp(at, word, want) == 0)
			return at;
		text = at + 1;
	}
	return NULL;
}

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@';
}

/* Not as a part of other words. */
static bool has_word(const char *text, size_t len, const char *word)
{
	const char *end = text + len, *at = text;
	size_t n = strlen(word);

	while ((at = find(at, (size_t)(end - at), word)) != NULL) {
		if ((at == text || !is_name_character(at[-1])) && (at + n == end || !is_name_character(at[n])))
			return true;
		at++;
	}
	return false;
}

static bool names_any(const char *text, size_t len, const struct guard_function *f)
{
	for (; f->module; f++) {
		/* Names of one or two letters are part of many words. */
		bool common = strlen(f->function) < 3;
		if (common ? has_word(text, len, f->function) : find(text, len, f->function) != NULL)
			return true;
	}
	return false;
}

bool guard_concerns_text(const char *text, size_t len)
{
	/* What makes atoms or terms from text, or ends processes; the node's side knows what to do with each. */
	static const char *const makers[] = { "_atom", "to_term", "\\", "exit", "init", "kernel", "stdlib", "concat" };

	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
		if (find(text, len, makers[i]))
			return true;
	}
	return names_any(text, len, list) || names_any(text, len, added);
}

/* A list of numbers may be a name as well: as bytes they do not look like one. */
static bool has_numbers(const struct term *t)
{
	const struct term *parts = t->kind == ETF_TUPLE  ? t->tuple.elements
				   : t->kind == ETF_LIST ? t->list.elements
				   : t->kind == ETF_MAP  ? t->map.pairs
							 : NULL;
	size_t count = t->kind == ETF_TUPLE  ? t->tuple.count
		       : t->kind == ETF_LIST ? t->list.count
		       : t->kind == ETF_MAP  ? 2 * (size_t)t->map.count
					     : 0;

	for (size_t i = 0; i < count; i++) {
		if ((t->kind == ETF_LIST && parts[i].kind == ETF_INTEGER) || has_numbers(&parts[i]))
			return true;
	}
	return t->kind == ETF_LIST && t->list.tail && has_numbers(t->list.tail);
}

bool guard_concerns_call(const char *module, const char *function, const struct term *arguments)
{
	struct buf names;

	if (has_numbers(arguments))
		return true;
	buf_init(&names, NAMES_MAX);
	etf_put_atom(&names, module);
	etf_put_atom(&names, function);
	etf_put_term(&names, arguments);
	bool concerns = names.overflow || guard_concerns_text((const char *)names.data, names.len);
	buf_clear(&names);
	return concerns;
}

/* As the node's side has named it: module:function, or Module.function of Elixir's. */
static bool is_added(const char *found)
{
	for (const struct guard_function *f = added; f->module; f++) {
		bool elixir = strncmp(f->module, "Elixir.", 7) == 0;
		char *name = xasprintf("%s%s%s", elixir ? f->module + 7 : f->module, elixir ? "." : ":", f->function);
		size_t len = strlen(name);
		bool same = strncmp(found, name, len) == 0 && (found[len] == '\0' || found[len] == '/');
		free(name);
		if (same)
			return true;
	}
	return false;
}

/* What the guard says of it. */
static const char *verb_of(const char *found)
{
	return is_added(found) ? "is guarded by the configuration on" : "could stop";
}

static bool refuse(struct error *err, const char *found, const char *node, const char *why)
{
	error_set(err, ERROR_GUARD, "%s %s %s: %s; nothing was evaluated", found, verb_of(found), node, why);
	return error_cure(err, "if that is what you want: --confirm %s", node);
}

/* Has a person type the name; why: "", or the reason why what was typed is not it. False: as terminal_ask. */
static bool ask_name(const char *question, bool (*is_name)(const char *answer, const char *name), const char *name,
		     char *why, size_t size, struct error *err)
{
	struct buf answer;

	buf_init(&answer, 4096);
	why[0] = '\0';
	bool asked = terminal_ask(question, false, &answer, err);
	if (!asked)
		error_append(err, "; nothing was evaluated");
	else if (answer.len == 0)
		snprintf(why, size, "its name was not typed");
	else if (!is_name(buf_text(&answer), name))
		snprintf(why, size, "“%.200s” was typed, which is not its name", buf_text(&answer));
	buf_clear(&answer);
	return asked;
}

bool guard_ask(const char *found, const char *node, bool may_ask, struct error *err)
{
	char why[256];

	if (!may_ask)
		return refuse(err, found, node, "refused without a terminal to confirm on");
	/* What was found is the node's text: in quotes and on one line of the screen, so that it cannot look like another question. */
	char *question = xasprintf("“%.*s%s” %s the node %s.\nType the node's name to go on: ", FOUND_MAX, found,
				   strlen(found) > FOUND_MAX ? "…" : "", verb_of(found), node);
	bool asked = ask_name(question, target_names_node, node, why, sizeof why, err);
	free(question);
	return asked && (!why[0] || refuse(err, found, node, why));
}

bool guard_check_confirm(const char *confirm, const char *node, const char *environment, bool *confirmed,
			 struct error *err)
{
	*confirmed = confirm && target_names_node(confirm, node);
	if (!confirm || *confirmed || (environment && strcmp(confirm, environment) == 0))
		return true;
	error_set(err, ERROR_GUARD, "--confirm names %s, but this node is %s%s%s; nothing was evaluated", confirm, node,
		  environment ? " of the environment " : "", environment ? environment : "");
	return error_cure(err, "is this the right target? Its name is %s", node);
}

static bool refuse_environment(struct error *err, const char *environment, const char *target, const char *why)
{
	error_set(err, ERROR_GUARD, "%s belongs to %s, which wants to be confirmed: %s; nothing was evaluated", target,
		  environment, why);
	return error_cure(err, "if that is where you want to work: --confirm %s, or the node's name", environment);
}

static bool same_name(const char *answer, const char *name)
{
	return strcmp(answer, name) == 0;
}

bool guard_ask_environment(const char *environment, const char *target, bool may_ask, struct error *err)
{
	char why[256];

	if (!may_ask)
		return refuse_environment(err, environment, target, "refused without a terminal to confirm on");
	char *question = xasprintf("%s belongs to %s.\nType the environment's name to go on: ", target, environment);
	bool asked = ask_name(question, same_name, environment, why, sizeof why, err);
	free(question);
	return asked && (!why[0] || refuse_environment(err, environment, target, why));
}
