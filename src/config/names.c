/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/names.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/host.h"
#include "base/log.h"
#include "config/pattern.h"
#include "config/settings_private.h"

enum { FILE_MAX = 4 * 1024 * 1024, FILES_MAX = 256, DEPTH_MAX = 16, NAMES_MAX = 100 * 1000, NAME_MAX_LEN = 255 };

static const char machine_file[] = "/etc/ssh/ssh_config";

struct reading {
	struct settings_list *hosts;
	const char *folder; /* where relative names of Include lie */
	size_t files;
	void (*visit)(void *context, const char *path); /* or NULL */
	void *context;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

/* The next word of a line: blanks, or “"…"”, part them. Returns its end, or NULL if there is none. */
static const char *next_word(const char *p, const char *end, const char **word, size_t *len)
{
	while (p < end && is_blank(*p))
		p++;
	if (p == end || *p == '#')
		return NULL;
	bool quoted = *p == '"';
	p += quoted;
	*word = p;
	while (p < end && (quoted ? *p != '"' : !is_blank(*p)))
		p++;
	*len = (size_t)(p - *word);
	return p < end ? p + quoted : p;
}

static bool is_keyword(const char *word, size_t len, const char *keyword)
{
	return len == strlen(keyword) && strncasecmp(word, keyword, len) == 0;
}

static void add(struct settings_list *list, const char *word, size_t len, bool host)
{
	if (len == 0 || list->count >= NAMES_MAX || (host && len > NAME_MAX_LEN) || memchr(word, '\0', len))
		return;
	char *name = xstrndup(word, len);
	if (!host || (pattern_is_plain(name) && !pattern_is_wild(name) && name[0] != '-' && name[0] != '@'))
		settings_list_add(list, name);
	free(name);
}

static void parse_line(const char *p, const char *end, struct settings_list *hosts, struct settings_list *includes)
{
	const char *word;
	size_t len;

	/* The keyword ends at a blank or =. */
	while (p < end && is_blank(*p))
		p++;
	const char *keyword = p;
	while (p < end && !is_blank(*p) && *p != '=')
		p++;
	bool host = is_keyword(keyword, (size_t)(p - keyword), "host");
	if (!host && !is_keyword(keyword, (size_t)(p - keyword), "include"))
		return;
	while (p < end && is_blank(*p))
		p++;
	p += p < end && *p == '=';
	while ((p = next_word(p, end, &word, &len)))
		add(host ? hosts : includes, word, len, host);
}

void names_parse_ssh_config(const char *text, size_t len, struct settings_list *hosts, struct settings_list *includes)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;
		parse_line(text, line_end, hosts, includes);
		text = line_end + 1;
	}
}

static void read_file(struct reading *r, const char *path, unsigned depth);

static void include(struct reading *r, const char *pattern, unsigned depth)
{
	glob_t found = { 0 };
	char *path;

	if (pattern[0] == '~' && pattern[1] == '/')
		path = xasprintf("%s%s", host_home(), pattern + 1);
	else
		path = pattern[0] == '/' ? xstrdup(pattern) : xasprintf("%s/%s", r->folder, pattern);
	if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_file(r, found.gl_pathv[i], depth);
	}
	globfree(&found);
	free(path);
}

static void read_file(struct reading *r, const char *path, unsigned depth)
{
	struct settings_list includes = { 0 };
	struct error err;
	struct buf text;

	if (depth > DEPTH_MAX || r->files++ >= FILES_MAX)
		return;
	if (r->visit)
		r->visit(r->context, path);
	buf_init(&text, FILE_MAX);
	if (host_read_file(path, &text, NULL, NULL, &err))
		names_parse_ssh_config(buf_text(&text), text.len, r->hosts, &includes);
	else
		log_v("configuration", "%s", err.message);
	buf_clear(&text);
	for (size_t i = 0; i < includes.count; i++)
		include(r, includes.items[i], depth + 1);
	settings_list_clear(&includes);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct settings_list *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof *list->items, by_name);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->items[kept - 1], list->items[i]) == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static void read_ssh_config(const char *file, struct reading *r)
{
	char *folder = xasprintf("%s/.ssh", host_home());

	r->folder = folder;
	if (file && strcmp(file, "none") != 0) {
		read_file(r, file, 0);
	} else if (!file) {
		char *path = xasprintf("%s/config", folder);
		read_file(r, path, 0);
		free(path);
		r->folder = "/etc/ssh";
		read_file(r, machine_file, 0);
	}
	free(folder);
}

void names_config_files(const char *ssh_config, void (*visit)(void *context, const char *path), void *context)
{
	struct settings_list hosts = { 0 };
	struct reading r = { .hosts = &hosts, .visit = visit, .context = context };

	read_ssh_config(ssh_config, &r);
	settings_list_clear(&hosts);
}

static void add_names(const struct settings_list *patterns, struct settings_list *names)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (patterns->items[i][0] != '@' && !pattern_is_wild(patterns->items[i]))
			settings_list_add(names, patterns->items[i]);
	}
}

void names_hosts(const struct settings *settings, const char *ssh_config, struct settings_list *hosts)
{
	struct reading r = { .hosts = hosts };

	read_ssh_config(ssh_config, &r);
	for (size_t i = 0; i < settings->hosts.count; i++)
		add_names(&settings->hosts.blocks[i].match, hosts);
	for (size_t i = 0; i < settings->group_count; i++)
		add_names(&settings->groups[i].members, hosts);
	sort(hosts);
}

void names_nodes(const struct settings *settings, const char *host, struct settings_list *nodes)
{
	for (size_t i = 0; i < settings->hosts.count; i++) {
		const struct settings_block *block = &settings->hosts.blocks[i];
		for (size_t k = 0; settings_match(settings, &block->match, host) && k < block->nodes.count; k++)
			add_names(&block->nodes.blocks[k].match, nodes);
	}
	for (size_t i = 0; i < settings->nodes.count; i++)
		add_names(&settings->nodes.blocks[i].match, nodes);
	sort(nodes);
}
