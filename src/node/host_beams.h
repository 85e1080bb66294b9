/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where EPMD does not know the node: which BEAMs run on the host, and how they were started, as far as the account may see. One question,
 * asked only after that failure: `ps` (and `ss`) there, by which a node without distribution is told apart from one that is down, and one
 * whose EPMD was restarted from both. Cookies in argument lists are left out on the host already; of the rest only these facts are kept.
 */
#ifndef NODE_HOST_BEAMS_H
#define NODE_HOST_BEAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ssh/tunnel.h"

enum {
	HOST_BEAMS_MAX = 32,           /* more on one host are not looked at */
	HOST_BEAM_PORTS_MAX = 4,       /* of the ports that one of them listens on */
	HOST_BEAMS_TEXT_MAX = 1 << 18, /* bytes of the answer */
};

struct host_beam {
	uint32_t pid;
	uint32_t parent;
	char user[33];
	char node[256];     /* as -name or -sname gives it; "" without distribution */
	bool no_epmd;       /* -erl_epmd_port, -no_epmd */
	bool console;       /* run_erl started it: to_erl reaches it */
	uint16_t epmd_port; /* not the usual one; 0: the usual one */
	uint16_t dist_port; /* fixed by its arguments, or 0 */
	uint16_t ports[HOST_BEAM_PORTS_MAX];
	size_t port_count;
};

struct host_beams {
	struct host_beam beams[HOST_BEAMS_MAX];
	size_t count;
	bool whole; /* ps listed something to its end: who is not here is not to be seen */
};

/* Pure: what the command printed on the host. Whatever it is, some facts come of it. */
void host_beams_parse(const char *text, size_t len, struct host_beams *found);

/* What a target's failure is, seen with them. */
enum host_beams_view {
	HOST_BEAMS_NO_EPMD,     /* nothing listens on EPMD's port */
	HOST_BEAMS_NO_NODES,    /* EPMD knows no node at all */
	HOST_BEAMS_OTHER_NODES, /* EPMD knows nodes, but not this one */
};

/*
 * Adds to the error (or makes it ERROR_NO_DISTRIBUTION) what they explain. wanted: the node's name before its @, or NULL for any.
 * Pure; cut off from the asking for the tests.
 */
void host_beams_explain(const struct host_beams *found, enum host_beams_view view, const char *wanted,
			struct error *err);

/*
 * Asks the host, for a second at most, and explains. Where the account may run nothing, the error stays as it is. Replaced by
 * ERROR_INTERRUPTED if a signal comes.
 */
void host_beams_ask(struct tunnel *tunnel, enum host_beams_view view, const char *wanted, struct error *err);

#endif
