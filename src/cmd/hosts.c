/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/command.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "config/names.h"
#include "config/pattern.h"

enum { CELL_MAX = 64 * 1024 };

/* What is shown: the names that the pattern leaves. */
struct view {
	const struct settings *settings;
	const char *pattern; /* NULL: everything */
	struct settings_list hosts;
};

static bool wants_host(const struct view *view, const char *host)
{
	const struct settings_group *group;

	if (!view->pattern)
		return true;
	if (view->pattern[0] != '@')
		return pattern_fits(view->pattern, host);
	group = settings_group(view->settings, view->pattern + 1);
	return group && settings_match(view->settings, &group->members, host);
}

static bool wants_group(const struct view *view, const struct settings_group *group)
{
	/* The same name in the machine's file does not count. */
	if (settings_group(view->settings, group->name) != group)
		return false;
	return !view->pattern || (view->pattern[0] == '@' && strcmp(view->pattern + 1, group->name) == 0);
}

static const char *environment_of(const struct view *view, const char *host)
{
	for (size_t i = 0; i < command_option_count; i++) {
		if (strcmp(command_option_table[i].name, "environment") != 0)
			continue;
		const struct settings_value *value =
			settings_find(view->settings, &command_option_table[i], host, NULL);
		return value ? value->text : NULL;
	}
	return NULL;
}

static bool is_in(const struct view *view, const struct settings_group *group, const char *host)
{
	return settings_group(view->settings, group->name) == group &&
	       settings_match(view->settings, &group->members, host);
}

static void add_host_row(const struct view *view, const char *host, struct list *list)
{
	struct buf groups;

	buf_init(&groups, CELL_MAX);
	for (size_t i = 0; i < view->settings->group_count; i++) {
		const struct settings_group *group = &view->settings->groups[i];
		if (is_in(view, group, host))
			buf_printf(&groups, "%s@%s", groups.len ? " " : "", group->name);
	}
	list_add(list, host);
	list_add(list, environment_of(view, host));
	list_add(list, buf_text(&groups));
	list_add(list, "");
	buf_clear(&groups);
}

static void add_group_row(const struct settings_group *group, struct list *list)
{
	char *name = xasprintf("@%s", group->name);
	struct buf members;

	buf_init(&members, CELL_MAX);
	for (size_t i = 0; i < group->members.count; i++)
		buf_printf(&members, "%s%s", i ? " " : "", group->members.items[i]);
	list_add(list, name);
	list_add(list, NULL);
	list_add(list, NULL);
	list_add(list, buf_text(&members));
	buf_clear(&members);
	free(name);
}

static bool show_table(const struct view *view, struct error *err)
{
	static const char *const heads[] = { "NAME", "ENVIRONMENT", "GROUPS", "MEMBERS" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = -1 };

	for (size_t i = 0; i < view->hosts.count; i++) {
		if (wants_host(view, view->hosts.items[i]))
			add_host_row(view, view->hosts.items[i], &list);
	}
	for (size_t i = 0; i < view->settings->group_count; i++) {
		if (wants_group(view, &view->settings->groups[i]))
			add_group_row(&view->settings->groups[i], &list);
	}
	return list_show(&list, err);
}

static struct json_object *host_json(const struct view *view, const char *host)
{
	struct json_object *object = json_object_new_object(), *groups = json_object_new_array();
	const char *environment = environment_of(view, host);

	for (size_t i = 0; i < view->settings->group_count; i++) {
		if (is_in(view, &view->settings->groups[i], host))
			json_object_array_add(groups, json_object_new_string(view->settings->groups[i].name));
	}
	report_add_text(object, "host", host);
	if (environment)
		report_add_text(object, "environment", environment);
	json_object_object_add(object, "groups", groups);
	return object;
}

static struct json_object *group_json(const struct view *view, const struct settings_group *group)
{
	struct json_object *object = json_object_new_object(), *members = json_object_new_array(),
			   *hosts = json_object_new_array();

	for (size_t i = 0; i < group->members.count; i++)
		json_object_array_add(members, json_object_new_string(group->members.items[i]));
	for (size_t i = 0; i < view->hosts.count; i++) {
		if (is_in(view, group, view->hosts.items[i]))
			json_object_array_add(hosts, json_object_new_string(view->hosts.items[i]));
	}
	report_add_text(object, "group", group->name);
	json_object_object_add(object, "members", members);
	json_object_object_add(object, "hosts", hosts);
	return object;
}

static bool show_json(const struct view *view, struct error *err)
{
	struct json_object *object = json_object_new_object(), *hosts = json_object_new_array(),
			   *groups = json_object_new_array();

	for (size_t i = 0; i < view->hosts.count; i++) {
		if (wants_host(view, view->hosts.items[i]))
			json_object_array_add(hosts, host_json(view, view->hosts.items[i]));
	}
	for (size_t i = 0; i < view->settings->group_count; i++) {
		if (wants_group(view, &view->settings->groups[i]))
			json_object_array_add(groups, group_json(view, &view->settings->groups[i]));
	}
	json_object_object_add(object, "ok", json_object_new_boolean(true));
	json_object_object_add(object, "hosts", hosts);
	json_object_object_add(object, "groups", groups);
	return report_json(object, err);
}

/* HOST: asks for the nodes of HOST that the configuration names. */
static void put_nodes(const struct view *view, struct output *out)
{
	char *host = xstrndup(view->pattern, strlen(view->pattern) - 1);
	const char *at = strrchr(host, '@');
	struct settings_list nodes = { 0 };

	names_nodes(view->settings, at ? at + 1 : host, &nodes);
	for (size_t i = 0; i < nodes.count; i++)
		output_printf(out, "%s:%s\n", host, nodes.items[i]);
	settings_list_clear(&nodes);
	free(host);
}

static bool show_names(const struct view *view, struct error *err)
{
	struct output out;

	output_init(&out, STDOUT_FILENO, "standard output", 64 * 1024 * 1024);
	if (view->pattern && *view->pattern && view->pattern[strlen(view->pattern) - 1] == ':') {
		put_nodes(view, &out);
	} else {
		for (size_t i = 0; i < view->hosts.count; i++) {
			if (wants_host(view, view->hosts.items[i]))
				output_printf(&out, "%s\n", view->hosts.items[i]);
		}
		for (size_t i = 0; i < view->settings->group_count; i++) {
			if (wants_group(view, &view->settings->groups[i]))
				output_printf(&out, "@%s\n", view->settings->groups[i].name);
		}
	}
	bool ok = output_flush(&out, err);
	output_clear(&out);
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct view view = { .settings = options->settings, .pattern = count ? words[0] : NULL };
	bool ok;

	if (view.pattern && view.pattern[0] == '@' && !options->names &&
	    !settings_group(options->settings, view.pattern + 1)) {
		error_set(err, ERROR_USAGE, "there is no group “%s”", view.pattern + 1);
		return error_cure(err, "beamline hosts lists all");
	}
	names_hosts(options->settings, options->ssh_config, &view.hosts);
	if (options->names)
		ok = show_names(&view, err);
	else
		ok = options->json ? show_json(&view, err) : show_table(&view, err);
	settings_list_clear(&view.hosts);
	return ok;
}

const struct command command_hosts = {
	.name = "hosts",
	.arguments = "[PATTERN]",
	.summary = "List the hosts that ssh_config and the configuration name, and the groups",
	.description =
		"Shows each host that has a Host line without wildcards in ssh_config (its Includes too) or a name in "
		"beamline.conf(5), with its environment and groups; then the groups with their members. PATTERN is a "
		"name, in which * and ? are wildcards, or @GROUP. Nothing is connected to.",
	.groups = GROUP_ALL | GROUP_HOSTS | GROUP_JSON,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
