/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a peer that closed without a word speak TLS? A node of OTP 23 with TLS does so when it is spoken to plainly. Asked only once that
 * has failed, over a stream of its own.
 */
#ifndef NODE_TLS_PROBE_H
#define NODE_TLS_PROBE_H

#include <stdbool.h>

#include "ssh/tunnel.h"

/* Sends TLS's first bytes and looks at what comes first, for at most that long; closes the stream. */
bool tls_probe(struct stream *stream, int ms);

#endif
