/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ssh/host_key.h"
#include "ssh/known_hosts_files.h"

/* What libssh can check, and the type of such a key in known_hosts. Certificates and security keys are not among it. */
static const struct {
	const char *algorithm, *type;
} supported[] = {
	{ "ssh-ed25519", "ssh-ed25519" },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" },
	{ "rsa-sha2-512", "ssh-rsa" },
	{ "rsa-sha2-256", "ssh-rsa" },
	{ "ssh-rsa", "ssh-rsa" },
};
enum { SUPPORTED = sizeof supported / sizeof *supported };

static void note_type(const struct known_hosts_entry *entry, void *data)
{
	bool *known = data;

	for (size_t i = 0; entry->marker == KNOWN_HOSTS_PLAIN && i < SUPPORTED; i++)
		known[i] = known[i] || strcmp(supported[i].type, entry->type) == 0;
}

/* Appends those of the configured algorithms that are supported and whose type is (not) known. */
static void append_algorithms(struct buf *out, const char *configured, const bool known[SUPPORTED], bool wanted)
{
	for (const char *p = configured; *p;) {
		size_t len = strcspn(p, ",");
		for (size_t i = 0; i < SUPPORTED; i++) {
			if (known[i] == wanted && strlen(supported[i].algorithm) == len &&
			    memcmp(supported[i].algorithm, p, len) == 0)
				buf_printf(out, "%s%s", out->len ? "," : "", supported[i].algorithm);
		}
		p += len + (p[len] == ',');
	}
}

char *host_key_algorithms(const struct ssh_config *config, const char *configured)
{
	bool known[SUPPORTED] = { false };
	struct buf out;

	if (!configured)
		return xstrdup("");
	known_hosts_each(config, note_type, known);
	buf_init(&out, strlen(configured) + 1);
	append_algorithms(&out, configured, known, true);
	append_algorithms(&out, configured, known, false);
	char *list = xstrdup(buf_text(&out));
	buf_clear(&out);
	return list;
}
