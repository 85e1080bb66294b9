/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes the broker a process of its own after the fork, in two steps: before it connects, and when it no longer asks anything. */
#ifndef SSH_BROKER_PROCESS_H
#define SSH_BROKER_PROCESS_H

#include <stdbool.h>

#include "ssh/socket_folder.h"

/*
 * Gives up what it must not share with its front: signal handlers, standard input and output, the descriptors of other tunnels. The terminal
 * stays: Ctrl-C ends a question, Ctrl-Z stops it together with its front.
 */
void broker_become_process(int lifeline);
/*
 * Makes the socket, at that path or (NULL) in a folder of its own, and tells the front where, or (false) why not. Made here and not before the
 * fork, so that a front killed at any time leaves nothing: from the fork on, this process removes it.
 */
bool broker_make_socket(struct socket_folder *folder, const char *kept_at, int lifeline);
/* The front has gone and this process stays: whoever waits for the end of what it wrote to must not wait for us. */
void broker_leave_front(void);
/* A session of its own: the terminal's keys do not reach it any more, and only SIGTERM ends it; SIGWINCH comes from OpenSSH's clients. */
void broker_leave_terminal(void);

/*
 * In a child that becomes a program on the same terminal: the keys there (Ctrl-C, Ctrl-Z) and its end are meant for the front, and must not end
 * what others still need. Its own end comes from us.
 */
void broker_leave_keys(void);

/* Readable when a signal has come, after broker_leave_terminal. */
int broker_wake_descriptor(void);
/* Empties it. True: a signal ends the broker. */
bool broker_take_end(void);
/* True once after each SIGWINCH. */
bool broker_take_resize(void);

#endif
