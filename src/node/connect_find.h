/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of node/connect that finds the node: what EPMD tells, and where that is nothing, what the host's list of processes does. */
#ifndef NODE_CONNECT_FIND_H
#define NODE_CONNECT_FIND_H

#include "node/connect.h"

uint16_t connect_epmd_port(const struct connection *c);
/* The part of the node's name that EPMD knows; NULL of NULL. The caller frees. */
char *connect_short_name(const char *node);
/* Of a step that begins now, by clock_ms(). */
int64_t connect_step_deadline(const struct connection *c);
/* Where the node listens, and the handshake's version that it knows. Errors: those of locate_names and locate_port, ERROR_USAGE. */
bool connect_find_port(struct connection *c, uint16_t *port, int *version, struct error *err);
/* What EPMD could not tell, the host's list of processes may: it goes into the error. Always false. */
bool connect_find_beams(struct connection *c, struct error *err);

#endif
