/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two files of a splice share: its life (splice.c), and how bytes and ends move through it (splice_move.c). */
#ifndef SSH_SPLICE_PRIVATE_H
#define SSH_SPLICE_PRIVATE_H

#include <libssh/callbacks.h>

#include "ssh/channel_open.h"
#include "ssh/splice.h"

enum {
	/*
	 * What the server may send ahead. libssh's own window, 1,280,000 bytes opened again when half is used up, is 8 MB/s at 80 ms: where
	 * a channel took this long to open, it is made larger. Nearer it would only take memory from others.
	 */
	FAR_MS = 20,
	FAR_WINDOW = 4 * 1024 * 1024,
	FAR_STEP = 256 * 1024, /* opened again when this much was taken */
	/*
	 * A read takes all that libssh holds. libssh opens its window after each, whatever it still holds: were less taken, it would come to
	 * hold 256 MiB, and then lose bytes. So it is never more than one window and a half.
	 */
	FROM_SSH_MAX = 2 * FAR_WINDOW,
	NEAR_MAX = 2 * 1024 * 1024, /* … with libssh's own window */
	TO_SSH_MAX = 128 * 1024,
};

enum { IN, OUT, ERR, END_COUNT };

struct end {
	int fd;
	int place;     /* in the poll set */
	int old_flags; /* -1: not to be put back */
	bool is_socket;
	bool done;     /* IN: its end was read. OUT, ERR: closed, or nobody takes more */
	bool has_data; /* OUT, ERR: libssh holds bytes for it */
	size_t taken;  /* OUT, ERR: bytes since the window was opened last */
	struct buf waiting;
};

struct splice {
	struct channel_opening opening;
	ssh_channel ssh;
	ssh_session session;
	struct ssh_channel_callbacks_struct callbacks;
	enum splice_state state;
	struct end ends[END_COUNT];
	int64_t asked_at; /* clock_ms() */
	bool far;
	bool eof_sent;
	bool remote_eof;
	bool remote_closed;
	int exit_status;
	struct error error;
};

/* Sends what waits for the channel; false: libssh takes no more of it now. */
bool splice_send_waiting(struct splice *c);
/* Descriptor to channel: never more than the remote window takes. */
void splice_read_in(struct splice *c);

#endif
