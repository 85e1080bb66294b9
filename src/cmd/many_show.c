/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/list.h"
#include "cmd/many_private.h"
#include "cmd/report.h"

enum { OUT_MAX = 2 * MANY_KEPT_MAX, NAMES_MAX = 1024 * 1024 };

void many_show_begin(struct many *m)
{
	output_init(&m->out, STDOUT_FILENO, "standard output", OUT_MAX);
	output_init(&m->err_out, STDERR_FILENO, "standard error", OUT_MAX);
	/* JSON has nothing that a terminal obeys. */
	if (m->show == MANY_OBJECTS)
		m->out.terminal = false;
}

/* Waits for the reader, and so do those who write. */
static bool drain(struct many *m, struct output *o)
{
	struct error err;

	while (!output_drain(o, &err)) {
		bool again = err.code == ERROR_INTERRUPTED && !m->stopped;
		if (!again) {
			m->fatal = err;
			return false;
		}
		many_take_signal(m, err.signal);
	}
	return true;
}

static bool is_bright(const struct output *o)
{
	return terminal_wants_colours(o->fd);
}

/* Each target's text passes the filter by itself: a colour that one left on is not the next one's. */
static void put_foreign(struct output *o, const uint8_t *text, size_t len)
{
	struct terminal_filter filter = { .colours = is_bright(o) };
	bool terminal = o->terminal;
	struct buf safe;

	if (!terminal) {
		output_put(o, text, len);
		return;
	}
	buf_init(&safe, 4 * len + 64);
	terminal_filter(&filter, text, len, &safe);
	terminal_filter_end(&filter, &safe);
	o->terminal = false;
	output_put(o, safe.data, safe.len);
	o->terminal = terminal;
	buf_clear(&safe);
}

/* Our own text around it. */
static void put_name(struct output *o, const char *name, const char *behind)
{
	bool terminal = o->terminal, bright = is_bright(o);

	o->terminal = false;
	output_printf(o, "%s%s%s%s", bright ? "\x1b[1m" : "", name, behind, bright ? "\x1b[0m" : "");
	o->terminal = terminal;
}

/* All whole lines; at the end, or where a line grows too long, what there is of one. */
static bool show_lines(struct many *m, const struct many_host *h, struct buf *text, struct output *o)
{
	size_t at = 0;

	while (at < text->len) {
		const uint8_t *end = memchr(text->data + at, '\n', text->len - at);
		size_t len = end ? (size_t)(end - text->data) - at : text->len - at;
		if (!end && h->state == MANY_RUNS && len < MANY_HELD_MAX)
			break;
		log_make_room();
		put_name(o, h->target, ": ");
		put_foreign(o, text->data + at, len);
		output_put(o, "\n", 1);
		at += len + (end ? 1 : 0);
	}
	buf_consume(text, at);
	return drain(m, o);
}

static bool show_objects(struct many *m, struct many_host *h)
{
	size_t len = h->out.len;

	while (len > 0 && h->out.data[len - 1] != '\n')
		len--;
	if (len > 0)
		log_make_room();
	output_put(&m->out, h->out.data, len);
	buf_consume(&h->out, len);
	return drain(m, &m->out) && show_lines(m, h, &h->err, &m->err_out);
}

static bool show_as_lines(struct many *m, struct many_host *h)
{
	return show_lines(m, h, &h->out, &m->out) && show_lines(m, h, &h->err, &m->err_out);
}

bool many_show_more(struct many *m, struct many_host *h)
{
	switch (m->show) {
	case MANY_LINES:
		return show_as_lines(m, h);
	case MANY_GATHER:
		h->as_lines |= h->out.len > MANY_HELD_MAX || h->err.len > MANY_HELD_MAX;
		return !h->as_lines || show_as_lines(m, h);
	case MANY_OBJECTS:
		return show_objects(m, h);
	case MANY_KEPT:
		return show_lines(m, h, &h->err, &m->err_out);
	}
	return true;
}

bool many_show_ended(struct many *m, struct many_host *h)
{
	bool ok = many_show_more(m, h);

	if (h->out.len == 0)
		buf_clear(&h->out);
	if (h->err.len == 0)
		buf_clear(&h->err);
	buf_clear(&h->report);
	return ok;
}

void many_show_progress(struct many *m)
{
	log_progress("%zu of %zu are done, %zu failed; %zu run", m->ended, m->targets.list.count, m->failed,
		     m->running);
}

/* Those from `first` on that `is_same` finds to be as the first one is, folded; they are marked. */
static size_t fold_same(struct many *m, size_t first, bool *told,
			bool (*is_same)(const struct many_host *, const struct many_host *), struct buf *names)
{
	size_t count = m->targets.list.count, found = 0;
	const char **same = xmalloc(count * sizeof *same);

	for (size_t i = first; i < count; i++) {
		if (told[i] || !is_same(&m->hosts[first], &m->hosts[i]))
			continue;
		told[i] = true;
		same[found++] = m->hosts[i].target;
	}
	targets_fold(same, found, names);
	free(same);
	return found;
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool said_the_same(const struct many_host *a, const struct many_host *b)
{
	return same_bytes(&a->out, &b->out) && same_bytes(&a->err, &b->err);
}

static void put_block(struct output *o, struct buf *names, size_t count, const struct buf *text)
{
	char behind[32] = ":";

	if (text->len == 0)
		return;
	if (count > 1)
		snprintf(behind, sizeof behind, " (%zu):", count);
	put_name(o, buf_text(names), behind);
	output_put(o, "\n", 1);
	put_foreign(o, text->data, text->len);
	if (text->data[text->len - 1] != '\n')
		output_put(o, "\n", 1);
}

static bool show_gathered(struct many *m)
{
	size_t count = m->targets.list.count;
	bool *told = xcalloc(count, sizeof *told), ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		struct many_host *h = &m->hosts[i];
		struct buf names;
		if (told[i] || (h->out.len == 0 && h->err.len == 0))
			continue;
		buf_init(&names, NAMES_MAX);
		size_t same = fold_same(m, i, told, said_the_same, &names);
		put_block(&m->out, &names, same, &h->out);
		ok = drain(m, &m->out);
		put_block(&m->err_out, &names, same, &h->err);
		ok = ok && drain(m, &m->err_out);
		buf_clear(&names);
	}
	free(told);
	return ok;
}

static bool failed_the_same(const struct many_host *a, const struct many_host *b)
{
	return a->outcome.code == b->outcome.code && strcmp(a->outcome.message, b->outcome.message) == 0;
}

static bool advised_the_same(const struct many_host *a, const struct many_host *b)
{
	return strcmp(a->outcome.cure, b->outcome.cure) == 0;
}

static bool show_failures(struct many *m)
{
	static const char *const heads[] = { "TARGET", "ERROR", "WHY" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = -1, .to_stderr = true };
	size_t count = m->targets.list.count;
	bool *told = xcalloc(count, sizeof *told);

	for (size_t i = 0; i < count; i++) {
		const struct error *e = &m->hosts[i].outcome;
		struct buf names;
		if (told[i] || e->code == ERROR_NONE)
			continue;
		buf_init(&names, NAMES_MAX);
		fold_same(m, i, told, failed_the_same, &names);
		list_add(&list, buf_text(&names));
		list_add(&list, error_name(e->code));
		list_add(&list, e->message);
		buf_clear(&names);
	}
	bool ok = list_show(&list, &m->fatal);
	memset(told, 0, count * sizeof *told);
	for (size_t i = 0; ok && i < count; i++) {
		const struct error *e = &m->hosts[i].outcome;
		struct buf names;
		if (told[i] || !e->cure[0])
			continue;
		buf_init(&names, NAMES_MAX);
		fold_same(m, i, told, advised_the_same, &names);
		buf_put_text(&names, ": ");
		buf_put_text(&names, e->cure);
		terminal_print_line(STDERR_FILENO, "  cure for ", buf_text(&names));
		buf_clear(&names);
	}
	free(told);
	return ok;
}

/* What was not started has failed, too. */
static void note_unstarted(struct many *m)
{
	struct error lost;

	for (size_t i = m->started; i < m->targets.list.count; i++) {
		struct many_host *h = &m->hosts[i];
		error_interrupted(&h->outcome, m->signal);
		error_append(&h->outcome, " before it was started");
		if (m->show == MANY_OBJECTS)
			report_json(many_failure_json(h->target, &h->outcome), &lost);
	}
}

bool many_show_end(struct many *m)
{
	bool ok = m->show != MANY_GATHER || show_gathered(m);

	note_unstarted(m);
	if (ok && m->show == MANY_KEPT)
		ok = m->show_kept(m, &m->fatal);
	if (ok && m->show != MANY_OBJECTS && !m->tells_failures)
		ok = show_failures(m);
	return ok;
}
