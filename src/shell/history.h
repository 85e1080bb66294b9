/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines that were typed, of each target its own file in $XDG_STATE_HOME/beamline/history (mode 0600), kept across runs. A line that begins with a
 * space, or repeats the one before it, is not kept.
 */
#ifndef SHELL_HISTORY_H
#define SHELL_HISTORY_H

#include "base/error.h"

/* Reads the target's. One that cannot be used is said, and nothing is kept then. */
void shell_history_start(const char *target);
void shell_history_keep(const char *line);
/* The newest line that is not that one, or NULL. Valid until the next is kept. */
const char *shell_history_last(const char *but);
void shell_history_stop(void);

#endif
