/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The other end of a link, for fuzz targets: sends the input and closes, and afterwards looks at what came. */
#ifndef FUZZ_PEER_H
#define FUZZ_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "node/link.h"

struct fuzz_peer {
	struct link link;
	int fd; /* the peer's end */
};

/* The link is open, to a peer that has sent these bytes (at most 64 KiB of them) and closed. */
void fuzz_peer_start(struct fuzz_peer *peer, const uint8_t *data, size_t size);
/* Closes; all whole frames that the link has sent must decode. */
void fuzz_peer_check(struct fuzz_peer *peer);

#endif
