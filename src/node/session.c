/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "etf/encode.h"
#include "node/guard.h"
#include "node/keeper.h"
#include "node/program.h"
#include "node/session_message.h"

enum {
	WINDOW_PER_MS = 100 * 1024,
	/* Acknowledged when this much has been taken, so that a flood costs few messages back. */
	ACKNOWLEDGE_AT = SESSION_WINDOW_MIN / 4,
	/* No acknowledgement while this much waits for the reader of our output. */
	SLOW_READER = 64 * 1024,
	/* How long the node may take to end an evaluation that is to be ended, ms. */
	END_WAIT_MS = 5000,
};

struct session {
	struct link *link;
	const struct session_request *request;
	const struct session_sink *sink;
	struct session_result *result;
	struct link_ref spawn; /* of our request */
	struct link_ref tag;   /* in all messages, so that nobody else's are taken for them */
	struct arena pids;     /* what the following two live in */
	const struct term *controller;
	const struct term *relay;
	int64_t sent_at; /* clock_ms() of the request */
	size_t window;
	size_t unacknowledged;
	int64_t received;    /* bytes of output, value and exception */
	bool asked;          /* the guard's question has been asked */
	int ending_signal;   /* the evaluation is being ended for this signal … */
	bool ending_timeout; /* … or because its time is over */
	int64_t deadline;
	bool finished;
	struct error outcome; /* with `finished`: code ERROR_NONE if all is well */
};

static bool acknowledge(struct session *s, struct error *err)
{
	if (s->unacknowledged < ACKNOWLEDGE_AT || !s->relay || s->finished)
		return true;
	for (size_t i = 0; s->sink->outputs[i]; i++) {
		if (output_pending(s->sink->outputs[i]) > SLOW_READER)
			return true;
	}
	size_t taken = s->unacknowledged;
	s->unacknowledged = 0;
	return program_send(s->link, s->relay, &s->tag, SESSION_ACKNOWLEDGE, (int64_t)taken, err);
}

/* Has the node end it; what comes then is the outcome “ended”. */
static bool end(struct session *s, struct error *err)
{
	s->deadline = clock_ms() + END_WAIT_MS;
	if (!s->controller)
		return true;
	return program_send(s->link, s->controller, &s->tag, SESSION_KILL, PROGRAM_NO_VALUE, err);
}

static bool on_data(struct session *s, enum session_message stream, const struct term *bytes, struct error *err)
{
	if (bytes->kind != ETF_BINARY)
		return error_set(err, ERROR_PROTOCOL, "the node sent output that is not bytes");
	s->unacknowledged += bytes->bytes.len;
	s->received += (int64_t)bytes->bytes.len;
	if (s->unacknowledged > 2 * s->window)
		return error_set(err, ERROR_PROTOCOL, "the node sends more than it may before we have taken it");
	/* Of an evaluation that is being ended nothing more is shown. */
	if (s->ending_signal || s->ending_timeout)
		return true;
	return s->sink->take(s->sink->context, stream, bytes->bytes.data, bytes->bytes.len, err);
}

/* A person may take long to answer: meanwhile the keeper ticks. */
static bool on_question(struct session *s, const struct term *found, struct error *err)
{
	struct error refusal = { 0 };
	struct keeper keeper = { .lifeline = -1 };
	char text[512];

	/* Once: a node that asks on and on would keep the person from leaving. */
	if (s->asked || s->request->confirmed) {
		if (s->outcome.code != ERROR_NONE)
			*err = s->outcome;
		else
			error_set(err, ERROR_PROTOCOL, "the node asks what it may not ask");
		return false;
	}
	s->asked = true;
	program_line(found, text, sizeof text);
	if (s->request->may_ask && !keeper_start(&keeper, s->link, err))
		return false;
	bool yes = guard_ask(text, s->link->node, s->request->may_ask, &refusal);
	keeper_stop(&keeper);
	s->result->confirmed = yes;
	/* The refusal's own words are kept: the outcome that the node sends then only says that it was refused. */
	if (!yes) {
		s->outcome = refusal;
		s->deadline = clock_ms() + END_WAIT_MS;
	}
	return program_send(s->link, s->controller, &s->tag, SESSION_ANSWER, yes ? PROGRAM_TRUE : PROGRAM_FALSE, err);
}

static bool is_count(const struct term *t)
{
	return t->kind == ETF_INTEGER && t->integer >= 0 && t->integer <= INT32_MAX;
}

/* Between the node and us stand programs and libraries that may fail; what is printed shall be whole, or not pass for it. */
static void check_received(struct session *s, const struct term *sent)
{
	char lost[128] = "what it sent is not known: its sender was killed";

	if (sent->integer == s->received)
		return;
	if (sent->integer >= 0)
		snprintf(lost, sizeof lost, "%lld bytes were sent and %lld came", (long long)sent->integer,
			 (long long)s->received);
	if (s->outcome.code != ERROR_NONE) {
		error_append(&s->outcome, "; output is lost: %s", lost);
		return;
	}
	error_set(&s->outcome, ERROR_OUTPUT_INCOMPLETE, "the evaluation is done, but a part of its output is lost: %s",
		  lost);
	error_cure(&s->outcome, "it has taken effect; ask for its result in another way than by doing it again");
}

static bool on_finished(struct session *s, const struct term *part, struct error *err)
{
	if (part[2].kind != ETF_INTEGER || part[4].kind != ETF_INTEGER)
		return error_set(err, ERROR_PROTOCOL, "the node sent an outcome that is none");
	s->finished = true;
	s->result->finished_us = clock_us();
	s->result->detached = is_count(&part[5]) ? (int)part[5].integer : -1;
	if (s->ending_timeout)
		return error_set(
			       &s->outcome, ERROR_TIMEOUT,
			       "the evaluation took longer than %g s and was ended on the node, with all it had linked",
			       s->request->timeout_ms / 1000.0) ||
		       true;
	if (s->ending_signal)
		return error_interrupted(&s->outcome, s->ending_signal) ||
		       error_append(&s->outcome, "; the evaluation was ended on the node, with all it had linked") ||
		       true;
	if (s->outcome.code == ERROR_NONE)
		session_outcome(part[2].integer, &part[3], s->result, &s->outcome);
	check_received(s, &part[4]);
	return true;
}

/* Who it is that takes our orders: told by SPAWN_REPLY and by the program itself. */
static bool on_controller(struct session *s, const struct term *pid, struct error *err)
{
	if (s->controller)
		return true;
	s->controller = program_keep_pid(&s->pids, pid);
	/* Asked to end before we knew whom to ask. */
	return s->ending_signal || s->ending_timeout ? end(s, err) : true;
}

/* The first answer tells how far away the node is: one that is far may send more ahead. */
static bool widen(struct session *s, struct error *err)
{
	int64_t wanted = (clock_ms() - s->sent_at) * WINDOW_PER_MS;
	size_t window = wanted < SESSION_WINDOW_MAX ? (size_t)wanted : SESSION_WINDOW_MAX;

	if (window <= s->window)
		return true;
	size_t more = window - s->window;
	s->window = window;
	return program_send(s->link, s->relay, &s->tag, SESSION_ACKNOWLEDGE, (int64_t)more, err);
}

/* {Tag, 0, Relay, Watcher} */
static bool on_started(struct session *s, const struct term *part, uint32_t count, struct error *err)
{
	if (!s->relay) {
		s->relay = program_keep_pid(&s->pids, &part[2]);
		if (!widen(s, err))
			return false;
	}
	return count > 3 ? on_controller(s, &part[3], err) : true;
}

/* {Tag, Kind, …} from our program. */
static bool on_message(struct session *s, const struct term *m, struct error *err)
{
	if (m->kind != ETF_TUPLE || m->tuple.count < 1 || !link_is_ref(s->link, &m->tuple.elements[0], &s->tag)) {
		s->link->counters.refused++;
		log_vv("node", "%s sent us a message that nobody here expects: dropped", s->link->node);
		return true;
	}
	const struct term *part = m->tuple.elements;
	if (s->finished)
		return true;
	if (m->tuple.count < 3 || part[1].kind != ETF_INTEGER)
		return error_set(err, ERROR_PROTOCOL, "the node sent an answer of the wrong shape");
	switch (part[1].integer) {
	case SESSION_STARTED:
		return on_started(s, part, m->tuple.count, err);
	case SESSION_OUTPUT:
	case SESSION_VALUE:
	case SESSION_EXCEPTION:
		return on_data(s, (enum session_message)part[1].integer, &part[2], err);
	case SESSION_QUESTION:
		return on_question(s, &part[2], err);
	case SESSION_END:
		if (m->tuple.count == 6)
			return on_finished(s, part, err);
		/* fall through */
	default:
		return error_set(err, ERROR_PROTOCOL, "the node sent an answer of a kind (%lld) that is not known",
				 (long long)part[1].integer);
	}
}

static bool on_spawn_reply(struct session *s, const struct term *result, struct error *err)
{
	char text[512];

	if (result->kind != ETF_PID) {
		error_set(err, ERROR_CALL_REFUSED, "%s does not spawn the evaluation: %s", s->link->node,
			  program_reason(result, text, sizeof text));
		return error_cure(err, "the node may have reached its limit of processes");
	}
	return on_controller(s, result, err);
}

/* The controlling process is gone: in order after its outcome, else something killed it. */
static bool on_down(struct session *s, const struct term *reason, struct error *err)
{
	char text[512];

	if (s->finished)
		return true;
	return error_set(err, ERROR_CALL_REFUSED, "the evaluation's process on %s ended before its time: %s",
			 s->link->node, program_reason(reason, text, sizeof text));
}

static bool on_link_message(void *context, const struct link_message *message, struct error *err)
{
	struct session *s = context;

	switch (message->kind) {
	case LINK_TO_US:
		if (etf_is_tuple(message->payload, 2, "rex"))
			return on_down(s, &message->payload->tuple.elements[1], err);
		return on_message(s, message->payload, err);
	case LINK_SPAWN_REPLY:
		return link_is_ref(s->link, message->ref, &s->spawn) ? on_spawn_reply(s, message->payload, err) : true;
	case LINK_DOWN:
		return link_is_ref(s->link, message->ref, &s->spawn) ? on_down(s, message->payload, err) : true;
	}
	return true;
}

static bool on_signal(struct session *s, struct error *err)
{
	int signal = io_take_signal();

	if (signal == 0)
		return true;
	if (signal == SIGTSTP)
		return keeper_suspend(s->link, err);
	/* The second one does not wait for the node. */
	if (s->ending_signal)
		return error_interrupted(err, signal);
	s->ending_signal = signal;
	return end(s, err);
}

static bool on_deadline(struct session *s, struct error *err)
{
	/* The guard has refused, and the node does not say that it is done. */
	if (s->outcome.code != ERROR_NONE) {
		*err = s->outcome;
		return false;
	}
	if (s->ending_signal)
		return error_interrupted(err, s->ending_signal);
	if (s->ending_timeout)
		return error_set(err, ERROR_TIMEOUT,
				 "the evaluation took longer than %g s, and %s does not say that it has ended it",
				 s->request->timeout_ms / 1000.0, s->link->node);
	s->ending_timeout = true;
	return end(s, err);
}

static bool flush_outputs(struct session *s, struct error *err)
{
	for (size_t i = 0; s->sink->outputs[i]; i++) {
		struct output *output = s->sink->outputs[i];
		if (!output_flush_some(output)) {
			*err = output->err;
			return false;
		}
	}
	return true;
}

/* One turn of the loop: waits for the link, the outputs that have something to write, the deadline and signals. */
static bool turn(struct session *s, struct error *err)
{
	struct pollfd fds[4] = { { .fd = s->link->transport.stream.fd, .events = link_poll_events(s->link) } };
	size_t count = 1;

	/* Before all else: a node that never stops sending would keep the time from being looked at. */
	if (s->deadline != IO_NO_DEADLINE && clock_ms() >= s->deadline)
		return on_deadline(s, err);
	for (size_t i = 0; s->sink->outputs[i]; i++) {
		if (output_pending(s->sink->outputs[i]) > 0)
			fds[count++] = (struct pollfd){ .fd = s->sink->outputs[i]->fd, .events = POLLOUT };
	}
	switch (io_wait(fds, count, s->deadline)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		return on_signal(s, err);
	case IO_TIMEOUT:
		return on_deadline(s, err);
	case IO_FAILED:
		return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	}
	if (fds[0].revents && !link_serve(s->link, on_link_message, s, err))
		return false;
	return flush_outputs(s, err) && acknowledge(s, err);
}

bool session_run(struct link *link, const struct session_request *request, const struct session_sink *sink,
		 struct session_result *result, struct error *err)
{
	struct session s = {
		.link = link,
		.request = request,
		.sink = sink,
		.result = result,
		.deadline = IO_NO_DEADLINE,
		.sent_at = clock_ms(),
		.window = SESSION_WINDOW_MIN,
	};

	*result = (struct session_result){ .detached = -1 };
	arena_init(&s.pids, 16 * 1024);
	if (request->timeout_ms > 0)
		s.deadline = clock_ms() + request->timeout_ms;
	s.spawn = link_new_ref(link);
	s.tag = link_new_ref(link);
	bool told = io_tell_stop(true);
	bool ok = session_spawn(link, request, &s.spawn, &s.tag, s.window, err);
	while (ok && !s.finished)
		ok = turn(&s, err);
	io_tell_stop(told);
	arena_clear(&s.pids);
	if (ok && s.outcome.code != ERROR_NONE) {
		*err = s.outcome;
		ok = false;
	}
	return ok;
}
