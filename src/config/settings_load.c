/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files are read, and whether they may be trusted. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/host.h"
#include "base/log.h"
#include "config/settings_private.h"

static const char machine_file[] = "/etc/beamline/beamline.conf";

/* Who named the file: the line that includes it, or nobody (a usual place) or the operator. */
struct origin {
	const char *file;
	unsigned line;
	unsigned depth;
};

static bool complain(const struct origin *origin, struct error *err)
{
	return origin->file ? error_prefix(err, "%s:%u", origin->file, origin->line) : false;
}

/* A file in which others may write would let them say which commands are run here. */
static bool check_owner(const char *path, mode_t mode, uid_t owner, struct error *err)
{
	if (owner != getuid() && owner != 0) {
		error_set(err, ERROR_CONFIG, "%s belongs to another user (uid %u)", path, (unsigned)owner);
		return error_cure(err, "it must be yours or root's: chown %u '%s'", (unsigned)getuid(), path);
	}
	if (mode & (S_IWGRP | S_IWOTH)) {
		error_set(err, ERROR_CONFIG, "%s may be written by others (mode %04o)", path, (unsigned)(mode & 07777));
		return error_cure(err, "chmod go-w '%s'", path);
	}
	return true;
}

static bool read_file(struct settings *settings, const char *path, const struct origin *origin, struct error *err);

/* By whatever path. */
static bool is_read(const struct settings *settings, const char *path)
{
	struct stat wanted, st;

	if (stat(path, &wanted) < 0)
		return false;
	for (size_t i = 0; i < settings->files.count; i++) {
		if (stat(settings->files.items[i], &st) == 0 && st.st_dev == wanted.st_dev &&
		    st.st_ino == wanted.st_ino)
			return true;
	}
	return false;
}

/* All that a pattern of file names means; one without wildcards must be there. */
static bool include(struct settings *settings, const char *pattern, const struct origin *origin, struct error *err)
{
	const char *slash = strrchr(origin->file, '/');
	glob_t found = { 0 };
	bool ok = true;
	char *path;

	if (pattern[0] == '~' && pattern[1] == '/')
		path = xasprintf("%s%s", host_home(), pattern + 1);
	else if (pattern[0] == '/' || !slash)
		path = xstrdup(pattern);
	else
		path = xasprintf("%.*s/%s", (int)(slash - origin->file), origin->file, pattern);
	int failed = glob(path, strpbrk(path, "*?[") ? 0 : GLOB_NOCHECK, NULL, &found);
	for (size_t i = 0; !failed && ok && i < found.gl_pathc; i++)
		ok = read_file(settings, found.gl_pathv[i], origin, err);
	if (failed && failed != GLOB_NOMATCH) {
		error_set(err, ERROR_CONFIG, "%s cannot be looked for", path);
		ok = complain(origin, err);
	}
	globfree(&found);
	free(path);
	return ok;
}

static bool read_text(struct settings *settings, const char *file, const char *text, size_t len, unsigned depth,
		      struct error *err)
{
	struct settings_source source = { .settings = settings, .file = file, .text = text };
	bool ok = settings_scan(file, text, len, err) && settings_read(&source, err);

	for (size_t i = 0; ok && depth && i < source.includes.count; i++) {
		const struct origin origin = { .file = file, .line = source.include_lines[i], .depth = depth };
		ok = include(settings, source.includes.items[i], &origin, err);
	}
	settings_list_clear(&source.includes);
	free(source.include_lines);
	return ok;
}

static bool may_read_more(const struct settings *settings, const char *path, const struct origin *origin,
			  struct error *err)
{
	if (is_read(settings, path)) {
		error_set(err, ERROR_CONFIG, "%s is read already", path);
		error_cure(err, "each file is included once, and none includes itself");
	} else if (origin->depth > SETTINGS_INCLUDE_DEPTH_MAX) {
		error_set(err, ERROR_CONFIG, "%s is included at a depth of more than %d files", path,
			  SETTINGS_INCLUDE_DEPTH_MAX);
	} else if (settings->files.count == SETTINGS_FILES_MAX) {
		error_set(err, ERROR_CONFIG, "%s would be one of more than %d files", path, SETTINGS_FILES_MAX);
	} else {
		return true;
	}
	return complain(origin, err);
}

static bool read_file(struct settings *settings, const char *path, const struct origin *origin, struct error *err)
{
	struct buf text;
	mode_t mode;
	uid_t owner;
	bool ok = false;

	if (!may_read_more(settings, path, origin, err))
		return false;
	settings_list_add(&settings->files, path);
	buf_init(&text, SETTINGS_FILE_MAX);
	if (!host_read_file(path, &text, &mode, &owner, err)) {
		err->code = err->code == ERROR_INPUT_MISSING ? ERROR_CONFIG : err->code;
		complain(origin, err);
	} else if (!check_owner(path, mode, owner, err)) {
		complain(origin, err);
	} else {
		log_v("configuration", "%s", path);
		const char *whole = buf_text(&text);
		ok = read_text(settings, settings->files.items[settings->files.count - 1], whole, text.len,
			       origin->depth + 1, err);
	}
	buf_clear(&text);
	return ok;
}

/* One of the usual places, where there need be none. */
static bool read_usual(struct settings *settings, const char *path, struct error *err)
{
	const struct origin origin = { 0 };
	struct stat st;

	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	return read_file(settings, path, &origin, err);
}

static char *user_file(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME");

	if (folder && folder[0] == '/')
		return xasprintf("%s/beamline/beamline.conf", folder);
	return xasprintf("%s/.config/beamline/beamline.conf", host_home());
}

bool settings_load(struct settings *settings, const struct option *table, size_t count, const char *only,
		   struct error *err)
{
	const struct origin origin = { 0 };
	bool ok = true;

	*settings = (struct settings){ .table = table, .table_count = count };
	if (!only) {
		char *path = user_file();
		ok = read_usual(settings, path, err) && read_usual(settings, machine_file, err);
		free(path);
	} else if (strcmp(only, "none") != 0) {
		ok = read_file(settings, only, &origin, err);
	}
	return ok && settings_check_groups(settings, err);
}

bool settings_parse(struct settings *settings, const struct option *table, size_t count, const char *text, size_t len,
		    struct error *err)
{
	*settings = (struct settings){ .table = table, .table_count = count };
	char *whole = xstrndup(text, len);
	bool ok = read_text(settings, "text", whole, len, 0, err) && settings_check_groups(settings, err);
	free(whole);
	return ok;
}
