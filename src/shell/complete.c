/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell/complete.h"

#include <string.h>

#include "base/terminal.h"
#include "etf/utf8.h"
#include "shell/plain.h"

enum {
	NAME_BYTES = 256,
	NAMES_MAX = 400, /* as the node's side has it: what more it sends is not believed to be for reading */
	INSERT_BYTES = 4096,
	GAP = 2,
};

void complete_insertion(const struct term *insert, struct buf *out)
{
	size_t len = insert->bytes.len < INSERT_BYTES ? insert->bytes.len : INSERT_BYTES;

	for (size_t at = 0; at < len;) {
		uint32_t c;
		size_t used = utf8_decode(insert->bytes.data + at, len - at, &c);
		if (used == 0 || c < 0x20 || c == 0x7f || (c > 0x7f && !terminal_shows(c)))
			break;
		buf_put(out, insert->bytes.data + at, used);
		at += used;
	}
}

/* A name as it is shown, and how many columns it takes. */
static size_t put_name(const struct term *names, size_t i, struct buf *out)
{
	struct term scratch;
	const struct term *name = etf_list_element(names, i, &scratch);
	size_t begun = out->len;

	if (name->kind != ETF_BINARY)
		return 0;
	plain_put(out, name->bytes.data, name->bytes.len < NAME_BYTES ? name->bytes.len : NAME_BYTES);
	return out->len > begun ? plain_width(out->data + begun, out->len - begun) : 0;
}

static size_t widest_name(const struct term *names, size_t count)
{
	size_t widest = 0;

	for (size_t i = 0; i < count; i++) {
		struct buf one;
		buf_init(&one, 5 * NAME_BYTES);
		size_t width = put_name(names, i, &one);
		widest = width > widest ? width : widest;
		buf_clear(&one);
	}
	return widest;
}

/* Down, then across, as ls has it. */
void complete_list(const struct term *names, int64_t count, int columns, struct buf *out)
{
	size_t shown = 0;

	if (!etf_is_proper_list(names, &shown) || shown == 0)
		return;
	shown = shown < NAMES_MAX ? shown : NAMES_MAX;
	size_t width = widest_name(names, shown) + GAP;
	size_t across = columns > 0 && (size_t)columns > width ? (size_t)columns / width : 1;
	size_t down = (shown + across - 1) / across;
	for (size_t row = 0; row < down; row++) {
		for (size_t i = row; i < shown; i += down) {
			size_t taken = put_name(names, i, out);
			for (; i + down < shown && taken < width; taken++)
				buf_put_u8(out, ' ');
		}
		buf_put_u8(out, '\n');
	}
	if (count > (int64_t)shown)
		buf_printf(out, "… and %lld more\n", (long long)(count - (int64_t)shown));
}
