/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens, layer by layer, for `-v` and `-vv`: one line each on standard error, with the layer and the time since
 * start. Text passes the terminal filter. Never a secret: callers have none to give.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/alloc.h"

/* -1: quiet (errors only); 0: notices; 1: -v; 2: -vv. Set once at start, inherited by the broker. */
void log_set_level(int level);
int log_level(void);

void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2); /* "beamline: …", unless quiet */
void log_v(const char *layer, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_vv(const char *layer, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
