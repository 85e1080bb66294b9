/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/beyond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "ssh/key_file.h"
#include "ssh/known_hosts_files.h"

enum { KEY_FILE_MAX = 64 * 1024, PATH_SIZE = 4096 };

/* A key that lives in a FIDO token: its file only names it. libssh can neither ask for the touch nor sign with it. */
static bool is_token_key(const char *type)
{
	return strncmp(type, "sk-", 3) == 0;
}

static bool read_key_file(const char *path, struct buf *text)
{
	struct error ignored;

	buf_init(text, KEY_FILE_MAX);
	return access(path, R_OK) == 0 && host_read_file(path, text, NULL, NULL, &ignored);
}

static bool names_token(const char *identity)
{
	char path[PATH_SIZE], type[KNOWN_HOSTS_TYPE_MAX] = "";
	struct buf text;
	uint8_t *blob;
	size_t len;

	snprintf(path, sizeof path, "%s.pub", identity);
	if (read_key_file(path, &text)) {
		snprintf(type, sizeof type, "%.*s", (int)sizeof type - 1, buf_text(&text));
	} else {
		buf_clear(&text);
		if (read_key_file(identity, &text) && key_file_public_part(buf_text(&text), text.len, &blob, &len)) {
			known_hosts_key_type(blob, len, type);
			free(blob);
		}
	}
	buf_clear(&text);
	return is_token_key(type);
}

static bool has_token(const struct ssh_config *config)
{
	for (int i = 0; config->pubkey_auth && config->identity_files[i]; i++) {
		if (names_token(config->identity_files[i]))
			return true;
	}
	return false;
}

/* A ticket that ssh would use: of a kind that is no file, or a file that is there. */
static bool has_ticket(void)
{
	const char *cache = getenv("KRB5CCNAME");
	char usual[64];

	snprintf(usual, sizeof usual, "/tmp/krb5cc_%lu", (unsigned long)geteuid());
	if (!cache || !*cache)
		cache = usual;
	if (strncmp(cache, "FILE:", 5) == 0)
		cache += 5;
	return cache[0] == '/' ? access(cache, R_OK) == 0 : strchr(cache, ':') != NULL;
}

static void note_authority(const struct known_hosts_entry *entry, void *data)
{
	if (entry->marker == KNOWN_HOSTS_CERT_AUTHORITY)
		*(bool *)data = true;
}

/* An authority speaks for the host, whose certificate libssh would not ask for. */
static bool has_authority(const struct ssh_config *config)
{
	bool found = false;

	if (known_hosts_mention(config, "@cert-authority"))
		known_hosts_each(config, note_authority, &found);
	return found;
}

const char *beyond_libssh(const struct ssh_config *config)
{
	if (config->beyond_libssh)
		return config->beyond_libssh;
	if (has_token(config))
		return "IdentityFile has a key of a FIDO token";
	if (config->gssapi_auth && has_ticket())
		return "GSSAPIAuthentication is set, and there is a Kerberos ticket";
	return has_authority(config) ? "known_hosts has a @cert-authority for this host" : NULL;
}
