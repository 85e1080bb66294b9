/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "etf/encode.h"
#include "node/link_refuse.h"

enum {
	READ_SIZE = 256 * 1024,
	/* While bytes come (a long frame, a flood), the node still wants to hear from us: at least this often, ms. */
	TICK_AFTER_MS = 1000,
	/* How long to wait for the SSH side's word on why a connection was lost, ms. */
	REASON_WAIT_MS = 500,
};

void link_close(struct link *link)
{
	struct link_counters *c = &link->counters;

	if (c->refused || c->skipped)
		log_v("node", "%s sent %llu requests that were refused and %llu messages that were too large",
		      link->node, (unsigned long long)c->refused, (unsigned long long)c->skipped);
	frame_reader_clear(&link->frames);
	buf_clear(&link->out);
	transport_close(&link->transport);
}

/* The connection is gone: what the SSH side says, or that the node closed it. */
static bool lost(struct link *link, struct error *err)
{
	if (!stream_reason(&link->transport.stream, clock_ms() + REASON_WAIT_MS, err))
		return false;
	error_set(err, ERROR_NODE_LOST, "the node %s closed the connection", link->node);
	return error_cure(err, "it may have stopped or been restarted; try again");
}

bool link_flush(struct link *link, struct error *err)
{
	struct buf *out = &link->out;

	if (out->overflow)
		return error_set(err, ERROR_LIMIT, "more than %d MiB wait to be sent to %s", LINK_OUT_MAX >> 20,
				 link->node);
	while (link->out_at < out->len) {
		size_t n;
		switch (transport_write(&link->transport, out->data + link->out_at, out->len - link->out_at, &n, err)) {
		case TRANSPORT_MOVED:
			link->out_at += n;
			link->sent_at = clock_ms();
			break;
		case TRANSPORT_WAIT:
			/* What is sent may not take the room of what waits. */
			if (link->out_at > LINK_OUT_MAX / 8) {
				buf_consume(out, link->out_at);
				link->out_at = 0;
			}
			return true;
		case TRANSPORT_ENDED:
			return lost(link, err);
		case TRANSPORT_FAILED:
			return false;
		}
	}
	out->len = link->out_at = 0;
	return transport_flush(&link->transport) != TRANSPORT_ENDED || lost(link, err);
}

size_t link_begin(struct link *link)
{
	return dist_begin(&link->out);
}

bool link_end(struct link *link, size_t begin, struct error *err)
{
	dist_end(&link->out, begin);
	return link_flush(link, err);
}

void link_put_send(struct link *link, const struct term *to)
{
	etf_put_tuple(&link->out, 3);
	etf_put_integer(&link->out, DIST_SEND);
	etf_put_atom(&link->out, "");
	etf_put_term(&link->out, to);
	dist_payload(&link->out);
}

void link_put_reg_send(struct link *link, const char *name)
{
	etf_put_tuple(&link->out, 4);
	etf_put_integer(&link->out, DIST_REG_SEND);
	dist_put_self(&link->out, &link->self);
	etf_put_atom(&link->out, "");
	etf_put_atom(&link->out, name);
	dist_payload(&link->out);
}

struct link_ref link_new_ref(struct link *link)
{
	uint32_t n = ++link->references;

	/* Nodes up to OTP 23 take 18 bits only in the first number. */
	return (struct link_ref){ { n & 0x3ffff, n >> 18, 0 } };
}

void link_put_ref(struct link *link, const struct link_ref *ref)
{
	etf_put_reference(&link->out, link->self.node, link->self.creation, ref->ids, 3);
}

static bool is_our_node(const struct link *link, const struct term *node, uint32_t creation)
{
	return creation == link->self.creation && etf_is_atom(node, link->self.node);
}

bool link_is_ref(const struct link *link, const struct term *t, const struct link_ref *ref)
{
	return t->kind == ETF_REFERENCE && t->reference.count == 3 &&
	       memcmp(t->reference.ids, ref->ids, sizeof ref->ids) == 0 &&
	       is_our_node(link, t->reference.node, t->reference.creation);
}

bool link_is_us(const struct link *link, const struct term *t)
{
	return t->kind == ETF_PID && t->pid.id == link->self.id && t->pid.serial == link->self.serial &&
	       is_our_node(link, t->pid.node, t->pid.creation);
}

short link_poll_events(const struct link *link)
{
	bool waits = link->out.len > link->out_at || !transport_is_flushed(&link->transport);

	return (short)(POLLIN | (waits ? POLLOUT : 0));
}

/* Is it for the caller? Then as what. */
static bool for_caller(const struct link *link, const struct dist_message *m, struct link_message *out)
{
	const struct term *part = m->control->tuple.elements;

	switch (m->operation) {
	case DIST_SEND:
	case DIST_SEND_SENDER:
		*out = (struct link_message){ .kind = LINK_TO_US, .payload = m->payload };
		return link_is_us(link, &part[2]);
	case DIST_SPAWN_REPLY:
		*out = (struct link_message){ .kind = LINK_SPAWN_REPLY, .ref = &part[1], .payload = &part[4] };
		return link_is_us(link, &part[2]);
	case DIST_MONITOR_P_EXIT:
		*out = (struct link_message){ .kind = LINK_DOWN, .ref = &part[3], .payload = &part[4] };
		return link_is_us(link, &part[2]);
	case DIST_PAYLOAD_MONITOR_P_EXIT:
		*out = (struct link_message){ .kind = LINK_DOWN, .ref = &part[3], .payload = m->payload };
		return link_is_us(link, &part[2]);
	default:
		return false;
	}
}

static bool on_frame(struct link *link, link_handler *handler, void *context, struct error *err)
{
	const struct etf_limits limits = ETF_LIMITS_DEFAULT;
	struct link_message message;
	struct dist_message m;
	struct arena arena;
	bool ok;

	/* A term takes more memory than its bytes; 32 times as much covers the worst, a list of small integers. */
	arena_init(&arena, 32 * link->frames.body.len + 4096);
	ok = dist_message_decode(&arena, link->frames.body.data, link->frames.body.len, &limits, &m, err);
	if (ok && for_caller(link, &m, &message)) {
		link->counters.messages++;
		ok = handler(context, &message, err);
	} else if (ok) {
		ok = link_refuse(link, &m, err);
	}
	arena_clear(&arena);
	return ok;
}

static bool on_bytes(struct link *link, const uint8_t *data, size_t len, link_handler *handler, void *context,
		     struct error *err)
{
	while (len > 0) {
		size_t used;
		switch (frame_feed(&link->frames, data, len, &used)) {
		case FRAME_MORE:
			break;
		case FRAME_TICK:
			link->counters.ticks++;
			/* What waits to be sent tells the node as well that we live. */
			if (link->out.len == link->out_at)
				frame_put_tick(&link->out);
			break;
		case FRAME_SKIPPED:
			link->counters.skipped++;
			log_v("node", "%s sent a message of more than %d MiB: passed over", link->node,
			      LINK_FRAME_MAX >> 20);
			break;
		case FRAME_MESSAGE:
			if (!on_frame(link, handler, context, err))
				return false;
			break;
		}
		data += used;
		len -= used;
	}
	return true;
}

bool link_serve(struct link *link, link_handler *handler, void *context, struct error *err)
{
	static uint8_t block[READ_SIZE];
	size_t len;

	if (!link_flush(link, err))
		return false;
	switch (transport_read(&link->transport, block, sizeof block, &len, err)) {
	case TRANSPORT_WAIT:
		return true;
	case TRANSPORT_ENDED:
		return lost(link, err);
	case TRANSPORT_FAILED:
		return false;
	case TRANSPORT_MOVED:
		break;
	}
	if (!on_bytes(link, block, len, handler, context, err))
		return false;
	if (link->out.len == 0 && clock_ms() - link->sent_at >= TICK_AFTER_MS)
		frame_put_tick(&link->out);
	return link_flush(link, err);
}
