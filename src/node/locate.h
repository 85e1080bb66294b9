/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EPMD's two questions over a stream of the tunnel. */
#ifndef NODE_LOCATE_H
#define NODE_LOCATE_H

#include "base/error.h"
#include "dist/epmd.h"
#include "ssh/tunnel.h"

/* Opens a stream to EPMD and sends the question, without waiting: all names (NULL), or where `name` is. */
bool locate_ask(struct tunnel *tunnel, uint16_t epmd_port, const char *name, struct stream *stream, struct error *err);
/*
 * The answers; the stream is closed. Errors: ERROR_EPMD_ABSENT, ERROR_EPMD_TIMEOUT, ERROR_EPMD_GARBAGE, ERROR_NODE_UNKNOWN (locate_port),
 * and those of the connection.
 */
bool locate_names(struct stream *stream, int64_t deadline, struct epmd_names *names, struct error *err);
bool locate_port(struct stream *stream, const char *name, int64_t deadline, struct epmd_port *port, struct error *err);

#endif
