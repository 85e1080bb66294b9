/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SSH connection itself: a connected descriptor (TCP, or what ProxyJump/ProxyCommand gives), libssh over it without
 * blocking, algorithms, key exchange. Lives in the broker only. All waiting happens in session_wait, which re-arms
 * TCP_QUICKACK before every poll (sshd's Nagle would otherwise wait 40 ms for our delayed ACK).
 */
#ifndef SSH_SESSION_H
#define SSH_SESSION_H

#include <libssh/libssh.h>

#include "base/error.h"
#include "ssh/resolve.h"
#include "ssh/tunnel.h"

/*
 * Bytes for one step: the exchange of keys, a request of authentication and its answer. libssh has no limit of its own, and with bytes always
 * there to be read no deadline would be looked at.
 */
enum { SESSION_STEP_MAX = 1024 * 1024 };

struct session {
	ssh_session ssh;
	int fd;
	int proxy_pid; /* of ProxyCommand or ProxyJump's ssh, or 0 */
	bool proxy_is_heard; /* its standard error is a pipe to us, which is passed on: it may outlive the front. Set before session_dial */
	int proxy_said; /* our end; -1 */
	const struct ssh_config *config;
	struct tunnel_info info;
	int64_t started_us;                /* clock_us() that info's times count from */
	int64_t patience_ms;               /* what connecting has left of ConnectTimeout, for the exchange of keys */
	struct ssh_counter_struct traffic; /* bytes, kept by libssh */
	uint64_t begun_at;                 /* of those that came: how many had when the step began that is waited for */
	uint64_t seen;                     /* of those that came: how many had at the last look */
	bool noted_error;    /* the next is what it was when the step began: behind the exchange of keys */
	char old_error[128]; /* libssh's error text, which is never cleared */
	int late;            /* waits of the step after its deadline */
	bool readable;       /* there was something to read then */
	int stuck;           /* looks in a row at which libssh had read nothing of it */
	const int *
		lifeline; /* if not NULL: waiting ends with ERROR_INTERRUPTED when this descriptor ends; set before session_dial */
};

/* Connects. sshd begins to start its half, which takes longer than anything that this side may have to prepare before the next step. */
bool session_dial(struct session *s, const struct ssh_config *config, int64_t started_us, struct error *err);
/* Exchanges keys; the host's key is NOT checked yet (host_key_check). */
bool session_exchange(struct session *s, struct error *err);
/* After host_key_check: asks for authentication to begin; no person or directory has a part in the answer yet. */
bool session_request_service(struct session *s, struct error *err);
/* A step begins that may take SESSION_STEP_MAX bytes of the server's. */
void session_begin_step(struct session *s);
/* Has the connection ended, or libssh given it up? After either it says “again” for ever. */
bool session_is_lost(ssh_session ssh);
/*
 * Between two waits: was there something to read, and libssh has not read it? After what it holds to be fatal it never does, and no return value
 * tells: the error text does.
 */
bool session_is_stuck(struct session *s, bool readable);
/*
 * After a libssh call said SSH_AGAIN: waits until the socket is ready for what libssh wants. Errors: ERROR_SSH_LOST
 * (deadline passed: what was awaited is named by `what`; or the server sends more than a step can need), ERROR_INTERRUPTED.
 */
bool session_wait(struct session *s, int64_t deadline, const char *what, struct error *err);
/* What a proxy says on its standard error goes to ours; while session_wait waits, it does so itself. */
void session_pass_on(struct session *s);
void session_close(struct session *s);

#endif
