/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/json.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "etf/number.h"
#include "etf/print_text.h"
#include "etf/utf8.h"

/* Everything that JSON has no form for is an object with one of these as its only key. */
static const char *const tags[] = {
	"atom", "tuple", "map", "binary", "bitstring", "improper_list", "pid", "port", "reference", "fun", "integer",
};

static void put_term(struct buf *out, const struct term *t);

static void put_escaped(struct buf *out, uint8_t c)
{
	static const char letters[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	for (const char *p = letters; *p; p += 2) {
		if ((uint8_t)*p == c) {
			buf_put_u8(out, '\\');
			buf_put_u8(out, (uint8_t)p[1]);
			return;
		}
	}
	buf_printf(out, "\\u%04x", c);
}

static void put_text(struct buf *out, const void *text, size_t len)
{
	const uint8_t *p = text;

	buf_put_u8(out, '"');
	for (size_t at = 0; at < len && !out->overflow;) {
		size_t run = at;
		while (run < len && p[run] >= 0x20 && p[run] != '"' && p[run] != '\\')
			run++;
		buf_put(out, p + at, run - at);
		if (run < len)
			put_escaped(out, p[run++]);
		at = run;
	}
	buf_put_u8(out, '"');
}

static void put_base64(struct buf *out, const uint8_t *data, size_t len)
{
	uint8_t *room;

	buf_put_u8(out, '"');
	/* EVP_EncodeBlock ends its text with a NUL. */
	if (len && (room = buf_reserve(out, (len + 2) / 3 * 4 + 1)))
		out->len += (size_t)EVP_EncodeBlock(room, data, (int)len);
	buf_put_u8(out, '"');
}

static void begin_tagged(struct buf *out, const char *tag)
{
	buf_printf(out, "{\"%s\":", tag);
}

static void end_tagged(struct buf *out)
{
	buf_put_u8(out, '}');
}

static void put_hexadecimal(struct buf *out, const struct term *t)
{
	buf_put_text(out, t->big.negative ? "\"-16#" : "\"16#");
	for (size_t i = t->big.len; i > 0 && !out->overflow; i--)
		buf_printf(out, "%02x", t->big.digits[i - 1]);
	buf_put_u8(out, '"');
}

static void put_integer(struct buf *out, const struct term *t)
{
	if (t->kind == ETF_BIG && t->big.len > INTEGER_DECIMAL_MAX) {
		begin_tagged(out, "integer");
		put_hexadecimal(out, t);
		end_tagged(out);
		return;
	}
	char *digits = etf_integer_text(t);
	buf_put_text(out, digits);
	free(digits);
}

static void put_float(struct buf *out, const struct term *t)
{
	char text[ETF_FLOAT_TEXT_MAX];

	etf_float_text(t->real, text);
	buf_put_text(out, text);
}

static void put_name(struct buf *out, const struct term *atom)
{
	put_text(out, atom->atom.name, atom->atom.len);
}

static void put_atom(struct buf *out, const struct term *t)
{
	if (etf_is_atom(t, "true") || etf_is_atom(t, "false")) {
		buf_put(out, t->atom.name, t->atom.len);
	} else if (etf_is_atom(t, "nil")) {
		buf_put_text(out, "null");
	} else {
		begin_tagged(out, "atom");
		put_name(out, t);
		end_tagged(out);
	}
}

static void put_pid(struct buf *out, const struct term *t)
{
	begin_tagged(out, "pid");
	begin_tagged(out, "node");
	put_name(out, t->pid.node);
	buf_printf(out, ",\"id\":%" PRIu32 ",\"serial\":%" PRIu32 ",\"creation\":%" PRIu32 "}}", t->pid.id,
		   t->pid.serial, t->pid.creation);
}

static void put_port(struct buf *out, const struct term *t)
{
	begin_tagged(out, "port");
	begin_tagged(out, "node");
	put_name(out, t->port.node);
	buf_printf(out, ",\"id\":%" PRIu64 ",\"creation\":%" PRIu32 "}}", t->port.id, t->port.creation);
}

static void put_reference(struct buf *out, const struct term *t)
{
	begin_tagged(out, "reference");
	begin_tagged(out, "node");
	put_name(out, t->reference.node);
	buf_put_text(out, ",\"ids\":[");
	for (uint16_t i = 0; i < t->reference.count; i++)
		buf_printf(out, "%s%" PRIu32, i ? "," : "", t->reference.ids[i]);
	buf_printf(out, "],\"creation\":%" PRIu32 "}}", t->reference.creation);
}

static void put_export(struct buf *out, const struct term *t)
{
	begin_tagged(out, "fun");
	begin_tagged(out, "module");
	put_name(out, t->export.module);
	buf_put_text(out, ",\"function\":");
	put_name(out, t->export.function);
	buf_printf(out, ",\"arity\":%" PRIu32 "}}", t->export.arity);
}

static void put_fun(struct buf *out, const struct term *t)
{
	begin_tagged(out, "fun");
	begin_tagged(out, "module");
	put_name(out, t->fun.module);
	buf_printf(out, ",\"index\":%" PRIu32 ",\"uniq\":%" PRIu32 ",\"arity\":%u,\"encoded\":", t->fun.index,
		   t->fun.uniq, (unsigned)t->fun.arity);
	put_base64(out, t->fun.encoded.data, t->fun.encoded.len);
	buf_put_text(out, "}}");
}

static void put_binary(struct buf *out, const struct term *t)
{
	if (utf8_valid(t->bytes.data, t->bytes.len, NULL)) {
		put_text(out, t->bytes.data, t->bytes.len);
		return;
	}
	begin_tagged(out, "binary");
	put_base64(out, t->bytes.data, t->bytes.len);
	end_tagged(out);
}

static void put_bitstring(struct buf *out, const struct term *t)
{
	uint8_t *data = xmalloc(t->bits.len);

	memcpy(data, t->bits.data, t->bits.len);
	data[t->bits.len - 1] &= (uint8_t)(0xff00U >> t->bits.last_bits);
	begin_tagged(out, "bitstring");
	buf_printf(out, "{\"bits\":%" PRIu64 ",\"base64\":", (uint64_t)(t->bits.len - 1) * 8 + t->bits.last_bits);
	put_base64(out, data, t->bits.len);
	buf_put_text(out, "}}");
	free(data);
}

static void put_array(struct buf *out, const struct term *terms, size_t count)
{
	buf_put_u8(out, '[');
	for (size_t i = 0; i < count && !out->overflow; i++) {
		if (i > 0)
			buf_put_u8(out, ',');
		put_term(out, &terms[i]);
	}
	buf_put_u8(out, ']');
}

static void put_string(struct buf *out, const struct term *t)
{
	buf_put_u8(out, '[');
	for (size_t i = 0; i < t->bytes.len && !out->overflow; i++)
		buf_printf(out, "%s%u", i ? "," : "", (unsigned)t->bytes.data[i]);
	buf_put_u8(out, ']');
}

static void put_list(struct buf *out, const struct term *t)
{
	if (!t->list.tail) {
		put_array(out, t->list.elements, t->list.count);
		return;
	}
	begin_tagged(out, "improper_list");
	begin_tagged(out, "elements");
	put_array(out, t->list.elements, t->list.count);
	buf_put_text(out, ",\"tail\":");
	put_term(out, t->list.tail);
	buf_put_text(out, "}}");
}

static void put_tuple(struct buf *out, const struct term *t)
{
	begin_tagged(out, "tuple");
	put_array(out, t->tuple.elements, t->tuple.count);
	end_tagged(out);
}

/*
 * The name of an object's member for that key of a map, or NULL if it has none: a binary is its text, an atom its name
 * behind a colon. A text that begins with a colon could be taken for an atom, one with a NUL does not fit json-c.
 */
static char *member_name(const struct term *key)
{
	const char *text = key->kind == ETF_ATOM ? key->atom.name : (const char *)key->bytes.data;
	size_t len = key->kind == ETF_ATOM ? key->atom.len : key->bytes.len;

	if (len && memchr(text, '\0', len))
		return NULL;
	if (key->kind == ETF_BINARY && ((len && text[0] == ':') || !utf8_valid(text, len, NULL)))
		return NULL;
	char *name = xmalloc(len + 2);
	size_t at = key->kind == ETF_ATOM ? 1 : 0;
	name[0] = ':';
	if (len)
		memcpy(name + at, text, len);
	name[at + len] = '\0';
	return name;
}

static bool is_tag(const char *name)
{
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		if (strcmp(name, tags[i]) == 0)
			return true;
	}
	return false;
}

/* Has every key a name that cannot be misread? (A hostile peer's map may hold a key twice: that has no object either.) */
static bool has_members(const struct term **keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if ((keys[i]->kind != ETF_ATOM && keys[i]->kind != ETF_BINARY) ||
		    (i > 0 && etf_equal(keys[i - 1], keys[i])))
			return false;
		char *name = member_name(keys[i]);
		bool good = name && (count > 1 || !is_tag(name));
		free(name);
		if (!good)
			return false;
	}
	return true;
}

static void put_members(struct buf *out, const struct term **keys, uint32_t count)
{
	buf_put_u8(out, '{');
	for (uint32_t i = 0; i < count && !out->overflow; i++) {
		char *name = member_name(keys[i]);
		if (i > 0)
			buf_put_u8(out, ',');
		put_text(out, name, strlen(name));
		buf_put_u8(out, ':');
		put_term(out, keys[i] + 1);
		free(name);
	}
	buf_put_u8(out, '}');
}

static void put_pairs(struct buf *out, const struct term **keys, uint32_t count)
{
	begin_tagged(out, "map");
	buf_put_u8(out, '[');
	for (uint32_t i = 0; i < count && !out->overflow; i++) {
		if (i > 0)
			buf_put_u8(out, ',');
		put_array(out, keys[i], 2);
	}
	buf_put_text(out, "]}");
}

static bool holds_map(const struct term *t)
{
	if (t->kind != ETF_TUPLE && t->kind != ETF_LIST)
		return t->kind == ETF_MAP;
	const struct term *elements = t->kind == ETF_TUPLE ? t->tuple.elements : t->list.elements;
	uint32_t count = t->kind == ETF_TUPLE ? t->tuple.count : t->list.count;
	for (uint32_t i = 0; i < count; i++) {
		if (holds_map(&elements[i]))
			return true;
	}
	return t->kind == ETF_LIST && t->list.tail && holds_map(t->list.tail);
}

/*
 * The keys in Erlang's order. Comparing maps sorts their keys again at each level, which a hostile peer can make endless: keys
 * that hold maps stay in the order in which they came.
 */
static const struct term **keys_of(const struct term *map)
{
	const struct term **keys = xmalloc(map->map.count * sizeof *keys);
	bool sortable = true;

	for (uint32_t i = 0; i < map->map.count; i++) {
		keys[i] = &map->map.pairs[2 * (size_t)i];
		sortable = sortable && !holds_map(keys[i]);
	}
	if (!sortable)
		return keys;
	free(keys);
	return etf_map_sorted(map);
}

static void put_map(struct buf *out, const struct term *t)
{
	const struct term **keys = keys_of(t);

	if (has_members(keys, t->map.count))
		put_members(out, keys, t->map.count);
	else
		put_pairs(out, keys, t->map.count);
	free(keys);
}

static void put_term(struct buf *out, const struct term *t)
{
	static void (*const puts[])(struct buf *, const struct term *) = {
		[ETF_INTEGER] = put_integer,
		[ETF_BIG] = put_integer,
		[ETF_FLOAT] = put_float,
		[ETF_ATOM] = put_atom,
		[ETF_PID] = put_pid,
		[ETF_PORT] = put_port,
		[ETF_REFERENCE] = put_reference,
		[ETF_TUPLE] = put_tuple,
		[ETF_STRING] = put_string,
		[ETF_LIST] = put_list,
		[ETF_BINARY] = put_binary,
		[ETF_BITSTRING] = put_bitstring,
		[ETF_MAP] = put_map,
		[ETF_EXPORT] = put_export,
		[ETF_FUN] = put_fun,
	};

	if (t->kind == ETF_NIL)
		buf_put_text(out, "[]");
	else
		puts[t->kind](out, t);
}

bool etf_put_json(struct buf *out, const struct term *t)
{
	put_term(out, t);
	return !out->overflow;
}
