/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection after its handshake is a row of frames: a length of 4 bytes, then that many bytes. Length 0 is a tick.
 * Pure: bytes are fed as they come. A frame longer than the maximum is not kept but passed over, so that a peer's huge message costs
 * no memory and the connection lives. Memory grows with what has come, never with what a length claims.
 */
#ifndef DIST_FRAME_H
#define DIST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct frame_reader {
	uint8_t header[4];
	size_t header_len;
	uint32_t left; /* bytes of this frame still to come */
	bool skipping;
	struct buf body; /* its maximum is the largest frame kept */
};

enum frame_event {
	FRAME_MORE,    /* all bytes used, nothing whole yet */
	FRAME_TICK,    /* to be answered by a tick */
	FRAME_MESSAGE, /* r->body holds it, until the next call */
	FRAME_SKIPPED, /* a frame over the maximum has passed */
};

void frame_reader_init(struct frame_reader *r, size_t max_frame);
void frame_reader_clear(struct frame_reader *r);
/* Takes bytes from the front until one event; *used tells how many. Call again with the rest. */
enum frame_event frame_feed(struct frame_reader *r, const uint8_t *data, size_t len, size_t *used);

/* Room for the length in front of a frame that is now put into `out`; returns where it stands. */
size_t frame_begin(struct buf *out);
void frame_end(struct buf *out, size_t begin);
void frame_put_tick(struct buf *out);

#endif
