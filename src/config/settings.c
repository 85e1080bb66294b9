/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/pattern.h"
#include "config/settings_private.h"

static void clear_blocks(struct settings_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		struct settings_block *block = &blocks->blocks[i];
		for (size_t k = 0; k < block->count; k++)
			free(block->values[k].text);
		free(block->values);
		settings_list_clear(&block->match);
		clear_blocks(&block->nodes);
	}
	free(blocks->blocks);
	*blocks = (struct settings_blocks){ 0 };
}

void settings_clear(struct settings *settings)
{
	clear_blocks(&settings->defaults);
	clear_blocks(&settings->hosts);
	clear_blocks(&settings->nodes);
	for (size_t i = 0; i < settings->group_count; i++) {
		free(settings->groups[i].name);
		settings_list_clear(&settings->groups[i].members);
	}
	free(settings->groups);
	settings_list_clear(&settings->files);
	*settings = (struct settings){ 0 };
}

const struct settings_group *settings_group(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->group_count; i++) {
		if (strcmp(settings->groups[i].name, name) == 0)
			return &settings->groups[i];
	}
	return NULL;
}

/* What is known of each group already, so that groups that share members cost no more than once each. */
enum { UNKNOWN, FITS, FITS_NOT };

static bool match_list(const struct settings *settings, const struct settings_list *list, const char *host,
		       unsigned char *known);

/* No group is its own member (settings_check_groups), so this ends. */
static bool match_group(const struct settings *settings, const struct settings_group *group, const char *host,
			unsigned char *known)
{
	unsigned char *result = &known[group - settings->groups];

	if (*result == UNKNOWN)
		*result = match_list(settings, &group->members, host, known) ? FITS : FITS_NOT;
	return *result == FITS;
}

static bool match_list(const struct settings *settings, const struct settings_list *list, const char *host,
		       unsigned char *known)
{
	bool found = false;

	for (size_t i = 0; i < list->count; i++) {
		bool exception = list->items[i][0] == '!';
		const char *pattern = list->items[i] + exception;
		const struct settings_group *group = pattern[0] == '@' ? settings_group(settings, pattern + 1) : NULL;
		bool fits = group ? match_group(settings, group, host, known) : pattern_fits(pattern, host);
		if (fits && exception)
			return false;
		found = found || fits;
	}
	return found;
}

bool settings_match(const struct settings *settings, const struct settings_list *list, const char *host)
{
	unsigned char *known = xcalloc(settings->group_count + 1, 1);
	bool found = match_list(settings, list, host, known);

	free(known);
	return found;
}

/* The block's value for this option; *hidden: it has another of the same sort, which takes its place. */
static const struct settings_value *value_in(const struct settings_block *block, const struct option *option,
					     bool *hidden)
{
	for (size_t i = 0; i < block->count; i++) {
		if (block->values[i].option == option)
			return &block->values[i];
		if (block->values[i].option->keys & option->keys & OPTION_ONE_OF)
			*hidden = true;
	}
	return NULL;
}

/* name: of a host or node, or NULL: all blocks count. */
static const struct settings_value *find_in(const struct settings *settings, const struct settings_blocks *blocks,
					    const struct option *option, const char *name, bool *hidden)
{
	const struct settings_value *value = NULL;

	for (size_t i = 0; !value && !*hidden && i < blocks->count; i++) {
		if (!name || settings_match(settings, &blocks->blocks[i].match, name))
			value = value_in(&blocks->blocks[i], option, hidden);
	}
	return value;
}

const struct settings_value *settings_find(const struct settings *settings, const struct option *option,
					   const char *host, const char *node)
{
	const struct settings_value *value = NULL;
	bool hidden = false;

	for (size_t i = 0; node && !value && !hidden && i < settings->hosts.count; i++) {
		if (settings_match(settings, &settings->hosts.blocks[i].match, host))
			value = find_in(settings, &settings->hosts.blocks[i].nodes, option, node, &hidden);
	}
	if (node && !value && !hidden)
		value = find_in(settings, &settings->nodes, option, node, &hidden);
	if (!value && !hidden)
		value = find_in(settings, &settings->hosts, option, host, &hidden);
	if (!value && !hidden)
		value = find_in(settings, &settings->defaults, option, NULL, &hidden);
	return value;
}

bool settings_knows_nodes(const struct settings *settings, const char *host)
{
	for (size_t i = 0; i < settings->hosts.count; i++) {
		if (settings->hosts.blocks[i].nodes.count &&
		    settings_match(settings, &settings->hosts.blocks[i].match, host))
			return true;
	}
	return settings->nodes.count > 0;
}

static void put(const struct settings_value *value, void *values)
{
	void *at = (char *)values + value->option->offset;

	switch (value->option->kind) {
	case OPTION_FLAG:
		*(bool *)at = value->flag;
		break;
	case OPTION_PORT:
	case OPTION_NUMBER:
	case OPTION_DURATION:
		*(int *)at = value->number;
		break;
	case OPTION_TEXT:
	case OPTION_CHOICE:
		*(const char **)at = value->text;
		break;
	case OPTION_COUNT:
	case OPTION_LIST:
		break;
	}
}

void settings_apply(const struct settings *settings, const bool *given, const char *host, const char *node,
		    void *values)
{
	bool one_given = false;

	for (size_t i = 0; i < settings->table_count; i++)
		one_given = one_given || (given[i] && settings->table[i].keys & OPTION_ONE_OF);
	for (size_t i = 0; i < settings->table_count; i++) {
		const struct option *option = &settings->table[i];
		const struct settings_value *value = NULL;
		if (option->keys && !given[i] && !(one_given && option->keys & OPTION_ONE_OF))
			value = settings_find(settings, option, host, node);
		if (value)
			put(value, values);
	}
}

static bool check_list(const struct settings *settings, const struct settings_list *list, const char *file,
		       unsigned line, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *name = list->items[i] + (list->items[i][0] == '!');
		const char *names[128];
		size_t count = 0;
		if (name[0] != '@' || settings_group(settings, name + 1))
			continue;
		for (; count < settings->group_count && count < sizeof names / sizeof *names; count++)
			names[count] = settings->groups[count].name;
		settings_wrong(file, line, err, "there is no group “%s”", name + 1);
		if (count == 0)
			return error_cure(err, "write groups = { %s = [ \"HOST\", … ]; };", name + 1);
		return settings_advise(err, name + 1, names, count, "the groups are");
	}
	return true;
}

enum { UNSEEN, BELOW, DONE };

/* Does the way down from this group come back to a group that it passed? Each group is gone through once. */
static bool is_round(const struct settings *settings, const struct settings_group *group, unsigned char *seen)
{
	unsigned char *mark = &seen[group - settings->groups];
	bool round = *mark == BELOW;

	if (*mark != UNSEEN)
		return round;
	*mark = BELOW;
	for (size_t i = 0; !round && i < group->members.count; i++) {
		const char *name = group->members.items[i] + (group->members.items[i][0] == '!');
		const struct settings_group *member = name[0] == '@' ? settings_group(settings, name + 1) : NULL;
		round = member && is_round(settings, member, seen);
	}
	*mark = DONE;
	return round;
}

static bool check_rounds(const struct settings *settings, struct error *err)
{
	unsigned char *seen = xcalloc(settings->group_count + 1, 1);
	bool ok = true;

	for (size_t i = 0; ok && i < settings->group_count; i++) {
		const struct settings_group *group = &settings->groups[i];
		if (!is_round(settings, group, seen))
			continue;
		settings_wrong(group->file, group->line, err, "group “%s” is a member of itself", group->name);
		ok = error_cure(err, "take one of the references out");
	}
	free(seen);
	return ok;
}

bool settings_check_groups(const struct settings *settings, struct error *err)
{
	for (size_t i = 0; i < settings->group_count; i++) {
		const struct settings_group *group = &settings->groups[i];
		if (!check_list(settings, &group->members, group->file, group->line, err))
			return false;
	}
	for (size_t i = 0; i < settings->hosts.count; i++) {
		const struct settings_block *block = &settings->hosts.blocks[i];
		if (!check_list(settings, &block->match, block->file, block->line, err))
			return false;
	}
	return check_rounds(settings, err);
}
