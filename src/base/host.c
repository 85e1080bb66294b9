/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/secret.h"

extern char **environ;

/* What the system lacks is another matter than a file that is not there. */
static bool cannot_read(const char *name, int why, struct error *err)
{
	bool lacks = why == EMFILE || why == ENFILE || why == ENOMEM;

	return error_set(err, lacks ? ERROR_NO_RESOURCES : ERROR_INPUT_MISSING, "%s: %s", name, strerror(why));
}

bool host_read_fd(int fd, const char *name, struct buf *out, struct error *err)
{
	for (;;) {
		if (io_wait_one(fd, POLLIN, IO_NO_DEADLINE, err) == IO_SIGNAL)
			return false;
		uint8_t block[16384];
		ssize_t n = io_read(fd, block, sizeof block);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return cannot_read(name, errno, err);
		bool fits = buf_put(out, block, (size_t)n);
		secret_wipe(block, out->secret ? (size_t)n : 0);
		if (!fits)
			return error_set(err, ERROR_INPUT_MISSING, "%s: larger than %zu bytes", name, out->max);
		if (n == 0)
			return true;
	}
}

/* Not waiting in open() for the writer of a pipe: host_read_fd waits, and is ended by signals. */
static bool read_path(const char *path, bool only_regular, struct buf *out, mode_t *mode, uid_t *owner,
		      struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool ok = false;

	if (fd < 0 || fstat(fd, &st) < 0) {
		cannot_read(path, errno, err);
	} else if (S_ISDIR(st.st_mode)) {
		error_set(err, ERROR_INPUT_MISSING, "%s: %s", path, strerror(EISDIR));
	} else if (only_regular && !S_ISREG(st.st_mode)) {
		error_set(err, ERROR_INPUT_MISSING, "%s: not a regular file", path);
	} else {
		if (mode)
			*mode = st.st_mode;
		if (owner)
			*owner = st.st_uid;
		ok = host_read_fd(fd, path, out, err);
	}
	io_close(&fd);
	return ok;
}

bool host_read_file(const char *path, struct buf *out, mode_t *mode, uid_t *owner, struct error *err)
{
	return read_path(path, true, out, mode, owner, err);
}

bool host_read_input(const char *path, struct buf *out, struct error *err)
{
	return read_path(path, false, out, NULL, NULL, err);
}

/* Reads what is there; false at the end or on an error. What does not fit is dropped. */
static bool gather(int fd, struct buf *out)
{
	uint8_t block[16384];
	ssize_t n = io_read(fd, block, sizeof block);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (out) {
		buf_put(out, block, (size_t)n);
		secret_wipe(block, out->secret ? (size_t)n : 0);
	}
	return true;
}

static bool gather_all(const struct host_child *child, struct buf *out, struct buf *err_out, int64_t deadline,
		       struct error *err)
{
	bool out_open = true, err_open = true;

	while (out_open || err_open) {
		struct pollfd fds[2] = {
			{ .fd = out_open ? child->out_fd : -1, .events = POLLIN },
			{ .fd = err_open ? child->err_fd : -1, .events = POLLIN },
		};
		switch (io_wait(fds, 2, deadline)) {
		case IO_READY:
			break;
		case IO_SIGNAL:
			return error_interrupted(err, io_take_signal());
		case IO_TIMEOUT:
			return error_set(err, ERROR_INTERNAL, "%s does not end", child->name);
		case IO_FAILED:
			return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
		}
		if (fds[0].revents)
			out_open = gather(child->out_fd, out);
		if (fds[1].revents)
			err_open = gather(child->err_fd, err_out);
		if (child->ends_when_full && out && out->overflow)
			return error_set(err, ERROR_INPUT_MISSING, "%s prints more than %zu bytes", child->name,
					 out->max);
	}
	return true;
}

static bool spawn(const char *const *argv, int out_fd, int err_fd, pid_t *pid, struct error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	int failed = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (failed == ENOENT)
		return error_set(err, ERROR_INPUT_MISSING, "%s: no such program", argv[0]);
	if (failed == EAGAIN || failed == ENOMEM || failed == EMFILE || failed == ENFILE)
		return error_set(err, ERROR_NO_RESOURCES, "%s: %s", argv[0], strerror(failed));
	return failed ? error_set(err, ERROR_INPUT_MISSING, "%s: %s", argv[0], strerror(failed)) : true;
}

bool host_start(struct host_child *child, const char *const *argv, struct error *err)
{
	int out_pipe[2] = { -1, -1 }, err_pipe[2] = { -1, -1 };
	bool ok = false;

	if (pipe(out_pipe) < 0 || pipe(err_pipe) < 0) {
		error_set(err, ERROR_NO_RESOURCES, "pipe: %s", strerror(errno));
		goto done;
	}
	for (int i = 0; i < 2; i++) {
		io_set_cloexec(out_pipe[i]);
		io_set_cloexec(err_pipe[i]);
	}
	*child = (struct host_child){ .name = argv[0], .out_fd = out_pipe[0], .err_fd = err_pipe[0] };
	ok = spawn(argv, out_pipe[1], err_pipe[1], &child->pid, err);
done:
	io_close(&out_pipe[1]);
	io_close(&err_pipe[1]);
	if (!ok) {
		io_close(&out_pipe[0]);
		io_close(&err_pipe[0]);
	}
	return ok;
}

/*
 * A child that has closed its output mostly ends in the same moment, but need not: no descriptor tells, so it is looked at in steps, the first
 * ones so short that nobody notices.
 */
static bool await_end(const struct host_child *child, int64_t deadline, int *code, struct error *err)
{
	enum { FIRST_US = 20, LAST_US = 20000 };
	struct pollfd nothing = { .fd = -1 };

	for (long us = FIRST_US;; us = us < LAST_US ? us * 2 : us) {
		pid_t ended = waitpid(child->pid, code, WNOHANG);
		if (ended > 0 || (ended < 0 && errno != EINTR))
			return true;
		if (us < 1000) {
			nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
			continue;
		}
		if (deadline != IO_NO_DEADLINE && clock_ms() >= deadline)
			return error_set(err, ERROR_INTERNAL, "%s does not end", child->name);
		if (io_wait(&nothing, 1, clock_ms() + us / 1000) == IO_SIGNAL)
			return error_interrupted(err, io_take_signal());
	}
}

bool host_finish(struct host_child *child, struct buf *out, struct buf *err_out, int64_t deadline, int *status,
		 struct error *err)
{
	int code = 0;
	bool ok = gather_all(child, out, err_out, deadline, err) && await_end(child, deadline, &code, err);

	if (!ok) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, &code, 0) < 0 && errno == EINTR)
			continue;
	}
	*status = WIFSIGNALED(code) ? 128 + WTERMSIG(code) : WEXITSTATUS(code);
	io_close(&child->out_fd);
	io_close(&child->err_fd);
	return ok;
}

/* The last line of what a command said. */
static const char *last_line(struct buf *said)
{
	while (said->len > 0 && strchr(" \n\r\t", said->data[said->len - 1]))
		said->len--;
	const char *text = buf_text(said);
	const char *newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

enum { SAID_MAX = 4096 }; /* of a command's complaints, what is kept */

bool host_command_output(const char *source, const char *command, enum error_code code, struct buf *out,
			 struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	struct host_child child;
	struct buf said;
	int status = 0;

	buf_init(&said, SAID_MAX);
	bool ok = host_start(&child, argv, err);
	child.ends_when_full = true;
	ok = ok && host_finish(&child, out, &said, IO_NO_DEADLINE, &status, err);
	if (!ok && out->overflow) {
		error_set(err, code, "%s prints too much", source);
	} else if (!ok) {
		error_prefix(err, "%s", source);
	} else if (status != 0) {
		const char *line = last_line(&said);
		error_set(err, code, "%s ends with status %d%s%.200s", source, status, *line ? ": " : "", line);
		error_cure(err, "run it by hand: it must print what is wanted of it, and end with status 0");
		ok = false;
	}
	buf_clear(&said);
	return ok;
}

bool host_make_folders(const char *path)
{
	char *folder = xstrdup(path);
	bool ok = true;

	for (char *slash = strchr(folder + 1, '/'); ok && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ok = mkdir(folder, 0700) == 0 || errno == EEXIST;
		*slash = '/';
	}
	free(folder);
	return ok;
}

char *host_state_path(const char *name)
{
	const char *state = getenv("XDG_STATE_HOME");

	return state && state[0] == '/' ? xasprintf("%s/beamline/%s", state, name)
					: xasprintf("%s/.local/state/beamline/%s", host_home(), name);
}

int host_temporary(char path[HOST_TEMPORARY_MAX])
{
	const char *folder = getenv("TMPDIR");

	snprintf(path, HOST_TEMPORARY_MAX, "%s/beamline-XXXXXX", folder && folder[0] == '/' ? folder : "/tmp");
	int fd = mkstemp(path);
	if (fd >= 0)
		io_set_cloexec(fd);
	return fd;
}

int host_unnamed(void)
{
	char path[HOST_TEMPORARY_MAX];
	int fd = host_temporary(path);

	if (fd >= 0)
		unlink(path);
	return fd;
}

const char *host_home(void)
{
	const char *home = getenv("HOME");

	if (home && home[0] == '/')
		return home;
	const struct passwd *user = getpwuid(getuid());
	return user && user->pw_dir ? user->pw_dir : "/";
}
