/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dist/frame.h"

/* A buffer that one large frame made this big is given back after it. */
enum { BODY_KEPT = 256 * 1024 };

void frame_reader_init(struct frame_reader *r, size_t max_frame)
{
	*r = (struct frame_reader){ 0 };
	buf_init(&r->body, max_frame);
}

void frame_reader_clear(struct frame_reader *r)
{
	buf_clear(&r->body);
}

/* Takes header bytes; true once all four are there. */
static bool feed_header(struct frame_reader *r, const uint8_t *data, size_t len, size_t *used)
{
	while (r->header_len < sizeof r->header && *used < len)
		r->header[r->header_len++] = data[(*used)++];
	return r->header_len == sizeof r->header;
}

enum frame_event frame_feed(struct frame_reader *r, const uint8_t *data, size_t len, size_t *used)
{
	*used = 0;
	if (r->header_len < sizeof r->header) {
		if (!feed_header(r, data, len, used))
			return FRAME_MORE;
		r->left = get_be32(r->header);
		r->skipping = r->left > r->body.max;
		r->body.len = 0;
		if (r->body.cap > BODY_KEPT)
			buf_clear(&r->body);
		if (r->left == 0) {
			r->header_len = 0;
			return FRAME_TICK;
		}
	}
	size_t take = len - *used < r->left ? len - *used : r->left;
	if (!r->skipping)
		buf_put(&r->body, data + *used, take);
	*used += take;
	r->left -= (uint32_t)take;
	if (r->left > 0)
		return FRAME_MORE;
	r->header_len = 0;
	return r->skipping ? FRAME_SKIPPED : FRAME_MESSAGE;
}

size_t frame_begin(struct buf *out)
{
	size_t begin = out->len;

	buf_put_u32(out, 0);
	return begin;
}

void frame_end(struct buf *out, size_t begin)
{
	if (!out->overflow)
		put_be32(out->data + begin, (uint32_t)(out->len - begin - 4));
}

void frame_put_tick(struct buf *out)
{
	buf_put_u32(out, 0);
}
