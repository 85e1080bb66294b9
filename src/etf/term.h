/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A decoded Erlang term: a read-only tree whose memory belongs to one arena (or, for bytes, to the buffer that was decoded,
 * which must live as long). Each part keeps the tag it came with, so that encoding gives the same bytes again.
 * Source: “External Term Format”, ERTS User's Guide.
 */
#ifndef ETF_TERM_H
#define ETF_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tags of the external term format. */
enum etf_tag {
	ETF_TAG_NEW_FLOAT = 70,
	ETF_TAG_BIT_BINARY = 77,
	ETF_TAG_COMPRESSED = 80,
	ETF_TAG_NEW_PID = 88,
	ETF_TAG_NEW_PORT = 89,
	ETF_TAG_NEWER_REFERENCE = 90,
	ETF_TAG_SMALL_INTEGER = 97,
	ETF_TAG_INTEGER = 98,
	ETF_TAG_FLOAT = 99,
	ETF_TAG_ATOM = 100,
	ETF_TAG_REFERENCE = 101,
	ETF_TAG_PORT = 102,
	ETF_TAG_PID = 103,
	ETF_TAG_SMALL_TUPLE = 104,
	ETF_TAG_LARGE_TUPLE = 105,
	ETF_TAG_NIL = 106,
	ETF_TAG_STRING = 107,
	ETF_TAG_LIST = 108,
	ETF_TAG_BINARY = 109,
	ETF_TAG_SMALL_BIG = 110,
	ETF_TAG_LARGE_BIG = 111,
	ETF_TAG_NEW_FUN = 112,
	ETF_TAG_EXPORT = 113,
	ETF_TAG_NEW_REFERENCE = 114,
	ETF_TAG_SMALL_ATOM = 115,
	ETF_TAG_MAP = 116,
	ETF_TAG_ATOM_UTF8 = 118,
	ETF_TAG_SMALL_ATOM_UTF8 = 119,
	ETF_TAG_V4_PORT = 120,
	ETF_TAG_LOCAL = 121,
	ETF_TAG_VERSION = 131,
};

enum etf_kind {
	ETF_INTEGER, /* fits int64_t */
	ETF_BIG,     /* does not */
	ETF_FLOAT,
	ETF_ATOM,
	ETF_PID,
	ETF_PORT,
	ETF_REFERENCE,
	ETF_TUPLE,
	ETF_NIL,
	ETF_STRING, /* a proper list of bytes that came as STRING_EXT; equal to the ETF_LIST of the same integers */
	ETF_LIST,   /* at least one element */
	ETF_BINARY,
	ETF_BITSTRING, /* last byte holds 1 to 7 bits, the most significant ones */
	ETF_MAP,
	ETF_EXPORT, /* fun M:F/A */
	ETF_FUN,    /* a local fun: opaque, can be sent back */
};

struct term;

struct etf_bytes {
	const uint8_t *data; /* points into the decoded buffer */
	size_t len;
};

struct term {
	uint8_t kind; /* enum etf_kind */
	uint8_t tag;  /* enum etf_tag, as it came or as it will be encoded */
	union {
		int64_t integer;
		struct {
			const uint8_t *digits; /* magnitude, base 256, least significant first, as on the wire */
			size_t len;
			bool negative;
		} big;
		struct {
			double real;         /* finite */
			const uint8_t *text; /* only if the tag is ETF_TAG_FLOAT: the 31 bytes that came */
		};
		struct {
			const char *name; /* UTF-8, not NUL-terminated; Latin-1 atoms are converted */
			size_t len;       /* in bytes */
		} atom;
		struct {
			const struct term *node; /* an atom */
			uint32_t id;
			uint32_t serial;
			uint32_t creation;
		} pid;
		struct {
			const struct term *node;
			uint64_t id;
			uint32_t creation;
		} port;
		struct {
			const struct term *node;
			const uint32_t *ids; /* ids[0] as first on the wire */
			uint32_t creation;
			uint16_t count; /* 1 to 5 */
		} reference;
		struct {
			const struct term *elements;
			uint32_t count;
		} tuple;
		struct {
			const struct term *elements;
			const struct term
				*tail;  /* NULL: a proper list; else never a list itself: the decoder joins them */
			uint32_t count; /* without the tail; at least 1 */
		} list;
		struct etf_bytes bytes; /* STRING, BINARY */
		struct {
			const uint8_t *data;
			size_t len; /* bytes, the last one used in part */
			uint8_t last_bits;
		} bits;
		struct {
			const struct term *pairs; /* key, value, key, value …, in the order in which they came;
			                             a hostile peer can send a key twice */
			uint32_t count;           /* of pairs */
		} map;
		struct {
			const struct term *module;   /* atom */
			const struct term *function; /* atom */
			uint32_t arity;
		} export;
		struct {
			const struct term *module; /* atom */
			struct etf_bytes encoded;  /* the whole term as it came, tag included, version byte not */
			uint32_t index; /* index and uniq as `io:write` shows them: #Fun<module.index.uniq> */
			uint32_t uniq;
			uint8_t arity;
		} fun;
	};
};

/*
 * How deep terms may nest, at most as wanted: decoding, printing and comparing them is recursive, and the stack of this process may be small. It is
 * looked at once.
 */
uint32_t etf_depth(uint32_t wanted);
bool etf_is_atom(const struct term *t, const char *name);
/* A tuple of that many elements, whose first is the atom `name` (NULL: any). */
bool etf_is_tuple(const struct term *t, uint32_t count, const char *name);
/* A proper list (NIL, STRING or LIST)? Its length into *len. */
bool etf_is_proper_list(const struct term *t, size_t *len);
/* Element `i` of a non-empty proper or improper list; STRING elements are built into *scratch. */
const struct term *etf_list_element(const struct term *t, size_t i, struct term *scratch);
/* Exact equality (=:=) of two terms; maps in any order; 0.0 and -0.0 differ. Local funs are compared by their bytes. */
bool etf_equal(const struct term *a, const struct term *b);
/* Total order of Erlang terms (as `lists:sort`): 1 and 1.0 compare equal. */
int etf_compare(const struct term *a, const struct term *b);
/* A map's keys in the order of map keys (integers before floats), as OTP prints them; a key's value is key + 1. free() it. */
const struct term **etf_map_sorted(const struct term *map);

#endif
