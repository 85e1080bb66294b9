/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what the operator typed to a working link: the tunnel to the host, EPMD's answer, the cookie, the handshake. Everything that
 * can be asked at the same time is asked at the same time. One struct connection per host; several nodes of the host may be
 * linked through it, one after the other.
 */
#ifndef NODE_CONNECT_H
#define NODE_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dist/epmd.h"
#include "node/cookie.h"
#include "node/link.h"
#include "node/tls_files.h"
#include "ssh/tunnel.h"

struct connect_options {
	const char *ssh_config;
	const char *const *ssh_options;
	bool may_ask;
	enum tunnel_transport transport;
	int persist_ms; /* as of tunnel_options */
	int epmd_port;  /* 0: 4369 */
	int dist_port;  /* 0: ask EPMD */
	struct cookie_sources cookie;
	struct tls_sources tls;
	/*
	 * The sources for a node, once the name that EPMD or the handshake gives it is known (its part before the @) and none was asked for.
	 * NULL: those above. TLS's count only where EPMD tells the name.
	 */
	void (*sources_for)(const void *context, const char *node, struct cookie_sources *cookie,
			    struct tls_sources *tls);
	const void *context;
	int timeout_ms; /* for each step behind SSH: EPMD's answer, the handshake */
};

/* When each step was done, in µs of clock_us(); 0: not yet, or not done at all. */
struct connect_times {
	int64_t begun;
	int64_t ssh;
	int64_t epmd;
	int64_t handshake;
};

struct connection {
	const struct connect_options *options;
	const char *destination;
	bool list; /* all names are wanted */
	enum tunnel_transport transport;
	int tries;              /* how often a connection that stayed was found to be lost */
	struct epmd_port noted; /* where an earlier command found the node; port 0: nowhere */
	struct tunnel *tunnel;
	struct tunnel_info info;
	struct cookie cookie;
	struct cookie_sources sources; /* of that cookie */
	struct tls_sources tls_sources;
	struct tls_context *tls;        /* NULL: plain distribution, or not made yet */
	bool tls_locked;                /* its key waits for a passphrase */
	struct error cookie_err;        /* why they gave none; asked once only */
	struct stream cookie_stream;    /* the remote file, on its way */
	struct stream epmd_stream;      /* EPMD's answer, on its way */
	struct stream dist_stream;      /* where the port is known from the start */
	char *node;                     /* as asked, before and behind the @; NULL: the only one */
	uint16_t port;                  /* where the node that is being linked listens; 0: not known yet */
	const char *loopback;           /* on this address of the host */
	char linked[EPMD_NAME_MAX + 1]; /* what EPMD calls the node that is being linked; "" if it did not tell */
	struct connect_times times;
};

/*
 * Starts everything that can start and does not wait. node: NULL for the host's only one. `list`: all of the host's names are wanted.
 * Errors: ERROR_CONFIG, ERROR_COOKIE_UNSAFE, ERROR_INPUT_MISSING, …. The destination is not copied.
 */
bool connect_begin(struct connection *c, const struct connect_options *options, const char *destination,
		   const char *node, bool list, struct error *err);
/*
 * The link to the node. Errors besides those of each layer: ERROR_NODE_UNKNOWN (with the names that are there), ERROR_NO_DISTRIBUTION, ERROR_USAGE (several
 * nodes, none named), ERROR_NODE_ABSENT (nothing listens on its port).
 */
bool connect_link(struct connection *c, struct link *link, struct error *err);
/* After connect_begin with `list`: the names. Once. */
bool connect_names(struct connection *c, struct epmd_names *names, struct error *err);
/* Why there are none, as far as the host shows it. False: ERROR_INTERRUPTED. */
bool connect_explain_none(struct connection *c, struct error *err);
/* A link to one of the names. */
bool connect_link_listed(struct connection *c, const struct epmd_node *node, struct link *link, struct error *err);
/* Where an earlier command found a node, as it is noted behind a connection that stays. */
struct connect_note {
	uint16_t epmd_port;
	const char *node; /* lies in the note */
	uint16_t port;
	uint16_t version; /* of the handshake */
};
/* False: it tells no such thing. */
bool connect_read_note(const struct tunnel_note *note, struct connect_note *read);
/* Closes the tunnel and wipes the cookie. err: what the command came to, if it failed (see tunnel_close). */
void connect_end(struct connection *c, struct error *err);

#endif
