/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of node/connect share: finding the node (connect_find.c), proving who we are (connect_secrets.c). */
#ifndef NODE_CONNECT_PRIVATE_H
#define NODE_CONNECT_PRIVATE_H

#include "node/connect.h"

/* Until SSH is ready, however long a person takes to type; the connection's own failure comes from here. context: the connection. */
bool connect_wait_ssh(void *context, struct error *err);

/* EPMD, what it has told before, and where it tells nothing, the host's list of processes. */

uint16_t connect_epmd_port(const struct connection *c);
/* The part of the node's name that EPMD knows; NULL of NULL. The caller frees. */
char *connect_short_name(const char *node);
/* Of a step that begins now, by clock_ms(). */
int64_t connect_step_deadline(const struct connection *c);
/* Fills in c->noted from what is noted behind a connection that stays. Only of a node that is named: an unnamed one must be the only one. */
bool connect_recall(struct connection *c);
/* Notes where the node is, for later commands; port 0: no longer. */
void connect_note(struct connection *c, uint16_t port, int version);
/* Is that the node which was asked for? */
bool connect_is_named(const struct connection *c, const char *name);
/* Where the node listens, and the handshake's version that it knows. Errors: those of locate_names and locate_port, ERROR_USAGE. */
bool connect_find_port(struct connection *c, uint16_t *port, int *version, struct error *err);
/* What EPMD could not tell, the host's list of processes may: it goes into the error. Always false. */
bool connect_find_beams(struct connection *c, struct error *err);

/* The cookie, and what TLS needs. */

/*
 * Which sources serve a node of that name (NULL: not known yet). What another node's sources gave is dropped. linking: there is a link already,
 * which TLS's belong to.
 */
void connect_choose_sources(struct connection *c, const char *name, bool linking);
/* Reads what TLS needs; a passphrase must wait for SSH, as the broker may be asking on the terminal. */
bool connect_start_tls(struct connection *c, struct error *err);
/*
 * Reads a file, asks the host; what must wait for SSH is left: a command may ask a person on the terminal, where the broker may still be
 * asking.
 */
bool connect_start_cookie(struct connection *c, struct error *err);
/*
 * Before the node is connected to, which gives us a few seconds only: its cookie is chosen, and a command has run. That there is none is
 * said when the node has shown that it is there.
 */
bool connect_prepare_cookie(struct connection *c, struct error *err);
/* The same for TLS. */
bool connect_prepare_tls(struct connection *c, struct error *err);
/* For link_needs: the cookie of the node that says it has this name. context: the connection. */
bool connect_provide_cookie(void *context, const char *name, const struct cookie **cookie, struct error *err);

#endif
