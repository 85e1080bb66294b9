/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest call there is: which OTP release does the node run? */
#ifndef NODE_RELEASE_H
#define NODE_RELEASE_H

#include <stddef.h>

#include "base/error.h"
#include "node/link.h"

/* "25", "27" … Errors: those of session_run; ERROR_PROTOCOL if the answer is not such a text. */
bool node_release(struct link *link, char *release, size_t size, struct error *err);

#endif
