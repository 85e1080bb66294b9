/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `ssh -G` prints some file names as they were written: what is short for something in them (ssh_config(5), “TOKENS”). */
#ifndef SSH_SSH_TOKENS_H
#define SSH_SSH_TOKENS_H

#include "ssh/resolve.h"

/* ~ and ~/… are the user's home; ~other is rare enough to be left as it is (the file is then not found). The caller frees. */
char *ssh_expand_home(const char *path);
/* That, %-tokens and ${NAME}. What cannot be expanded stays. The caller frees. */
char *ssh_expand_file(const struct ssh_config *config, const char *path);

#endif
