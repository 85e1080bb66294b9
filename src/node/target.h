/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator names: [user@]HOST[:NODE]. HOST is what ssh(1) takes, NODE a node's name, in full or before the @. */
#ifndef NODE_TARGET_H
#define NODE_TARGET_H

#include "base/error.h"

struct target {
	char *destination; /* [user@]HOST, for ssh */
	char *node;        /* NULL: the host's only node */
};

/* Errors: ERROR_USAGE. An IPv6 address stands in brackets: [::1]:NODE. */
bool target_parse(const char *text, struct target *target, struct error *err);
void target_clear(struct target *target);
/* Is `name` (in full, as the node tells it) the node that `given` means: in full, or its part before the @? */
bool target_names_node(const char *given, const char *name);

#endif
