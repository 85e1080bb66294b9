/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names that differ in one number only, written as one. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/targets.h"

enum { DIGITS_MAX = 9 };

/* A name around the last number of its host. */
struct name {
	const char *text;
	size_t head;   /* bytes before the number */
	size_t digits; /* of it; 0: it has none */
	unsigned long number;
	size_t order;
};

static struct name take_apart(const char *text, size_t order)
{
	struct name name = { .text = text, .head = strcspn(text, ":"), .order = order };
	size_t end = name.head;

	while (end > 0 && !isdigit((unsigned char)text[end - 1]))
		end--;
	size_t begin = end;
	while (begin > 0 && isdigit((unsigned char)text[begin - 1]))
		begin--;
	if (end - begin == 0 || end - begin > DIGITS_MAX || strpbrk(text, "[]"))
		return name;
	name.head = begin;
	name.digits = end - begin;
	name.number = strtoul(text + begin, NULL, 10);
	return name;
}

static const char *tail_of(const struct name *name)
{
	return name->text + name->head + name->digits;
}

/* Zeros before a number count: 01 and 1 are not of one range. */
static size_t width_of(const struct name *name)
{
	return name->digits > 1 && name->text[name->head] == '0' ? name->digits : 0;
}

/* fixed: all have as many digits; otherwise none begins with a zero. */
static bool are_kin(const struct name *a, const struct name *b, bool fixed)
{
	return a->digits && b->digits && a->head == b->head && memcmp(a->text, b->text, a->head) == 0 &&
	       strcmp(tail_of(a), tail_of(b)) == 0 && (fixed ? a->digits == b->digits : !width_of(b));
}

static int by_number(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Kin, sorted: “1-3,7”, each number with as many digits as the names have. */
static void put_numbers(const struct name *kin, size_t count, struct buf *out)
{
	/* The smallest one shows whether they begin with zeros. */
	int width = (int)width_of(&kin[0]);

	for (size_t i = 0; i < count;) {
		size_t last = i;
		while (last + 1 < count && kin[last + 1].number == kin[last].number + 1)
			last++;
		buf_printf(out, "%s%0*lu", i ? "," : "", width, kin[i].number);
		if (last > i)
			buf_printf(out, "%c%0*lu", last > i + 1 ? '-' : ',', width, kin[last].number);
		i = last + 1;
	}
}

static void put_kin(struct name *kin, size_t count, struct buf *out)
{
	if (count == 1) {
		buf_put_text(out, kin->text);
		return;
	}
	qsort(kin, count, sizeof *kin, by_number);
	buf_put(out, kin->text, kin->head);
	buf_put_u8(out, '[');
	put_numbers(kin, count, out);
	buf_put_u8(out, ']');
	buf_put_text(out, tail_of(kin));
}

void targets_fold(const char *const *names, size_t count, struct buf *out)
{
	struct name *left = xmalloc((count + 1) * sizeof *left), *kin = xmalloc((count + 1) * sizeof *kin);

	for (size_t i = 0; i < count; i++)
		left[i] = take_apart(names[i], i);
	for (size_t i = 0; i < count; i++) {
		size_t found = 0;
		if (!left[i].text)
			continue;
		if (out->len)
			buf_put_u8(out, ',');
		bool fixed = width_of(&left[i]) > 0;
		for (size_t k = i + 1; !fixed && k < count; k++)
			fixed = left[k].text && width_of(&left[k]) > 0 && are_kin(&left[i], &left[k], true);
		kin[found++] = left[i];
		for (size_t k = i + 1; k < count; k++) {
			if (!left[k].text || !are_kin(&left[i], &left[k], fixed))
				continue;
			kin[found++] = left[k];
			left[k].text = NULL;
		}
		put_kin(kin, found, out);
	}
	free(left);
	free(kin);
}
