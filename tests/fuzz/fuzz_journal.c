/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a journal: whole and in pieces the same facts, and what is shown of them is nothing that a terminal obeys. And any bytes as a
 * text in it: they come back, or their beginning does, and the line tells how much is missing.
 */
#include "base/terminal.h"
#include "cmd/journal_show.h"
#include "etf/utf8.h"
#include "fuzz_must.h"
#include "journal/file.h"
#include "journal/walk.h"

enum { SHOWN_MAX = 16 * 1024 * 1024 };

struct look {
	struct journal_shown *shown;
	struct buf text;
	uint64_t lines;
};

static void check_shown(const struct buf *text)
{
	for (size_t at = 0; at < text->len;) {
		uint32_t c;
		size_t n = utf8_decode(text->data + at, text->len - at, &c);
		must(n > 0 && terminal_shows(c) && c != 0x7f && (c >= 0x20 || c == '\n' || c == '\t'));
		must(c != '\n' || at + 1 == text->len || memcmp(text->data + at + 1, "    ", 4) == 0);
		at += n;
	}
	must(text->len > 0 && text->data[text->len - 1] == '\n');
}

static bool on_line(void *context, const struct journal_line *line, struct error *err)
{
	struct look *look = context;

	(void)err;
	must(line->number == ++look->lines);
	must((line->entry != NULL) == (line->kind == JOURNAL_LINE_ENTRY));
	must(!line->fits || line->kind != JOURNAL_LINE_FOREIGN);
	look->text.len = 0;
	journal_shown_put(look->shown, line, &look->text);
	must(!look->text.overflow);
	check_shown(&look->text);
	return true;
}

static void walk_in(const uint8_t *data, size_t size, size_t step, struct look *look, struct journal_walk *walk)
{
	struct error err = { 0 };

	must(journal_walk_init(walk, &err));
	if (look) {
		walk->on_line = on_line;
		walk->context = look;
	}
	for (size_t at = 0; at < size; at += step)
		must(journal_walk_feed(walk, data + at, size - at < step ? size - at : step, &err));
	must(journal_walk_end(walk, &err));
	journal_walk_clear(walk);
}

static void check_same(const struct journal_walk *a, const struct journal_walk *b)
{
	must(a->lines == b->lines && a->breaks == b->breaks && a->incomplete == b->incomplete &&
	     a->first_incomplete == b->first_incomplete && a->first_break.line == b->first_break.line);
	must(strcmp(a->first_break.found, b->first_break.found) == 0 && strcmp(a->first_time, b->first_time) == 0 &&
	     strcmp(a->last_time, b->last_time) == 0 && strcmp(a->hash, b->hash) == 0);
	must(a->breaks + a->incomplete <= a->lines && a->first_break.line <= a->lines);
}

static void check_text(const uint8_t *data, size_t size, size_t max)
{
	struct journal_entry entry;
	struct buf line, text;
	uint64_t cut;

	buf_init(&line, JOURNAL_LINE_MAX + 1024);
	buf_init(&text, JOURNAL_LINE_MAX);
	buf_put_text(&line, "{\"time\":\"2026-01-01T00:00:00.000Z\",\"kind\":\"x\"");
	journal_put_text(&line, "text", size ? (const void *)data : "", size, max);
	buf_put_u8(&line, '}');
	must(!line.overflow && line.len <= max + 256);
	must(journal_entry_parse((const char *)line.data, line.len, &entry) == JOURNAL_LINE_ENTRY);
	must(journal_entry_text(&entry, "text", &text, &cut));
	must(text.len + cut == size && (text.len == 0 || memcmp(text.data, data, text.len) == 0));
	journal_entry_clear(&entry);
	buf_clear(&text);
	buf_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct look look = { .shown = journal_shown_new() };
	struct journal_walk whole, pieces;

	buf_init(&look.text, SHOWN_MAX);
	walk_in(data, size, size + 1, &look, &whole);
	walk_in(data, size, 1 + (size ? data[0] % 16 : 0), NULL, &pieces);
	check_same(&whole, &pieces);
	must(look.lines == whole.lines);
	check_text(data, size, JOURNAL_LINE_MAX - 1024);
	check_text(data, size, 100);
	journal_shown_free(look.shown);
	buf_clear(&look.text);
	return 0;
}
