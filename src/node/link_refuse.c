/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/link_refuse.h"

#include "base/log.h"
#include "etf/encode.h"

/* {SPAWN_REPLY, ReqId, To, Flags, Reason} */
static bool refuse_spawn(struct link *link, const struct term *part, struct error *err)
{
	size_t begin = link_begin(link);

	etf_put_tuple(&link->out, 5);
	etf_put_integer(&link->out, DIST_SPAWN_REPLY);
	etf_put_term(&link->out, &part[1]);
	etf_put_term(&link->out, &part[2]);
	etf_put_integer(&link->out, 0);
	etf_put_atom(&link->out, "notsup");
	return link_end(link, begin, err);
}

/* {MONITOR_P_EXIT, FromProc, ToPid, Ref, Reason}: what was to be monitored is not there. */
static bool refuse_monitor(struct link *link, const struct term *part, struct error *err)
{
	size_t begin = link_begin(link);

	etf_put_tuple(&link->out, 5);
	etf_put_integer(&link->out, DIST_MONITOR_P_EXIT);
	etf_put_term(&link->out, &part[2]);
	etf_put_term(&link->out, &part[1]);
	etf_put_term(&link->out, &part[3]);
	etf_put_atom(&link->out, "noproc");
	return link_end(link, begin, err);
}

/* {EXIT, FromPid, ToPid, Reason} */
static bool refuse_link(struct link *link, const struct term *part, struct error *err)
{
	size_t begin = link_begin(link);

	etf_put_tuple(&link->out, 4);
	etf_put_integer(&link->out, DIST_EXIT);
	etf_put_term(&link->out, &part[2]);
	etf_put_term(&link->out, &part[1]);
	etf_put_atom(&link->out, "noproc");
	return link_end(link, begin, err);
}

/* {UNLINK_ID_ACK, Id, FromPid, ToPid} to {UNLINK_ID, Id, FromPid, ToPid} */
static bool acknowledge_unlink(struct link *link, const struct term *part, struct error *err)
{
	size_t begin = link_begin(link);

	etf_put_tuple(&link->out, 4);
	etf_put_integer(&link->out, DIST_UNLINK_ID_ACK);
	etf_put_term(&link->out, &part[1]);
	etf_put_term(&link->out, &part[3]);
	etf_put_term(&link->out, &part[2]);
	return link_end(link, begin, err);
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

	if (m->operation == DIST_UNLINK_ID)
		return acknowledge_unlink(link, part, err);
	if (is_bookkeeping(link, m))
		return true;
	const char *name = dist_operation_name(m->operation);
	link->counters.refused++;
	log_vv("node", "%s sent %s (operation %d): refused", link->node, name ? name : "what we do not know",
	       m->operation);
	switch (m->operation) {
	case DIST_SPAWN_REQUEST:
	case DIST_SPAWN_REQUEST_TT:
		return refuse_spawn(link, part, err);
	case DIST_MONITOR_P:
		return refuse_monitor(link, part, err);
	case DIST_LINK:
		return refuse_link(link, part, err);
	default:
		return true;
	}
}
