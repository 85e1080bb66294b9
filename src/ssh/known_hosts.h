/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The known_hosts format (sshd(8), “SSH_KNOWN_HOSTS FILE FORMAT”): a cursor over its lines, matching of names (patterns,
 * negation, hashed names) and the line that is added for a new host. Pure: text in, text out. The text may be anything.
 */
#ifndef SSH_KNOWN_HOSTS_H
#define SSH_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	KNOWN_HOSTS_KEY_MAX = 16 * 1024, /* bytes of one key; RSA with 16384 bits takes 2 KiB */
	KNOWN_HOSTS_TYPE_MAX = 64,
	KNOWN_HOSTS_SALT_LEN = 20, /* of a hashed name: HMAC-SHA1's output */
};

enum known_hosts_marker { KNOWN_HOSTS_PLAIN, KNOWN_HOSTS_REVOKED, KNOWN_HOSTS_CERT_AUTHORITY };

struct known_hosts_entry {
	enum known_hosts_marker marker;
	const char *names; /* the first field, inside the text; not terminated */
	size_t names_len;
	char type[KNOWN_HOSTS_TYPE_MAX];
	uint8_t *key; /* wire form, owned by the cursor: gone with the next entry */
	size_t key_len;
	int line; /* from 1 */
};

struct known_hosts_cursor {
	const char *at;
	const char *end;
	int line;
	bool keys_only; /* a plain list of public keys: lines have no names */
	uint8_t key[KNOWN_HOSTS_KEY_MAX + 3];
};

void known_hosts_start(struct known_hosts_cursor *cursor, const char *text, size_t len);
/* The next line that holds a key; comments and lines that cannot be read are passed over. False: the end. */
bool known_hosts_next(struct known_hosts_cursor *cursor, struct known_hosts_entry *entry);
/* Is the (lower-case) name among the entry's? */
bool known_hosts_names(const struct known_hosts_entry *entry, const char *name);

/* "host", or "[host]:port" where the port is not 22; lower case. The caller frees. */
char *known_hosts_name(const char *host, uint16_t port);
/* The line for a host's key, with its newline; salt: KNOWN_HOSTS_SALT_LEN bytes to hash the name with, or NULL. */
void known_hosts_line(struct buf *out, const char *name, const uint8_t *key, size_t key_len, const uint8_t *salt);

/* A key in base64 to its wire form and back; the caller frees what comes out, in any case. */
bool known_hosts_decode(const char *text, uint8_t **key, size_t *len);
char *known_hosts_encode(const uint8_t *key, size_t len);
/* The type that a key in wire form names itself, or false. */
bool known_hosts_key_type(const uint8_t *key, size_t len, char type[KNOWN_HOSTS_TYPE_MAX]);
/* Of an RSA key in wire form, the bits of its modulus; 0: it is no RSA key. */
size_t known_hosts_rsa_bits(const uint8_t *key, size_t len);
/* "SHA256:…" as ssh prints it. The caller frees. */
char *known_hosts_fingerprint(const uint8_t *key, size_t len);

#endif
