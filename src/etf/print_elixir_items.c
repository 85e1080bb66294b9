/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/print_elixir_form.h"

/* Beyond it fields stand as they came: finding each takes a look at all. Nodes keep larger maps in no order themselves. */
enum { SORTED_FIELDS_MAX = 32 };

struct elixir_items elixir_items(const struct term *t, enum elixir_form form)
{
	struct elixir_items it = { .form = form, .term = t };

	if (elixir_is_set(form))
		it.map = elixir_set(t);
	else if (t->kind == ETF_MAP)
		it.map = t;
	else if (form == ELIXIR_BYTES)
		it.count = t->kind == ETF_BINARY ? t->bytes.len : t->bits.len;
	else
		it.cursor = cursor_of(t);
	if (it.map)
		it.count = it.map->map.count;
	return it;
}

/* The order of the keys in the map depends on the release: since OTP 26 it is that in which the node came to know the names. */
static const struct term *next_sorted_field(struct elixir_items *it)
{
	const struct term *least = NULL;

	for (size_t i = 0; i < it->count; i++) {
		const struct term *field = &it->map->map.pairs[2 * i];
		if (!elixir_hidden_field(field) && (!it->last_field || etf_compare(field, it->last_field) > 0) &&
		    (!least || etf_compare(field, least) < 0))
			least = field;
	}
	it->last_field = least ? least : it->last_field;
	return least;
}

static const struct term *next_field(struct elixir_items *it)
{
	if (it->count <= SORTED_FIELDS_MAX)
		return next_sorted_field(it);
	while (it->index < it->count) {
		const struct term *field = &it->map->map.pairs[2 * it->index++];
		if (!elixir_hidden_field(field))
			return field;
	}
	return NULL;
}

static bool next_pair(struct elixir_items *it, struct elixir_item *item)
{
	const struct term *pair;

	if (it->form == ELIXIR_STRUCT)
		pair = next_field(it);
	else
		pair = it->index < it->count ? &it->map->map.pairs[2 * it->index++] : NULL;
	if (!pair)
		return false;
	if (it->form == ELIXIR_SET_KEYWORDS)
		*item = (struct elixir_item){ .key = &pair->tuple.elements[0],
					      .keyword = true,
					      .value = &pair->tuple.elements[1] };
	else if (elixir_is_set(it->form))
		*item = (struct elixir_item){ .value = pair };
	else
		*item = (struct elixir_item){ .key = pair, .keyword = it->form != ELIXIR_PAIRS, .value = pair + 1 };
	return true;
}

static bool next_byte(struct elixir_items *it, struct elixir_item *item)
{
	bool whole = it->term->kind == ETF_BINARY;
	const uint8_t *data = whole ? it->term->bytes.data : it->term->bits.data;

	if (it->index == it->count)
		return false;
	unsigned bits = !whole && it->index + 1 == it->count ? it->term->bits.last_bits : 8;
	it->scratch = (struct term){ .kind = ETF_INTEGER, .integer = data[it->index++] >> (8 - bits) };
	*item = (struct elixir_item){ .value = &it->scratch, .bits = bits < 8 ? bits : 0 };
	return true;
}

bool elixir_next_item(struct elixir_items *it, struct elixir_item *item)
{
	if (it->map)
		return next_pair(it, item);
	if (it->form == ELIXIR_BYTES)
		return next_byte(it, item);
	const struct term *e = cursor_next(&it->cursor);
	if (!e) {
		e = it->cursor.tail;
		it->cursor.tail = NULL;
	}
	if (!e)
		return false;
	it->improper = !cursor_more(&it->cursor) && it->cursor.tail;
	if (it->form == ELIXIR_KEYWORDS)
		*item = (struct elixir_item){ .key = &e->tuple.elements[0],
					      .keyword = true,
					      .value = &e->tuple.elements[1] };
	else
		*item = (struct elixir_item){ .value = e };
	return true;
}

/* Does another follow? Fields that are not shown make this more than a comparison. */
bool elixir_more_items(const struct elixir_items *it)
{
	struct elixir_items copy = *it;
	struct elixir_item item;

	if (it->map || it->form == ELIXIR_BYTES)
		return it->form == ELIXIR_STRUCT ? next_pair(&copy, &item) : it->index < it->count;
	return cursor_more(&it->cursor) || it->cursor.tail;
}
