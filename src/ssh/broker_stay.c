/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long the connection stays: whether the server is there still, and whether anybody uses it. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <libssh/server.h>

#include "base/clock.h"
#include "platform/platform.h"
#include "ssh/broker_private.h"

enum {
	ALIVE_INTERVAL_S = 15, /* where ssh_config has no ServerAliveInterval */
	ALIVE_COUNT = 3,
	/*
	 * After a sleep of this machine, or a change of its address, the connection may be dead without a word. Who comes then is not
	 * to wait for long: it can connect anew. Nobody else has a channel that could be lost.
	 */
	DOUBT_INTERVAL_MS = 1000,
	DOUBT_COUNT = 4,
};

static bool is_doubtful(const struct broker *b)
{
	return b->stays && b->front < 0 && b->waiting_since > 0;
}

static int interval_ms(const struct broker *b)
{
	int configured = b->session.config->alive_interval_s;

	if (is_doubtful(b))
		return DOUBT_INTERVAL_MS;
	return (configured > 0 && configured < 86400 ? configured : ALIVE_INTERVAL_S) * 1000;
}

static int most_asked(const struct broker *b)
{
	int configured = b->session.config->alive_count;

	if (is_doubtful(b))
		return DOUBT_COUNT;
	return configured > 0 ? configured : ALIVE_COUNT;
}

/* From when on its silence counts. */
static int64_t silent_since(const struct broker *b)
{
	return is_doubtful(b) && b->waiting_since > b->heard ? b->waiting_since : b->heard;
}

static int64_t ask_at(const struct broker *b)
{
	return silent_since(b) + (int64_t)interval_ms(b) * (b->asked + 1);
}

/* libssh keeps the last answer until it is asked again, and that call only collects it, without a word about which of both it did. */
static void send_keepalive(struct broker *b)
{
	uint64_t sent = b->counter.out_packets;

	ssh_send_keepalive(b->session.ssh);
	if (b->counter.out_packets == sent)
		ssh_send_keepalive(b->session.ssh);
	b->asked++;
}

/* Who uses it, and who only waits. */
static void look_at_clients(struct broker *b)
{
	bool waiting = false, open = false;

	for (size_t i = 0; i < b->client_count; i++) {
		waiting = waiting || broker_client_is_waiting(b->clients[i]);
		open = open || broker_client_has_channel(b->clients[i]);
	}
	if (waiting || open)
		b->unused_since = 0;
	else if (!b->unused_since)
		b->unused_since = platform_clock_ms();
	if (!waiting || open) {
		b->waiting_since = 0;
	} else if (!b->waiting_since) {
		b->waiting_since = clock_ms();
		b->asked = 0;
	}
}

void broker_keep_alive(struct broker *b)
{
	look_at_clients(b);
	if (b->counter.in_packets != b->packets) {
		b->heard = clock_ms();
		b->asked = 0;
	}
	if (!b->service.ssh || clock_ms() < ask_at(b))
		return;
	if (b->asked >= most_asked(b))
		broker_lose(b, "the host does not answer any more");
	else
		send_keepalive(b);
}

static int64_t idle_ms(const struct broker *b)
{
	return b->unused_since ? platform_clock_ms() - b->unused_since : 0;
}

int64_t broker_alive_until(const struct broker *b)
{
	int64_t until = b->service.ssh ? ask_at(b) : INT64_MAX;

	if (b->stays && b->unused_since && b->front < 0 && b->client_count == 0) {
		int64_t end = clock_ms() + b->service.persist_ms - idle_ms(b);
		until = end < until ? end : until;
	}
	return until;
}

bool broker_is_over(const struct broker *b)
{
	if (!b->stays || b->front >= 0 || b->client_count > 0)
		return false;
	/* One whose socket has gone, as with a session's /run/user, nobody can find any more; that is looked at with each keepalive. */
	return !b->service.ssh || !socket_folder_is_there(&b->folder) ||
	       (b->unused_since && idle_ms(b) >= b->service.persist_ms);
}

void broker_tell_status(struct broker *b)
{
	struct tunnel_status *status = &b->service.status;

	if (!b->stays)
		return;
	if (!status->pid) {
		snprintf(status->destination, sizeof status->destination, "%s", b->session.config->destination);
		status->pid = getpid();
		status->opened_s = time(NULL);
	}
	status->persist_ms = b->service.persist_ms;
	status->idle_ms = idle_ms(b);
	status->clients = 0;
	for (size_t i = 0; i < b->client_count; i++)
		status->clients += broker_client_has_channel(b->clients[i]);
}
