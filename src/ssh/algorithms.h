/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which algorithms libssh offers: the user's lists from `ssh -G`, in the user's order, without those that libssh does not have. */
#ifndef SSH_ALGORITHMS_H
#define SSH_ALGORITHMS_H

#include <libssh/libssh.h>

#include "ssh/resolve.h"

/* Before ssh_connect. Errors: ERROR_SSH_UNSUPPORTED if nothing is left of a list. */
bool algorithms_offer(ssh_session ssh, const struct ssh_config *config, struct error *err);
/*
 * The list to offer: the configured one. Where it is OpenSSH's default, with our own preference, AES-GCM, before it, or without any AES-GCM where
 * libssh may not check it. The caller frees.
 */
char *algorithms_ciphers(const char *configured, bool gcm_is_checked);
/* Is this a libssh that is known to check AES-GCM's tags? */
bool algorithms_gcm_is_checked(void);

#endif
