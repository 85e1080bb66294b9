/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of Elixir's syntax: atoms, numbers, strings, functions, dates; what inspect writes without looking at the
 * width. Lists, maps and the like are made of them in print_elixir.c.
 */
#ifndef ETF_PRINT_ELIXIR_TEXT_H
#define ETF_PRINT_ELIXIR_TEXT_H

#include "etf/print_text.h"

enum elixir_atom {
	ELIXIR_LITERAL, /* :name, Alias, nil */
	ELIXIR_KEY,     /* name: */
	ELIXIR_CALL,    /* the name after a module and a dot */
};

void elixir_atom(struct sink *s, const struct term *atom, enum elixir_atom form);
/* Does the name begin with "Elixir."? Such atoms are no keys of keyword lists. */
bool elixir_is_module(const struct term *atom);

/* UTF-8 of printable characters only, or a list of printable ASCII. */
bool elixir_printable(const struct term *t);
/* Such a string or charlist, escaped and quoted. */
void elixir_string(struct sink *s, const struct term *t);

void elixir_float(struct sink *s, double value);
void elixir_fun(struct sink *s, const struct term *t);

/* A term of one word (ELIXIR_WORD). */
void elixir_word(struct sink *s, const struct term *t);

/* The value of a map's atom key, or NULL. */
const struct term *elixir_field(const struct term *map, const char *name);
/* The map whose keys a MapSet holds, or NULL. */
const struct term *elixir_set(const struct term *map);
bool elixir_range(const struct term *map, int64_t *first, int64_t *last, int64_t *step);
/* Date, Time, NaiveDateTime and DateTime (UTC) of the ISO calendar as sigils. False: it is none, and nothing was written. */
bool elixir_calendar(struct sink *s, const struct term *map);
/* Keys that a struct does not show. */
bool elixir_hidden_field(const struct term *key);

#endif
