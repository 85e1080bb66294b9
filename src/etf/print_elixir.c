/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One form for nodes of all releases: that of Elixir 1.18. 1.14 differs in charlists ('text') and in
 * invisible characters, 1.20 in a few line breaks and in the order of large maps, 1.10 in MapSet and large floats too
 * (docs/compatibility.md). Lines are broken as Inspect.Algebra does it, a byte being a column. A container that fits in the rest of
 * its line is written flat. Else, maps, keyword lists and lists that hold containers have each item on a line of its own;
 * tuples, lists of words and bytes are filled: an item goes to the next line if it, and what follows up to the next place
 * for a break, does not fit.
 *
 * Not as on the node: structs show their fields in the order of their names (the node: of their definition), also if the
 * node does not have the module; of the structs that inspect themselves only Range, MapSet, Date, Time, NaiveDateTime and
 * DateTime (UTC) do so here; local funs lack the name of their function; atoms in scripts other than Latin, Greek, Cyrillic
 * and East Asian ones are always quoted; integers of more than 32 KiB are in base 16; what is another node's has its name.
 */
#include <string.h>

#include "etf/print_elixir_form.h"

struct canvas {
	struct sink sink;
	struct elixir_forms *forms;
	size_t width;
	bool may_break; /* measuring: a place for a break was passed, so the line must not get longer than the width */
	bool unfit;     /* measuring: it did */
	const struct term *breaker; /* measuring: the container with that place */
	/*
	 * Not measuring: this container does not fit, nor does any around it, each of which begins with the next: {{{{[1, 2]}}}}.
	 * Without this, each would be measured down to it.
	 */
	const struct term *unfit_down_to;
};

/* What comes after an item on its line, up to the next place where the line is broken or may be. */
struct tail {
	size_t text;
	const struct term *value;
	bool as_lists;
	const struct tail *next; /* NULL: a break, or the end */
};

static void put_flat(struct canvas *c, const struct term *t);
static void lay(struct canvas *c, const struct term *t, size_t indent, const struct tail *tail);

static bool done(const struct canvas *c)
{
	return c->sink.out ? c->sink.out->overflow : c->unfit;
}

static void check(struct canvas *c)
{
	if (!c->sink.out && c->may_break && c->sink.columns > c->width)
		c->unfit = true;
}

static void put(struct canvas *c, const char *text)
{
	sink_text(&c->sink, text);
	check(c);
}

static void put_break(struct canvas *c, const char *flat, const struct term *container)
{
	if (!c->may_break)
		c->breaker = container;
	c->may_break = true;
	put(c, flat);
}

static void put_word(struct canvas *c, const struct term *t)
{
	elixir_word(&c->sink, t);
	check(c);
}

static const char *separator(const struct elixir_items *it)
{
	return it->improper ? " |" : ",";
}

static const char *closing(const struct term *t, enum elixir_form form)
{
	if (form == ELIXIR_BYTES)
		return ">>";
	return t->kind == ETF_TUPLE || (t->kind == ETF_MAP && !elixir_is_set(form)) ? "}" : "]";
}

/* What stands before the group that is broken or not; the bracket itself belongs to it. */
static void put_opening(struct canvas *c, const struct term *t, enum elixir_form form)
{
	if (form == ELIXIR_BYTES) {
		sink_text(&c->sink, "<<");
	} else if (t->kind == ETF_TUPLE) {
		sink_char(&c->sink, '{');
	} else if (t->kind == ETF_MAP && !elixir_is_set(form)) {
		sink_char(&c->sink, '%');
		if (form == ELIXIR_STRUCT)
			elixir_atom(&c->sink, elixir_field(t, "__struct__"), ELIXIR_LITERAL);
		sink_char(&c->sink, '{');
	} else {
		sink_char(&c->sink, '[');
	}
	check(c);
}

static void put_size(struct canvas *c, unsigned bits)
{
	if (bits)
		sink_printf(&c->sink, "::size(%u)", bits);
	check(c);
}

static void put_flat_item(struct canvas *c, const struct elixir_item *item)
{
	if (item->key && item->keyword) {
		elixir_atom(&c->sink, item->key, ELIXIR_KEY);
		put(c, " ");
	} else if (item->key) {
		put_flat(c, item->key);
		put(c, " => ");
	}
	if (!done(c))
		put_flat(c, item->value);
	put_size(c, item->bits);
}

static void put_flat_group(struct canvas *c, const struct term *t, enum elixir_form form)
{
	bool may_break = c->may_break;
	struct elixir_items it = elixir_items(t, form);
	struct elixir_item item;
	bool first = true;

	put_opening(c, t, form);
	if (!elixir_is_filled(form))
		put_break(c, "", t);
	while (!done(c)) {
		const char *comma = separator(&it);
		if (!elixir_next_item(&it, &item))
			break;
		if (!first) {
			put(c, comma);
			put_break(c, " ", t);
		}
		put_flat_item(c, &item);
		first = false;
	}
	if (!elixir_is_filled(form))
		put_break(c, "", t);
	put(c, closing(t, form));
	c->may_break = may_break;
	check(c);
}

static void put_flat(struct canvas *c, const struct term *t)
{
	enum elixir_form form = elixir_form(c->forms, t);
	bool as_lists = c->forms->as_lists;

	if (form == ELIXIR_WORD) {
		put_word(c, t);
		return;
	}
	if (elixir_is_set(form)) {
		put(c, "MapSet.new(");
		c->forms->as_lists = true;
	}
	put_flat_group(c, t, form);
	c->forms->as_lists = as_lists;
	if (elixir_is_set(form))
		put(c, ")");
}

static struct canvas measuring(const struct canvas *c)
{
	struct canvas m = *c;

	m.sink.out = NULL;
	m.sink.limit = c->width + 1;
	m.may_break = m.unfit = false;
	return m;
}

static bool group_fits(struct canvas *c, const struct term *t, enum elixir_form form)
{
	struct canvas m = measuring(c);

	if (!c->unfit_down_to) {
		put_flat_group(&m, t, form);
		if (!m.unfit)
			return true;
		c->unfit_down_to = m.breaker;
	}
	if (c->unfit_down_to == t)
		c->unfit_down_to = NULL;
	return false;
}

static bool item_fits(const struct canvas *c, const struct elixir_item *item, const struct tail *tail)
{
	struct canvas m = measuring(c);
	bool as_lists = m.forms->as_lists;

	put_break(&m, " ", NULL);
	if (!m.unfit)
		put_flat_item(&m, item);
	for (; tail && !m.unfit; tail = tail->next) {
		m.sink.columns += tail->text;
		check(&m);
		m.forms->as_lists = tail->as_lists;
		if (tail->value && !m.unfit)
			put_flat(&m, tail->value);
	}
	m.forms->as_lists = as_lists;
	return !m.unfit;
}

static void lay_item(struct canvas *c, const struct elixir_item *item, size_t indent, const struct tail *tail)
{
	if (item->key && item->keyword) {
		elixir_atom(&c->sink, item->key, ELIXIR_KEY);
		put(c, " ");
	} else if (item->key) {
		const struct tail value = {
			.text = strlen(" => "), .value = item->value, .as_lists = c->forms->as_lists, .next = tail
		};
		lay(c, item->key, indent, &value);
		put(c, " => ");
	}
	lay(c, item->value, indent, tail);
	put_size(c, item->bits);
}

static void lay_group(struct canvas *c, const struct term *t, enum elixir_form form, size_t indent,
		      const struct tail *tail)
{
	bool filled = elixir_is_filled(form);
	size_t inner = indent + (filled && form != ELIXIR_BYTES ? 1 : 2);
	struct elixir_items it = elixir_items(t, form);
	struct elixir_item item;
	bool first = true;

	put_opening(c, t, form);
	if (!filled)
		sink_newline(&c->sink, inner);
	while (elixir_next_item(&it, &item) && !done(c)) {
		bool more = elixir_more_items(&it);
		const char *comma = separator(&it);
		const struct tail after = {
			.text = more     ? strlen(comma)
				: filled ? strlen(closing(t, form))
					 : 0,
			.as_lists = c->forms->as_lists,
			.next = more || !filled ? NULL : tail,
		};
		if (!first && filled && item_fits(c, &item, &after))
			put(c, " ");
		else if (!first)
			sink_newline(&c->sink, inner);
		lay_item(c, &item, inner, &after);
		if (more)
			put(c, comma);
		first = false;
	}
	if (!filled)
		sink_newline(&c->sink, indent);
	put(c, closing(t, form));
}

static void lay(struct canvas *c, const struct term *t, size_t indent, const struct tail *tail)
{
	const struct tail parenthesis = { .text = 1, .as_lists = c->forms->as_lists, .next = tail };
	enum elixir_form form = elixir_form(c->forms, t);
	bool as_lists = c->forms->as_lists;

	if (form == ELIXIR_WORD) {
		put_word(c, t);
		return;
	}
	if (elixir_is_set(form)) {
		put(c, "MapSet.new(");
		c->forms->as_lists = true;
	}
	if (group_fits(c, t, form))
		put_flat_group(c, t, form);
	else
		lay_group(c, t, form, indent, elixir_is_set(form) ? &parenthesis : tail);
	c->forms->as_lists = as_lists;
	if (elixir_is_set(form))
		put(c, ")");
}

bool etf_print_elixir(struct buf *out, const struct term *t, const struct etf_print_options *options)
{
	struct elixir_forms forms = { .options = options };
	struct canvas c = {
		.sink = { .out = out, .options = options, .bytes = true },
		.forms = &forms,
		.width = options->width > 0 ? (size_t)options->width : SIZE_MAX / 2,
	};

	if (options->width > 0)
		lay(&c, t, 0, NULL);
	else
		put_flat(&c, t);
	return !out->overflow;
}
