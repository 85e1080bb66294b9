/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Descriptors, deadlines and signals: the one place that blocks. Every wait ends when a descriptor is ready, when its
 * deadline passes, or when a signal that ends the command has come (SIGINT, SIGTERM, SIGHUP, SIGQUIT): nothing hangs.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum io_wait { IO_READY, IO_TIMEOUT, IO_SIGNAL, IO_FAILED };

enum { IO_NO_DEADLINE = -1, IO_WAIT_MAX = 1023 };

/*
 * poll() until an absolute clock_ms() deadline (IO_NO_DEADLINE: none). IO_SIGNAL: a signal is waiting for
 * io_take_signal(). IO_FAILED: errno tells. `count` is at most IO_WAIT_MAX, and may be 0.
 */
enum io_wait io_wait(struct pollfd *fds, size_t count, int64_t deadline);
/* The same for one descriptor; a signal is taken, and err tells of it (ERROR_INTERRUPTED). */
enum io_wait io_wait_one(int fd, short events, int64_t deadline, struct error *err);

/* Has io_wait call this once, when it waits at that time of clock_ms(), or begins to after it. NULL: no longer. */
void io_call_at(int64_t time, void (*call)(void));

/* From here on the ending signals are caught and told by io_wait; SIGPIPE is ignored. */
void io_catch_signals(void);
/*
 * SIGTSTP (Ctrl-Z) stops this process as it stops any, unless somebody who has something to do before and after wants it told like
 * the ending signals. Returns what held before.
 */
bool io_tell_stop(bool tell);
/* From here on the end of a child is told like them, too (SIGCHLD). */
void io_tell_children(void);
/* The same of a change of the terminal's size (SIGWINCH), until it is no longer wanted. */
void io_tell_resize(bool tell);
/* Gives them back their defaults, as in a child that runs another program or has its own handling. */
void io_release_signals(void);
/* A signal that ended what nobody needs is still to be taken: puts it back, if err is one. */
void io_give_back(const struct error *err);
/* Has one come that nobody has taken? */
bool io_signal_waits(void);
/* The next signal that has come, or 0. */
int io_take_signal(void);

bool io_set_nonblocking(int fd);
bool io_set_cloexec(int fd);
/* read()/write() again after EINTR. */
ssize_t io_read(int fd, void *data, size_t len);
ssize_t io_write(int fd, const void *data, size_t len);
/* All of it, waiting as needed on a blocking or non-blocking descriptor; false: errno tells (EINTR: a signal waits). */
bool io_write_all(int fd, const void *data, size_t len);
/* A stream socketpair, both ends close-on-exec. */
bool io_socketpair(int fds[2]);
/* Closes and sets to -1; -1 is allowed. */
void io_close(int *fd);

#endif
