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

enum { FAKE_CHANNELS = 2 };

/* One channel's other end. */
struct fake_end {
	ssh_channel channel; /* NULL: none now */
	uint32_t window;     /* bytes that the server takes */
	uint64_t taken;      /* bytes that it has got; each must be fake_byte() of its number */
	uint64_t sent[2];    /* output, standard error: each byte the number's as well */
	size_t unread[2];    /* of them */
	bool eof, closed;    /* by us */
};

struct fake_server {
	bool connected;
	bool lacks_memory; /* libssh makes no further channel */
	bool blocked;      /* libssh takes less than it is given */
	/* The words of libssh's text when a channel is refused, whose number it names, plus this. */
	char words[256];
	unsigned off_by;
	unsigned code;
	bool other_text; /* the words are all of it */
	char error[512];
	/* What the next requests are answered with: SSH_OK, SSH_ERROR; none left: SSH_AGAIN. */
	int answers[FAKE_ANSWERS_MAX];
	size_t answer_count;
	struct fake_end ends[FAKE_CHANNELS];
};

extern struct fake_server fake_server;

/* What libssh has for the caller of its own functions. */
ssh_session fake_session(void);
void fake_reset(void);
uint8_t fake_byte(uint64_t number);
/* The client whose channels the following are: 0 or 1. New channels are the one's who is chosen. */
void fake_choose(unsigned which);
/* What the server does, told by the channel's callbacks; nothing where there is no open channel. */
void fake_send(size_t len, bool is_stderr);
void fake_eof(void);
void fake_close(void);
void fake_exit_status(int status);
void fake_exit_signal(const char *name);
/* No channel is left. */
bool fake_is_empty(void);

#endif
