/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeps a connection ticking while this process cannot: stopped by Ctrl-Z, or waiting for a person's answer. A small child sends a
 * tick each second on the same descriptor and does nothing else; it ends with us, however we end.
 */
#ifndef NODE_KEEPER_H
#define NODE_KEEPER_H

#include "node/link.h"

struct keeper {
	struct link *link;
	int lifeline; /* our end; its closing ends the child */
	int pid;
};

/* All that waits in the link is sent first, so that no tick falls into a message. False: no child could be made. */
bool keeper_start(struct keeper *keeper, struct link *link, struct error *err);
void keeper_stop(struct keeper *keeper);
/* Stops this process as SIGTSTP would, with a keeper while it is stopped; returns when it goes on. */
bool keeper_suspend(struct link *link, struct error *err);

#endif
