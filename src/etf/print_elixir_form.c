/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/print_elixir_form.h"

enum { WORTH_KEEPING = 32 };

bool elixir_is_set(enum elixir_form form)
{
	return form == ELIXIR_SET || form == ELIXIR_SET_COLUMN || form == ELIXIR_SET_KEYWORDS;
}

bool elixir_is_filled(enum elixir_form form)
{
	return form == ELIXIR_FILLED || form == ELIXIR_BYTES || form == ELIXIR_SET;
}

static bool worth_keeping(const struct term *t)
{
	return (t->kind == ETF_LIST && t->list.count > WORTH_KEEPING) ||
	       (t->kind == ETF_MAP && t->map.count > WORTH_KEEPING / 8) ||
	       ((t->kind == ETF_BINARY || t->kind == ETF_STRING) && t->bytes.len > WORTH_KEEPING);
}

static bool is_word(struct elixir_forms *f, const struct term *t)
{
	switch (t->kind) {
	case ETF_STRING:
	case ETF_LIST:
		/* What a small list holds would be asked about on all levels, for nothing. */
		return !f->as_lists && (worth_keeping(t) ? elixir_form(f, t) == ELIXIR_WORD : elixir_printable(t));
	case ETF_TUPLE:
		return t->tuple.count == 0;
	case ETF_MAP:
	case ETF_BINARY:
	case ETF_BITSTRING:
		return elixir_form(f, t) == ELIXIR_WORD;
	default:
		return true;
	}
}

static bool is_key(const struct term *t)
{
	return t->kind == ETF_ATOM && !elixir_is_module(t);
}

static bool is_keyword(const struct term *t)
{
	return etf_is_tuple(t, 2, NULL) && is_key(&t->tuple.elements[0]);
}

static enum elixir_form form_of_list(struct elixir_forms *f, const struct term *t)
{
	bool keywords = true;
	bool words = true;
	struct cursor cursor = cursor_of(t);

	if (!f->as_lists && elixir_printable(t))
		return ELIXIR_WORD;
	for (const struct term *e; (words || keywords) && (e = cursor_next(&cursor));) {
		keywords = keywords && is_keyword(e);
		words = words && is_word(f, e);
	}
	if (keywords && !cursor.tail)
		return ELIXIR_KEYWORDS;
	return words && (!cursor.tail || is_word(f, cursor.tail)) ? ELIXIR_FILLED : ELIXIR_COLUMN;
}

static enum elixir_form form_of_set(struct elixir_forms *f, const struct term *map)
{
	bool as_lists = f->as_lists;
	bool words = true;
	bool keywords = true;

	f->as_lists = true;
	for (size_t i = 0; i < map->map.count && (words || keywords); i++) {
		words = words && is_word(f, &map->map.pairs[2 * i]);
		keywords = keywords && is_keyword(&map->map.pairs[2 * i]);
	}
	f->as_lists = as_lists;
	if (map->map.count == 0)
		return ELIXIR_WORD;
	return keywords ? ELIXIR_SET_KEYWORDS : words ? ELIXIR_SET : ELIXIR_SET_COLUMN;
}

static enum elixir_form form_of_struct(struct elixir_forms *f, const struct term *t, bool keywords)
{
	struct sink nowhere = { .options = f->options, .limit = SIZE_MAX };
	const struct term *set = elixir_set(t);
	int64_t first, last, step;

	if (set)
		return form_of_set(f, set);
	if (elixir_calendar(&nowhere, t) || elixir_range(t, &first, &last, &step))
		return ELIXIR_WORD;
	if (!keywords)
		return ELIXIR_PAIRS;
	for (size_t i = 0; i < t->map.count; i++) {
		if (!elixir_hidden_field(&t->map.pairs[2 * i]))
			return ELIXIR_STRUCT;
	}
	return ELIXIR_WORD;
}

static enum elixir_form form_of_map(struct elixir_forms *f, const struct term *t)
{
	const struct term *module = elixir_field(t, "__struct__");
	bool keywords = true;

	if (t->map.count == 0)
		return ELIXIR_WORD;
	for (size_t i = 0; i < t->map.count && keywords; i++)
		keywords = is_key(&t->map.pairs[2 * i]);
	if (module && module->kind == ETF_ATOM)
		return form_of_struct(f, t, keywords);
	return keywords ? ELIXIR_KEYWORDS : ELIXIR_PAIRS;
}

static enum elixir_form classify(struct elixir_forms *f, const struct term *t)
{
	switch (t->kind) {
	case ETF_STRING:
	case ETF_LIST:
		return form_of_list(f, t);
	case ETF_TUPLE:
		return t->tuple.count ? ELIXIR_FILLED : ELIXIR_WORD;
	case ETF_MAP:
		return form_of_map(f, t);
	case ETF_BINARY:
		return elixir_printable(t) ? ELIXIR_WORD : ELIXIR_BYTES;
	case ETF_BITSTRING:
		return ELIXIR_BYTES;
	default:
		return ELIXIR_WORD;
	}
}

enum elixir_form elixir_form(struct elixir_forms *f, const struct term *t)
{
	size_t slot = ((uintptr_t)t / sizeof *t) % ELIXIR_FORMS_KEPT;

	if (!worth_keeping(t))
		return classify(f, t);
	if (f->entries[slot].term != t || f->entries[slot].as_lists != f->as_lists) {
		enum elixir_form form = classify(f, t);
		f->entries[slot].term = t;
		f->entries[slot].as_lists = f->as_lists;
		f->entries[slot].form = (uint8_t)form;
	}
	return (enum elixir_form)f->entries[slot].form;
}
