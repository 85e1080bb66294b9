/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "base/log.h"
#include "base/output.h"
#include "base/terminal.h"
#include "cmd/command.h"
#include "cmd/report.h"
#include "node/release.h"
#include "node/target.h"

/* One line of the list. */
struct row {
	char *host;
	char *node; /* in full where the node told it */
	uint16_t port;
	bool reachable;   /* something answered as a node */
	char release[32]; /* "" if not known */
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
	if (connect_link_port(c, node->port, &link, &row->err)) {
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

/* All nodes of one host. */
static bool list_host(const struct connect_options *options, const char *host, struct rows *rows, struct error *err)
{
	struct connection connection;
	struct epmd_names names;
	bool ok = false;

	if (!connect_begin(&connection, options, host, NULL, true, err))
		return false;
	if (connect_names(&connection, &names, err)) {
		ok = true;
		for (size_t i = 0; ok && i < names.count; i++)
			ok = look_at(&connection, &names.nodes[i], add_row(rows, host), err);
		if (names.count == 0)
			log_notice("%s: EPMD knows no node", host);
		epmd_names_clear(&names);
	}
	connect_end(&connection);
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
	json_object_object_add(object, "otp", row->release[0] ? json_object_new_string(row->release) : NULL);
	if (row->err.code != ERROR_NONE)
		json_object_object_add(object, "error", report_error_json(&row->err));
	return object;
}

/* failure: NULL if all hosts could be listed. */
static bool show_json(const struct rows *rows, const struct error *failure, struct error *err)
{
	struct json_object *object = json_object_new_object(), *nodes = json_object_new_array();

	for (size_t i = 0; i < rows->count; i++)
		json_object_array_add(nodes, row_json(&rows->rows[i]));
	json_object_object_add(object, "ok", json_object_new_boolean(!failure));
	json_object_object_add(object, "nodes", nodes);
	if (failure)
		json_object_object_add(object, "error", report_error_json(failure));
	return report_json(object, err);
}

static void fill_line(struct libscols_line *line, const struct row *row)
{
	char port[8];
	const char *note = row->err.code == ERROR_NONE ? "" : error_name(row->err.code);

	snprintf(port, sizeof port, "%u", (unsigned)row->port);
	scols_line_set_data(line, 0, row->host);
	scols_line_set_data(line, 1, row->node ? row->node : "-");
	scols_line_set_data(line, 2, row->node ? port : "-");
	scols_line_set_data(line, 3, row->reachable ? "yes" : "no");
	scols_line_set_data(line, 4, row->release[0] ? row->release : "-");
	scols_line_set_data(line, 5, note);
}

static char *table_text(const struct rows *rows)
{
	static const char *const heads[] = { "HOST", "NODE", "PORT", "REACHABLE", "OTP", "NOTE" };
	struct libscols_table *table = scols_new_table();
	char *text = NULL;

	if (!table)
		return NULL;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		scols_table_new_column(table, heads[i], 0, i == 2 ? SCOLS_FL_RIGHT : 0);
	for (size_t i = 0; i < rows->count; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		if (line)
			fill_line(line, &rows->rows[i]);
	}
	scols_table_enable_maxout(table, 0);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	if (scols_print_table_to_string(table, &text) != 0)
		text = NULL;
	scols_unref_table(table);
	return text;
}

static bool show_table(const struct rows *rows, struct error *err)
{
	struct output out;

	if (rows->count == 0)
		return true;
	char *text = table_text(rows);
	if (!text)
		return error_set(err, ERROR_NO_RESOURCES, "the table cannot be made");
	output_init(&out, STDOUT_FILENO, "standard output", strlen(text) + 2);
	output_put(&out, text, strlen(text));
	output_put(&out, "\n", 1);
	bool ok = output_flush(&out, err);
	output_clear(&out);
	free(text);
	return ok;
}

/* With one host its failure is the command's; with several, the others are still listed and the status is 2. */
static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	const struct connect_options connect = command_connect_options(options);
	struct rows rows = { 0 };
	struct error shown;
	int bad = 0;

	for (int i = 0; i < count; i++) {
		struct target target;
		struct error failure = { 0 };
		bool ok = target_parse(words[i], &target, &failure);
		if (ok && target.node)
			ok = error_set(&failure, ERROR_USAGE, "nodes takes hosts, not %s", words[i]);
		ok = ok && list_host(&connect, target.destination, &rows, &failure);
		target_clear(&target);
		if (ok)
			continue;
		*err = failure;
		bad++;
		if (count == 1 || failure.code == ERROR_INTERRUPTED)
			break;
		add_row(&rows, words[i])->err = failure;
		if (!options->json) {
			if (strncmp(failure.message, words[i], strlen(words[i])) != 0)
				error_prefix(&failure, "%s", words[i]);
			report_error(options, &failure);
		}
	}
	if (bad > 0 && count > 1 && err->code != ERROR_INTERRUPTED)
		error_set(err, ERROR_SOME_FAILED, "%d of %d hosts failed", bad, count);
	bool written = true;
	if (options->json && !(bad && count == 1))
		written = show_json(&rows, bad ? err : NULL, &shown);
	else if (!options->json)
		written = show_table(&rows, &shown);
	rows_clear(&rows);
	if (!written && bad == 0)
		*err = shown;
	err->shown = bad > 0 && options->json && count > 1;
	return bad == 0 && written;
}

const struct command command_nodes = {
	.name = "nodes",
	.arguments = "HOST…",
	.summary = "List a host's nodes: names, ports, reachable or not, OTP release",
	.description = "Asks EPMD on each host for its nodes, and each node for its OTP release if there is a cookie "
		       "that it takes. A node is reachable if it "
		       "answers as one; NOTE is the code name of what kept beamline from working on it.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
