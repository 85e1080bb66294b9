/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etf/json.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "etf/number.h"
#include "etf/utf8.h"

/* Everything that JSON has no form for is an object with one of these as its only key. */
static const char *const tags[] = {
	"atom", "tuple", "map", "binary", "bitstring", "improper_list", "pid", "port", "reference", "fun",
};

static struct json_object *tagged(const char *tag, struct json_object *value)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, tag, value);
	return object;
}

static struct json_object *text_json(const void *text, size_t len)
{
	return json_object_new_string_len(len ? text : "", (int)len);
}

static struct json_object *base64_json(const uint8_t *data, size_t len)
{
	unsigned char *text = xmalloc((len + 2) / 3 * 4 + 1);
	int encoded = len ? EVP_EncodeBlock(text, data, (int)len) : 0;
	struct json_object *json = text_json(text, (size_t)encoded);

	free(text);
	return json;
}

static struct json_object *integer_json(const struct term *t)
{
	if (t->kind == ETF_INTEGER)
		return json_object_new_int64(t->integer);
	char *digits = etf_integer_text(t);
	struct json_object *json = json_object_new_double_s(0, digits);
	free(digits);
	return json;
}

static struct json_object *float_json(const struct term *t)
{
	char text[ETF_FLOAT_TEXT_MAX];

	etf_float_text(t->real, text);
	return json_object_new_double_s(t->real, text);
}

static struct json_object *name_json(const struct term *atom)
{
	return text_json(atom->atom.name, atom->atom.len);
}

static struct json_object *atom_json(const struct term *t)
{
	if (etf_is_atom(t, "true"))
		return json_object_new_boolean(1);
	if (etf_is_atom(t, "false"))
		return json_object_new_boolean(0);
	return etf_is_atom(t, "nil") ? NULL : tagged("atom", name_json(t));
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *pid_json(const struct term *t)
{
	struct json_object *pid = json_object_new_object();

	json_object_object_add(pid, "node", name_json(t->pid.node));
	add_number(pid, "id", t->pid.id);
	add_number(pid, "serial", t->pid.serial);
	add_number(pid, "creation", t->pid.creation);
	return tagged("pid", pid);
}

static struct json_object *port_json(const struct term *t)
{
	struct json_object *port = json_object_new_object();

	json_object_object_add(port, "node", name_json(t->port.node));
	add_number(port, "id", t->port.id);
	add_number(port, "creation", t->port.creation);
	return tagged("port", port);
}

static struct json_object *reference_json(const struct term *t)
{
	struct json_object *reference = json_object_new_object();
	struct json_object *ids = json_object_new_array();

	for (uint16_t i = 0; i < t->reference.count; i++)
		json_object_array_add(ids, json_object_new_uint64(t->reference.ids[i]));
	json_object_object_add(reference, "node", name_json(t->reference.node));
	json_object_object_add(reference, "ids", ids);
	add_number(reference, "creation", t->reference.creation);
	return tagged("reference", reference);
}

static struct json_object *export_json(const struct term *t)
{
	struct json_object *fun = json_object_new_object();

	json_object_object_add(fun, "module", name_json(t->export.module));
	json_object_object_add(fun, "function", name_json(t->export.function));
	add_number(fun, "arity", t->export.arity);
	return tagged("fun", fun);
}

static struct json_object *fun_json(const struct term *t)
{
	struct json_object *fun = json_object_new_object();

	json_object_object_add(fun, "module", name_json(t->fun.module));
	add_number(fun, "index", t->fun.index);
	add_number(fun, "uniq", t->fun.uniq);
	add_number(fun, "arity", t->fun.arity);
	json_object_object_add(fun, "encoded", base64_json(t->fun.encoded.data, t->fun.encoded.len));
	return tagged("fun", fun);
}

static struct json_object *binary_json(const struct term *t)
{
	if (utf8_valid(t->bytes.data, t->bytes.len, NULL))
		return text_json(t->bytes.data, t->bytes.len);
	return tagged("binary", base64_json(t->bytes.data, t->bytes.len));
}

static struct json_object *bitstring_json(const struct term *t)
{
	struct json_object *bits = json_object_new_object();
	uint8_t *data = xmalloc(t->bits.len);

	memcpy(data, t->bits.data, t->bits.len);
	data[t->bits.len - 1] &= (uint8_t)(0xff00U >> t->bits.last_bits);
	add_number(bits, "bits", (uint64_t)(t->bits.len - 1) * 8 + t->bits.last_bits);
	json_object_object_add(bits, "base64", base64_json(data, t->bits.len));
	free(data);
	return tagged("bitstring", bits);
}

static struct json_object *array_json(const struct term *terms, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, etf_to_json(&terms[i]));
	return array;
}

static struct json_object *string_json(const struct term *t)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < t->bytes.len; i++)
		json_object_array_add(array, json_object_new_int64(t->bytes.data[i]));
	return array;
}

static struct json_object *list_json(const struct term *t)
{
	struct json_object *elements = array_json(t->list.elements, t->list.count);

	if (!t->list.tail)
		return elements;
	struct json_object *list = json_object_new_object();
	json_object_object_add(list, "elements", elements);
	json_object_object_add(list, "tail", etf_to_json(t->list.tail));
	return tagged("improper_list", list);
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

static struct json_object *members_json(const struct term **keys, uint32_t count)
{
	struct json_object *object = json_object_new_object();

	for (uint32_t i = 0; i < count; i++) {
		char *name = member_name(keys[i]);
		json_object_object_add(object, name, etf_to_json(keys[i] + 1));
		free(name);
	}
	return object;
}

static struct json_object *pairs_json(const struct term **keys, uint32_t count)
{
	struct json_object *pairs = json_object_new_array();

	for (uint32_t i = 0; i < count; i++)
		json_object_array_add(pairs, array_json(keys[i], 2));
	return tagged("map", pairs);
}

static struct json_object *map_json(const struct term *t)
{
	const struct term **keys = etf_map_sorted(t);
	struct json_object *json =
		has_members(keys, t->map.count) ? members_json(keys, t->map.count) : pairs_json(keys, t->map.count);

	free(keys);
	return json;
}

struct json_object *etf_to_json(const struct term *t)
{
	switch ((enum etf_kind)t->kind) {
	case ETF_INTEGER:
	case ETF_BIG:
		return integer_json(t);
	case ETF_FLOAT:
		return float_json(t);
	case ETF_ATOM:
		return atom_json(t);
	case ETF_PID:
		return pid_json(t);
	case ETF_PORT:
		return port_json(t);
	case ETF_REFERENCE:
		return reference_json(t);
	case ETF_TUPLE:
		return tagged("tuple", array_json(t->tuple.elements, t->tuple.count));
	case ETF_NIL:
		return json_object_new_array();
	case ETF_STRING:
		return string_json(t);
	case ETF_LIST:
		return list_json(t);
	case ETF_BINARY:
		return binary_json(t);
	case ETF_BITSTRING:
		return bitstring_json(t);
	case ETF_MAP:
		return map_json(t);
	case ETF_EXPORT:
		return export_json(t);
	case ETF_FUN:
		return fun_json(t);
	}
	return NULL;
}
