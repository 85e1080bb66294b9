/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this process asks of the machine it runs on after it has spoken to a node: reading files and running programs. One room,
 * so that it can later stand in a small trusted process while the one that decodes foreign bytes is sandboxed.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Reads a whole file (not a directory or device) into the buffer, up to its maximum. Errors: ERROR_INPUT_MISSING with errno's text,
 * or too large. *mode and *owner (may be NULL) are those of the opened file.
 */
bool host_read_file(const char *path, struct buf *out, mode_t *mode, uid_t *owner, struct error *err);
/* The same of a file that the operator named: also of a pipe or device, such as <(…) of a shell. */
bool host_read_input(const char *path, struct buf *out, struct error *err);
/* All of a descriptor up to its end; same errors, `name` in messages. Blocking, ended by signals. */
bool host_read_fd(int fd, const char *name, struct buf *out, struct error *err);

/* A program that runs beside this one, its output on two pipes. */
struct host_child {
	const char *name;
	pid_t pid;
	int out_fd;
	int err_fd;
	bool ends_when_full; /* set by the caller: output that does not fit is an error, not dropped */
};

/*
 * Starts a program (looked up in PATH) with standard input from /dev/null; host_finish must follow. Errors: ERROR_NO_RESOURCES,
 * ERROR_INPUT_MISSING (no such program).
 */
bool host_start(struct host_child *child, const char *const *argv, struct error *err);
/*
 * Gathers all of its output (up to the buffers' maxima, the rest is dropped; err_out may be NULL) and waits for its end. *status: its
 * exit status, 128+N for a signal. Errors: ERROR_INTERRUPTED, ERROR_INTERNAL (deadline passed), ERROR_INPUT_MISSING (ends_when_full); it was
 * killed.
 */
bool host_finish(struct host_child *child, struct buf *out, struct buf *err_out, int64_t deadline, int *status,
		 struct error *err);

/*
 * What a command prints (a secret, for the caller): /bin/sh -c runs it. It may ask on the terminal, and may take its time. `source` names
 * it in messages. Errors: `code` (it failed, with the last line that it said, or it prints more than `out` takes), ERROR_INTERRUPTED, ….
 */
bool host_command_output(const char *source, const char *command, enum error_code code, struct buf *out,
			 struct error *err);

/* Makes each folder on the way to the file, mode 0700, where it is not there. False: errno tells. */
bool host_make_folders(const char *path);
/* A file of beamline's own below $XDG_STATE_HOME, else ~/.local/state: "journal", "history/rig". The caller frees. */
char *host_state_path(const char *name);
enum { HOST_TEMPORARY_MAX = 1024 };
/* A new file in $TMPDIR, else /tmp, mode 0600, its path in `path`; -1: errno tells. */
int host_temporary(char path[HOST_TEMPORARY_MAX]);
/* The same without a name: it is gone with us, however we end. */
int host_unnamed(void);

/* The user's home directory, from $HOME or the password database; "/" if there is none. Never freed. */
const char *host_home(void);

#endif
