/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How what comes from many is shown. */
#ifndef CMD_MANY_PRIVATE_H
#define CMD_MANY_PRIVATE_H

#include "cmd/many.h"

enum {
	MANY_HELD_MAX = 256 * 1024,       /* of a line, or of what is gathered, before it is shown in parts */
	MANY_KEPT_MAX = 32 * 1024 * 1024, /* of a line of JSON, and of what is kept */
};

/* The first SIGINT: nothing more is started. Everything else is passed on to those who run. */
void many_take_signal(struct many *m, int signal);

void many_show_begin(struct many *m);
/* More has come from one of them. False: it cannot be written; m->fatal tells. */
bool many_show_more(struct many *m, struct many_host *h);
/* It has ended, and its outcome is known. */
bool many_show_ended(struct many *m, struct many_host *h);
void many_show_progress(struct many *m);
/* What was gathered, and who failed. */
bool many_show_end(struct many *m);

#endif
