/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A descriptor that output goes to without ever waiting for its reader: what it does not take is kept, bounded, and the caller
 * is told, so that the one who produces can be made to wait while everything else (ticks above all) goes on. On a
 * terminal the text passes the filter.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/terminal.h"

struct output {
	int fd;      /* to poll; a terminal's or a pipe's is not the one that was given */
	bool own_fd; /* … but our own, which does not wait */
	bool file;
	bool terminal; /* text is filtered */
	struct terminal_filter filter;
	struct buf pending;
	size_t at;   /* how much of pending is written */
	bool failed; /* nothing more is taken; err tells */
	struct error err;
	const char *name; /* "standard output", for messages */
};

/* max: bytes that may be pending. */
void output_init(struct output *o, int fd, const char *name, size_t max);
void output_clear(struct output *o);
/* Takes the text (filtered on a terminal); writes at once what the descriptor takes. False: the output has failed. */
bool output_put(struct output *o, const void *data, size_t len);
bool output_printf(struct output *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What comes next is not of this text: no colour of it stays on, and nothing that it began is held. Waits for nothing. */
bool output_pause(struct output *o);
/* Forgets what waits. On a terminal, which may have had half of a colour or of its end, none stays on. */
void output_drop(struct output *o);
/* Bytes that wait; poll for POLLOUT while not 0. */
size_t output_pending(const struct output *o);
/*
 * Writes what the descriptor takes now. Errors stay in o->err: ERROR_OUTPUT_CLOSED (the reader went away), ERROR_OUTPUT_LOST,
 * ERROR_LIMIT (more was put than may wait).
 */
bool output_flush_some(struct output *o);
/* Waits until nothing is pending, ended by signals; same errors as output_flush. More may be put after it. */
bool output_drain(struct output *o, struct error *err);
/* Writes all, waiting, ended by signals; puts o->err into err if the output has failed. */
bool output_flush(struct output *o, struct error *err);

#endif
