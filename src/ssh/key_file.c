/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/key_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/host.h"
#include "base/log.h"
#include "base/secret.h"
#include "ssh/known_hosts.h"

enum { FILE_MAX = 256 * 1024 };

static const char pem_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char pem_end[] = "-----END OPENSSH PRIVATE KEY-----";
static const char magic[] = "openssh-key-v1"; /* its NUL belongs to it */

static const char *find_text(const char *text, size_t len, const char *wanted)
{
	size_t wanted_len = strlen(wanted);

	for (size_t i = 0; wanted_len <= len && i <= len - wanted_len; i++) {
		if (memcmp(text + i, wanted, wanted_len) == 0)
			return text + i;
	}
	return NULL;
}

/* The base64 between the marks, without its line ends. */
static bool decode_armour(const char *text, size_t text_len, struct buf *out)
{
	const char *begin = find_text(text, text_len, pem_begin);
	const char *end = begin ? find_text(begin, (size_t)(text + text_len - begin), pem_end) : NULL;
	struct buf base64;

	if (!end)
		return false;
	buf_init_secret(&base64, text_len);
	for (const char *p = begin + sizeof pem_begin - 1; p < end; p++) {
		if (*p != '\n' && *p != '\r' && *p != ' ')
			buf_put_u8(&base64, (uint8_t)*p);
	}
	uint8_t *room = buf_reserve(out, base64.len);
	int len = room && base64.len ? EVP_DecodeBlock(room, base64.data, (int)base64.len) : -1;
	buf_clear(&base64);
	out->len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

bool key_file_public_part(const char *text, size_t text_len, uint8_t **blob, size_t *len)
{
	struct buf raw;
	bool ok = false;

	buf_init_secret(&raw, text_len);
	if (decode_armour(text, text_len, &raw)) {
		struct reader r = reader_of(raw.data, raw.len);
		const uint8_t *head = read_bytes(&r, sizeof magic);
		bool known = head && memcmp(head, magic, sizeof magic) == 0;
		for (int i = 0; i < 3; i++) /* cipher, key derivation, its options */
			read_bytes(&r, read_u32(&r));
		uint32_t keys = read_u32(&r);
		uint32_t key_len = read_u32(&r);
		const uint8_t *key = read_bytes(&r, key_len);
		ok = known && keys == 1 && key && key_len > 0 && key_len <= KNOWN_HOSTS_KEY_MAX;
		if (ok) {
			*blob = xmalloc(key_len);
			memcpy(*blob, key, key_len);
			*len = key_len;
		}
	}
	buf_clear(&raw);
	return ok;
}

/* From the public key to its wire form. */
static void take_blob(struct key_file *key)
{
	char *base64 = NULL;

	if (ssh_pki_export_pubkey_base64(key->public_key, &base64) == SSH_OK &&
	    !known_hosts_decode(base64, &key->blob, &key->len)) {
		free(key->blob);
		key->blob = NULL;
	}
	ssh_string_free_char(base64);
}

/* From the head of the private key, where there is no .pub file. */
static void take_public_part(struct key_file *key)
{
	char type[KNOWN_HOSTS_TYPE_MAX];

	if (!key_file_public_part((const char *)key->text.data, key->text.len, &key->blob, &key->len))
		return;
	if (!known_hosts_key_type(key->blob, key->len, type))
		return;
	char *base64 = known_hosts_encode(key->blob, key->len);
	if (ssh_pki_import_pubkey_base64(base64, ssh_key_type_from_name(type), &key->public_key) != SSH_OK)
		key->public_key = NULL;
	free(base64);
}

static int tell_that_it_is_encrypted(const char *prompt, char *room, size_t len, int echo, int verify, void *data)
{
	(void)prompt, (void)room, (void)len, (void)echo, (void)verify;
	*(bool *)data = true;
	return -1;
}

/* As OpenSSH: a private key of ours that others may read is not used. */
static bool is_private(const char *path, mode_t mode, uid_t owner)
{
	if (owner != getuid() || (mode & 077) == 0)
		return true;
	log_notice("%s is left out: others may read it (mode %04o); chmod 600 makes it usable", path,
		   (unsigned)(mode & 07777));
	return false;
}

static void load_private(struct key_file *key, bool *others_may_read)
{
	struct error reason;
	mode_t mode;
	uid_t owner;

	if (!host_read_file(key->path, &key->text, &mode, &owner, &reason)) {
		if (reason.code == ERROR_NO_RESOURCES)
			log_notice("%s is left out", reason.message);
		else
			log_vv("auth", "%s", reason.message);
		return;
	}
	if (find_text((const char *)key->text.data, key->text.len, "PRIVATE KEY-----") &&
	    !is_private(key->path, mode, owner)) {
		*others_may_read = true;
		return;
	}
	if (ssh_pki_import_privkey_base64(buf_text(&key->text), NULL, tell_that_it_is_encrypted, &key->encrypted,
					  &key->private_key) == SSH_OK) {
		key->encrypted = false;
		ssh_pki_export_privkey_to_pubkey(key->private_key, &key->public_key);
	} else {
		key->private_key = NULL;
	}
}

/* The .pub file beside it, or the file itself, which may be a public key whose private half an agent holds. */
static void load_public(struct key_file *key)
{
	char *path = xasprintf("%s.pub", key->path);

	if (ssh_pki_import_pubkey_file(path, &key->public_key) != SSH_OK)
		key->public_key = NULL;
	if (!key->public_key && key->encrypted)
		take_public_part(key);
	if (!key->public_key && !key->encrypted && ssh_pki_import_pubkey_file(key->path, &key->public_key) != SSH_OK)
		key->public_key = NULL;
	free(path);
}

bool key_file_load(struct key_file *key, const char *path, bool *others_may_read)
{
	*key = (struct key_file){ .path = xstrdup(path) };
	buf_init_secret(&key->text, FILE_MAX);
	*others_may_read = false;
	load_private(key, others_may_read);
	if (!key->public_key)
		load_public(key);
	if (key->public_key && !key->blob)
		take_blob(key);
	if (!key->encrypted)
		buf_clear(&key->text);
	if (key->private_key || key->encrypted || key->blob)
		return true;
	key_file_clear(key);
	return false;
}

bool key_file_is(const struct key_file *key, const uint8_t *blob, size_t len)
{
	return key->blob && key->len == len && memcmp(key->blob, blob, len) == 0;
}

/* libssh asks this way only if the passphrase that it was given does not fit. */
static int no_other(const char *prompt, char *room, size_t len, int echo, int verify, void *data)
{
	(void)prompt, (void)room, (void)len, (void)echo, (void)verify, (void)data;
	return -1;
}

bool key_file_unlock(struct key_file *key, const char *passphrase)
{
	if (ssh_pki_import_privkey_base64(buf_text(&key->text), passphrase, no_other, NULL, &key->private_key) ==
	    SSH_OK)
		return true;
	key->private_key = NULL;
	return false;
}

void key_file_clear(struct key_file *key)
{
	free(key->path);
	ssh_key_free(key->private_key);
	ssh_key_free(key->public_key);
	free(key->blob);
	buf_clear(&key->text);
	*key = (struct key_file){ 0 };
}
