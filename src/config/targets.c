/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/targets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "config/names.h"
#include "config/pattern.h"

enum { DIGITS_MAX = 9 };

/* What is being made, and what is known of the hosts that there are. */
struct expansion {
	const struct targets_request *request;
	struct targets *targets;
	struct settings_list hosts; /* read when first needed */
	bool hosts_read;
	bool in_file; /* lines of a file mean no further files */
};

/* A word in its parts: user@ host :node. */
struct parts {
	char *user; /* with its @, or "" */
	char *host;
	const char *node; /* with its colon, or "" */
};

static bool add(struct expansion *e, const char *user, const char *host, const char *node, struct error *err)
{
	struct settings_list *list = &e->targets->list;

	if (list->count == TARGETS_MAX)
		return error_set(err, ERROR_USAGE, "these are more than %d targets", TARGETS_MAX);
	/* A range would multiply a long text by all of its numbers. */
	if (strlen(user) + strlen(host) + strlen(node) > TARGET_LENGTH_MAX)
		return error_set(err, ERROR_USAGE, "“%s%.40s…”: a target has at most %d characters",
				 user[0] ? "…@" : "", host, TARGET_LENGTH_MAX);
	/* Full at each power of two. */
	if ((list->count & (list->count - 1)) == 0)
		list->items = xrealloc(list->items, (list->count ? 2 * list->count : 1) * sizeof *list->items);
	list->items[list->count++] = xasprintf("%s%s%s", user, host, node);
	return true;
}

static const struct settings_list *known_hosts(struct expansion *e)
{
	if (!e->hosts_read)
		names_hosts(e->request->settings, e->request->ssh_config, &e->hosts);
	e->hosts_read = true;
	return &e->hosts;
}

static bool add_fitting(struct expansion *e, const struct parts *p, struct error *err)
{
	const struct settings_list *hosts = known_hosts(e);
	size_t found = 0;

	for (size_t i = 0; i < hosts->count; i++) {
		if (!pattern_fits(p->host, hosts->items[i]))
			continue;
		found++;
		if (!add(e, p->user, hosts->items[i], p->node, err))
			return false;
	}
	if (found > 0)
		return true;
	error_set(err, ERROR_USAGE, "no host that ssh_config or the configuration names fits “%s”", p->host);
	return error_cure(err, "beamline hosts lists them");
}

static bool add_group(struct expansion *e, const char *name, const char *node, struct error *err)
{
	const struct settings_group *group = settings_group(e->request->settings, name);
	const struct settings_list *hosts = known_hosts(e);
	size_t found = 0;

	if (!group) {
		error_set(err, ERROR_USAGE, "there is no group “%s”", name);
		return error_cure(err, "beamline hosts lists all; the hosts of a file are @./%s", name);
	}
	for (size_t i = 0; i < hosts->count; i++) {
		if (!settings_match(e->request->settings, &group->members, hosts->items[i]))
			continue;
		found++;
		if (!add(e, "", hosts->items[i], node, err))
			return false;
	}
	return found > 0 || error_set(err, ERROR_USAGE, "group “%s” has no host", name);
}

/* Where a bracket with numbers begins, or NULL: an address of IPv6 stands in brackets too. */
static char *find_range(char *host)
{
	char *open = strchr(host, '[');

	return open && strspn(open + 1, "0123456789-,") == strcspn(open + 1, "]") && strchr(open, ']') ? open : NULL;
}

static bool bad_range(const char *range, struct error *err)
{
	error_set(err, ERROR_USAGE, "“%s” is not a range", range);
	return error_cure(err, "web-[1-20], web-[01-20] or web-[1-3,7]; the smaller number first");
}

static bool take_number(const char **at, size_t *digits, unsigned long *number)
{
	*digits = strspn(*at, "0123456789");
	*number = strtoul(*at, NULL, 10);
	*at += *digits;
	return *digits > 0 && *digits <= DIGITS_MAX;
}

static bool add_host(struct expansion *e, const struct parts *p, struct error *err);

static bool add_numbers(struct expansion *e, const struct parts *p, const char *range, const char *rest,
			struct error *err)
{
	const char *at = range + 1;

	for (;;) {
		unsigned long from, to;
		size_t digits, to_digits;
		if (!take_number(&at, &digits, &from))
			return bad_range(range, err);
		to = from;
		if (*at == '-') {
			at++;
			if (!take_number(&at, &to_digits, &to))
				return bad_range(range, err);
		}
		if (to < from || (*at != ']' && *at != ','))
			return bad_range(range, err);
		if (to - from >= TARGETS_MAX)
			return error_set(err, ERROR_USAGE, "“%s” means more than %d targets", range, TARGETS_MAX);
		for (; from <= to; from++) {
			struct parts one = *p;
			one.host = xasprintf("%s%0*lu%s", p->host, (int)digits, from, rest);
			bool ok = add_host(e, &one, err);
			free(one.host);
			if (!ok)
				return false;
		}
		if (*at == ']')
			return true;
		at++;
	}
}

/* A host that may have ranges, and be a pattern behind them. */
static bool add_host(struct expansion *e, const struct parts *p, struct error *err)
{
	char *open = find_range(p->host);

	if (open) {
		char *range = xstrndup(open, strcspn(open, "]") + 1);
		const char *rest = open + strlen(range);
		struct parts before = *p;
		e->targets->many = true;
		before.host = xstrndup(p->host, (size_t)(open - p->host));
		bool ok = add_numbers(e, &before, range, rest, err);
		free(before.host);
		free(range);
		return ok;
	}
	if (strpbrk(p->host, "*?")) {
		e->targets->many = true;
		return add_fitting(e, p, err);
	}
	return add(e, p->user, p->host, p->node, err);
}

static bool add_words(struct expansion *e, const char *text, struct error *err);

static bool add_lines(struct expansion *e, struct buf *text, const char *name, struct error *err)
{
	size_t before = e->targets->list.count;
	char *at = (char *)buf_text(text);
	unsigned number = 0;
	bool ok = true;

	if (strlen(at) < text->len)
		return error_set(err, ERROR_USAGE, "%s is no text", name);
	e->in_file = true;
	for (char *line; ok && (line = strsep(&at, "\n"));) {
		number++;
		line[strcspn(line, "#")] = '\0';
		for (char *word; ok && (word = strsep(&line, " \t\r"));)
			ok = !*word || add_words(e, word, err);
	}
	e->in_file = false;
	if (!ok)
		return error_prefix(err, "%s, line %u", name, number);
	return e->targets->list.count > before || error_set(err, ERROR_USAGE, "%s names no target", name);
}

/* path NULL: standard input. */
static bool add_file(struct expansion *e, const char *path, struct error *err)
{
	struct buf text;

	if (e->in_file)
		return error_set(err, ERROR_USAGE, "a list of targets cannot name a further one (%s)",
				 path ? path : "-");
	if (!path && e->request->input_taken)
		return error_set(err, ERROR_USAGE, "standard input cannot bring the targets and the text");
	e->targets->many = true;
	buf_init(&text, TARGETS_TEXT_MAX);
	bool ok = path ? host_read_input(path, &text, err) : host_read_fd(STDIN_FILENO, "standard input", &text, err);
	ok = ok && add_lines(e, &text, path ? path : "standard input", err);
	buf_clear(&text);
	return ok;
}

/* Up to the first such character outside of brackets. */
static size_t length_to(const char *text, char stop)
{
	size_t len = 0;

	for (bool inside = false; text[len] && (inside || text[len] != stop); len++)
		inside = text[len] == '[' || (inside && text[len] != ']');
	return len;
}

static bool add_word(struct expansion *e, char *word, struct error *err)
{
	size_t len = length_to(word, ':');

	if (strcmp(word, "-") == 0)
		return add_file(e, NULL, err);
	if (word[0] == '@' && strchr(word, '/'))
		return add_file(e, word + 1, err);
	struct parts p = { .node = word + len };
	char *head = xstrndup(word, len), *at = strrchr(head, '@');
	bool ok;
	if (head[0] == '@') {
		e->targets->many = true;
		ok = add_group(e, head + 1, p.node, err);
	} else {
		p.host = xstrdup(at ? at + 1 : head);
		p.user = xstrndup(head, at ? (size_t)(at + 1 - head) : 0);
		ok = add_host(e, &p, err);
		free(p.host);
		free(p.user);
	}
	free(head);
	return ok;
}

static bool add_words(struct expansion *e, const char *text, struct error *err)
{
	bool ok = true;

	for (const char *at = text; ok;) {
		size_t len = length_to(at, ',');
		char *word = xstrndup(at, len);
		if (len == 0)
			ok = error_set(err, ERROR_USAGE, "“%s” has an empty target", text);
		else
			ok = add_word(e, word, err);
		free(word);
		at += len;
		if (!*at)
			break;
		e->targets->many = true;
		at++;
	}
	return ok;
}

/* Is the target one of those that the word means? With a node only itself, else whichever of the host's. */
static bool is_named(const char *target, const char *word)
{
	size_t len = strlen(word);
	const char *at = strchr(target, '@');
	const char *host = at && at < target + length_to(target, ':') ? at + 1 : target;

	return (strncmp(target, word, len) == 0 && (target[len] == '\0' || target[len] == ':')) ||
	       (strncmp(host, word, len) == 0 && (host[len] == '\0' || host[len] == ':'));
}

/* A word that leaves nothing out is a mistake, and one that could cost much. */
static bool leave_out(struct expansion *e, const char *except, struct error *err)
{
	struct targets left_out = { 0 };
	struct targets_request request = {
		.settings = e->request->settings, .ssh_config = e->request->ssh_config, .words = &except, .count = 1
	};
	struct settings_list *list = &e->targets->list;
	bool ok = targets_expand(&request, &left_out, err);
	size_t kept = 0;

	for (size_t i = 0; ok && i < list->count; i++) {
		bool out = false;
		for (size_t k = 0; !out && k < left_out.list.count; k++)
			out = is_named(list->items[i], left_out.list.items[k]);
		if (out)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	if (ok && kept == list->count) {
		ok = error_set(err, ERROR_USAGE, "--except “%s” is none of the targets", except);
	} else if (ok) {
		list->count = kept;
	} else {
		error_prefix(err, "--except");
	}
	targets_clear(&left_out);
	return ok;
}

/* By text, then as they stand. */
static int by_text(const void *a, const void *b)
{
	char *const *x = *(char *const *const *)a, *const *y = *(char *const *const *)b;
	int order = strcmp(*x, *y);

	return order ? order : (x > y) - (x < y);
}

/* Each counts once, where it stands first. */
static void drop_repeated(struct settings_list *list)
{
	char ***sorted = xmalloc((list->count + 1) * sizeof *sorted), *last = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->count, sizeof *sorted, by_text);
	for (size_t i = 0; i < list->count; i++) {
		if (last && strcmp(last, *sorted[i]) == 0) {
			free(*sorted[i]);
			*sorted[i] = NULL;
		} else {
			last = *sorted[i];
		}
	}
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i])
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	free(sorted);
}

bool targets_expand(const struct targets_request *request, struct targets *targets, struct error *err)
{
	struct expansion e = { .request = request, .targets = targets };
	bool ok = true;

	*targets = (struct targets){ .many = request->count > 1 };
	for (size_t i = 0; ok && i < request->count; i++)
		ok = add_words(&e, request->words[i], err);
	drop_repeated(&targets->list);
	for (size_t i = 0; ok && request->except && request->except[i]; i++)
		ok = leave_out(&e, request->except[i], err);
	for (; ok && request->limit && targets->list.count > request->limit; targets->list.count--)
		free(targets->list.items[targets->list.count - 1]);
	if (ok && targets->list.count == 0)
		ok = error_set(err, ERROR_USAGE, "--except leaves no target");
	settings_list_clear(&e.hosts);
	return ok;
}

void targets_clear(struct targets *targets)
{
	settings_list_clear(&targets->list);
}
