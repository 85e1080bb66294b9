/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's own programs, which have the terminal for a while: pager and editor. Meanwhile the keeper ticks. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/host.h"
#include "base/io.h"
#include "base/terminal.h"
#include "node/keeper.h"
#include "shell/input.h"
#include "shell/shell_private.h"

enum { EDITED_MAX = 1024 * 1024 };

/* sh -c, on the terminal; Ctrl-C there is the program's. */
static void run_program(const char *command, const char *argument, int input)
{
	const char *const argv[] = { "sh", "-c", command, "sh", argument, NULL };
	pid_t child = fork();

	if (child == 0) {
		io_release_signals();
		if (input >= 0)
			dup2(input, STDIN_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	while (io_take_signal() != 0)
		continue;
}

/* Gives the terminal to a program, and takes it again. */
static bool lend(struct shell *s, const char *command, const char *argument, int input, struct error *err)
{
	struct keeper keeper = { .lifeline = -1 };

	if (!output_drain(&s->out, err) || !keeper_start(&keeper, s->remsh.link, err))
		return false;
	input_stop();
	run_program(command, argument, input);
	keeper_stop(&keeper);
	return input_start(err);
}

static const char *chosen(const char *first, const char *second, const char *otherwise)
{
	const char *value = getenv(first);

	if (!value || !value[0])
		value = second ? getenv(second) : NULL;
	return value && value[0] ? value : otherwise;
}

/* The node's text, made harmless: a pager may let through what it likes. */
static bool filter_into(struct shell *s, int fd, struct error *err)
{
	struct terminal_filter filter = { .colours = false };
	uint8_t block[16 * 1024];
	struct buf safe;
	bool ok = true;
	ssize_t n;

	buf_init(&safe, 5 * sizeof block);
	for (off_t at = 0; ok && (n = pread(s->turn.kept, block, sizeof block, at)) > 0; at += n) {
		safe.len = 0;
		terminal_filter(&filter, block, (size_t)n, &safe);
		ok = io_write_all(fd, safe.data, safe.len) ||
		     error_set(err, ERROR_OUTPUT_LOST, "a temporary file: %s", strerror(errno));
	}
	buf_clear(&safe);
	return ok;
}

bool shell_page(struct shell *s, const char *argument, struct error *err)
{
	(void)argument;
	if (s->turn.kept < 0 || s->turn.kept_len == 0)
		return shell_say(s, "beamline: there is no output to be shown\n", err);
	int fd = host_unnamed();
	if (fd < 0)
		return error_set(err, ERROR_NO_RESOURCES, "a temporary file: %s", strerror(errno));
	bool ok = filter_into(s, fd, err) && lseek(fd, 0, SEEK_SET) == 0 &&
		  lend(s, chosen("PAGER", NULL, "less"), NULL, fd, err);
	close(fd);
	return ok;
}

static bool read_edited(struct shell *s, const char *path, struct error *err)
{
	struct error why = { .code = ERROR_NONE };
	struct buf text;

	buf_init(&text, EDITED_MAX);
	bool ok = host_read_file(path, &text, NULL, NULL, &why);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
		text.len--;
	free(s->begun);
	s->begun = ok && text.len > 0 ? xstrdup(buf_text(&text)) : NULL;
	buf_clear(&text);
	return ok || shell_say(s, "beamline: the edited text cannot be read\n", err);
}

/* It comes back as the line that is being edited, to be looked at before Enter sends it. */
bool shell_edit(struct shell *s, const char *text, struct error *err)
{
	const char *last = shell_history_last(":edit");
	char path[HOST_TEMPORARY_MAX];

	if (!text[0])
		text = last ? last : "";
	int fd = host_temporary(path);
	if (fd < 0)
		return error_set(err, ERROR_NO_RESOURCES, "a temporary file: %s", strerror(errno));
	bool ok = io_write_all(fd, text, strlen(text)) && io_write_all(fd, "\n", 1);
	close(fd);
	char *command = xasprintf("%s \"$1\"", chosen("VISUAL", "EDITOR", "vi"));
	ok = ok && lend(s, command, path, -1, err) && read_edited(s, path, err);
	free(command);
	unlink(path);
	return ok;
}
