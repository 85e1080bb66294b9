/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/broker_private.h"

#include <limits.h>
#include <unistd.h>

#include <libssh/server.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "platform/platform.h"
#include "ssh/auth.h"
#include "ssh/broker_process.h"
#include "ssh/channel_open.h"
#include "ssh/host_key.h"

enum {
	DOPOLL_MAX = 64, /* reads of libssh (4 KiB each) before clients have their turn */
	ROUNDS_MAX = 8,  /* turns of all clients before the poll */
	FINISH_MS = 200, /* for the last words of clients */
	UNSENT_MAX =
		10000, /* packets that wait for a server which does not read: answers that it asked for, most of them */
};

static double ms_now(const struct broker *b)
{
	return (double)(clock_us() - b->start->started_us) / 1000.0;
}

/* What the server asks of us (channels of its own, say) is refused: without this libssh would keep it for later, without end. */
static int refuse_request(ssh_session session, ssh_message message, void *user)
{
	(void)session;
	(void)message;
	(void)user;
	return 1;
}

static void mark_asking(void *context, bool asking)
{
	struct broker *b = context;

	if (b->start->kept_at)
		socket_folder_mark_asking(&b->folder, asking);
}

static bool establish(struct broker *b)
{
	struct error *err = &b->service.failure;
	struct tunnel_info *info = &b->session.info;

	b->session.info = b->start->info;
	b->session.lifeline = &b->front;
	if (!session_dial(&b->session, b->start->config, b->start->started_us, err))
		return false;
	struct auth *auth = auth_prepare(&b->session);
	bool ok = session_exchange(&b->session, err) && host_key_check(&b->session, err);
	info->keyed_ms = ms_now(b);
	ok = ok && session_request_service(&b->session, err) && auth_run(auth, err);
	auth_free(auth);
	if (!ok)
		return false;
	info->authenticated_ms = ms_now(b);
	/* libssh may have cleared it on the way. */
	io_set_nonblocking(b->session.fd);
	b->event = ssh_event_new();
	if (!b->event || ssh_event_add_session(b->event, b->session.ssh) != SSH_OK)
		return error_set(err, ERROR_NO_RESOURCES, "libssh has no memory");
	ssh_set_message_callback(b->session.ssh, refuse_request, NULL);
	ssh_set_counters(b->session.ssh, &b->session.traffic, &b->counter);
	return true;
}

void broker_lose(struct broker *b, const char *why)
{
	struct error *err = &b->service.failure;

	error_set(err, ERROR_SSH_LOST, "the SSH connection to %s is lost: %s", b->session.config->hostname, why);
	error_cure(err, "try again; if it repeats, look at the network and at sshd's log on the host");
	log_v("SSH", "%s", err->message);
	b->service.ssh = NULL;
	/* A later command connects anew. */
	if (b->stays)
		socket_folder_remove(&b->folder);
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_fail(b->clients[i], err);
	for (; b->orphan_count > 0; b->orphan_count--)
		splice_free(b->orphans[b->orphan_count - 1]);
}

static int poll_timeout(const struct broker *b, bool more)
{
	int64_t until = broker_alive_until(b), turn = channel_open_next_turn(), now = clock_ms();

	if (more)
		return 0;
	until = turn < until ? turn : until;
	if (b->accept_after > now && b->accept_after < until)
		until = b->accept_after;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

static bool is_blocked(const struct broker *b)
{
	return b->service.ssh && (ssh_get_poll_flags(b->service.ssh) & SSH_WRITE_PENDING) != 0;
}

/* The end of what waited for us: of this process too, unless the connection stays. */
static bool front_ended(struct broker *b)
{
	io_close(&b->front);
	if (!b->stays)
		return true;
	broker_leave_front();
	return false;
}

/* True: the front has gone, or a signal ends the broker. */
static bool wait_for_work(struct broker *b, bool more)
{
	bool blocked = is_blocked(b);
	struct pollset *set = &b->set;

	set->count = 0;
	int front = pollset_add(set, b->front, POLLIN);
	int wake = pollset_add(set, broker_wake_descriptor(), POLLIN);
	int proxy = pollset_add(set, b->session.proxy_said, POLLIN);
	b->ssh_place = -1;
	if (b->service.ssh) {
		b->ssh_place = pollset_add(set, b->session.fd, (short)(POLLIN | (blocked ? POLLOUT : 0)));
		/* The kernel forgets it with every poll; without it sshd's Nagle costs 40 ms a channel. */
		platform_quick_ack(b->session.fd);
	}
	b->listener_place = -1;
	if (b->folder.listener >= 0 && b->client_count < CLIENTS_MAX && clock_ms() >= b->accept_after)
		b->listener_place = pollset_add(set, b->folder.listener, POLLIN);
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_gather(b->clients[i], set, blocked);
	if (poll(set->fds, (nfds_t)set->count, poll_timeout(b, more)) < 0) {
		/* A signal: nothing that was gathered has been looked at. */
		for (size_t i = 0; i < set->count; i++)
			set->fds[i].revents = 0;
	}
	if (pollset_events(set, proxy))
		session_pass_on(&b->session);
	return (pollset_events(set, wake) && broker_take_end()) || (pollset_events(set, front) && front_ended(b));
}

/* Reads what has come for libssh, bounded. False: the connection is lost. */
static bool read_ssh(struct broker *b)
{
	for (int i = 0; i < DOPOLL_MAX; i++) {
		int rc = ssh_event_dopoll(b->event, 0);
		if (rc == SSH_ERROR || session_is_lost(b->service.ssh))
			return false;
		if (rc == SSH_AGAIN)
			break;
	}
	return true;
}

/* What came before the end is passed on as far as it is taken at once. */
static void run_down(struct broker *b)
{
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_run(b->clients[i], &b->set);
	broker_lose(b, ssh_get_error(b->session.ssh));
}

/*
 * Rounds until nothing moves: packets are also taken inside of libssh's other calls, for channels that had their turn already. True: the
 * rounds ran out first.
 */
static bool move(struct broker *b)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		bool more = false;
		/* A client's bytes need no look at what SSH brings. */
		bool look = round > 0 || pollset_events(&b->set, b->ssh_place);
		if (look && b->service.ssh && !read_ssh(b))
			run_down(b);
		uint64_t packets = b->counter.in_packets;
		for (size_t i = 0; i < b->client_count; i++)
			more |= broker_client_run(b->clients[i], &b->set);
		if (b->service.ssh)
			broker_bury_orphans(b);
		if (packets != b->packets) {
			b->heard = clock_ms();
			b->asked = 0;
			b->packets = packets;
		}
		if (b->counter.in_packets == packets && !more)
			return false;
	}
	return true;
}

/*
 * What libssh has no limits for. A server that keeps to the protocol meets none of these: it takes what it has asked for, it sends what the window
 * allows, and libssh goes on reading.
 */
static void watch_server(struct broker *b)
{
	if (!b->service.ssh)
		return;
	if (!is_blocked(b))
		b->unsent = b->counter.out_packets;
	if (session_is_stuck(&b->session, (pollset_events(&b->set, b->ssh_place) & POLLIN) != 0))
		broker_lose(b, ssh_get_error(b->session.ssh));
	else if (b->counter.out_packets - b->unsent > UNSENT_MAX)
		broker_lose(b, "sshd asks without end, and does not read our answers");
	else if (splice_is_flooded())
		broker_lose(b, "sshd sends more on a channel than its window allows");
}

static void serve(struct broker *b)
{
	bool more = false;

	b->heard = clock_ms();
	while (!b->service.terminate && !b->starved && !broker_is_over(b) && !wait_for_work(b, more)) {
		if (pollset_events(&b->set, b->listener_place))
			broker_accept_clients(b);
		broker_tell_status(b);
		for (size_t i = 0; i < b->client_count; i++)
			broker_client_read(b->clients[i], &b->service, &b->set);
		if (broker_take_resize()) {
			for (size_t i = 0; i < b->client_count; i++)
				broker_client_resize(b->clients[i]);
		}
		broker_keep_alive(b);
		more = move(b);
		/* After a write libssh sends no more until it has seen that it may, which mostly is so at once. */
		if (is_blocked(b))
			ssh_event_dopoll(b->event, 0);
		watch_server(b);
		broker_drop_clients(b);
		more |= b->counter.in_packets != b->packets || channel_open_take_turn();
	}
}

/* What clients wrote before the end is still sent, as far as SSH takes it soon. */
static void finish(struct broker *b)
{
	int64_t deadline = clock_ms() + FINISH_MS;

	for (size_t i = 0; i < b->client_count; i++)
		broker_client_finish(b->clients[i]);
	while (is_blocked(b) && clock_ms() < deadline) {
		if (ssh_event_dopoll(b->event, 20) == SSH_ERROR || splice_is_flooded())
			break;
	}
}

void broker_run(const struct broker_start *start)
{
	static struct broker b;

	b.start = start;
	b.front = start->lifeline;
	b.service.persist_ms = start->persist_ms;
	b.session.proxy_is_heard = start->kept_at != NULL;
	broker_become_process(start->lifeline);
	if (!broker_make_socket(&b.folder, start->kept_at, start->lifeline))
		_exit(0);
	terminal_on_question(mark_asking, &b);
	bool ok = establish(&b);
	b.stays = ok && start->kept_at;
	if (!ok) {
		log_v("broker", "%s", b.service.failure.message);
		session_close(&b.session);
	}
	broker_leave_terminal();
	/* What it needs it has: the connection, the socket, and the clients that come through it. */
	if (!platform_confine())
		log_vv("broker", "the kernel takes no system calls away from it");
	b.service.ssh = ok ? b.session.ssh : NULL;
	b.service.info = b.session.info;
	serve(&b);
	socket_folder_remove(&b.folder);
	if (b.service.ssh)
		finish(&b);
	session_close(&b.session);
	_exit(b.starved ? error_code_status(ERROR_NO_RESOURCES) : 0);
}
