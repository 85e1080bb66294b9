/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of tunnel.h share. */
#ifndef SSH_TUNNEL_PRIVATE_H
#define SSH_TUNNEL_PRIVATE_H

#include <sys/types.h>

#include "ssh/mux.h"
#include "ssh/tunnel.h"

/* A multiplexing connection on which the server itself is asked. */
struct tunnel_control {
	int fd; /* -1: not made yet */
	struct buf in;
	bool asked;
	bool known;         /* what the connection has come to */
	const char *shared; /* another command makes it, and serves this socket; NULL: nobody else */
};

enum tunnel_unkept { UNKEPT_NO_FOLDER, UNKEPT_TAKEN, UNKEPT_OPENSSH };

struct tunnel {
	char *socket; /* its path */
	int lifeline;
	pid_t broker;   /* 0: somebody else serves the socket */
	bool stays;     /* the broker outlives us, once it has connected */
	bool connected; /* it has */
	bool was_there;
	enum tunnel_unkept unkept; /* why it does not stay */
	int persist_ms;            /* as of tunnel_options */
	bool foreign;              /* an OpenSSH serves it */
	struct tunnel_control control;
	struct tunnel_info info;
	struct tunnel_notes notes;
};

/* Closes it. */
void tunnel_end_control(struct tunnel *t);
/* The reason in a FAILURE's text. */
void stream_take_failure(const char *what, const struct mux_text *text, struct error *err);

#endif
