/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/known_hosts_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/io.h"
#include "base/log.h"

enum { FILES_MAX = 2 * SSH_CONFIG_LIST_MAX };

static void note(struct known_hosts_place *place, const char *file, int line)
{
	if (place->line == 0)
		*place = (struct known_hosts_place){ .line = line, .file = file };
}

void known_hosts_look_up(const char *text, size_t text_len, const char *file, const char *name, const char *type,
			 const uint8_t *blob, size_t len, struct known_hosts_findings *found)
{
	struct known_hosts_cursor *cursor = xmalloc(sizeof *cursor);
	struct known_hosts_entry entry;

	known_hosts_start(cursor, text, text_len);
	while (known_hosts_next(cursor, &entry)) {
		/* A certificate authority's line never speaks about a plain key. */
		if (entry.marker == KNOWN_HOSTS_CERT_AUTHORITY || !known_hosts_names(&entry, name))
			continue;
		bool same = entry.key_len == len && memcmp(entry.key, blob, len) == 0;
		if (entry.marker == KNOWN_HOSTS_REVOKED) {
			if (same)
				note(&found->revoked, file, entry.line);
		} else if (same) {
			note(&found->same, file, entry.line);
		} else if (strcmp(entry.type, type) == 0) {
			if (found->changed.line == 0)
				found->changed_fingerprint = known_hosts_fingerprint(entry.key, entry.key_len);
			note(&found->changed, file, entry.line);
		} else {
			if (found->other.line == 0)
				memcpy(found->other_type, entry.type, sizeof entry.type);
			note(&found->other, file, entry.line);
		}
	}
	free(cursor);
}

/* The files that are asked, those of the user first. */
static size_t known_hosts_files(const struct ssh_config *config, const char *files[FILES_MAX])
{
	size_t n = 0;

	for (int i = 0; config->user_known_hosts[i]; i++)
		files[n++] = config->user_known_hosts[i];
	for (int i = 0; config->global_known_hosts[i]; i++)
		files[n++] = config->global_known_hosts[i];
	return n;
}

/*
 * A file that is not there or not ours to read says nothing; one that is too large, or that we have no descriptor left for, could hide a revoked
 * key.
 */
static bool read_known_hosts(const char *path, struct buf *text, struct error *err)
{
	struct error reason;

	buf_init(text, KNOWN_HOSTS_FILE_MAX);
	if (host_read_file(path, text, NULL, NULL, &reason))
		return true;
	bool overflow = text->overflow;
	buf_clear(text);
	if (reason.code == ERROR_INTERRUPTED || reason.code == ERROR_NO_RESOURCES) {
		*err = reason;
		return false;
	}
	if (overflow) {
		error_set(err, ERROR_CONFIG, "%s is larger than %d MiB", path, KNOWN_HOSTS_FILE_MAX >> 20);
		return error_cure(err, "name a smaller file with UserKnownHostsFile or GlobalKnownHostsFile");
	}
	if (strcmp(path, "/dev/null") != 0)
		log_vv("host key", "%s", reason.message);
	return true;
}

static bool look_up_in_files(const struct ssh_config *config, const char *name, const char *type, const uint8_t *blob,
			     size_t len, struct known_hosts_findings *found, struct error *err)
{
	const char *files[FILES_MAX];
	size_t count = known_hosts_files(config, files);
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		struct buf text;
		ok = read_known_hosts(files[i], &text, err);
		if (ok)
			known_hosts_look_up((const char *)text.data, text.len, files[i], name, type, blob, len, found);
		buf_clear(&text);
	}
	return ok;
}

/* With HostKeyAlias the port plays no part. */
char *known_hosts_name_of(const struct ssh_config *config)
{
	if (config->host_key_alias)
		return known_hosts_name(config->host_key_alias, 22);
	return known_hosts_name(config->hostname, config->port);
}

/* The name without its port, where it has one; NULL else. The caller frees. */
static char *bare_name_of(const struct ssh_config *config)
{
	return config->host_key_alias || config->port == 22 ? NULL : known_hosts_name(config->hostname, 22);
}

/*
 * OpenSSH takes a key that stands under the bare name also on another port, if nothing stands under "[name]:port". What else
 * stands under the bare name belongs to another sshd.
 */
bool known_hosts_find(const struct ssh_config *config, const char *type, const uint8_t *blob, size_t len,
		      struct known_hosts_findings *found, struct error *err)
{
	struct known_hosts_findings bare = { 0 };
	char *name = known_hosts_name_of(config);
	char *bare_name = bare_name_of(config);
	bool ok = look_up_in_files(config, name, type, blob, len, found, err);
	bool nothing = !(found->revoked.line || found->same.line || found->changed.line || found->other.line);

	if (ok && nothing && bare_name) {
		ok = look_up_in_files(config, bare_name, type, blob, len, &bare, err);
		found->same = bare.same;
		found->revoked = bare.revoked;
		free(bare.changed_fingerprint);
	}
	free(bare_name);
	free(name);
	return ok;
}

bool known_hosts_mention(const struct ssh_config *config, const char *word)
{
	const char *files[FILES_MAX];
	size_t count = known_hosts_files(config, files);
	bool found = false;

	for (size_t i = 0; !found && i < count; i++) {
		struct error ignored;
		struct buf text;
		if (!read_known_hosts(files[i], &text, &ignored))
			continue;
		found = strstr(buf_text(&text), word) != NULL;
		buf_clear(&text);
	}
	return found;
}

void known_hosts_each(const struct ssh_config *config, void (*visit)(const struct known_hosts_entry *entry, void *data),
		      void *data)
{
	const char *files[FILES_MAX];
	size_t count = known_hosts_files(config, files);
	struct known_hosts_cursor *cursor = xmalloc(sizeof *cursor);
	char *name = known_hosts_name_of(config);
	char *bare_name = bare_name_of(config);

	for (size_t i = 0; i < count; i++) {
		struct known_hosts_entry entry;
		struct error ignored;
		struct buf text;
		if (!read_known_hosts(files[i], &text, &ignored))
			continue;
		known_hosts_start(cursor, (const char *)text.data, text.len);
		while (known_hosts_next(cursor, &entry)) {
			if (known_hosts_names(&entry, name) || (bare_name && known_hosts_names(&entry, bare_name)))
				visit(&entry, data);
		}
		buf_clear(&text);
	}
	free(bare_name);
	free(name);
	free(cursor);
}

/* The folder is made only where it is the usual one, as OpenSSH does. */
static void make_ssh_folder(const char *file)
{
	char *folder = xasprintf("%s/.ssh", host_home());
	size_t len = strlen(folder);

	if (strncmp(file, folder, len) == 0 && file[len] == '/')
		(void)mkdir(folder, 0700);
	free(folder);
}

/* One write at the end, so that several of us cannot mix their lines; a last line without its newline is ended first. */
bool known_hosts_append(const char *path, const struct buf *line)
{
	struct buf whole;
	char last = '\n';

	make_ssh_folder(path);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return false;
	buf_init(&whole, line->len + 1);
	off_t size = lseek(fd, 0, SEEK_END);
	if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
		buf_put_u8(&whole, '\n');
	buf_put(&whole, line->data, line->len);
	bool ok = io_write(fd, whole.data, whole.len) == (ssize_t)whole.len;
	int failed = errno;
	buf_clear(&whole);
	io_close(&fd);
	errno = failed;
	return ok;
}
