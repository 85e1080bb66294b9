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
/*
 * Says on standard error what is waited for, once it has taken longer than a second: on a terminal only, neither with -q nor with -v, which
 * says more. Gone with log_waited or the next notice. Not around what may ask a person something, here or in another process.
 */
void log_waiting(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_waited(void);
/* The same for what goes on: renewed with every call. Erase it with log_make_room before anything else is written; the next call shows it again. */
void log_progress(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_make_room(void);
void log_v(const char *layer, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_vv(const char *layer, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
