/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parsers of known_hosts and of a private key's head: any text ends in an answer, and what is found lies inside the text. What a text
 * says of a plain name is what is found under that name, and a line of ours is found as it was written.
 */
#include "fuzz_must.h"
#include "ssh/host_key.h"
#include "ssh/key_file.h"
#include "ssh/known_hosts.h"

enum { TEXT_MAX = 64 * 1024 };

static const uint8_t key[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyz012345";

static void check_line(const char *name, const uint8_t *blob, size_t len, const uint8_t *salt)
{
	char type[KNOWN_HOSTS_TYPE_MAX];
	struct buf line;
	int at;

	must(known_hosts_key_type(blob, len, type));
	buf_init(&line, TEXT_MAX);
	known_hosts_line(&line, name, blob, len, salt);
	must(!line.overflow);
	/* A type that holds a blank cannot be written so that it is read again. */
	if (!strpbrk(type, " \t\r\n"))
		must(host_key_look_up(buf_text(&line), line.len, name, type, blob, len, &at) == HOST_KEY_SAME &&
		     at == 1);
	buf_clear(&line);
}

/* A name without patterns: who looks for it finds the entry, or one that revokes its key. */
static void check_entry(const char *text, size_t size, const struct known_hosts_entry *entry)
{
	char *name = xstrndup(entry->names, entry->names_len);
	int line = 0;

	for (char *p = name; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
	if (entry->marker == KNOWN_HOSTS_PLAIN && strlen(name) == entry->names_len && !strpbrk(name, "*?!,|")) {
		must(known_hosts_names(entry, name));
		enum host_key_match match =
			host_key_look_up(text, size, name, entry->type, entry->key, entry->key_len, &line);
		must((match == HOST_KEY_SAME && line <= entry->line) || match == HOST_KEY_REVOKED);
		check_line(name, entry->key, entry->key_len, NULL);
		check_line(name, entry->key, entry->key_len, entry->key);
	}
	free(name);
}

static void check_key(const struct known_hosts_entry *entry)
{
	char *base64 = known_hosts_encode(entry->key, entry->key_len);
	uint8_t *blob;
	size_t len;

	must(known_hosts_decode(base64, &blob, &len));
	must(len == entry->key_len && memcmp(blob, entry->key, len) == 0);
	must(known_hosts_rsa_bits(blob, len) <= 8 * len);
	free(blob);
	free(base64);
	free(known_hosts_fingerprint(entry->key, entry->key_len));
}

static void check_file(const char *text, size_t size, bool keys_only)
{
	static struct known_hosts_cursor cursor;
	struct known_hosts_entry entry;
	char *name = known_hosts_name("Web.Example", 22), *with_port = known_hosts_name("Web.Example", 2222);
	int checked = 0;

	known_hosts_start(&cursor, text, size);
	cursor.keys_only = keys_only;
	while (known_hosts_next(&cursor, &entry)) {
		must(keys_only || (entry.names >= text && entry.names + entry.names_len <= text + size));
		if (!keys_only) {
			known_hosts_names(&entry, name);
			known_hosts_names(&entry, with_port);
		}
		/* Each looks through all of the text. */
		if (!keys_only && entry.key_len >= KNOWN_HOSTS_SALT_LEN && checked++ < 8)
			check_entry(text, size, &entry);
		if (checked < 8)
			check_key(&entry);
	}
	free(name);
	free(with_port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	uint8_t *blob;
	size_t len;
	int line = 0;

	size = size < TEXT_MAX ? size : TEXT_MAX;
	enum host_key_match match =
		host_key_look_up(text, size, "web.example", "ssh-ed25519", key, sizeof key - 1, &line);
	must(line >= 0 && (size_t)line <= size && (match == HOST_KEY_NONE) == (line == 0));
	check_file(text, size, false);
	check_file(text, size, true);
	if (key_file_public_part(text, size, &blob, &len)) {
		must(len > 0 && len < size);
		free(blob);
	}
	return 0;
}
