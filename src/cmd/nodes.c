/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_tokener.h>

#include "base/log.h"
#include "cmd/command.h"
#include "cmd/list.h"
#include "cmd/many.h"
#include "cmd/report.h"
#include "cmd/target_options.h"
#include "node/release.h"

/* One line of the list. */
struct row {
	char *host;
	char *node; /* in full where the node told it */
	uint16_t port;
	bool reachable;   /* something answered as a node */
	char release[32]; /* "" if not known */
	bool none;        /* it is no node: EPMD answers, and knows none; err tells why */
	struct error err; /* why not, or code ERROR_NONE */
};

struct rows {
	struct row *rows;
	size_t count;
};

static struct row *add_row(struct rows *rows, const char *host)
{
	rows->rows = xrealloc(rows->rows, (rows->count + 1) * sizeof *rows->rows);
	struct row *row = &rows->rows[rows->count++];
	*row = (struct row){ .host = xstrdup(host) };
	return row;
}

static void rows_clear(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->rows[i].host);
		free(rows->rows[i].node);
	}
	free(rows->rows);
}

/* The node answered up to the proof of the cookie: it is there. */
static bool is_there(const struct error *err)
{
	return err->code == ERROR_COOKIE_MISSING || err->code == ERROR_COOKIE_MISMATCH ||
	       err->code == ERROR_TLS_EXPECTED || err->code == ERROR_NOT_ALLOWED || err->code == ERROR_COOKIE_UNSAFE;
}

static bool look_at(struct connection *c, const struct epmd_node *node, struct row *row, struct error *err)
{
	struct link link;

	row->node = xstrdup(node->name);
	row->port = node->port;
	if (connect_link_listed(c, node, &link, &row->err)) {
		free(row->node);
		row->node = xstrdup(link.node);
		row->reachable = node_release(&link, row->release, sizeof row->release, &row->err);
		link_close(&link);
	} else {
		row->reachable = is_there(&row->err);
	}
	if (row->err.code == ERROR_INTERRUPTED) {
		*err = row->err;
		return false;
	}
	return true;
}

/* That there are none is an answer, not a failure. */
static bool note_none(struct connection *c, struct row *row, struct error *err)
{
	row->none = true;
	if (!connect_explain_none(c, &row->err)) {
		*err = row->err;
		return false;
	}
	log_notice("%s: %s (%s)", row->host, row->err.message, row->err.cure);
	return true;
}

/* All nodes of one host. */
static bool list_host(const struct command_options *options, const char *host, struct rows *rows, struct error *err)
{
	struct connection connection;
	struct target_options holds;
	struct epmd_names names;
	bool ok = false;

	if (!target_options_init(&holds, options, host, err))
		return false;
	const char *destination = holds.target.destination;
	if (holds.target.node) {
		error_set(err, ERROR_USAGE, "nodes takes hosts, not %s", host);
	} else if (connect_begin(&connection, &holds.connect, destination, NULL, true, err)) {
		if (connect_names(&connection, &names, err)) {
			ok = true;
			for (size_t i = 0; ok && i < names.count; i++)
				ok = look_at(&connection, &names.nodes[i], add_row(rows, destination), err);
			if (names.count == 0)
				ok = note_none(&connection, add_row(rows, destination), err);
			epmd_names_clear(&names);
		}
		connect_end(&connection, err);
	}
	target_options_clear(&holds);
	return ok;
}

static struct json_object *row_json(const struct row *row)
{
	struct json_object *object = json_object_new_object();

	report_add_text(object, "host", row->host);
	if (row->node) {
		report_add_text(object, "node", row->node);
		json_object_object_add(object, "port", json_object_new_int(row->port));
		json_object_object_add(object, "reachable", json_object_new_boolean(row->reachable));
	}
	if (!row->none)
		json_object_object_add(object, "otp", row->release[0] ? json_object_new_string(row->release) : NULL);
	if (row->err.code != ERROR_NONE)
		json_object_object_add(object, "error", report_error_json(&row->err));
	return object;
}

/* failure: NULL if all hosts could be listed. */
static bool show_json(const struct rows *rows, const struct error *failure, struct error *err)
{
	struct json_object *object = json_object_new_object(), *nodes = json_object_new_array();
	struct json_object *without = json_object_new_array();

	for (size_t i = 0; i < rows->count; i++)
		json_object_array_add(rows->rows[i].none ? without : nodes, row_json(&rows->rows[i]));
	json_object_object_add(object, "ok", json_object_new_boolean(!failure));
	json_object_object_add(object, "nodes", nodes);
	json_object_object_add(object, "without_nodes", without);
	if (failure)
		json_object_object_add(object, "error", report_error_json(failure));
	return report_json(object, err);
}

static bool show_table(const struct rows *rows, struct error *err)
{
	static const char *const heads[] = { "HOST", "NODE", "PORT", "REACHABLE", "OTP", "NOTE" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = 2 };

	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->rows[i];
		char port[8] = "";
		if (row->none)
			continue;
		if (row->node)
			snprintf(port, sizeof port, "%u", (unsigned)row->port);
		list_add(&list, row->host);
		list_add(&list, row->node);
		list_add(&list, port);
		list_add(&list, row->reachable ? "yes" : "no");
		list_add(&list, row->release);
		list_add(&list, row->err.code == ERROR_NONE ? "" : error_name(row->err.code));
	}
	return list_show(&list, err);
}

/* What one host's rows become, where each is in a process of its own. */
static bool work(void *context, const char *target, struct error *err)
{
	struct rows rows = { 0 };
	bool ok = list_host(context, target, &rows, err) && show_json(&rows, NULL, err);

	rows_clear(&rows);
	return ok;
}

static const char *member(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

static void take_row(struct rows *rows, struct json_object *object, bool none)
{
	struct row *row = add_row(rows, member(object, "host"));
	struct json_object *error = json_object_object_get(object, "error");
	const char *code = member(error, "code");

	row->none = none;
	if (json_object_object_get(object, "node"))
		row->node = xstrdup(member(object, "node"));
	row->port = (uint16_t)json_object_get_int(json_object_object_get(object, "port"));
	row->reachable = json_object_get_boolean(json_object_object_get(object, "reachable"));
	snprintf(row->release, sizeof row->release, "%s", member(object, "otp"));
	if (error) {
		error_set(&row->err, error_code_by_name(code, strlen(code)), "%s", member(error, "message"));
		error_cure(&row->err, "%s", member(error, "cure"));
	}
}

static void take_rows(struct rows *rows, struct many_host *h)
{
	static const char *const keys[] = { "nodes", "without_nodes" };
	struct json_object *object = NULL;

	if (h->outcome.code == ERROR_NONE)
		object = json_tokener_parse(buf_text(&h->out));
	if (!object)
		add_row(rows, h->target)->err = h->outcome;
	for (int i = 0; object && i < 2; i++) {
		struct json_object *array = json_object_object_get(object, keys[i]);
		for (size_t k = 0; k < json_object_array_length(array); k++)
			take_row(rows, json_object_array_get_idx(array, k), i == 1);
	}
	json_object_put(object);
}

static bool show_many(struct many *many, struct error *err)
{
	struct rows rows = { 0 };
	struct error failure;

	for (size_t i = 0; i < many->targets.list.count; i++)
		take_rows(&rows, &many->hosts[i]);
	bool failed = !many_outcome(many, &failure), ok;
	if (many->options->json)
		ok = show_json(&rows, failed ? &failure : NULL, err);
	else
		ok = show_table(&rows, err);
	rows_clear(&rows);
	return ok;
}

static bool list_one(const struct command_options *options, const char *target, struct error *err)
{
	struct rows rows = { 0 };
	bool ok = list_host(options, target, &rows, err);

	if (ok)
		ok = options->json ? show_json(&rows, NULL, err) : show_table(&rows, err);
	rows_clear(&rows);
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct many many;
	bool ok = many_init(&many, options, words, (size_t)count, false, err);

	many.show = MANY_KEPT;
	many.work = work;
	many.context = (void *)options;
	many.show_kept = show_many;
	many.tells_failures = options->json;
	if (ok && !many.targets.many)
		ok = list_one(options, many.targets.list.items[0], err);
	else
		ok = ok && many_run(&many, err);
	many_clear(&many);
	return ok;
}

const struct command command_nodes = {
	.name = "nodes",
	.arguments = "HOSTS…",
	.summary = "List a host's nodes: names, ports, reachable or not, OTP release",
	.description =
		"Asks EPMD on each host for its nodes, and each node for its OTP release if there is a cookie "
		"that it takes. A node is reachable if it "
		"answers as one; NOTE is the code name of what kept beamline from working on it. Where EPMD knows no "
		"node, or is not there, the host is asked which BEAMs run there and how they were started.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_MANY | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
