/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/known_hosts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { SHA1_LEN = 20, SHA256_LEN = 32 };

/* A word of a line; words are parted by spaces and tabs. */
struct word {
	const char *at;
	size_t len;
};

static struct word next_word(const char **p, const char *end)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	struct word word = { .at = *p };
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	word.len = (size_t)(*p - word.at);
	return word;
}

static bool word_is(struct word word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

/* Base64 with its padding; *len is what it came to. The room holds KNOWN_HOSTS_KEY_MAX + 3 bytes. */
static bool decode_base64(struct word word, uint8_t *room, size_t *len)
{
	size_t padding = 0;

	if (word.len == 0 || word.len % 4 != 0 || word.len / 4 * 3 > KNOWN_HOSTS_KEY_MAX)
		return false;
	while (padding < 2 && word.at[word.len - 1 - padding] == '=')
		padding++;
	int decoded = EVP_DecodeBlock(room, (const unsigned char *)word.at, (int)word.len);
	if (decoded < 0 || (size_t)decoded <= padding)
		return false;
	*len = (size_t)decoded - padding;
	return true;
}

bool known_hosts_decode(const char *text, uint8_t **key, size_t *len)
{
	*key = xmalloc(KNOWN_HOSTS_KEY_MAX + 3);
	return decode_base64((struct word){ text, strlen(text) }, *key, len);
}

char *known_hosts_encode(const uint8_t *key, size_t len)
{
	char *text = xmalloc((len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, key, (int)len);
	return text;
}

bool known_hosts_key_type(const uint8_t *key, size_t len, char type[KNOWN_HOSTS_TYPE_MAX])
{
	struct reader r = reader_of(key, len);
	uint32_t type_len = read_u32(&r);
	const uint8_t *text = type_len > 0 && type_len < KNOWN_HOSTS_TYPE_MAX ? read_bytes(&r, type_len) : NULL;

	if (!text || memchr(text, '\0', type_len))
		return false;
	memcpy(type, text, type_len);
	type[type_len] = '\0';
	return true;
}

size_t known_hosts_rsa_bits(const uint8_t *key, size_t len)
{
	struct reader r = reader_of(key, len);
	char type[KNOWN_HOSTS_TYPE_MAX];
	size_t bits = 0;

	if (!known_hosts_key_type(key, len, type) || strcmp(type, "ssh-rsa") != 0)
		return 0;
	/* Its type, its exponent, its modulus. */
	read_bytes(&r, read_u32(&r));
	read_bytes(&r, read_u32(&r));
	size_t modulus_len = read_u32(&r);
	const uint8_t *modulus = read_bytes(&r, modulus_len);
	while (modulus && modulus_len > 0 && *modulus == 0) {
		modulus++;
		modulus_len--;
	}
	for (unsigned first = modulus && modulus_len > 0 ? *modulus : 0; first; first >>= 1)
		bits++;
	return bits ? bits + 8 * (modulus_len - 1) : 0;
}

/* TYPE KEY: the type must be the one that the key names itself, or the line could pass for another type's. */
static bool parse_key(struct known_hosts_cursor *cursor, const char **p, const char *end,
		      struct known_hosts_entry *entry)
{
	struct word type = next_word(p, end);
	struct word key = next_word(p, end);

	entry->key = cursor->key;
	return decode_base64(key, cursor->key, &entry->key_len) &&
	       known_hosts_key_type(entry->key, entry->key_len, entry->type) && word_is(type, entry->type);
}

static bool parse_line(struct known_hosts_cursor *cursor, const char *p, const char *end,
		       struct known_hosts_entry *entry)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p == '#')
		return false;
	*entry = (struct known_hosts_entry){ .line = cursor->line };
	if (cursor->keys_only)
		return parse_key(cursor, &p, end, entry);
	struct word names = next_word(&p, end);
	if (names.at[0] == '@') {
		if (word_is(names, "@revoked"))
			entry->marker = KNOWN_HOSTS_REVOKED;
		else if (word_is(names, "@cert-authority"))
			entry->marker = KNOWN_HOSTS_CERT_AUTHORITY;
		else
			return false;
		names = next_word(&p, end);
	}
	entry->names = names.at;
	entry->names_len = names.len;
	return names.len > 0 && parse_key(cursor, &p, end, entry);
}

void known_hosts_start(struct known_hosts_cursor *cursor, const char *text, size_t len)
{
	cursor->at = text;
	cursor->end = len ? text + len : text;
	cursor->line = 0;
	cursor->keys_only = false;
}

bool known_hosts_next(struct known_hosts_cursor *cursor, struct known_hosts_entry *entry)
{
	while (cursor->at < cursor->end) {
		const char *start = cursor->at;
		const char *newline = memchr(start, '\n', (size_t)(cursor->end - start));
		const char *end = newline ? newline : cursor->end;
		cursor->at = newline ? newline + 1 : cursor->end;
		cursor->line++;
		if (end > start && end[-1] == '\r')
			end--;
		if (parse_line(cursor, start, end, entry))
			return true;
	}
	return false;
}

static char lower(char c)
{
	return (char)tolower((unsigned char)c);
}

/* * and ? as in file names, without regard to case. A single point to return to is enough, so the time is bounded. */
static bool glob(const char *pattern, size_t pattern_len, const char *name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0;

	while (name[n]) {
		if (p < pattern_len && pattern[p] == '*') {
			star = p++;
			star_n = n;
		} else if (p < pattern_len && (pattern[p] == '?' || lower(pattern[p]) == lower(name[n]))) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++star_n;
		} else {
			return false;
		}
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

/* A comma list of patterns; one that begins with ! and matches rules the line out, wherever it stands. */
static bool match_patterns(const char *list, size_t len, const char *name)
{
	bool found = false;

	for (const char *p = list, *end = list + len; p < end;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;
		bool negated = *p == '!';
		if (glob(p + negated, (size_t)(stop - p) - negated, name)) {
			if (negated)
				return false;
			found = true;
		}
		p = stop + 1;
	}
	return found;
}

static void hash_name(const char *name, const uint8_t *salt, size_t salt_len, uint8_t hash[SHA1_LEN])
{
	unsigned len = SHA1_LEN;

	if (!HMAC(EVP_sha1(), salt, (int)salt_len, (const unsigned char *)name, strlen(name), hash, &len))
		memset(hash, 0, SHA1_LEN);
}

/* |1|salt|hash, both in base64: the hash is HMAC-SHA1(salt, name). */
static bool match_hashed(const char *field, size_t len, const char *name)
{
	uint8_t salt[64 + 3], known[64 + 3], hash[SHA1_LEN];
	size_t salt_len, known_len;

	if (len < 3 || memcmp(field, "|1|", 3) != 0)
		return false;
	const char *salt_at = field + 3, *end = field + len;
	const char *bar = memchr(salt_at, '|', (size_t)(end - salt_at));
	if (!bar || bar - salt_at > 64 || end - bar - 1 > 64)
		return false;
	if (!decode_base64((struct word){ salt_at, (size_t)(bar - salt_at) }, salt, &salt_len) ||
	    !decode_base64((struct word){ bar + 1, (size_t)(end - bar - 1) }, known, &known_len) ||
	    known_len != SHA1_LEN)
		return false;
	hash_name(name, salt, salt_len, hash);
	return memcmp(hash, known, SHA1_LEN) == 0;
}

bool known_hosts_names(const struct known_hosts_entry *entry, const char *name)
{
	if (entry->names[0] == '|')
		return match_hashed(entry->names, entry->names_len, name);
	return match_patterns(entry->names, entry->names_len, name);
}

char *known_hosts_name(const char *host, uint16_t port)
{
	char *name = port == 22 ? xstrdup(host) : xasprintf("[%s]:%u", host, port);

	for (char *p = name; *p; p++)
		*p = lower(*p);
	return name;
}

void known_hosts_line(struct buf *out, const char *name, const uint8_t *key, size_t key_len, const uint8_t *salt)
{
	char type[KNOWN_HOSTS_TYPE_MAX];
	char *encoded = known_hosts_encode(key, key_len);

	if (!known_hosts_key_type(key, key_len, type))
		out->overflow = true;
	if (salt) {
		uint8_t hash[SHA1_LEN];
		hash_name(name, salt, KNOWN_HOSTS_SALT_LEN, hash);
		char *salt_text = known_hosts_encode(salt, KNOWN_HOSTS_SALT_LEN);
		char *hash_text = known_hosts_encode(hash, SHA1_LEN);
		buf_printf(out, "|1|%s|%s", salt_text, hash_text);
		free(salt_text);
		free(hash_text);
	} else {
		buf_put_text(out, name);
	}
	if (!out->overflow)
		buf_printf(out, " %s %s\n", type, encoded);
	free(encoded);
}

char *known_hosts_fingerprint(const uint8_t *key, size_t len)
{
	uint8_t digest[SHA256_LEN];

	if (!EVP_Digest(key, len, digest, NULL, EVP_sha256(), NULL))
		return xstrdup("SHA256:?");
	char *encoded = known_hosts_encode(digest, sizeof digest);
	encoded[strcspn(encoded, "=")] = '\0';
	char *text = xasprintf("SHA256:%s", encoded);
	free(encoded);
	return text;
}
