/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "node/connect.h"
#include "ssh/kept.h"

enum { PATIENCE_MS = 1000 };

/* "45s", "12m", "3h20m", "2d4h" */
static void put_time(char *text, size_t size, int64_t seconds)
{
	int64_t minutes = seconds / 60, hours = minutes / 60;

	if (seconds < 100)
		snprintf(text, size, "%llds", (long long)(seconds > 0 ? seconds : 0));
	else if (minutes < 100)
		snprintf(text, size, "%lldm", (long long)minutes);
	else if (hours < 48)
		snprintf(text, size, "%lldh%02lldm", (long long)hours, (long long)minutes % 60);
	else
		snprintf(text, size, "%lldd%lldh", (long long)hours / 24, (long long)hours % 24);
}

static void add_row(struct list *list, const char *path, const struct tunnel_status *s)
{
	char text[600];

	list_add(list, s->destination);
	snprintf(text, sizeof text, "%s@%s:%u", s->info.user, s->info.hostname, (unsigned)s->info.port);
	list_add(list, text);
	snprintf(text, sizeof text, "%lld", (long long)s->pid);
	list_add(list, text);
	put_time(text, sizeof text, time(NULL) - s->opened_s);
	list_add(list, text);
	snprintf(text, sizeof text, "%lld", (long long)s->clients);
	list_add(list, text);
	put_time(text, sizeof text, (s->persist_ms - s->idle_ms) / 1000);
	list_add(list, s->clients > 0 ? "in use" : text);
	list_add(list, path);
}

static struct json_object *notes_json(const struct tunnel_notes *notes)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < notes->count; i++) {
		struct connect_note note;
		if (!connect_read_note(&notes->notes[i], &note))
			continue;
		struct json_object *node = json_object_new_object();
		report_add_text(node, "node", note.node);
		json_object_object_add(node, "epmd_port", json_object_new_int(note.epmd_port));
		json_object_object_add(node, "port", json_object_new_int(note.port));
		json_object_array_add(array, node);
	}
	return array;
}

static struct json_object *row_json(const char *path, const struct tunnel_status *s)
{
	struct json_object *row = json_object_new_object();

	report_add_text(row, "host", s->destination);
	report_add_text(row, "user", s->info.user);
	report_add_text(row, "hostname", s->info.hostname);
	json_object_object_add(row, "port", json_object_new_int(s->info.port));
	json_object_object_add(row, "pid", json_object_new_int64(s->pid));
	json_object_object_add(row, "opened", json_object_new_int64(s->opened_s));
	json_object_object_add(row, "idle_ms", json_object_new_int64(s->idle_ms));
	json_object_object_add(row, "persist_ms", json_object_new_int64(s->persist_ms));
	json_object_object_add(row, "clients", json_object_new_int64(s->clients));
	json_object_object_add(row, "nodes", notes_json(&s->notes));
	report_add_text(row, "socket", path);
	return row;
}

/* One that does not answer is connecting, or ends just now. */
static bool look(char **paths, struct list *list, struct json_object *rows, struct error *err)
{
	for (size_t i = 0; paths[i]; i++) {
		struct tunnel_status status;
		struct error failure;
		if (tunnel_ask_status(paths[i], clock_ms() + PATIENCE_MS, &status, &failure)) {
			add_row(list, paths[i], &status);
			json_object_array_add(rows, row_json(paths[i], &status));
		} else if (failure.code == ERROR_INTERRUPTED) {
			*err = failure;
			return false;
		} else {
			kept_sweep(paths[i]);
		}
	}
	return true;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	static const char *const heads[] = { "HOST", "CONNECTED TO", "PID", "SINCE", "USERS", "ENDS IN", "SOCKET" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = -1 };
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	char **paths = kept_list();

	(void)words;
	(void)count;
	bool ok = look(paths, &list, rows, err);
	kept_list_free(paths);
	json_object_object_add(answer, "ok", json_object_new_boolean(true));
	json_object_object_add(answer, "connections", rows);
	if (ok && options->json) {
		list_clear(&list);
		return report_json(answer, err);
	}
	json_object_put(answer);
	if (ok)
		return list_show(&list, err);
	list_clear(&list);
	return false;
}

const struct command command_status = {
	.name = "status",
	.arguments = "",
	.summary = "List the SSH connections that stay",
	.description = "Shows where each leads, the process that holds it, since when, how many streams go through it "
		       "now, when it "
		       "will end if nobody uses it, and its socket, which speaks OpenSSH's multiplexing protocol: ssh "
		       "-S SOCKET HOST "
		       "uses it too. --json tells also where nodes were found behind it.",
	.groups = GROUP_ALL | GROUP_JSON,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
