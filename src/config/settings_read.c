/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file: libconfig's tree becomes blocks and groups. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/settings_private.h"

bool settings_wrong(const char *file, unsigned line, struct error *err, const char *fmt, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return error_set(err, ERROR_CONFIG, "%s:%u: %s", file, line, text);
}

bool settings_advise(struct error *err, const char *word, const char *const *names, size_t count, const char *what)
{
	const char *nearest = options_nearest(word, names, count);
	char list[ERROR_CURE_MAX - 64] = "";
	size_t used = 0;

	if (nearest)
		return error_cure(err, "did you mean %s?", nearest);
	for (size_t i = 0; i < count && used < sizeof list; i++) {
		int n = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
		used += n > 0 ? (size_t)n : 0;
	}
	return error_cure(err, "%s %s", what, list);
}

void settings_list_add(struct settings_list *list, const char *text)
{
	list->items = xrealloc(list->items, (list->count + 1) * sizeof *list->items);
	list->items[list->count++] = xstrdup(text);
}

void settings_list_clear(struct settings_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct settings_list){ 0 };
}

static struct settings_block *add_block(const struct settings_source *source, struct settings_blocks *blocks,
					const config_setting_t *setting)
{
	blocks->blocks = xrealloc(blocks->blocks, (blocks->count + 1) * sizeof *blocks->blocks);
	struct settings_block *block = &blocks->blocks[blocks->count++];
	*block = (struct settings_block){ .file = source->file, .line = config_setting_source_line(setting) };
	return block;
}

static bool read_blocks(const struct settings_source *source, const config_setting_t *list, unsigned level,
			struct settings_blocks *blocks, struct error *err);

static bool read_member(const struct settings_source *source, const config_setting_t *member, unsigned level,
			struct settings_block *block, struct error *err)
{
	const char *name = config_setting_name(member);

	if (level != OPTION_IN_DEFAULTS && strcmp(name, "match") == 0)
		return settings_read_patterns(source, member, level == OPTION_IN_NODE, &block->match, err);
	if (level == OPTION_IN_HOST && strcmp(name, "nodes") == 0)
		return read_blocks(source, member, OPTION_IN_NODE, &block->nodes, err);
	return settings_read_value(source, member, level, block, err);
}

static bool read_block(const struct settings_source *source, const config_setting_t *setting, unsigned level,
		       struct settings_block *block, struct error *err)
{
	for (int i = 0; i < config_setting_length(setting); i++) {
		if (!read_member(source, config_setting_get_elem(setting, (unsigned)i), level, block, err))
			return false;
	}
	if (level == OPTION_IN_DEFAULTS || block->match.count)
		return true;
	settings_wrong(source->file, config_setting_source_line(setting), err, "this block has no match");
	return error_cure(err, "say what it is for: match = \"%s\";", level == OPTION_IN_HOST ? "web-*" : "shop");
}

static bool read_blocks(const struct settings_source *source, const config_setting_t *list, unsigned level,
			struct settings_blocks *blocks, struct error *err)
{
	const char *name = config_setting_name(list);

	for (int i = 0; i < config_setting_length(list) && list->type == CONFIG_TYPE_LIST; i++) {
		const config_setting_t *setting = config_setting_get_elem(list, (unsigned)i);
		if (setting->type != CONFIG_TYPE_GROUP) {
			settings_wrong(source->file, config_setting_source_line(list), err,
				       "element %d of %s is no block", i + 1, name);
			return error_cure(err, "a block is { match = \"…\"; … }");
		}
		if (!read_block(source, setting, level, add_block(source, blocks, setting), err))
			return false;
	}
	if (list->type == CONFIG_TYPE_LIST)
		return true;
	settings_wrong(source->file, config_setting_source_line(list), err, "%s is a list of blocks", name);
	return error_cure(err, "write %s = ( { match = \"…\"; … }, { … } );", name);
}

static bool read_defaults(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	if (setting->type == CONFIG_TYPE_GROUP)
		return read_block(source, setting, OPTION_IN_DEFAULTS,
				  add_block(source, &source->settings->defaults, setting), err);
	settings_wrong(source->file, config_setting_source_line(setting), err, "defaults is a block");
	return error_cure(err, "write defaults = { … };");
}

static bool read_hosts(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	return read_blocks(source, setting, OPTION_IN_HOST, &source->settings->hosts, err);
}

static bool read_nodes(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	return read_blocks(source, setting, OPTION_IN_NODE, &source->settings->nodes, err);
}

static bool read_group(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	struct settings *settings = source->settings;
	struct settings_group group = { .name = xstrdup(config_setting_name(setting)),
					.file = source->file,
					.line = config_setting_source_line(setting) };
	bool ok = settings_read_patterns(source, setting, false, &group.members, err);

	settings->groups = xrealloc(settings->groups, (settings->group_count + 1) * sizeof *settings->groups);
	settings->groups[settings->group_count++] = group;
	if (!ok || !strchr(group.name, '*'))
		return ok;
	settings_wrong(source->file, group.line, err, "“%s” is no group's name", group.name);
	return error_cure(err, "a group's name has letters, digits, - and _");
}

static bool read_groups(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	for (int i = 0; i < config_setting_length(setting) && setting->type == CONFIG_TYPE_GROUP; i++) {
		if (!read_group(source, config_setting_get_elem(setting, (unsigned)i), err))
			return false;
	}
	if (setting->type == CONFIG_TYPE_GROUP)
		return true;
	settings_wrong(source->file, config_setting_source_line(setting), err, "groups is a block");
	return error_cure(err, "write groups = { NAME = [ \"HOST\", … ]; };");
}

static bool add_include(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	const char *text = setting->type == CONFIG_TYPE_STRING ? config_setting_get_string(setting) : "";
	struct settings_list *list = &source->includes;

	if (!*text) {
		settings_wrong(source->file, config_setting_source_line(setting), err,
			       "include takes the name of a file, or a list of them");
		return error_cure(err, "write include = [ \"hosts.conf\", \"conf.d/*.conf\" ];");
	}
	source->include_lines = xrealloc(source->include_lines, (list->count + 1) * sizeof *source->include_lines);
	source->include_lines[list->count] = config_setting_source_line(setting);
	settings_list_add(list, text);
	return true;
}

static bool read_include(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	bool several = setting->type == CONFIG_TYPE_ARRAY || setting->type == CONFIG_TYPE_LIST;

	for (int i = 0; several && i < config_setting_length(setting); i++) {
		if (!add_include(source, config_setting_get_elem(setting, (unsigned)i), err))
			return false;
	}
	return several || add_include(source, setting, err);
}

static const struct {
	const char *name;
	bool (*read)(struct settings_source *source, const config_setting_t *setting, struct error *err);
} sections[] = { { "defaults", read_defaults },
		 { "hosts", read_hosts },
		 { "nodes", read_nodes },
		 { "groups", read_groups },
		 { "include", read_include } };

enum { SECTION_COUNT = sizeof sections / sizeof *sections };

static bool read_section(struct settings_source *source, const config_setting_t *setting, struct error *err)
{
	const char *name = config_setting_name(setting), *names[SECTION_COUNT];
	char room[SETTINGS_KEY_MAX];

	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (strcmp(sections[i].name, name) == 0)
			return sections[i].read(source, setting, err);
		names[i] = sections[i].name;
	}
	settings_wrong(source->file, config_setting_source_line(setting), err, "there is no section “%s”", name);
	for (size_t i = 0; i < source->settings->table_count; i++) {
		const struct option *option = &source->settings->table[i];
		if (option->keys && strcmp(settings_key(option, room), name) == 0)
			return error_cure(err, "%s stands in a block: %s", name,
					  option->keys & OPTION_IN_DEFAULTS ? "defaults = { … };"
									    : "hosts = ( { match = \"…\"; … } );");
	}
	return settings_advise(err, name, names, SECTION_COUNT, "the sections are");
}

/* What libconfig says of a text that settings_scan let pass. */
static bool not_understood(const struct settings_source *source, const config_t *tree, struct error *err)
{
	const char *text = source->text;
	unsigned line = (unsigned)config_error_line(tree);
	const char *what = config_error_text(tree);

	for (unsigned i = 1; i < line && strchr(text, '\n'); i++)
		text = strchr(text, '\n') + 1;
	text += strspn(text, " \t");
	if (what && strstr(what, "duplicate")) {
		settings_wrong(source->file, line, err, "a key stands twice in one block: %.*s",
			       (int)(strcspn(text, "\n") < 80 ? strcspn(text, "\n") : 80), text);
		return error_cure(err, "keep one of them");
	}
	if (what && strstr(what, "mismatched")) {
		settings_wrong(source->file, line, err, "values of different kinds stand in one [ ]");
		return error_cure(err, "a list in [ ] has texts only");
	}
	settings_wrong(source->file, line, err, "not understood from here on: %.*s",
		       (int)(strcspn(text, "\n") < 80 ? strcspn(text, "\n") : 80), text);
	return error_cure(err, "is a ; or a value missing before it? A setting is KEY = VALUE; and a block { … };");
}

bool settings_read(struct settings_source *source, struct error *err)
{
	config_t tree;
	bool ok;

	config_init(&tree);
	ok = config_read_string(&tree, source->text) == CONFIG_TRUE || not_understood(source, &tree, err);
	const config_setting_t *root = config_root_setting(&tree);
	for (int i = 0; ok && i < config_setting_length(root); i++)
		ok = read_section(source, config_setting_get_elem(root, (unsigned)i), err);
	config_destroy(&tree);
	return ok;
}
