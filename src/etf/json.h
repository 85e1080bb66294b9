/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Terms as JSON (the mapping is documented in docs/json.md and is an interface): exact for what JSON can hold, tagged for the
 * rest, so that two different terms never give the same JSON.
 */
#ifndef ETF_JSON_H
#define ETF_JSON_H

#include <json-c/json_object.h>

#include "etf/term.h"

/* A new json-c object (or NULL for JSON null, as json-c has it); release with json_object_put. */
struct json_object *etf_to_json(const struct term *t);

#endif
