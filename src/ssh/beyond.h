/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ssh_config and the files that it names ask for and libssh cannot do: then OpenSSH itself is to connect. */
#ifndef SSH_BEYOND_H
#define SSH_BEYOND_H

#include "ssh/resolve.h"

/* The reason, for people, or NULL. Reads known_hosts and the public keys beside IdentityFile. */
const char *beyond_libssh(const struct ssh_config *config);

#endif
