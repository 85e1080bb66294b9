/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one door through which everything else reaches a host: open a tunnel to it, then ask for streams (a port on the
 * host's loopback, or a program run there). A stream is a plain descriptor. Asking never waits: the first bytes may be
 * written at once and travel as soon as SSH is ready, so several requests share their round trips.
 *
 * Behind it: a process that owns the SSH connection (our broker, forked here) and serves OpenSSH's multiplexing protocol
 * on a unix socket in a folder of mode 0700; this module is a client of it and knows no SSH.
 */
#ifndef SSH_TUNNEL_H
#define SSH_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct tunnel;

enum tunnel_transport {
	TUNNEL_AUTO, /* a live ControlMaster of the user's own, or else libssh, or else, where that cannot do what ssh_config says, OpenSSH */
	TUNNEL_LIBSSH,  /* always our own broker */
	TUNNEL_OPENSSH, /* always OpenSSH: a live ControlMaster, or else a private one */
};

struct tunnel_options {
	const char *destination;        /* [user@]HOST as for ssh(1) */
	const char *ssh_config;         /* --ssh-config, or NULL */
	const char *const *ssh_options; /* --ssh-option KEY=VALUE …, NULL-terminated, or NULL */
	bool may_ask;                   /* a person may be asked (there is a terminal, and BatchMode is not set) */
	enum tunnel_transport transport;
	/* The connection stays until nobody has used it for so long, or for longer, where that was asked before; 0: it ends with us. Of libssh's only. */
	int persist_ms;
};

/*
 * What the connection came to, for `ping` and -v. Times in ms from the start of tunnel_open; 0 where unknown (a
 * ControlMaster's connection). Strings are "" where unknown.
 */
struct tunnel_info {
	char user[256];
	char hostname[256];
	uint16_t port;
	char server[256]; /* the server's identification string */
	char kex[64];
	char host_key[64];
	char cipher[64];
	char mac[64];
	char auth[128]; /* "publickey (/home/x/.ssh/id_ed25519)" */
	double resolved_ms;
	double connected_ms; /* TCP */
	double keyed_ms;     /* key exchange and host key */
	double authenticated_ms;
};

enum { TUNNEL_NOTES_MAX = 32, TUNNEL_KEY_MAX = 272, TUNNEL_VALUE_MAX = 64 };

/* What an earlier command found out behind a connection that stays, for later ones. */
struct tunnel_notes {
	struct tunnel_note {
		char key[TUNNEL_KEY_MAX];
		char value[TUNNEL_VALUE_MAX];
	} notes[TUNNEL_NOTES_MAX];
	size_t count;
};

/* A connection that stays. */
struct tunnel_status {
	char destination[256]; /* as it was asked for */
	int64_t pid;           /* of the process that holds it */
	int64_t opened_s;      /* since the epoch */
	int64_t idle_ms;       /* since when nobody uses it; 0: somebody does */
	int64_t persist_ms;    /* how long it may be idle */
	int64_t clients;
	struct tunnel_info info;
	struct tunnel_notes notes;
};

struct stream {
	int fd;      /* read and write; non-blocking; -1 when closed. EOF is half-close from the other side */
	int control; /* the multiplexing connection */
	uint32_t request;
	int state;                   /* private: what has come on `control` */
	const struct tunnel *tunnel; /* private; that of which it was asked */
	char what[64];               /* "127.0.0.1:4369" or "exec", for messages */
	int exit_status;             /* private, as are the following */
	bool tells_end;              /* the server tells each channel's end: one that it does not tell is its own */
	struct buf received;         /* of `control`, not parsed yet */
	struct error *failure;       /* what the server told, or NULL */
};

/* A stream that is not there: what a structure of streams begins with; may be closed. */
#define STREAM_NONE ((struct stream){ .fd = -1, .control = -1 })

/*
 * A connection to the destination that stays is used if there is one. Otherwise: resolves the destination with `ssh -G`, forks the broker (which connects, checks the host key and authenticates, asking on
 * the terminal if it may) and returns at once. Errors: ERROR_CONFIG, ERROR_NO_RESOURCES, …
 */
struct tunnel *tunnel_open(const struct tunnel_options *options, struct error *err);
/* A tunnel through a multiplexing socket that somebody else serves (a ControlMaster). */
struct tunnel *tunnel_open_socket(const char *path, struct error *err);
/*
 * Ends the broker if it is ours and does not stay, waits for it to be gone, removes its socket and folder, frees. NULL is allowed. An ERROR_SSH_LOST in err is told
 * better where the broker had ended by itself.
 */
void tunnel_close(struct tunnel *tunnel, struct error *err);
/* Was the connection there before us? */
bool tunnel_was_there(const struct tunnel *tunnel);
/* What is lost of such a one before anything was sent through it may be tried again, over another. *tries: how often it was; counted, and bounded. */
bool tunnel_may_try_again(const struct tunnel *tunnel, const struct error *err, int *tries);
/* Will it be there after us? Else (err may be NULL) why not: ERROR_NO_RESOURCES, ERROR_SSH_UNSUPPORTED. */
bool tunnel_stays(const struct tunnel *tunnel, struct error *err);
/* What is noted behind a connection that stays. Does not wait for one that is still coming up. */
bool tunnel_recall(struct tunnel *tunnel, const char *key, char value[TUNNEL_VALUE_MAX]);
/* Notes it, where the connection stays; "": no longer. It cannot fail: without it a later command asks again. */
void tunnel_note(struct tunnel *tunnel, const char *key, const char *value);

/* Of whoever serves a multiplexing socket that stays. Errors: ERROR_SSH_LOST (nobody does), …. */
bool tunnel_ask_status(const char *socket, int64_t deadline, struct tunnel_status *status, struct error *err);
/* Ends it, whoever uses it, and waits for that. */
bool tunnel_end(const char *socket, int64_t deadline, struct error *err);

/* The multiplexing socket's path. */
const char *tunnel_socket(const struct tunnel *tunnel);
/* Process id of our broker, or 0. */
int tunnel_broker(const struct tunnel *tunnel);

/* Waits for the connection's own outcome (authenticated or failed). */
bool tunnel_wait(struct tunnel *tunnel, int64_t deadline, struct tunnel_info *info, struct error *err);

/* A connection to host:port as seen from the remote host, such as 127.0.0.1:4369 (direct-tcpip). Does not wait. */
bool tunnel_forward(struct tunnel *tunnel, const char *host, uint16_t port, struct stream *stream, struct error *err);
/*
 * The same from a descriptor that we have already, a connection which somebody made to us: the server reads and writes a copy of it, and
 * stream->fd stays -1. Its control descriptor is to be polled: stream_has_ended, then stream_reason, tell the rest.
 */
bool tunnel_forward_from(struct tunnel *tunnel, int fd, const char *host, uint16_t port, struct stream *stream,
			 struct error *err);
/* A program run there by the user's shell; the stream is its standard input and output, standard error is dropped. */
bool tunnel_exec(struct tunnel *tunnel, const char *command, struct stream *stream, struct error *err);

/*
 * Waits until the stream is open or refused. Errors: what the broker tells (the connection's failure: host_key_changed,
 * auth_refused, …; the channel's: forwarding_prohibited, channel_refused, session_refused), ERROR_CHANNEL_TIMEOUT,
 * ERROR_SSH_LOST, ERROR_INTERRUPTED.
 */
bool stream_wait_open(struct stream *stream, int64_t deadline, struct error *err);
/*
 * After the descriptor came to its end or failed: the reason if the SSH side knows one (the stream was never opened, the
 * connection was lost). Nothing can be written any more. Waits at most until the deadline for it. True: no failure is known, it was closed in order.
 */
bool stream_reason(struct stream *stream, int64_t deadline, struct error *err);
/* Takes what has come, without waiting: is it over? */
bool stream_has_ended(struct stream *stream);
/* The exit status of a program run by tunnel_exec, once it has come (before the deadline); -1 if none. */
int stream_exit_status(struct stream *stream, int64_t deadline);
void stream_close(struct stream *stream);

#endif
