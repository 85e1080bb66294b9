/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/call.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "etf/encode.h"

void calls_init(struct calls *calls, struct link *link, call_handler *handler, void *context)
{
	*calls = (struct calls){ .link = link, .handler = handler, .context = context };
}

static struct call *free_place(struct calls *calls)
{
	if (calls->count == CALLS_MAX)
		return NULL;
	while (calls->calls[calls->next].open)
		calls->next = (calls->next + 1) % CALLS_MAX;
	return &calls->calls[calls->next];
}

/*
 * {REG_SEND, From, Unused, rex} and {'$gen_call', {From, Ref}, {call, erpc, execute_call, [Module, Function, Arguments], GroupLeader}}.
 * execute_call/3 marks what is returned: what is thrown would else look the same.
 */
static void put_request(struct link *link, const struct link_ref *ref, const char *module, const char *function,
			const struct term *arguments)
{
	struct buf *out = &link->out;

	link_put_reg_send(link, "rex");
	etf_put_tuple(out, 3);
	etf_put_atom(out, "$gen_call");
	etf_put_tuple(out, 2);
	dist_put_self(out, &link->self);
	link_put_ref(link, ref);
	etf_put_tuple(out, 5);
	etf_put_atom(out, "call");
	etf_put_atom(out, "erpc");
	etf_put_atom(out, "execute_call");
	etf_put_list(out, 3);
	etf_put_atom(out, module);
	etf_put_atom(out, function);
	etf_put_term(out, arguments);
	etf_put_nil(out);
	dist_put_self(out, &link->self);
}

bool call_begin(struct calls *calls, const char *module, const char *function, const struct term *arguments,
		int64_t deadline, void *of, struct error *err)
{
	struct link *link = calls->link;
	struct call *call = free_place(calls);

	if (!call)
		return error_set(err, ERROR_LIMIT, "%d calls are on their way to %s already", CALLS_MAX, link->node);
	*call = (struct call){ .open = true, .ref = link_new_ref(link), .deadline = deadline, .of = of };
	/* So that the answer leads to the place; the other two numbers are enough to be unique. */
	call->ref.ids[2] = (uint32_t)(call - calls->calls);
	calls->count++;
	size_t begin = link_begin(link);
	put_request(link, &call->ref, module, function, arguments);
	dist_end(&link->out, begin);
	return true;
}

static struct call *find(struct calls *calls, const struct term *ref)
{
	if (ref->kind != ETF_REFERENCE || ref->reference.count != 3 || ref->reference.ids[2] >= CALLS_MAX)
		return NULL;
	struct call *call = &calls->calls[ref->reference.ids[2]];
	return call->open && link_is_ref(calls->link, ref, &call->ref) ? call : NULL;
}

static bool finish(struct calls *calls, struct call *call, struct call_answer *answer, struct error *err)
{
	call->open = false;
	calls->count--;
	answer->of = call->of;
	return calls->handler(calls->context, answer, err);
}

/* {Ref, {return, Value}}, or {Ref, what was raised} */
static bool on_reply(struct calls *calls, struct call *call, const struct term *reply, struct error *err)
{
	struct call_answer answer = { .outcome = CALL_RAISED, .value = reply };

	if (etf_is_tuple(reply, 2, "return")) {
		answer.outcome = CALL_RETURNED;
		answer.value = &reply->tuple.elements[1];
	}
	return finish(calls, call, &answer, err);
}

/* {io_request, From, ReplyAs, _}: {io_reply, ReplyAs, {error, enotsup}}. Silence would leave the function waiting. */
static bool refuse_io(struct link *link, const struct term *message, struct error *err)
{
	const struct term *part = message->tuple.elements;
	size_t begin = link_begin(link);
	link_put_send(link, &part[1]);
	etf_put_tuple(&link->out, 3);
	etf_put_atom(&link->out, "io_reply");
	etf_put_term(&link->out, &part[2]);
	etf_put_tuple(&link->out, 2);
	etf_put_atom(&link->out, "error");
	etf_put_atom(&link->out, "enotsup");
	return link_end(link, begin, err);
}

static bool on_link_message(void *context, const struct link_message *message, struct error *err)
{
	const struct term *payload = message->payload;
	struct calls *calls = context;
	struct call *call = NULL;

	if (message->kind == LINK_TO_US && etf_is_tuple(payload, 2, NULL))
		call = find(calls, &payload->tuple.elements[0]);
	if (call)
		return on_reply(calls, call, &payload->tuple.elements[1], err);
	if (message->kind == LINK_TO_US && etf_is_tuple(payload, 4, "io_request") &&
	    payload->tuple.elements[1].kind == ETF_PID)
		return refuse_io(calls->link, payload, err);
	/* The answer to a call whose time was over, or that was never made. */
	calls->link->counters.refused++;
	return true;
}

static int64_t first_deadline(const struct calls *calls)
{
	int64_t first = IO_NO_DEADLINE;
	size_t left = calls->count;

	for (const struct call *call = calls->calls; left > 0; call++) {
		if (!call->open)
			continue;
		left--;
		if (call->deadline != IO_NO_DEADLINE && (first == IO_NO_DEADLINE || call->deadline < first))
			first = call->deadline;
	}
	return first;
}

static bool expire(struct calls *calls, int64_t now, struct error *err)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct call *call = &calls->calls[i];
		struct call_answer answer = { .outcome = CALL_TIMED_OUT };
		if (!call->open || call->deadline == IO_NO_DEADLINE || call->deadline > now)
			continue;
		if (!finish(calls, call, &answer, err))
			return false;
	}
	return true;
}

bool calls_turn(struct calls *calls, struct error *err)
{
	int64_t deadline = first_deadline(calls);

	if (!link_flush(calls->link, err))
		return false;
	/* Before the wait: a node that never stops sending would keep the time from being looked at. */
	if (deadline != IO_NO_DEADLINE && clock_ms() >= deadline)
		return expire(calls, clock_ms(), err);
	switch (io_wait_one(calls->link->transport.stream.fd, link_poll_events(calls->link), deadline, err)) {
	case IO_READY:
		return link_serve(calls->link, on_link_message, calls, err);
	case IO_TIMEOUT:
		return expire(calls, clock_ms(), err);
	case IO_FAILED:
		return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	default:
		return false;
	}
}
