/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unix socket that serves what the input says, for clients that connect by themselves. */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#include <stddef.h>
#include <stdint.h>

/* Its path: in a folder that is made at the first call and removed at the end of the process. */
const char *fuzz_server_path(void);
/* Takes the connection that waits there, and what was passed over it: the descriptors that came (3 at most), the rest -1. */
int fuzz_server_accept(int descriptors[3]);

/*
 * The same from another thread, for a client that waits for the answer within one call: between these two, one connection is taken, sent the
 * bytes, and closed as soon as the client has closed it.
 */
void fuzz_server_begin(const uint8_t *data, size_t size);
void fuzz_server_end(void);

#endif
