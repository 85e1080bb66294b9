/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/term.h"

#include <string.h>

#include "platform/platform.h"

uint32_t etf_depth(uint32_t wanted)
{
	/* The hungriest printer takes 1 KiB a level; some for whoever calls it. */
	enum { LEVEL = 1536, REST = 128 * 1024, LEAST = 16 };
	static size_t most;

	if (most == 0) {
		size_t stack = platform_stack();
		most = stack < REST + LEAST * LEVEL ? LEAST : (stack - REST) / LEVEL;
	}
	return wanted < most ? wanted : (uint32_t)most;
}

bool etf_is_atom(const struct term *t, const char *name)
{
	return t->kind == ETF_ATOM && t->atom.len == strlen(name) && memcmp(t->atom.name, name, t->atom.len) == 0;
}

bool etf_is_tuple(const struct term *t, uint32_t count, const char *name)
{
	if (t->kind != ETF_TUPLE || t->tuple.count != count)
		return false;
	return !name || (count > 0 && etf_is_atom(&t->tuple.elements[0], name));
}

bool etf_is_proper_list(const struct term *t, size_t *len)
{
	if (t->kind != ETF_NIL && t->kind != ETF_STRING && (t->kind != ETF_LIST || t->list.tail))
		return false;
	*len = t->kind == ETF_NIL ? 0 : t->kind == ETF_STRING ? t->bytes.len : t->list.count;
	return true;
}

const struct term *etf_list_element(const struct term *t, size_t i, struct term *scratch)
{
	if (t->kind == ETF_LIST && i < t->list.count)
		return &t->list.elements[i];
	if (t->kind != ETF_STRING || i >= t->bytes.len)
		return NULL;
	*scratch = (struct term){ .kind = ETF_INTEGER, .tag = ETF_TAG_SMALL_INTEGER };
	scratch->integer = t->bytes.data[i];
	return scratch;
}
