/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The known_hosts files that ssh_config names for a host: what all of them together say about its key, and adding a line
 * to one. (The format itself: known_hosts.h.)
 */
#ifndef SSH_KNOWN_HOSTS_FILES_H
#define SSH_KNOWN_HOSTS_FILES_H

#include "base/buf.h"
#include "base/error.h"
#include "ssh/known_hosts.h"
#include "ssh/resolve.h"

enum { KNOWN_HOSTS_FILE_MAX = 16 * 1024 * 1024 };

/* Where the first entry of a kind stands; line 0: there is none. The file's name is borrowed. */
struct known_hosts_place {
	int line;
	const char *file;
};

struct known_hosts_findings {
	struct known_hosts_place revoked;
	struct known_hosts_place same;
	struct known_hosts_place changed; /* the same type, another key */
	char *changed_fingerprint;        /* the caller frees */
	struct known_hosts_place other;   /* another type */
	char other_type[KNOWN_HOSTS_TYPE_MAX];
};

/* Adds what one text says to the findings. type: the key's; blob: its wire form. */
void known_hosts_look_up(const char *text, size_t text_len, const char *file, const char *name, const char *type,
			 const uint8_t *blob, size_t len, struct known_hosts_findings *found);
/* The name under which the host's key is kept: HostKeyAlias, else the host name, with a port other than 22. The caller frees. */
char *known_hosts_name_of(const struct ssh_config *config);
/*
 * What the user's and the global files say; files that cannot be read say nothing. Errors: ERROR_CONFIG (a file too large to be
 * read whole: it could hide a revoked key), ERROR_INTERRUPTED.
 */
bool known_hosts_find(const struct ssh_config *config, const char *type, const uint8_t *blob, size_t len,
		      struct known_hosts_findings *found, struct error *err);
/* Has one of the files this word? */
bool known_hosts_mention(const struct ssh_config *config, const char *word);
/* Calls for every readable entry of every file that is about the host, under its name or its bare name without the port. */
void known_hosts_each(const struct ssh_config *config, void (*visit)(const struct known_hosts_entry *entry, void *data),
		      void *data);
/* Adds a line to the file, which is made if need be, as is ~/.ssh. False: errno tells. */
bool known_hosts_append(const char *path, const struct buf *line);

#endif
