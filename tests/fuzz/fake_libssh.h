/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands before libssh's functions for channels, so that a target can say what a server does, without keys or a network. It keeps to what libssh
 * promises and nothing more, and aborts where a caller breaks a rule of libssh's (more sent than the window allows, a channel
 * used after it was freed).
 */
#ifndef FAKE_LIBSSH_H
#define FAKE_LIBSSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libssh/libssh.h>

enum { FAKE_ANSWERS_MAX = 64 };

/* The server of the one connection, with its one channel. */
struct fake_server {
	bool connected;
	char error[1024]; /* libssh's text */
	/* What the next requests are answered with: SSH_OK, SSH_ERROR; none left: SSH_AGAIN. */
	int answers[FAKE_ANSWERS_MAX];
	size_t answer_count;
	uint32_t window;  /* bytes that it takes */
	bool blocked;     /* libssh takes less than it is given */
	uint64_t taken;   /* bytes that it has got; each must be fake_byte() of its number */
	uint64_t sent[2]; /* output, standard error: each byte the number's as well */
	size_t unread[2]; /* of them */
	bool eof, closed; /* by us */
	size_t channels;  /* not freed */
};

extern struct fake_server fake_server;

/* What libssh has for the caller of its own functions. */
ssh_session fake_session(void);
void fake_reset(void);
uint8_t fake_byte(uint64_t number);
/* What the server does, told by the channel's callbacks; nothing where there is no open channel. */
void fake_send(size_t len, bool is_stderr);
void fake_eof(void);
void fake_close(void);
void fake_exit_status(int status);
void fake_exit_signal(const char *name);

#endif
