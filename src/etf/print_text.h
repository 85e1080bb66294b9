/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the two printers share: a sink that either writes text or only measures it (so that what is measured is what is
 * written), a cursor over the elements of lists and tuples, and the names of pids, ports and references.
 */
#ifndef ETF_PRINT_TEXT_H
#define ETF_PRINT_TEXT_H

#include "etf/print.h"

struct sink {
	struct buf *out; /* NULL: the text is only measured */
	const struct etf_print_options *options;
	size_t columns; /* since the last newline; measuring: in all */
	size_t limit;   /* measuring may stop when there are this many columns */
	bool bytes;     /* a byte is a column, as Elixir counts, else a character is one, as OTP does */
};

/* No more text is needed: the buffer is full, or what is measured is known to be too long. */
bool sink_done(const struct sink *s);
void sink_put(struct sink *s, const void *utf8, size_t len);
void sink_text(struct sink *s, const char *text);
void sink_char(struct sink *s, char c);           /* ASCII */
void sink_code(struct sink *s, uint32_t code);    /* a code point, as UTF-8 */
void sink_number(struct sink *s, uint64_t value); /* what is printed most, so not through printf */
void sink_printf(struct sink *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sink_newline(struct sink *s, size_t indent);
/* True when measuring and `len` more columns would pass the limit; they are counted then, and need not be looked at. */
bool sink_too_long(struct sink *s, size_t len);

/* The elements of a tuple, or of a list and of the lists that its tail may be. */
struct cursor {
	const struct term *elements; /* NULL: `bytes` */
	const uint8_t *bytes;
	size_t index;
	size_t count;
	const struct term *tail; /* of an improper list */
	struct term scratch;
};

struct cursor cursor_of(const struct term *t);
bool cursor_more(const struct cursor *c);
/* Valid until the next call; NULL at the end. */
const struct term *cursor_next(struct cursor *c);

/*
 * Decimal, or, beyond INTEGER_DECIMAL_MAX bytes, `prefix` and hexadecimal digits: converting to decimal takes time that
 * grows with the square of the size, and the size is chosen by the peer.
 */
enum { INTEGER_DECIMAL_MAX = 32 * 1024 };
void sink_integer(struct sink *s, const struct term *t, const char *hex_prefix);

/* What stands between < and > for a pid, port or reference: numbers, with the node's name first if it is another node's. */
void sink_identifier(struct sink *s, const struct term *t);

#endif
