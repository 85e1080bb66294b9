/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dist/control.h"

#include "dist/frame.h"
#include "etf/encode.h"

enum { PASS_THROUGH = 112 };

static const struct {
	const char *name;
	uint32_t size;
	bool payload;
} operations[DIST_OPERATION_MAX + 1] = {
#define X(name, op, size, payload) [op] = { #name, size, payload },
	DIST_OPERATIONS(X)
#undef X
};

const char *dist_operation_name(int operation)
{
	return operation >= 0 && operation <= DIST_OPERATION_MAX ? operations[operation].name : NULL;
}

static bool check_control(const struct term *control, struct dist_message *message, struct error *err)
{
	if (control->kind != ETF_TUPLE || control->tuple.count == 0 || control->tuple.elements[0].kind != ETF_INTEGER)
		return error_set(err, ERROR_PROTOCOL,
				 "the node sent a control message that is not a tuple with an operation");
	int64_t op = control->tuple.elements[0].integer;
	message->operation = op >= 0 && op <= 255 ? (int)op : 256;
	message->control = control;
	if (dist_operation_name(message->operation) && operations[op].size != control->tuple.count)
		return error_set(err, ERROR_PROTOCOL, "the node sent %s with %u parts instead of %u",
				 operations[op].name, (unsigned)control->tuple.count, (unsigned)operations[op].size);
	return true;
}

bool dist_message_decode(struct arena *arena, const uint8_t *body, size_t len, const struct etf_limits *limits,
			 struct dist_message *message, struct error *err)
{
	const struct term *control;
	size_t used;

	*message = (struct dist_message){ 0 };
	if (len < 1 || body[0] != PASS_THROUGH)
		return error_set(err, ERROR_PROTOCOL,
				 "the node sent a frame of kind %d where only kind %d was agreed on",
				 len ? body[0] : -1, PASS_THROUGH);
	body++;
	len--;
	if (!etf_decode(arena, body, len, limits, &control, &used, err) || !check_control(control, message, err))
		return false;
	body += used;
	len -= used;
	bool known = dist_operation_name(message->operation) != NULL;
	if (known && operations[message->operation].payload != (len > 0))
		return error_set(err, ERROR_PROTOCOL, "the node sent %s %s a payload",
				 operations[message->operation].name, len ? "with" : "without");
	if (len == 0)
		return true;
	if (!etf_decode(arena, body, len, limits, &message->payload, &used, err))
		return false;
	if (used != len)
		return error_set(err, ERROR_PROTOCOL, "the node sent %zu bytes behind a message", len - used);
	return true;
}

size_t dist_begin(struct buf *out)
{
	size_t begin = frame_begin(out);

	buf_put_u8(out, PASS_THROUGH);
	etf_put_version(out);
	return begin;
}

void dist_payload(struct buf *out)
{
	etf_put_version(out);
}

void dist_end(struct buf *out, size_t begin)
{
	frame_end(out, begin);
}

void dist_put_self(struct buf *out, const struct dist_self *self)
{
	etf_put_pid(out, self->node, self->id, self->serial, self->creation);
}
