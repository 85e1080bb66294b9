/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "platform/platform.h"

/*
 * Standard output may be shared with other programs, so it is not set to O_NONBLOCK: a terminal or pipe is opened once more. Where that is
 * not possible, a pipe takes this much after POLLOUT without waiting (POSIX: PIPE_BUF). A terminal promises room for one byte only.
 */
#ifdef PIPE_BUF
enum { SAFE_WRITE = PIPE_BUF < 4096 ? PIPE_BUF : 4096 };
#else
enum { SAFE_WRITE = 512 };
#endif
enum { LARGE_WRITE = 256 * 1024 };

/* The same terminal, opened once more and without waiting; -1 if that is not allowed (after su, it may be another user's). */
static int open_terminal_again(int fd)
{
	const char *name = ttyname(fd);
	struct stat mine, opened;
	int again = name ? open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;

	if (again >= 0 && (fstat(fd, &mine) < 0 || fstat(again, &opened) < 0 || mine.st_rdev != opened.st_rdev))
		io_close(&again);
	return again;
}

void output_init(struct output *o, int fd, const char *name, size_t max)
{
	struct stat st;

	*o = (struct output){ .fd = fd, .name = name, .terminal = terminal_is(fd) };
	o->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	int again = o->terminal ? open_terminal_again(fd) : platform_open_pipe_again(fd);
	if (again >= 0) {
		o->fd = again;
		o->own_fd = true;
	}
	o->filter.colours = terminal_wants_colours(fd);
	/* Filtering makes text longer, up to 4 times. */
	buf_init(&o->pending, 5 * max);
}

void output_clear(struct output *o)
{
	buf_clear(&o->pending);
	if (o->own_fd)
		io_close(&o->fd);
}

size_t output_pending(const struct output *o)
{
	return o->failed ? 0 : o->pending.len - o->at;
}

void output_drop(struct output *o)
{
	if (output_pending(o) > 0 && o->filter.colours)
		o->filter.coloured = true;
	buf_consume(&o->pending, o->pending.len);
	o->at = 0;
	o->filter.held_len = 0;
	if (o->terminal)
		terminal_filter_end(&o->filter, &o->pending);
}

static bool output_fail(struct output *o)
{
	o->failed = true;
	if (errno == EPIPE || errno == ECONNRESET) {
		error_set(&o->err, ERROR_OUTPUT_CLOSED, "the reader of %s went away before all was written", o->name);
		return false;
	}
	int reason = errno;
	error_set(&o->err, ERROR_OUTPUT_LOST, "%s: %s; not all of the output is there", o->name, strerror(reason));
	return reason == ENOSPC ? error_cure(&o->err, "make room on the disk and run the command again") : false;
}

static bool takes_now(const struct output *o)
{
	struct pollfd one = { .fd = o->fd, .events = POLLOUT };

	return o->own_fd || o->file || poll(&one, 1, 0) > 0;
}

bool output_flush_some(struct output *o)
{
	size_t most = o->own_fd || o->file ? LARGE_WRITE : SAFE_WRITE;

	while (!o->failed && o->at < o->pending.len && takes_now(o)) {
		size_t len = o->pending.len - o->at;
		ssize_t n = io_write(o->fd, o->pending.data + o->at, len < most ? len : most);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0)
			return output_fail(o);
		o->at += (size_t)n;
	}
	/* What is written already may not take the room of what waits: with this, 4 of 5 times `max` are always left. */
	if (o->at == o->pending.len || o->at > o->pending.max / 8) {
		buf_consume(&o->pending, o->at);
		o->at = 0;
	}
	return !o->failed;
}

bool output_put(struct output *o, const void *data, size_t len)
{
	if (o->failed)
		return false;
	if (o->terminal)
		terminal_filter(&o->filter, data, len, &o->pending);
	else
		buf_put(&o->pending, data, len);
	if (o->pending.overflow) {
		error_set(&o->err, ERROR_LIMIT, "%s: more came than may wait to be written", o->name);
		o->failed = true;
		return false;
	}
	return output_flush_some(o);
}

bool output_pause(struct output *o)
{
	if (o->terminal && !o->failed)
		terminal_filter_end(&o->filter, &o->pending);
	return output_flush_some(o);
}

bool output_printf(struct output *o, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = xmalloc((size_t)(len < 0 ? 0 : len) + 1);
	vsnprintf(text, (size_t)(len < 0 ? 0 : len) + 1, fmt, again);
	va_end(again);
	bool ok = output_put(o, text, (size_t)(len < 0 ? 0 : len));
	free(text);
	return ok;
}

bool output_drain(struct output *o, struct error *err)
{
	while (output_flush_some(o) && output_pending(o) > 0) {
		if (io_wait_one(o->fd, POLLOUT, IO_NO_DEADLINE, err) == IO_SIGNAL)
			return false;
	}
	if (o->failed)
		*err = o->err;
	return !o->failed;
}

bool output_flush(struct output *o, struct error *err)
{
	output_pause(o);
	return output_drain(o, err);
}
