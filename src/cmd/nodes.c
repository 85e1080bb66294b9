/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/command.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "cmd/several.h"
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

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct several several = { .options = options, .count = count };
	struct rows rows = { 0 };
	struct error shown;

	for (int i = 0; i < count; i++) {
		struct error failure = { 0 };
		if (list_host(options, words[i], &rows, &failure))
			continue;
		if (!several_failed(&several, words[i], &failure, err))
			break;
		add_row(&rows, words[i])->err = failure;
	}
	bool ok = several_end(&several, err), written = true;
	if (options->json && (ok || count > 1))
		written = show_json(&rows, ok ? NULL : err, &shown);
	else if (!options->json)
		written = show_table(&rows, &shown);
	rows_clear(&rows);
	if (!written && ok)
		*err = shown;
	err->shown = !ok && options->json && count > 1;
	return ok && written;
}

const struct command command_nodes = {
	.name = "nodes",
	.arguments = "HOST…",
	.summary = "List a host's nodes: names, ports, reachable or not, OTP release",
	.description =
		"Asks EPMD on each host for its nodes, and each node for its OTP release if there is a cookie "
		"that it takes. A node is reachable if it "
		"answers as one; NOTE is the code name of what kept beamline from working on it. Where EPMD knows no "
		"node, or is not there, the host is asked which BEAMs run there and how they were started.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
