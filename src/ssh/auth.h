/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who we are: agent, identity files, keyboard-interactive, password, in the order of PreferredAuthentications and of
 * OpenSSH's own habit for keys. sshd pads every authentication request to 5 ms and more, so a key that needs no question is signed
 * with at once, without `none` and without a probe. Nothing is asked in BatchMode or without a terminal.
 */
#ifndef SSH_AUTH_H
#define SSH_AUTH_H

#include "ssh/session.h"

struct auth;

/*
 * What can be done before keys are exchanged (after session_dial): reads the identity files and asks the agent what it holds. sshd takes
 * longer to start than that.
 */
struct auth *auth_prepare(struct session *s);
/*
 * Authenticates as config->user; fills s->info.auth. Passphrases and passwords are wiped after use.
 * Errors: ERROR_AUTH_REFUSED (what was tried, what the server would take, the cure), ERROR_SSH_LOST, ERROR_INTERRUPTED.
 */
bool auth_run(struct auth *auth, struct error *err);
/* NULL is allowed. */
void auth_free(struct auth *auth);

#endif
