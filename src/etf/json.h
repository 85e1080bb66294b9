/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Terms as JSON (the mapping is documented in docs/json.md and is an interface): exact for what JSON can hold, tagged for the
 * rest, so that two different terms never give the same JSON.
 */
#ifndef ETF_JSON_H
#define ETF_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "etf/term.h"

/* Appends the JSON, as text and not as objects: memory is the text's. False: it does not fit into the buffer. */
bool etf_put_json(struct buf *out, const struct term *t);

#endif
