/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The descriptors that the broker's loop waits for, gathered anew each time; a place in it is remembered by its index. */
#ifndef SSH_POLLSET_H
#define SSH_POLLSET_H

#include <poll.h>
#include <stddef.h>

struct pollset {
	struct pollfd *fds;
	size_t count;
	size_t cap;
};

/* Returns the place, or -1 if no events are wanted: a descriptor that hung up would otherwise wake the loop for ever. */
int pollset_add(struct pollset *set, int fd, short events);
/* What poll() told of that place; 0 for -1. */
short pollset_events(const struct pollset *set, int place);

#endif
