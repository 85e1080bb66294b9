/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The other transport: a private master of OpenSSH's (`ssh -M -N`) instead of a broker of ours. It connects and asks as ssh does, so whatever
 * ssh_config says holds; it tells no facts, and of refusals no reasons.
 */
#ifndef SSH_MASTER_H
#define SSH_MASTER_H

#include "base/alloc.h"
#include "ssh/broker.h"

/*
 * The whole life of the child process that holds it, and ends it with the front: closes all other descriptors, makes a folder, starts the master, and when
 * that is connected writes its socket's path to the lifeline with a NUL behind it; or, after a '!', the error as mux_put_error has it. Does
 * not return.
 */
NORETURN void master_run(const struct broker_start *start);

/* What ssh printed before it gave up, as an error; `text` is its standard error. Pure; for tests. */
void master_explain(const char *text, const struct ssh_config *config, struct error *err);

#endif
