/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only one kernel has, each with a portable stand-in: nothing outside this folder tests for a kernel. */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Have the kernel acknowledge at once what comes next; it forgets, so say it again before every poll. */
void platform_quick_ack(int fd);
/* The user at the other end of a unix socket; false: not known. */
bool platform_peer_uid(int fd, uid_t *uid);
/*
 * The user at the other end of a TCP connection of this machine, over IPv4; false: not known, or there is none any more. *has_table: the
 * kernel has a table to look it up in.
 */
bool platform_tcp_uid(int fd, uid_t *uid, bool *has_table);
/* No core dumps, no ptrace by the same user, from here on and in children that are not executed anew. */
void platform_no_core_dumps(void);
/*
 * Where standard input, output or error are closed, descriptors that can only fail take their place: what is opened later, a socket
 * above all, must not become one of them. False: not possible.
 */
bool platform_fill_standard(void);
/*
 * From here on this process has what it has: it starts no program and no process, opens no file and no socket, and looks into no other process; nor
 * does anything that takes it over. What it tries of that fails with EPERM. False: not possible here.
 */
bool platform_confine(void);
/* Raises the limit of the stack to this many bytes, as far as is allowed. */
void platform_want_stack(size_t bytes);
/* How large the stack may become; SIZE_MAX: without a limit. */
size_t platform_stack(void);
/* Have this process get the signal when its parent ends; false: not possible here. */
bool platform_die_with_parent(int signal);
/* Closes every descriptor from 3 on but these (at most 8, in any order), as in a forked child that is a program of its own. */
void platform_close_others(const int *keep, size_t count);
/*
 * A pipe that we write to, opened once more without waiting: O_NONBLOCK on the descriptor that we have would hold for all who share it. -1: it
 * is none, or that is not possible.
 */
int platform_open_pipe_again(int fd);
/* Milliseconds of a clock that goes on while the machine sleeps; one that does not, where there is none such. */
int64_t platform_clock_ms(void);
/* Unpredictable bytes, at most 256. False: the system has none. */
bool platform_random(void *data, size_t len);

#endif
