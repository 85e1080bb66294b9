/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/link_refuse.h"

#include "base/log.h"
#include "etf/encode.h"

#define ATOM(text)                                                                                                     \
	{                                                                                                              \
		.kind = ETF_ATOM, .tag = ETF_TAG_SMALL_ATOM_UTF8, .atom = { text, sizeof(text) - 1 }                   \
	}
static const struct term no_flags = { .kind = ETF_INTEGER, .tag = ETF_TAG_SMALL_INTEGER, .integer = 0 };
static const struct term noproc = ATOM("noproc"), notsup = ATOM("notsup");

/* {Operation, …}: an answer is made of the request's own parts and of the constants above. NULL ends the list. */
static bool answer(struct link *link, int operation, const struct term *const parts[4], struct error *err)
{
	size_t begin = link_begin(link);
	uint32_t count = 0;

	while (count < 4 && parts[count])
		count++;
	etf_put_tuple(&link->out, count + 1);
	etf_put_integer(&link->out, operation);
	for (uint32_t i = 0; i < count; i++)
		etf_put_term(&link->out, parts[i]);
	return link_end(link, begin, err);
}
#define PARTS(...)                                                                                                     \
	(const struct term *const[4])                                                                                  \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

static bool is_pid(const struct term *t)
{
	return t->kind == ETF_PID;
}

static bool is_64_bits(const struct term *t)
{
	return t->kind == ETF_INTEGER || (t->kind == ETF_BIG && t->big.len <= 8);
}

/* What an answer repeats must be what it should be: so an answer is short, whatever the node sends. */
static bool is_well_formed(const struct dist_message *m)
{
	const struct term *part = m->control->tuple.elements;

	switch (m->operation) {
	case DIST_UNLINK_ID:
		return is_64_bits(&part[1]) && is_pid(&part[2]) && is_pid(&part[3]);
	case DIST_SPAWN_REQUEST:
	case DIST_SPAWN_REQUEST_TT:
		return part[1].kind == ETF_REFERENCE && is_pid(&part[2]);
	case DIST_MONITOR_P:
		return is_pid(&part[1]) && (is_pid(&part[2]) || part[2].kind == ETF_ATOM) &&
		       part[3].kind == ETF_REFERENCE;
	case DIST_LINK:
		return is_pid(&part[1]) && is_pid(&part[2]);
	default:
		return true;
	}
}

/* Links and monitors of our own process need no answer: it lives as long as the connection, whose end tells. */
static bool is_bookkeeping(const struct link *link, const struct dist_message *m)
{
	const struct term *part = m->control->tuple.elements;

	switch (m->operation) {
	case DIST_LINK:
	case DIST_MONITOR_P:
		return link_is_us(link, &part[2]);
	case DIST_UNLINK:
	case DIST_UNLINK_ID_ACK:
	case DIST_DEMONITOR_P:
	case DIST_EXIT:
	case DIST_EXIT_TT:
	case DIST_PAYLOAD_EXIT:
	case DIST_PAYLOAD_EXIT_TT:
	case DIST_NODE_LINK:
		return true;
	default:
		return false;
	}
}

bool link_refuse(struct link *link, const struct dist_message *m, struct error *err)
{
	const struct term *part = m->control->tuple.elements;

	/* {UNLINK_ID, Id, From, To}: {UNLINK_ID_ACK, Id, From, To} */
	if (!is_well_formed(m))
		return error_set(err, ERROR_PROTOCOL, "the node sent %s with parts of the wrong kind",
				 dist_operation_name(m->operation));
	if (m->operation == DIST_UNLINK_ID)
		return answer(link, DIST_UNLINK_ID_ACK, PARTS(&part[1], &part[3], &part[2]), err);
	if (is_bookkeeping(link, m))
		return true;
	const char *name = dist_operation_name(m->operation);
	link->counters.refused++;
	log_vv("node", "%s sent %s (operation %d): refused", link->node, name ? name : "what we do not know",
	       m->operation);
	switch (m->operation) {
	case DIST_SPAWN_REQUEST:
	case DIST_SPAWN_REQUEST_TT:
		/* {SPAWN_REPLY, ReqId, To, Flags, Reason} */
		return answer(link, DIST_SPAWN_REPLY, PARTS(&part[1], &part[2], &no_flags, &notsup), err);
	case DIST_MONITOR_P:
		/* {MONITOR_P, From, To, Ref}: {MONITOR_P_EXIT, To, From, Ref, Reason} */
		return answer(link, DIST_MONITOR_P_EXIT, PARTS(&part[2], &part[1], &part[3], &noproc), err);
	case DIST_LINK:
		/* {LINK, From, To}: {EXIT, To, From, Reason} */
		return answer(link, DIST_EXIT, PARTS(&part[2], &part[1], &noproc), err);
	default:
		return true;
	}
}
