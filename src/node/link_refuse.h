/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node may ask of a peer and does not get from us: refused as the protocol refuses, so that nobody there waits. */
#ifndef NODE_LINK_REFUSE_H
#define NODE_LINK_REFUSE_H

#include "node/link.h"

bool link_is_us(const struct link *link, const struct term *t);
/* Answers, counts, and says with -vv what it was. */
bool link_refuse(struct link *link, const struct dist_message *m, struct error *err);

#endif
