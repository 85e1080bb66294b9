/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user's ssh-agent: which keys it holds, and signing with one that we choose. libssh offers an agent's keys in the agent's
 * order, all of them, and waits for it without limit; so between the two stands a small child process that shows libssh the
 * chosen key only, passes its requests on, and gives up in time. (Protocol: draft-miller-ssh-agent.)
 */
#ifndef SSH_AGENT_H
#define SSH_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libssh/libssh.h>

#include "base/error.h"

enum { AGENT_KEYS_MAX = 256 };

struct agent_key {
	uint8_t *blob; /* the public key in wire form */
	size_t len;
	char *comment;
};

struct agent {
	int fd;     /* to the agent; -1: there is none */
	int chosen; /* to the child that serves libssh; -1: not started */
	int pid;
	struct agent_key keys[AGENT_KEYS_MAX];
	size_t count;
};

/* Connects and lists the keys. path: its socket, or NULL for $SSH_AUTH_SOCK. False: no agent answers, which is no error. */
bool agent_open(struct agent *agent, const char *path);
/* ssh_userauth_agent will see this key and no other. */
bool agent_choose(struct agent *agent, ssh_session ssh, size_t key, struct error *err);
void agent_close(struct agent *agent);

#endif
