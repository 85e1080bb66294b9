/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Terms in Erlang syntax on one line, and which of them are one word: those that a line is never broken in. The layout over
 * several lines (print_erlang.c) is made of these.
 */
#ifndef ETF_PRINT_ERLANG_TEXT_H
#define ETF_PRINT_ERLANG_TEXT_H

#include "etf/print_text.h"

enum erlang_shape {
	ERLANG_WORD, /* also strings, binaries shown as strings, and what is empty */
	ERLANG_LIST,
	ERLANG_TUPLE,
	ERLANG_MAP,
	ERLANG_BINARY, /* numbers between << and >> */
};

enum erlang_shape erlang_shape(const struct sink *s, const struct term *t);
/* The whole term on one line. When measuring, at least up to the limit. */
void erlang_flat(struct sink *s, const struct term *t);

/* A map's pair by its place in the order in which the node itself would print them. */
const struct term *erlang_pair(const struct term *map, uint32_t i);

#endif
