/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "cmd/target_options.h"

/* One key of the option table: what holds, and who said so. */
struct line {
	char key[SETTINGS_KEY_MAX];
	char value[4096]; /* "": nothing */
	char from[4096];
	const struct settings_value *said; /* in a file, or NULL */
};

static void put_duration(char *text, size_t size, int ms)
{
	if (ms % 60000 == 0)
		snprintf(text, size, "%dm", ms / 60000);
	else if (ms % 1000 == 0)
		snprintf(text, size, "%ds", ms / 1000);
	else
		snprintf(text, size, "%dms", ms);
}

static void put_value(const struct option *option, const struct command_options *options, char *text, size_t size)
{
	const void *at = (const char *)options + option->offset;
	const char *word;

	switch (option->kind) {
	case OPTION_FLAG:
		snprintf(text, size, "%s", *(const bool *)at ? "true" : "false");
		break;
	case OPTION_COUNT:
	case OPTION_PORT:
	case OPTION_NUMBER:
		snprintf(text, size, "%d", *(const int *)at);
		break;
	case OPTION_DURATION:
		put_duration(text, size, *(const int *)at);
		break;
	case OPTION_TEXT:
	case OPTION_CHOICE:
		word = *(const char *const *)at;
		snprintf(text, size, "%s", word ? word : "");
		break;
	case OPTION_LIST:
		break;
	}
}

/* Who says it, above the files. */
static bool said_above(const struct target_options *t, size_t i, char *from, size_t size)
{
	const struct option *option = &command_option_table[i];
	bool elixir = strcmp(option->name, "language") == 0 && t->typed->elixir;

	if (t->typed->given[i] || elixir)
		snprintf(from, size, "--%s", elixir ? "elixir" : option->name);
	else if (strcmp(option->name, "cookie-file") == 0 && target_options_environment_cookie(t->typed))
		snprintf(from, size, "BEAMLINE_COOKIE_FILE");
	else
		return false;
	return true;
}

/* False: another source of the cookie has taken its place. */
static bool look_up(const struct target_options *t, const char *node, size_t i, bool cookie_named, struct line *line)
{
	const struct option *option = &command_option_table[i];
	bool one_of = option->keys & OPTION_ONE_OF;

	*line = (struct line){ 0 };
	settings_key(option, line->key);
	put_value(option, &t->options, line->value, sizeof line->value);
	if (said_above(t, i, line->from, sizeof line->from))
		return true;
	/* What the files say counts only where nothing above them has taken its place. */
	if (!one_of || line->value[0])
		line->said = settings_find(t->typed->settings, option, t->host, node);
	if (line->said) {
		snprintf(line->from, sizeof line->from, "%s:%u", line->said->file, line->said->line);
		return true;
	}
	snprintf(line->value, sizeof line->value, "%s", option->builtin ? option->builtin : "");
	snprintf(line->from, sizeof line->from, "%s", option->builtin ? "built in" : "");
	return !one_of || (!cookie_named && option->builtin);
}

static bool names_cookie(const struct command_options *options)
{
	return options->cookie_file || options->cookie_command || options->remote_cookie_file ||
	       options->remote_cookie_command;
}

static struct json_object *line_json(const struct line *line)
{
	struct json_object *object = json_object_new_object();

	report_add_text(object, "key", line->key);
	if (line->value[0])
		report_add_text(object, "value", line->value);
	if (line->from[0])
		report_add_text(object, "from", line->from);
	if (line->said) {
		report_add_text(object, "file", line->said->file);
		json_object_object_add(object, "line", json_object_new_int((int)line->said->line));
	}
	return object;
}

static bool show_json(const struct command_options *options, const char *target, struct json_object *settings,
		      struct error *err)
{
	struct json_object *object = json_object_new_object(), *files = json_object_new_array();

	for (size_t i = 0; i < options->settings->files.count; i++)
		json_object_array_add(files, report_text_json(options->settings->files.items[i],
							      strlen(options->settings->files.items[i])));
	json_object_object_add(object, "ok", json_object_new_boolean(true));
	report_add_text(object, "target", target);
	json_object_object_add(object, "files", files);
	json_object_object_add(object, "settings", settings);
	return report_json(object, err);
}

static bool show(const struct target_options *t, const char *target, const char *node, struct error *err)
{
	static const char *const heads[] = { "KEY", "VALUE", "FROM" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = -1 };
	struct json_object *settings = json_object_new_array();
	bool cookie_named = names_cookie(&t->options);
	struct line line, cookie = { .key = "cookie", .value = "(hidden)" };

	for (size_t i = 0; i <= command_option_count; i++) {
		bool last = i == command_option_count;
		if (!last && (!command_option_table[i].keys || !look_up(t, node, i, cookie_named, &line)))
			continue;
		/* The source that is in force; the cookie itself is not looked for, and never shown. */
		if (!last && command_option_table[i].keys & OPTION_ONE_OF)
			snprintf(cookie.from, sizeof cookie.from, "%s", line.key);
		const struct line *shown = last ? &cookie : &line;
		json_object_array_add(settings, line_json(shown));
		list_add(&list, shown->key);
		list_add(&list, shown->value);
		list_add(&list, shown->from);
	}
	if (!t->options.json) {
		json_object_put(settings);
		return list_show(&list, err);
	}
	list_clear(&list);
	return show_json(t->typed, target, settings, err);
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct target_options holds;

	(void)count;
	if (!target_options_init(&holds, options, words[0], err))
		return false;
	const char *node = holds.target.node;
	char *before_at = node ? xstrndup(node, strcspn(node, "@")) : NULL;
	if (options->settings->files.count == 0)
		log_notice("no configuration file is read");
	bool ok = show(&holds, words[0], before_at, err);
	free(before_at);
	target_options_clear(&holds);
	return ok;
}

const struct command command_config = {
	.name = "config",
	.arguments = "TARGET",
	.summary = "Show what holds for a target, and who says so",
	.description =
		"Shows every key of beamline.conf(5) with its value for TARGET and where that was said: an option, the "
		"environment, a file and line, or nobody (built in). Options of other commands may be given, to see "
		"what "
		"they would change. The cookie is named by its source and never shown; nothing is connected to. An "
		"error "
		"in a configuration file is told with its line.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_EVALUATE | GROUP_JSON,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
