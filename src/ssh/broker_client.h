/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The broker's side of one multiplexing connection: its packets and descriptors in, replies out, at most one channel. Whatever a client does
 * wrong, or leaves out, costs that client only.
 */
#ifndef SSH_BROKER_CLIENT_H
#define SSH_BROKER_CLIENT_H

#include <libssh/libssh.h>

#include "base/error.h"
#include "ssh/pollset.h"
#include "ssh/splice.h"
#include "ssh/tunnel.h"

struct broker_client;

/* What the client's requests are answered from. */
struct broker_service {
	ssh_session ssh; /* authenticated; NULL: failed */
	struct tunnel_info info;
	struct error failure;        /* where ssh is NULL */
	bool terminate;              /* a client asked for the broker's end */
	struct tunnel_status status; /* of a connection that stays, as of now; info and notes are not in it */
	struct tunnel_notes notes;
	int persist_ms; /* how long a connection that stays may be idle: the longest that a client asked for */
};

/* Takes the connected, non-blocking descriptor. */
struct broker_client *broker_client_new(int fd);
/*
 * Closes the connection. Returns the channel if it must outlive it: to be advanced until splice_is_awaited is false, then freed.
 */
struct splice *broker_client_free(struct broker_client *client);
void broker_client_gather(struct broker_client *client, struct pollset *set, bool blocked);
/* Reads and answers what the poll told of. */
void broker_client_read(struct broker_client *client, struct broker_service *service, const struct pollset *set);
/* Opens, moves bytes, tells the client what became of its channel. True: more could be moved at once. */
bool broker_client_run(struct broker_client *client, const struct pollset *set);
/* The SSH connection is lost: whoever has a channel or waits for one is told why. */
void broker_client_fail(struct broker_client *client, const struct error *why);
/* Before all ends: what the client wrote is passed on, and it is told. */
void broker_client_finish(struct broker_client *client);
void broker_client_resize(struct broker_client *client);
/* Has it asked for a channel that is not there yet? */
bool broker_client_is_waiting(const struct broker_client *client);
bool broker_client_has_channel(const struct broker_client *client);
bool broker_client_is_done(const struct broker_client *client);

#endif
