/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The opening of a channel: direct-tcpip in one step; a session, then its terminal, its environment and its program, one answer of the
 * server's after the other. libssh tells why it was refused in a text only, and only of the last channel refused: those whose
 * reason is lost are asked for again, one at a time. A session that is refused while there are others may be one more than sshd's MaxSessions: it waits
 * until one of them has ended.
 */
#ifndef SSH_CHANNEL_OPEN_H
#define SSH_CHANNEL_OPEN_H

#include <libssh/libssh.h>

#include "base/error.h"
#include "ssh/mux.h"

enum open_step { STEP_OPEN, STEP_TERMINAL, STEP_ENVIRONMENT, STEP_PROGRAM };

struct channel_opening {
	enum open_step step;
	bool is_session;
	bool want_tty;
	bool subsystem;
	bool lacks_terminal;
	bool given_up;      /* by its client: it is opened no further than to be closed */
	bool awaited;       /* the open request was sent and not answered yet */
	bool retrying;      /* holds the one turn that there is */
	bool counted;       /* among the sessions */
	int64_t not_before; /* of clock_ms(): it is not asked for again */
	int attempts;       /* lost to a reason that was another channel's */
	unsigned number;    /* libssh's, as its error text names it */
	int columns, rows;
	char *host;
	uint16_t port;
	char *term;
	char *command;
	char *environment[MUX_ENVIRONMENT_MAX + 1];
	size_t next_variable;
};

enum open_result {
	OPEN_PENDING,
	OPEN_DONE,
	OPEN_REFUSED, /* the error is set */
	OPEN_AGAIN,   /* refused without a reason that could be told apart: to be asked again on a fresh channel */
};

/* terminal: the descriptor to take the window's size from, or -1. */
void channel_opening_init(struct channel_opening *o, const struct mux_request *request, int terminal);
void channel_opening_describe(const struct channel_opening *o, char *text, size_t size);
void channel_opening_clear(struct channel_opening *o);
enum open_result channel_open_step(struct channel_opening *o, ssh_session session, ssh_channel ssh, struct error *err);
/* True once when what waits for the end of another's session or retry may go on: all are to be stepped. */
bool channel_open_take_turn(void);
/* The clock_ms() at which that may be without anything having happened; INT64_MAX: never. */
int64_t channel_open_next_turn(void);
bool channel_open_is_awaited(const struct channel_opening *o);

#endif
