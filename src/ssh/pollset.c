/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/pollset.h"

#include "base/alloc.h"

int pollset_add(struct pollset *set, int fd, short events)
{
	if (fd < 0 || events == 0)
		return -1;
	if (set->count == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 32;
		set->fds = xrealloc(set->fds, set->cap * sizeof *set->fds);
	}
	set->fds[set->count] = (struct pollfd){ .fd = fd, .events = events };
	return (int)set->count++;
}

short pollset_events(const struct pollset *set, int place)
{
	return place < 0 ? 0 : set->fds[place].revents;
}
