/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hello of a client and the broker's answer: what the one asks to know, and tells to be remembered, in named extensions. */
#ifndef SSH_BROKER_GREET_H
#define SSH_BROKER_GREET_H

#include "base/buf.h"
#include "ssh/broker_client.h"
#include "ssh/mux.h"

/* Appends the answer. False: it is no hello, or of another version. */
bool broker_greet(const struct mux_packet *packet, struct broker_service *service, struct buf *out, bool *late_failure);

#endif
