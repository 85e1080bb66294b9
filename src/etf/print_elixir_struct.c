/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "etf/print_elixir_text.h"

const struct term *elixir_field(const struct term *map, const char *name)
{
	for (size_t i = 0; i < map->map.count; i++) {
		if (etf_is_atom(&map->map.pairs[2 * i], name))
			return &map->map.pairs[2 * i + 1];
	}
	return NULL;
}

const struct term *elixir_set(const struct term *t)
{
	const struct term *map = elixir_field(t, "map");

	return etf_is_atom(elixir_field(t, "__struct__"), "Elixir.MapSet") && map && map->kind == ETF_MAP ? map : NULL;
}

bool elixir_range(const struct term *t, int64_t *first, int64_t *last, int64_t *step)
{
	const struct term *a = elixir_field(t, "first");
	const struct term *b = elixir_field(t, "last");
	const struct term *by = elixir_field(t, "step");

	if (!etf_is_atom(elixir_field(t, "__struct__"), "Elixir.Range") || !a || !b || a->kind != ETF_INTEGER ||
	    b->kind != ETF_INTEGER || (by && by->kind != ETF_INTEGER))
		return false;
	*first = a->integer;
	*last = b->integer;
	*step = by ? by->integer : *first <= *last ? 1 : -1;
	return true;
}

bool elixir_hidden_field(const struct term *key)
{
	return etf_is_atom(key, "__struct__") || etf_is_atom(key, "__exception__");
}

/* Whole numbers in these ranges only: others are not dates, and are shown as any struct. */
static bool numbers(const struct term *map, const char *const *names, size_t count, int out[])
{
	for (size_t i = 0; i < count; i++) {
		const struct term *t = elixir_field(map, names[i]);
		if (!t || t->kind != ETF_INTEGER || t->integer < -9999 || t->integer > 9999)
			return false;
		out[i] = (int)t->integer;
	}
	return true;
}

struct moment {
	int date[3];
	int time[3];
	unsigned fraction;
	int precision;
};

static bool moment_of(const struct term *map, bool date, bool time, struct moment *m)
{
	static const char *const date_names[] = { "year", "month", "day" };
	static const char *const time_names[] = { "hour", "minute", "second" };
	enum { MICROSECONDS = 1000000, DIGITS = 6 };
	const struct term *calendar = elixir_field(map, "calendar");
	const struct term *micro = elixir_field(map, "microsecond");

	if (!calendar || !etf_is_atom(calendar, "Elixir.Calendar.ISO") ||
	    (date && !numbers(map, date_names, 3, m->date)))
		return false;
	if (!time)
		return true;
	if (!micro || !etf_is_tuple(micro, 2, NULL) || !numbers(map, time_names, 3, m->time))
		return false;
	const struct term *value = &micro->tuple.elements[0];
	const struct term *precision = &micro->tuple.elements[1];
	if (value->kind != ETF_INTEGER || value->integer < 0 || value->integer >= MICROSECONDS ||
	    precision->kind != ETF_INTEGER || precision->integer < 0 || precision->integer > DIGITS)
		return false;
	m->precision = (int)precision->integer;
	m->fraction = (unsigned)value->integer;
	return true;
}

static void put_date(struct sink *s, const struct moment *m)
{
	sink_printf(s, "%s%04d-%02d-%02d", m->date[0] < 0 ? "-" : "", m->date[0] < 0 ? -m->date[0] : m->date[0],
		    m->date[1], m->date[2]);
}

static void put_time(struct sink *s, const struct moment *m)
{
	char fraction[16];

	sink_printf(s, "%02d:%02d:%02d", m->time[0], m->time[1], m->time[2]);
	if (m->precision > 0) {
		snprintf(fraction, sizeof fraction, "%06u", m->fraction);
		sink_printf(s, ".%.*s", m->precision, fraction);
	}
}

static bool is_text(const struct term *t, const char *text)
{
	return t && t->kind == ETF_BINARY && t->bytes.len == strlen(text) && !memcmp(t->bytes.data, text, t->bytes.len);
}

static bool is_utc(const struct term *map)
{
	const struct term *utc = elixir_field(map, "utc_offset");
	const struct term *std = elixir_field(map, "std_offset");

	return utc && std && utc->kind == ETF_INTEGER && std->kind == ETF_INTEGER && utc->integer == 0 &&
	       std->integer == 0 && is_text(elixir_field(map, "time_zone"), "Etc/UTC");
}

bool elixir_calendar(struct sink *s, const struct term *map)
{
	static const struct {
		const char *module;
		char sigil;
		bool date, time;
	} kinds[] = {
		{ "Elixir.Date", 'D', true, false },
		{ "Elixir.Time", 'T', false, true },
		{ "Elixir.NaiveDateTime", 'N', true, true },
		{ "Elixir.DateTime", 'U', true, true },
	};
	const struct term *module = elixir_field(map, "__struct__");

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct moment m;
		if (!etf_is_atom(module, kinds[i].module))
			continue;
		if (!moment_of(map, kinds[i].date, kinds[i].time, &m) || (kinds[i].sigil == 'U' && !is_utc(map)))
			return false;
		sink_printf(s, "~%c[", kinds[i].sigil);
		if (kinds[i].date)
			put_date(s, &m);
		if (kinds[i].date && kinds[i].time)
			sink_char(s, ' ');
		if (kinds[i].time)
			put_time(s, &m);
		sink_text(s, kinds[i].sigil == 'U' ? "Z]" : "]");
		return true;
	}
	return false;
}
