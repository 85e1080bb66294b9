/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command for several hosts: with one its failure is the command's; with more, the others still have their turn and the status is 2. */
#ifndef CMD_SEVERAL_H
#define CMD_SEVERAL_H

#include "cmd/command.h"

struct several {
	const struct command_options *options;
	int count;
	int bad;
};

/* One of them failed, which is said unless it is the only one, or JSON will tell. False: no other has its turn, and err is the outcome. */
bool several_failed(struct several *several, const char *host, const struct error *failure, struct error *err);
/* After the last. False: some failed, and err is the outcome. */
bool several_end(const struct several *several, struct error *err);

#endif
