/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>

#include "base/alloc.h"
#include "base/host.h"
#include "base/io.h"
#include "base/log.h"

enum { LINES_MAX = 10000, NAME_MAX_BYTES = 200 };

static char *file;

/* A name of a file: what could lead elsewhere becomes '_'. */
static char *file_name(const char *target)
{
	char *name = xstrndup(target, strnlen(target, NAME_MAX_BYTES));

	for (char *p = name; *p; p++) {
		if (*p == '/' || (unsigned char)*p < 0x21 || (p == name && *p == '.'))
			*p = '_';
	}
	return name;
}

static char *path_of(const char *target)
{
	char *file_of_target = file_name(target), *name = xasprintf("history/%s", file_of_target);
	char *path = host_state_path(name);

	free(file_of_target);
	free(name);
	return path;
}

/* Made here, so that readline's mode does not matter. */
static bool prepare(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();

	if (ok && (st.st_mode & 077))
		ok = fchmod(fd, 0600) == 0;
	else if (fd >= 0 && !ok)
		errno = EPERM;
	io_close(&fd);
	return ok;
}

void shell_history_start(const char *target)
{
	file = path_of(target);
	using_history();
	/* With a time before each, one of several lines comes back as one. */
	history_comment_char = '#';
	history_write_timestamps = 1;
	history_multiline_entries = 1;
	stifle_history(LINES_MAX);
	if (host_make_folders(file) && prepare(file)) {
		read_history(file);
		using_history();
		return;
	}
	log_notice("lines will not be kept: %s: %s", file, strerror(errno));
	free(file);
	file = NULL;
}

void shell_history_keep(const char *line)
{
	HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

	if (line[0] == '\0' || line[0] == ' ' || (last && strcmp(last->line, line) == 0))
		return;
	add_history(line);
	if (file && append_history(1, file) != 0)
		log_v("shell", "%s: %s", file, strerror(errno));
}

const char *shell_history_last(const char *but)
{
	for (int i = history_length; i > 0; i--) {
		HIST_ENTRY *entry = history_get(history_base + i - 1);
		if (entry && strcmp(entry->line, but) != 0)
			return entry->line;
	}
	return NULL;
}

void shell_history_stop(void)
{
	if (file)
		history_truncate_file(file, LINES_MAX);
	free(file);
	file = NULL;
	clear_history();
}
