/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libssh/server.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"
#include "ssh/auth.h"
#include "ssh/broker_client.h"
#include "ssh/broker_process.h"
#include "ssh/host_key.h"
#include "ssh/session.h"
#include "ssh/socket_folder.h"

enum {
	CLIENTS_MAX = 256,
	ORPHANS_MAX = 256,     /* channels whose client left before the server answered, or closed its side too */
	DOPOLL_MAX = 64,       /* reads of libssh (4 KiB each) before clients have their turn */
	ROUNDS_MAX = 8,        /* turns of all clients before the poll */
	ALIVE_INTERVAL_S = 15, /* where ssh_config has no ServerAliveInterval */
	ALIVE_COUNT = 3,
	ACCEPT_PAUSE_MS = 100,     /* after the system had no descriptor for a client */
	ACCEPT_PATIENCE_MS = 3000, /* with that, where nobody else is served */
	FINISH_MS = 200,           /* for the last words of clients */
	UNSENT_MAX =
		10000, /* packets that wait for a server which does not read: answers that it asked for, most of them */
};

struct broker {
	const struct broker_start *start;
	struct socket_folder folder;
	struct session session;
	struct broker_service service;
	ssh_event event;
	struct ssh_counter_struct counter; /* of packets, kept by libssh */
	struct broker_client *clients[CLIENTS_MAX];
	size_t client_count;
	struct splice *orphans[ORPHANS_MAX];
	size_t orphan_count;
	struct pollset set;
	int listener_place;
	int ssh_place;
	int64_t accept_after;
	int64_t refused_since; /* when the first of the clients that could not be accepted was put off to; 0: the last could */
	bool starved;          /* of descriptors: a broker that can serve nobody */
	uint64_t packets; /* of them, how many everyone has had their turn after */
	uint64_t unsent;  /* how many we had made when the socket took everything the last time */
	int64_t heard;    /* clock_ms() of the last packet */
	int asked;        /* keepalive requests since then */
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

static bool establish(struct broker *b)
{
	struct error *err = &b->service.failure;
	struct tunnel_info *info = &b->session.info;

	b->session.info = b->start->info;
	b->session.lifeline = &b->start->lifeline;
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

static void lose(struct broker *b, const char *why)
{
	struct error *err = &b->service.failure;

	error_set(err, ERROR_SSH_LOST, "the SSH connection to %s is lost: %s", b->session.config->hostname, why);
	error_cure(err, "try again; if it repeats, look at the network and at sshd's log on the host");
	log_v("SSH", "%s", err->message);
	b->service.ssh = NULL;
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_fail(b->clients[i], err);
	for (; b->orphan_count > 0; b->orphan_count--)
		splice_free(b->orphans[b->orphan_count - 1]);
}

static int alive_interval_ms(const struct broker *b)
{
	int interval = b->session.config->alive_interval_s;

	return (interval > 0 && interval < 86400 ? interval : ALIVE_INTERVAL_S) * 1000;
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

static void keep_alive(struct broker *b)
{
	int most = b->session.config->alive_count > 0 ? b->session.config->alive_count : ALIVE_COUNT;

	if (b->counter.in_packets != b->packets) {
		b->heard = clock_ms();
		b->asked = 0;
	}
	int64_t silent = clock_ms() - b->heard;
	if (!b->service.ssh || silent < (int64_t)alive_interval_ms(b) * (b->asked + 1))
		return;
	if (b->asked >= most)
		lose(b, "the host does not answer any more");
	else
		send_keepalive(b);
}

static int poll_timeout(const struct broker *b, bool more)
{
	int64_t until = INT64_MAX, now = clock_ms();

	if (more)
		return 0;
	if (b->service.ssh)
		until = b->heard + (int64_t)alive_interval_ms(b) * (b->asked + 1);
	if (b->accept_after > now && b->accept_after < until)
		until = b->accept_after;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : (int)(until - now);
}

static bool is_blocked(const struct broker *b)
{
	return b->service.ssh && (ssh_get_poll_flags(b->service.ssh) & SSH_WRITE_PENDING) != 0;
}

/* True: the front has gone, or a signal or client ends the broker. */
static bool wait_for_work(struct broker *b, bool more)
{
	bool blocked = is_blocked(b);
	struct pollset *set = &b->set;

	set->count = 0;
	int lifeline = pollset_add(set, b->start->lifeline, POLLIN);
	int wake = pollset_add(set, broker_wake_descriptor(), POLLIN);
	b->ssh_place = -1;
	if (b->service.ssh) {
		b->ssh_place = pollset_add(set, b->session.fd, (short)(POLLIN | (blocked ? POLLOUT : 0)));
		/* The kernel forgets it with every poll; without it sshd's Nagle costs 40 ms a channel. */
		platform_quick_ack(b->session.fd);
	}
	b->listener_place = -1;
	if (b->client_count < CLIENTS_MAX && clock_ms() >= b->accept_after)
		b->listener_place = pollset_add(set, b->folder.listener, POLLIN);
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_gather(b->clients[i], set, blocked);
	if (poll(set->fds, (nfds_t)set->count, poll_timeout(b, more)) < 0) {
		/* A signal: nothing that was gathered has been looked at. */
		for (size_t i = 0; i < set->count; i++)
			set->fds[i].revents = 0;
	}
	return (pollset_events(set, wake) && broker_take_end()) || pollset_events(set, lifeline);
}

/* The system has no descriptor for a client: it waits, and may be lucky. */
static void put_off_clients(struct broker *b)
{
	b->accept_after = clock_ms() + ACCEPT_PAUSE_MS;
	b->refused_since = b->refused_since ? b->refused_since : b->accept_after;
	b->starved = b->client_count == 0 && b->accept_after - b->refused_since >= ACCEPT_PATIENCE_MS;
}

static void accept_clients(struct broker *b)
{
	while (b->client_count < CLIENTS_MAX) {
		int fd = accept(b->folder.listener, NULL, NULL);
		uid_t uid;
		if (fd < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				put_off_clients(b);
			return;
		}
		b->refused_since = 0;
		/* The folder keeps others out already; where the kernel can tell, root's mistakes stay out too. */
		if (platform_peer_uid(fd, &uid) && uid != getuid()) {
			close(fd);
			continue;
		}
		io_set_cloexec(fd);
		io_set_nonblocking(fd);
		b->clients[b->client_count++] = broker_client_new(fd);
	}
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

/* One that need not be kept goes, where all places are taken. False: there is none such. */
static bool make_room_for_orphan(struct broker *b)
{
	for (size_t i = 0; b->orphan_count == ORPHANS_MAX && i < b->orphan_count; i++) {
		if (!splice_is_opening(b->orphans[i])) {
			splice_free(b->orphans[i]);
			b->orphans[i] = b->orphans[--b->orphan_count];
		}
	}
	return b->orphan_count < ORPHANS_MAX;
}

static void drop_done_clients(struct broker *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->client_count; i++) {
		/* One more orphan than there is room for has to wait in its client. */
		if (!broker_client_is_done(b->clients[i]) || !make_room_for_orphan(b)) {
			b->clients[kept++] = b->clients[i];
			continue;
		}
		struct splice *orphan = broker_client_free(b->clients[i]);
		if (orphan)
			b->orphans[b->orphan_count++] = orphan;
	}
	b->client_count = kept;
}

static void bury_orphans(struct broker *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->orphan_count; i++) {
		splice_advance(b->orphans[i]);
		if (splice_is_awaited(b->orphans[i]))
			b->orphans[kept++] = b->orphans[i];
		else
			splice_free(b->orphans[i]);
	}
	b->orphan_count = kept;
}

/* What came before the end is passed on as far as it is taken at once. */
static void run_down(struct broker *b)
{
	for (size_t i = 0; i < b->client_count; i++)
		broker_client_run(b->clients[i], &b->set);
	lose(b, ssh_get_error(b->session.ssh));
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
			bury_orphans(b);
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
		lose(b, ssh_get_error(b->session.ssh));
	else if (b->counter.out_packets - b->unsent > UNSENT_MAX)
		lose(b, "sshd asks without end, and does not read our answers");
	else if (splice_is_flooded())
		lose(b, "sshd sends more on a channel than its window allows");
}

static void serve(struct broker *b)
{
	bool more = false;

	b->heard = clock_ms();
	while (!b->service.terminate && !b->starved && !wait_for_work(b, more)) {
		if (pollset_events(&b->set, b->listener_place))
			accept_clients(b);
		for (size_t i = 0; i < b->client_count; i++)
			broker_client_read(b->clients[i], &b->service, &b->set);
		if (broker_take_resize()) {
			for (size_t i = 0; i < b->client_count; i++)
				broker_client_resize(b->clients[i]);
		}
		keep_alive(b);
		more = move(b);
		/* After a write libssh sends no more until it has seen that it may, which mostly is so at once. */
		if (is_blocked(b))
			ssh_event_dopoll(b->event, 0);
		watch_server(b);
		drop_done_clients(b);
		more |= b->counter.in_packets != b->packets;
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
	broker_become_process(start->lifeline);
	if (!broker_make_socket(&b.folder, start->lifeline))
		_exit(0);
	bool ok = establish(&b);
	if (!ok) {
		log_v("broker", "%s", b.service.failure.message);
		session_close(&b.session);
	}
	broker_leave_terminal();
	b.service.ssh = ok ? b.session.ssh : NULL;
	b.service.info = b.session.info;
	serve(&b);
	socket_folder_remove(&b.folder);
	if (b.service.ssh)
		finish(&b);
	session_close(&b.session);
	_exit(b.starved ? error_code_status(ERROR_NO_RESOURCES) : 0);
}
