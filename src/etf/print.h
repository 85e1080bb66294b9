/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Terms as text, in the two syntaxes that operators read. The output is UTF-8 and holds no control characters but
 * newlines (strings and atoms are escaped as the node's own printer would); like the node it lets through what turns the
 * direction of writing, so on a terminal it goes through the filter as all text of the node's.
 *
 * Time is in proportion to the term and the text. Lines of a deep term are indented, so the text may be much larger than the
 * term: the buffer's maximum is what bounds it. What differs from the node's own text stands at the top of print_erlang.c
 * and print_elixir.c.
 */
#ifndef ETF_PRINT_H
#define ETF_PRINT_H

#include "base/buf.h"
#include "etf/term.h"

struct etf_print_options {
	int width;  /* columns at which lines are broken; 0: one line, as ~tw-like ~0tp does */
	int column; /* column where the text begins, from 1 (Erlang only: inspect knows of none) */
	/*
	 * Its pids, ports and references are shown as the node itself does, <0.Id.Serial>; those of other nodes with the
	 * other's name in the place of the 0 (the node shows a number there that means something to it only), or ? if the
	 * name holds other characters than names do. NULL: all are shown with 0.
	 */
	const char *local_node;
	bool printable_unicode; /* Erlang: the node was started with `+pc unicode`; the default is Latin-1 */
};

/* As io:format("~tp", [T]) prints it (~Wtp for a width), the way of OTP 25 to 29. False: the buffer's maximum was passed. */
bool etf_print_erlang(struct buf *out, const struct term *t, const struct etf_print_options *options);
/* As IO.puts(inspect(t, pretty: true, width: W, limit: :infinity, printable_limit: :infinity)) prints it, the way of Elixir 1.18. */
bool etf_print_elixir(struct buf *out, const struct term *t, const struct etf_print_options *options);

#endif
