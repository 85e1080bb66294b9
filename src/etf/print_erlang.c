/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One form for nodes of all releases: that of OTP 27, which breaks lines as 23 to 29 do (docs/compatibility.md says where the others
 * differ: `maybe` has quotes on none before 27, 23 writes some floats otherwise, 29 some binaries). A part that fits in the rest of its line is written flat. Elsewhere the elements of a
 * list or tuple stand in a column; words are packed as far as they fit, anything else begins a line and ends it.
 * A tuple whose first element is an atom keeps its other elements beside the tag, or, if that would lead too far to the
 * right somewhere in the term, under it: by 4 columns where that is enough, else by 1. So the term is gone through up to
 * three times, the first two only probing; what a part would take on one line is measured only up to a line's length.
 *
 * Not as on the node: grapheme clusters other than a letter with the common marks (print_text.c) are counted by their code
 * points when lines are broken; integers of more than 32 KiB are written in base 16; pids, ports and references of other
 * nodes are shown with the node's name. Maps are in the node's own order, which is told by the order in which it sends them.
 * Records are tuples here, as in ~tp.
 */
#include <limits.h>

#include "etf/print_erlang_text.h"

struct layout {
	struct sink *sink;
	long width; /* of a line */
	long total; /* columns of the whole term on one line; counts no further than matters */
	long tag_indent;
	bool probing; /* write nothing, find out whether tag_indent does */
	bool too_far; /* it does not */
};

/* Where a part stands. */
struct place {
	long column;  /* from 1; the column that its lines begin at, once it is broken */
	long closing; /* brackets that close directly after it */
	long before;  /* columns taken before it on its line, indentation aside */
};

static void lay(struct layout *l, const struct term *t, struct place at);

static void text(struct layout *l, const char *s)
{
	if (!l->probing)
		sink_text(l->sink, s);
}

static void flat(struct layout *l, const struct term *t)
{
	if (!l->probing)
		erlang_flat(l->sink, t);
}

static void newline(struct layout *l, long column)
{
	if (!l->probing)
		sink_newline(l->sink, (size_t)(column - 1));
}

static bool stop(const struct layout *l)
{
	return l->probing ? l->too_far : sink_done(l->sink);
}

static long measure(const struct layout *l, const struct term *t, long limit)
{
	struct sink s = { .options = l->sink->options, .limit = (size_t)limit };

	erlang_flat(&s, t);
	return s.columns > LONG_MAX / 4 ? LONG_MAX / 4 : (long)s.columns;
}

static long length(const struct layout *l, const struct term *t)
{
	return measure(l, t, l->width);
}

static bool word(const struct layout *l, const struct term *t)
{
	return erlang_shape(l->sink, t) == ERLANG_WORD;
}

static bool fits(const struct layout *l, long len, struct place at)
{
	return len < l->width - at.column - at.closing && len + at.before + at.closing <= l->total;
}

/* A comma and a part of that length, on the line that has come to `at`; a comma or brackets follow it. */
static bool fits_after_comma(const struct layout *l, long len, struct place at)
{
	if (at.closing == 0)
		at.closing = 1;
	return fits(l, len + 1, at);
}

/* Goes on until the next thing would not fit: what is broken leaves no room on its line. */
static long element(struct layout *l, const struct term *t, struct place at)
{
	long len = length(l, t);

	if (fits(l, len, at) && word(l, t)) {
		flat(l, t);
		return len;
	}
	lay(l, t, at);
	return l->width;
}

static void improper_tail(struct layout *l, const struct term *t, long column, struct place at)
{
	long len = length(l, t);

	text(l, "|");
	at.closing++;
	if (fits(l, len + 1, at) && word(l, t)) {
		flat(l, t);
		return;
	}
	newline(l, column);
	lay(l, t, (struct place){ .column = l->probing ? at.column : column, .closing = at.closing });
}

/* The elements after the first ones: `column` is where lines begin, `at` where the line has come to. */
static void rest_of_elements(struct layout *l, struct cursor *c, long column, struct place at)
{
	long closing = at.closing;

	for (const struct term *t; (t = cursor_next(c)) && !stop(l);) {
		long len = length(l, t);
		text(l, ",");
		at.closing = cursor_more(c) ? 0 : closing + 1;
		if (fits_after_comma(l, len, at) && word(l, t)) {
			flat(l, t);
			at.column += len + 1;
			at.before += len + 1;
		} else {
			newline(l, column);
			long used = element(l, t, (struct place){ .column = column, .closing = at.closing });
			at.column = column + used;
			at.before = used;
		}
	}
	if (c->tail && !stop(l)) {
		at.closing = closing;
		improper_tail(l, c->tail, column, at);
	}
}

static void elements(struct layout *l, struct cursor *c, struct place at)
{
	const struct term *first = cursor_next(c);
	struct place place = at;

	place.closing = cursor_more(c) ? 0 : at.closing + 1;
	long used = element(l, first, place);
	at.before += used;
	long column = at.column;
	at.column += used;
	rest_of_elements(l, c, column, at);
}

static bool near_enough(struct layout *l, long column, long farthest)
{
	if (l->probing && column > farthest)
		l->too_far = true;
	return !l->too_far;
}

/* Elements may begin in the left half of a line, the other half is theirs. */
static void tagged_tuple(struct layout *l, struct cursor *c, struct place at)
{
	const struct term *tag = cursor_next(c);
	long len = measure(l, tag, LONG_MAX / 4);
	long column = at.column;

	flat(l, tag);
	at.before += len;
	at.column += len + 2;
	if (l->tag_indent > 0 && len + 2 > l->tag_indent) {
		if (near_enough(l, column + l->tag_indent, l->width / 2))
			rest_of_elements(l, c, column + l->tag_indent, at);
	} else if (near_enough(l, at.column, l->width / 2 - 1)) {
		text(l, ",");
		at.before++;
		elements(l, c, at);
	}
}

static long pair_length(const struct layout *l, const struct term *pair)
{
	long len = length(l, &pair[0]) + 4;

	return len < l->width ? len + measure(l, &pair[1], l->width) : len;
}

static bool pair_of_words(const struct layout *l, const struct term *pair)
{
	return word(l, &pair[0]) && word(l, &pair[1]);
}

static void flat_pair(struct layout *l, const struct term *pair)
{
	flat(l, &pair[0]);
	text(l, " => ");
	flat(l, &pair[1]);
}

static long lay_pair(struct layout *l, const struct term *pair, struct place at)
{
	enum { VALUE_INDENT = 4 };
	long len = pair_length(l, pair);

	if (fits(l, len, at)) {
		flat_pair(l, pair);
		return pair_of_words(l, pair) ? len : l->width;
	}
	lay(l, &pair[0], at);
	text(l, " =>");
	at.column += l->tag_indent > 0 ? l->tag_indent : VALUE_INDENT;
	at.before = 0;
	newline(l, at.column);
	lay(l, &pair[1], at);
	return l->width;
}

static void pairs(struct layout *l, const struct term *map, struct place at)
{
	long column = at.column;
	long closing = at.closing;

	for (uint32_t i = 0; i < map->map.count && !stop(l); i++) {
		const struct term *pair = erlang_pair(map, i);
		at.closing = i + 1 < map->map.count ? 0 : closing + 1;
		if (i == 0) {
			long used = lay_pair(l, pair, at);
			at.column += used;
			at.before = l->probing ? at.before + used : used;
			continue;
		}
		long len = pair_length(l, pair);
		text(l, ",");
		if (fits_after_comma(l, len, at) && pair_of_words(l, pair)) {
			flat_pair(l, pair);
			at.column += len + 1;
			at.before += len + 1;
		} else {
			newline(l, column);
			long used = lay_pair(l, pair, (struct place){ .column = column, .closing = at.closing });
			at.column = column + used;
			at.before = used;
		}
	}
}

/* Numbers as many as fit in each line, in lines of equal room. */
static void numbers(struct layout *l, const struct term *t, struct place at)
{
	enum { ROOM_MIN = 8 };
	bool whole = t->kind == ETF_BINARY;
	const uint8_t *data = whole ? t->bytes.data : t->bits.data;
	size_t len = whole ? t->bytes.len : t->bits.len;
	long room = l->width - at.column;

	if (room > l->total - 4 - at.before)
		room = l->total - 4 - at.before;
	room -= at.closing;
	if (room < ROOM_MIN)
		room = ROOM_MIN;
	long left = room;
	text(l, "<<");
	for (size_t i = 0; i < len && !stop(l); i++) {
		struct sink s = { .options = l->sink->options, .limit = SIZE_MAX };
		bool last = i + 1 == len;
		unsigned bits = last && !whole ? t->bits.last_bits : 8;
		sink_printf(&s, bits < 8 ? "%u:%u" : last ? "%u" : "%u,", data[i] >> (8 - bits), bits);
		if ((long)s.columns > left) {
			newline(l, at.column);
			left = room;
		}
		left -= (long)s.columns;
		s.out = l->sink->out;
		sink_printf(&s, bits < 8 ? "%u:%u" : last ? "%u" : "%u,", data[i] >> (8 - bits), bits);
	}
	text(l, ">>");
}

static bool is_tagged(const struct term *tuple)
{
	return tuple->tuple.count > 1 && tuple->tuple.elements[0].kind == ETF_ATOM;
}

static void lay_list(struct layout *l, const struct term *t, struct place at, const char *open, const char *close)
{
	struct cursor c = cursor_of(t);

	text(l, open);
	at.before++;
	if (t->kind == ETF_TUPLE && is_tagged(t)) {
		tagged_tuple(l, &c, at);
	} else {
		at.column++;
		elements(l, &c, at);
	}
	text(l, close);
}

static void lay(struct layout *l, const struct term *t, struct place at)
{
	if (stop(l))
		return;
	if (fits(l, length(l, t), at)) {
		flat(l, t);
		return;
	}
	switch (erlang_shape(l->sink, t)) {
	case ERLANG_WORD:
		flat(l, t);
		break;
	case ERLANG_LIST:
		lay_list(l, t, at, "[", "]");
		break;
	case ERLANG_TUPLE:
		lay_list(l, t, at, "{", "}");
		break;
	case ERLANG_MAP:
		text(l, "#{");
		at.column += 2;
		at.before += l->probing ? 2 : 1;
		pairs(l, t, at);
		text(l, "}");
		break;
	case ERLANG_BINARY:
		at.column += 2;
		if (!l->probing)
			numbers(l, t, at);
		break;
	}
}

bool etf_print_erlang(struct buf *out, const struct term *t, const struct etf_print_options *options)
{
	enum { TOTAL_LINES = 4, TOTAL_EXTRA = 64 };
	static const long tag_indents[] = { -1, 4, 1 };
	struct sink sink = { .out = out, .options = options };
	struct layout l = { .sink = &sink, .width = options->width };
	struct place at = { .column = options->column > 0 ? options->column : 1 };

	if (l.width > 0)
		l.total = measure(&l, t, TOTAL_LINES * l.width + TOTAL_EXTRA);
	if (l.width <= 0 || l.total < l.width - at.column) {
		erlang_flat(&sink, t);
		return !out->overflow;
	}
	for (size_t i = 0; i < sizeof tag_indents / sizeof *tag_indents; i++) {
		l.tag_indent = tag_indents[i];
		l.probing = i + 1 < sizeof tag_indents / sizeof *tag_indents;
		l.too_far = false;
		if (l.probing)
			lay(&l, t, at);
		if (!l.too_far)
			break;
	}
	l.probing = false;
	lay(&l, t, at);
	return !out->overflow;
}
