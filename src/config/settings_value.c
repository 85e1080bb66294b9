/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One key with its value: is it known, may it stand there, is its value of the kind that the option table says? */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/host.h"
#include "config/pattern.h"
#include "config/settings_private.h"

enum { NAMES_MAX = 128, TEXT_MAX = 4096 };

const char *settings_key(const struct option *option, char room[SETTINGS_KEY_MAX])
{
	size_t i;

	for (i = 0; option->name[i] && i < SETTINGS_KEY_MAX - 1; i++)
		room[i] = option->name[i] == '-' ? '_' : option->name[i];
	room[i] = '\0';
	return room;
}

static const char *kind_name(const config_setting_t *setting)
{
	switch (setting->type) {
	case CONFIG_TYPE_GROUP:
		return "a block";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
	case CONFIG_TYPE_FLOAT:
		return "a number";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(setting) ? "true" : "false";
	default:
		return "a list";
	}
}

static bool has_controls(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

/* What was written, where it is short enough to be told; else its kind. */
static const char *shown(const config_setting_t *setting, char *room, size_t size)
{
	if (setting->type == CONFIG_TYPE_INT)
		snprintf(room, size, "%d", config_setting_get_int(setting));
	else if (setting->type == CONFIG_TYPE_FLOAT)
		snprintf(room, size, "a number with a point");
	else if (setting->type == CONFIG_TYPE_STRING && strlen(config_setting_get_string(setting)) < 64 &&
		 !has_controls(config_setting_get_string(setting)))
		snprintf(room, size, "“%s”", config_setting_get_string(setting));
	else
		snprintf(room, size, "%s", kind_name(setting));
	return room;
}

static bool refuse(const struct settings_source *source, const config_setting_t *member, const char *wanted,
		   struct error *err)
{
	char room[128];

	return settings_wrong(source->file, config_setting_source_line(member), err, "%s takes %s, not %s",
			      config_setting_name(member), wanted, shown(member, room, sizeof room));
}

/* A FILE of this machine: ~ is the home, and what is relative lies beside the configuration file. */
static char *local_path(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
		return xasprintf("%s%s", host_home(), path + 1);
	if (path[0] == '/' || !slash)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - file), file, path);
}

static bool take_text(const struct settings_source *source, const config_setting_t *member,
		      struct settings_value *value, struct error *err)
{
	const char *text = member->type == CONFIG_TYPE_STRING ? config_setting_get_string(member) : NULL;

	if (!text)
		return refuse(source, member, "a text in quotes", err);
	if (!*text || strlen(text) > TEXT_MAX || has_controls(text))
		return settings_wrong(source->file, config_setting_source_line(member), err, "the text of %s %s",
				      config_setting_name(member),
				      !*text               ? "is empty"
				      : has_controls(text) ? "has control characters, or several lines"
							   : "is too long");
	value->text = strcmp(value->option->argument, "FILE") == 0 ? local_path(source->file, text) : xstrdup(text);
	return true;
}

/* “red, green or blue” of "red|green|blue", and the words themselves; returns how many there are. */
static size_t split_choices(char *words, const char **names, char *list, size_t size)
{
	size_t count = 0, used = 0;

	for (char *word = words; word && count < NAMES_MAX; count++) {
		char *next = strchr(word, '|');
		if (next)
			*next++ = '\0';
		int n = snprintf(list + used, size - used, "%s%s", count == 0 ? "" : next ? ", " : " or ", word);
		used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
		names[count] = word;
		word = next;
	}
	return count;
}

static bool take_choice(const struct settings_source *source, const config_setting_t *member,
			struct settings_value *value, struct error *err)
{
	const char *text = member->type == CONFIG_TYPE_STRING ? config_setting_get_string(member) : "";
	const char *names[NAMES_MAX];
	char list[512] = "";

	if (options_is_choice(value->option, text)) {
		value->text = xstrdup(text);
		return true;
	}
	char *words = xstrdup(value->option->argument);
	size_t count = split_choices(words, names, list, sizeof list);
	const char *nearest = options_nearest(text, names, count);
	refuse(source, member, list, err);
	if (nearest)
		error_cure(err, "did you mean \"%s\"?", nearest);
	free(words);
	return false;
}

static bool take_duration(const struct settings_source *source, const config_setting_t *member,
			  struct settings_value *value, struct error *err)
{
	char seconds[32];
	const char *text = member->type == CONFIG_TYPE_STRING ? config_setting_get_string(member) : seconds;

	snprintf(seconds, sizeof seconds, "%d", member->type == CONFIG_TYPE_INT ? config_setting_get_int(member) : 0);
	if (options_parse_duration(text, &value->number))
		return true;
	refuse(source, member, "a time", err);
	return error_cure(err, "a time is such as \"500ms\", \"5s\", \"2m\"; a number is seconds");
}

static bool take(const struct settings_source *source, const config_setting_t *member, struct settings_value *value,
		 struct error *err)
{
	switch (value->option->kind) {
	case OPTION_FLAG:
		if (member->type != CONFIG_TYPE_BOOL)
			return refuse(source, member, "true or false", err);
		value->flag = config_setting_get_bool(member);
		return true;
	case OPTION_PORT:
		value->number = member->type == CONFIG_TYPE_INT ? config_setting_get_int(member) : 0;
		if (value->number < 1 || value->number > 65535)
			return refuse(source, member, "a port (1 to 65535)", err);
		return true;
	case OPTION_NUMBER:
		value->number = member->type == CONFIG_TYPE_INT ? config_setting_get_int(member) : 0;
		if (value->number < 1 || value->number > OPTION_NUMBER_MAX)
			return refuse(source, member, "a number (1 to 10000)", err);
		return true;
	case OPTION_DURATION:
		return take_duration(source, member, value, err);
	case OPTION_CHOICE:
		return take_choice(source, member, value, err);
	case OPTION_TEXT:
		return take_text(source, member, value, err);
	case OPTION_COUNT:
	case OPTION_LIST:
		break;
	}
	return error_set(err, ERROR_INTERNAL, "option --%s cannot be a key", value->option->name);
}

static const struct option *find_key(const struct settings *settings, const char *name)
{
	char room[SETTINGS_KEY_MAX];

	for (size_t i = 0; i < settings->table_count; i++) {
		if (settings->table[i].keys && strcmp(settings_key(&settings->table[i], room), name) == 0)
			return &settings->table[i];
	}
	return NULL;
}

static bool unknown_key(const struct settings_source *source, const config_setting_t *member, unsigned level,
			struct error *err)
{
	const struct settings *settings = source->settings;
	char rooms[NAMES_MAX][SETTINGS_KEY_MAX];
	const char *names[NAMES_MAX + 2];
	size_t count = 0;

	for (size_t i = 0; i < settings->table_count && count < NAMES_MAX; i++) {
		if (settings->table[i].keys & level) {
			names[count] = settings_key(&settings->table[i], rooms[count]);
			count++;
		}
	}
	if (level != OPTION_IN_DEFAULTS)
		names[count++] = "match";
	if (level == OPTION_IN_HOST)
		names[count++] = "nodes";
	settings_wrong(source->file, config_setting_source_line(member), err, "there is no key “%s”",
		       config_setting_name(member));
	return settings_advise(err, config_setting_name(member), names, count, "the keys here are");
}

static bool misplaced_key(const struct settings_source *source, const config_setting_t *member, unsigned keys,
			  unsigned level, struct error *err)
{
	settings_wrong(source->file, config_setting_source_line(member), err, "%s cannot stand %s",
		       config_setting_name(member),
		       level == OPTION_IN_DEFAULTS ? "among the defaults"
		       : level == OPTION_IN_HOST   ? "in a host's block"
						   : "in a node's block");
	return error_cure(
		err, "it may stand in%s%s%s", keys & OPTION_IN_DEFAULTS ? " the defaults" : "",
		keys & OPTION_IN_HOST ? (keys & OPTION_IN_DEFAULTS ? " and a host's block" : " a host's block") : "",
		keys & OPTION_IN_NODE ? (keys & OPTION_IN_HOST ? " and a node's block" : " a node's block") : "");
}

bool settings_read_value(const struct settings_source *source, const config_setting_t *member, unsigned level,
			 struct settings_block *block, struct error *err)
{
	const struct option *option = find_key(source->settings, config_setting_name(member));
	struct settings_value value = { .option = option,
					.file = source->file,
					.line = config_setting_source_line(member) };
	char room[SETTINGS_KEY_MAX];

	if (!option)
		return unknown_key(source, member, level, err);
	if (!(option->keys & level))
		return misplaced_key(source, member, option->keys, level, err);
	for (size_t i = 0; i < block->count; i++) {
		if (!(option->keys & block->values[i].option->keys & OPTION_ONE_OF))
			continue;
		settings_wrong(source->file, value.line, err, "%s stands in a block that has %s (line %u) already",
			       config_setting_name(member), settings_key(block->values[i].option, room),
			       block->values[i].line);
		return error_cure(err, "one block names one source of the cookie");
	}
	if (!take(source, member, &value, err))
		return false;
	block->values = xrealloc(block->values, (block->count + 1) * sizeof *block->values);
	block->values[block->count++] = value;
	return true;
}

/* NULL: it is a pattern. Otherwise what is wrong with it, and *cure. */
static const char *pattern_fault(const char *text, bool of_nodes, const char **cure)
{
	const char *rest = text[0] == '!' ? text + 1 : text;
	const char *colon = strchr(rest, ':');

	*cure = "a pattern is a name in which * is any characters and ? is one; a ! before it makes an exception";
	if (!*rest || strlen(text) >= SETTINGS_WORD_MAX || has_controls(text) || strpbrk(rest, " ,"))
		return strpbrk(rest, " ,") ? "holds several names in one text" : "is no pattern";
	if (rest[0] == '@' && !of_nodes)
		return rest[1] && !strpbrk(rest + 1, "@*?!") ? NULL : "is no group";
	if (strpbrk(rest, "[]{}"))
		return "has brackets, which are no wildcards here";
	if (strchr(rest, '@')) {
		*cure = of_nodes ? "the part before the @ is enough: the host has a pattern of its own"
				 : "hosts are meant without user@";
		return of_nodes ? "has more than the part of a node's name before its @" : "has a user in it";
	}
	if (colon && (of_nodes || !strchr(colon + 1, ':'))) {
		*cure = "nodes have blocks of their own: nodes = ( { match = \"shop\"; … } )";
		return "has a colon";
	}
	if (!pattern_is_plain(rest) || rest[0] == '-')
		return "is no pattern";
	return strchr(rest, '!') ? "has a ! that does not stand first" : NULL;
}

/*
 * libconfig reads on behind a text before it notes the line, for another text to be joined with it: the line where the text stands is
 * looked for from its list's on.
 */
static unsigned line_of(const struct settings_source *source, const config_setting_t *setting,
			const config_setting_t *list)
{
	unsigned noted = config_setting_source_line(setting), found = noted;
	char *quoted = xasprintf("\"%s\"", config_setting_get_string(setting));
	const char *text = source->text;

	for (unsigned line = 1; line <= noted; line++) {
		size_t len = strcspn(text, "\n");
		char *this_line = xstrndup(text, len);
		if (line >= config_setting_source_line(list) && strstr(this_line, quoted))
			found = line;
		free(this_line);
		text += len + (text[len] == '\n');
	}
	free(quoted);
	return found;
}

static bool add_pattern(const struct settings_source *source, const config_setting_t *setting,
			const config_setting_t *member, bool of_nodes, struct settings_list *list, struct error *err)
{
	const char *name = config_setting_name(member), *cure;

	if (setting->type != CONFIG_TYPE_STRING)
		return settings_wrong(source->file, config_setting_source_line(setting), err,
				      "%s%s takes a text or a list of texts, not %s",
				      strcmp(name, "match") == 0 ? "" : "group ", name, kind_name(setting));
	const char *text = config_setting_get_string(setting);
	const char *fault = pattern_fault(text, of_nodes, &cure);
	if (fault) {
		settings_wrong(source->file,
			       setting == member ? config_setting_source_line(member)
						 : line_of(source, setting, member),
			       err, "“%.200s” %s", text, fault);
		return error_cure(err, "%s", cure);
	}
	settings_list_add(list, text);
	return true;
}

bool settings_read_patterns(const struct settings_source *source, const config_setting_t *member, bool of_nodes,
			    struct settings_list *list, struct error *err)
{
	const char *key = config_setting_name(member);
	bool several = member->type == CONFIG_TYPE_ARRAY || member->type == CONFIG_TYPE_LIST, some = false;

	for (int i = 0; several && i < config_setting_length(member); i++) {
		if (!add_pattern(source, config_setting_get_elem(member, (unsigned)i), member, of_nodes, list, err))
			return false;
	}
	if (!several && !add_pattern(source, member, member, of_nodes, list, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		some = some || list->items[i][0] != '!';
	if (some)
		return true;
	settings_wrong(source->file, config_setting_source_line(member), err, "%s%s %s",
		       strcmp(key, "match") == 0 ? "" : "group ", key,
		       list->count ? "has exceptions only, and so means nothing" : "is empty");
	return error_cure(err, "name what it is for: %s = [ \"web-*\", \"!web-9\" ]", key);
}
