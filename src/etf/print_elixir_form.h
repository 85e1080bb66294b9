/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a term is laid out in Elixir's syntax: as one word, or as a container of which kind. To find out, all of a list may
 * have to be looked at, and a container is asked about once for every one around it; so answers are kept for large ones.
 */
#ifndef ETF_PRINT_ELIXIR_FORM_H
#define ETF_PRINT_ELIXIR_FORM_H

#include "etf/print_elixir_text.h"

enum elixir_form {
	ELIXIR_WORD,
	ELIXIR_FILLED,   /* a tuple, or a list of words: as many in each line as fit */
	ELIXIR_COLUMN,   /* a list of other things: one in each line */
	ELIXIR_KEYWORDS, /* a list of pairs, or a map, with atoms as keys */
	ELIXIR_PAIRS,    /* another map */
	ELIXIR_STRUCT,
	ELIXIR_SET, /* a MapSet of words, of other things, of pairs */
	ELIXIR_SET_COLUMN,
	ELIXIR_SET_KEYWORDS,
	ELIXIR_BYTES, /* between << and >> */
};

enum { ELIXIR_FORMS_KEPT = 256 };

struct elixir_forms {
	const struct etf_print_options *options;
	bool as_lists; /* in a MapSet no list is a charlist */
	struct {
		const struct term *term;
		bool as_lists;
		uint8_t form;
	} entries[ELIXIR_FORMS_KEPT];
};

enum elixir_form elixir_form(struct elixir_forms *f, const struct term *t);
bool elixir_is_set(enum elixir_form form);
bool elixir_is_filled(enum elixir_form form);

/* The items of a container, one after the other. */
struct elixir_item {
	const struct term *key; /* NULL: only a value */
	bool keyword;           /* “key: value”, else “key => value” */
	const struct term *value;
	unsigned bits; /* of a bitstring's last part, else 0 */
};

struct elixir_items {
	enum elixir_form form;
	const struct term *term;
	const struct term *map; /* whose pairs the items are, or NULL */
	struct cursor cursor;
	struct term scratch;
	size_t index;
	size_t count;
	const struct term
		*last_field; /* of a struct of few fields, which are gone through in the order of their names */
	bool improper;       /* the next is a list's tail */
};

struct elixir_items elixir_items(const struct term *t, enum elixir_form form);
/* Valid until the next call. False: there are no more. */
bool elixir_next_item(struct elixir_items *it, struct elixir_item *item);
bool elixir_more_items(const struct elixir_items *it);

#endif
