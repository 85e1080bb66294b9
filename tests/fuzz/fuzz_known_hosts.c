/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parsers of known_hosts and of a private key's head: any text ends in an answer, and what is found lies inside the text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ssh/host_key.h"
#include "ssh/key_file.h"
#include "ssh/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyz012345";
	static struct known_hosts_cursor cursor;
	struct known_hosts_entry entry;
	const char *text = (const char *)data;
	uint8_t *blob;
	size_t len;
	int line = 0;

	host_key_look_up(text, size, "web.example", "ssh-ed25519", key, sizeof key - 1, &line);
	if (line < 0 || (size_t)line > size)
		abort();
	known_hosts_start(&cursor, text, size);
	cursor.keys_only = size % 2;
	while (known_hosts_next(&cursor, &entry)) {
		if (!cursor.keys_only && (entry.names < text || entry.names + entry.names_len > text + size))
			abort();
		free(known_hosts_fingerprint(entry.key, entry.key_len));
	}
	if (key_file_public_part(text, size, &blob, &len))
		free(blob);
	return 0;
}
