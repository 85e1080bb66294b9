/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two clients of the broker, their channels, and the server: the input is a script of what they do. Whatever it is, replies must be
 * packets that decode, each byte must come out on the other side as it went in, in its order, and at the end nothing may be open.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "fake_libssh.h"
#include "fuzz_must.h"
#include "ssh/broker_client.h"
#include "ssh/mux.h"
#include "ssh/pollset.h"

enum action {
	CLIENT_BYTES,
	CLIENT_HELLO,
	CLIENT_FORWARD,
	CLIENT_PROGRAM,
	CLIENT_ASKS,
	CLIENT_DESCRIPTORS,
	CLIENT_WRITES,
	CLIENT_READS,
	CLIENT_ENDS,
	CLIENT_LEAVES,
	SERVER_ANSWERS,
	SERVER_REFUSES,
	SERVER_SENDS,
	SERVER_ERRORS,
	SERVER_ENDS,
	SERVER_EXITS,
	SERVER_WINDOW,
	BROKER_FAILS,
	BROKER_ENDS,
	BROKER_RESIZES,
	ACTIONS
};

enum { ACTIONS_MAX = 512, STREAMS = 3, SENT_MAX = 512 * 1024 };

/* The script's own side of what was passed to the broker. */
struct client {
	int control;
	int streams[STREAMS]; /* in, out, err; -1: not open */
	uint64_t written;
	uint64_t got[2];
	uint64_t replied; /* made of what the replies are, but for texts: those name libssh's numbers of channels */
	struct buf replies;
	bool greeted;
	struct broker_client *broker; /* NULL: gone */
	struct fake_end *end;         /* of its channel */
};

enum { CLIENTS = FAKE_CHANNELS };

/* The script's own time, so that both runs see the same: but for its beginning, long after what came before. */
static int64_t now_ms, begun_ms;

int64_t clock_ms(void)
{
	return now_ms;
}

int64_t clock_us(void)
{
	return 1000 * now_ms;
}

static struct client clients[CLIENTS];
static struct client *client; /* who acts */
static struct broker_service service;
static struct pollset set;

static void put(const struct buf *packet)
{
	if (client->control >= 0 && io_write(client->control, packet->data, packet->len) != (ssize_t)packet->len)
		io_close(&client->control);
}

static void pass(int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec nul = { .iov_base = (char[]){ '\0' }, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &nul, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space
	};

	if (client->control < 0)
		return;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	if (sendmsg(client->control, &message, MSG_NOSIGNAL) != 1)
		io_close(&client->control);
}

/* Three streams, or one for all of a forward; the first request has them, later ones what is refused. */
static void pass_streams(int count, bool pipes)
{
	int ours[STREAMS] = { -1, -1, -1 }, theirs[STREAMS] = { -1, -1, -1 };
	bool first = client->streams[0] < 0;

	for (int i = 0; i < count; i++) {
		int ends[2];
		if (i == 1 && !pipes)
			continue;
		must(pipes && i > 0 ? pipe(ends) == 0 : io_socketpair(ends));
		io_set_nonblocking(ends[0]);
		ours[i] = ends[0];
		theirs[i] = ends[1];
	}
	for (int i = 0; i < count; i++)
		pass(theirs[i] >= 0 ? theirs[i] : theirs[0]);
	for (int i = 0; i < STREAMS; i++) {
		io_close(&theirs[i]);
		if (first)
			client->streams[i] = ours[i];
		else
			io_close(&ours[i]);
	}
}

static void say_hello(uint8_t how)
{
	struct buf out;

	buf_init(&out, 256);
	size_t begun = mux_begin_hello(&out);
	if (how & 1)
		mux_put_extension(&out, MUX_EXTENSION_INFO, "", 0);
	if (how & 2)
		mux_put_extension(&out, MUX_EXTENSION_LATE_FAILURE, "", 0);
	if (how & 4)
		mux_put_extension(&out, MUX_EXTENSION_NOTES, "", 0);
	if (how & 8)
		mux_put_extension(&out, MUX_EXTENSION_STATUS, "", 0);
	if (how & 16)
		mux_put_extension(&out, MUX_EXTENSION_NOTE, "\0\0\0\1k\0\0\0\1v", 10);
	mux_end_packet(&out, begun);
	put(&out);
	buf_clear(&out);
}

static void ask_forward(uint8_t how)
{
	struct buf out;

	buf_init(&out, 256);
	mux_put_forward(&out, how, "127.0.0.1", how);
	put(&out);
	pass_streams(2, false);
	buf_clear(&out);
}

/* With whatever flags, terminal, command and environment. */
static void ask_program(struct script *s, uint8_t how)
{
	struct buf out;
	size_t len;

	buf_init(&out, 4096);
	buf_put_u32(&out, 0);
	buf_put_u32(&out, MUX_C_NEW_SESSION);
	buf_put_u32(&out, how);
	buf_put_u32(&out, 0);
	buf_put_u32(&out, how & 1);
	buf_put_u32(&out, 0);
	buf_put_u32(&out, 0);
	buf_put_u32(&out, how >> 1 & 1);
	buf_put_u32(&out, 0);
	for (int i = 0; i < 2 + (how >> 2 & 3); i++) {
		const uint8_t *text = script_bytes(s, script_byte(s) % 16, &len);
		buf_put_u32(&out, (uint32_t)len);
		buf_put(&out, text, len);
	}
	mux_end_packet(&out, 0);
	put(&out);
	pass_streams(3, how & 0x10);
	buf_clear(&out);
}

static void write_stream(size_t len)
{
	static uint8_t bytes[4096];

	if (client->streams[0] < 0)
		return;
	for (size_t i = 0; i < len; i++)
		bytes[i] = fake_byte(client->written + i);
	ssize_t n = io_write(client->streams[0], bytes, len);
	if (n > 0)
		client->written += (uint64_t)n;
}

/* What came is a piece of what was sent, in its order. */
static void read_stream(int fd, int which)
{
	static uint8_t block[64 * 1024];
	ssize_t n;

	while (fd >= 0 && (n = io_read(fd, block, sizeof block)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			must(block[i] == fake_byte(client->got[which]++));
	}
	must(client->got[which] <= client->end->sent[which]);
}

static void check_reply(const struct mux_packet *packet)
{
	struct mux_hello hello;
	struct mux_reply reply = { 0 };
	struct error err = { .code = ERROR_NONE };

	if (!client->greeted)
		must(mux_decode_hello(packet, &hello) && hello.version == MUX_VERSION);
	else
		must(mux_decode_reply(packet, &reply) && reply.type >= MUX_S_OK && reply.type <= MUX_S_TTY_ALLOC_FAIL);
	if (reply.text.len > 0)
		mux_parse_error(reply.text.p, reply.text.len, &err);
	client->replied = client->replied * 31 + packet->type + reply.id + reply.session + reply.value + err.code;
	client->greeted = true;
}

static void read_replies(void)
{
	struct mux_packet packet;

	for (;;) {
		uint8_t *room = buf_reserve(&client->replies, 4096);
		ssize_t n = client->control >= 0 && room ? io_read(client->control, room, 4096) : -1;
		if (n <= 0)
			break;
		client->replies.len += (size_t)n;
	}
	while (mux_next_packet(client->replies.data, client->replies.len, MUX_REPLY_MAX, &packet) == MUX_PACKET) {
		check_reply(&packet);
		buf_consume(&client->replies, packet.size);
	}
}

static void client_reads(void)
{
	read_stream(client->streams[0], 0);
	if (client->streams[1] >= 0)
		read_stream(client->streams[1], 0);
	read_stream(client->streams[2], 1);
	read_replies();
}

static void refuse(struct script *s, uint8_t how)
{
	size_t len;
	const uint8_t *text = script_bytes(s, script_byte(s), &len);

	fake_server.other_text = how & 1;
	fake_server.code = how >> 1 & 3;
	fake_server.off_by = how & 8 ? 1 : 0;
	fake_server.lacks_memory = how & 0x80;
	snprintf(fake_server.words, sizeof fake_server.words, "%.*s", (int)len, (const char *)text);
}

static void let_server_answer(uint8_t how)
{
	for (int i = 0; i < 1 + (how >> 4) && fake_server.answer_count < FAKE_ANSWERS_MAX; i++)
		fake_server.answers[fake_server.answer_count++] = how >> (i % 4) & 1 ? SSH_ERROR : SSH_OK;
	if (how == 0xff)
		fake_server.connected = false;
}

static void server_sends(uint8_t how, bool is_stderr)
{
	size_t len = (size_t)how * how;

	if (client->end->sent[0] + client->end->sent[1] + len <= SENT_MAX)
		fake_send(len, is_stderr);
}

static void act_as_client(struct script *s, enum action action, uint8_t how)
{
	size_t len;

	switch (action) {
	case CLIENT_BYTES: {
		const uint8_t *bytes = script_bytes(s, how, &len);
		put(&(struct buf){ .data = (uint8_t *)(uintptr_t)bytes, .len = len });
		break;
	}
	case CLIENT_HELLO:
		say_hello(how);
		break;
	case CLIENT_FORWARD:
		ask_forward(how);
		break;
	case CLIENT_PROGRAM:
		ask_program(s, how);
		break;
	case CLIENT_ASKS: {
		struct buf out;
		buf_init(&out, 64);
		mux_put_number(&out, how & 1 ? MUX_C_ALIVE_CHECK : how & 2 ? MUX_C_TERMINATE : 0x10000006U, how);
		put(&out);
		buf_clear(&out);
		break;
	}
	case CLIENT_DESCRIPTORS:
		for (int i = 0; i < how % 8; i++)
			pass(client->control);
		break;
	case CLIENT_WRITES:
		write_stream((size_t)how * 16);
		break;
	case CLIENT_READS:
		client_reads();
		break;
	case CLIENT_ENDS:
		if (how & 1 && client->streams[0] >= 0)
			shutdown(client->streams[0], SHUT_WR);
		else
			io_close(&client->streams[how / 2 % STREAMS]);
		break;
	default:
		io_close(&client->control);
		break;
	}
}

static void act(struct script *s, enum action action, uint8_t how)
{
	static const struct error lost = { .code = ERROR_SSH_LOST, .message = "lost", .cure = "try again" };

	switch (action) {
	case SERVER_ANSWERS:
		let_server_answer(how);
		break;
	case SERVER_REFUSES:
		refuse(s, how);
		break;
	case SERVER_SENDS:
		server_sends(how, false);
		break;
	case SERVER_ERRORS:
		server_sends(how, true);
		break;
	case SERVER_ENDS:
		if (how & 1)
			fake_close();
		else
			fake_eof();
		break;
	case SERVER_EXITS:
		if (how & 1)
			fake_exit_signal("KILL");
		else
			fake_exit_status(how);
		break;
	case SERVER_WINDOW:
		client->end->window = how & 1 ? 0 : client->end->window + 64U * how;
		fake_server.blocked = how & 2;
		break;
	case BROKER_FAILS:
		broker_client_fail(client->broker, &lost);
		break;
	case BROKER_ENDS:
		broker_client_finish(client->broker);
		break;
	case BROKER_RESIZES:
		now_ms += how;
		broker_client_resize(client->broker);
		break;
	default:
		act_as_client(s, action, how);
		break;
	}
}

/* One turn of the broker's loop. */
static void turn(bool blocked)
{
	set.count = 0;
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (clients[i].broker)
			broker_client_gather(clients[i].broker, &set, blocked);
	}
	/* libFuzzer's clock interrupts. */
	while (poll(set.fds, (nfds_t)set.count, 0) < 0)
		must(errno == EINTR);
	for (unsigned i = 0; i < CLIENTS; i++) {
		fake_choose(i);
		if (clients[i].broker)
			broker_client_read(clients[i].broker, &service, &set);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		fake_choose(i);
		for (int k = 0; clients[i].broker && k < 8 && broker_client_run(clients[i].broker, &set); k++)
			continue;
	}
}

/* The lowest descriptor that is free: the same before and after. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void start(bool failed)
{
	fake_reset();
	for (unsigned i = 0; i < CLIENTS; i++) {
		int ends[2];
		must(io_socketpair(ends) && io_set_nonblocking(ends[0]) && io_set_nonblocking(ends[1]));
		clients[i] = (struct client){ .control = ends[0],
					      .streams = { -1, -1, -1 },
					      .broker = broker_client_new(ends[1]),
					      .end = &fake_server.ends[i] };
		buf_init(&clients[i].replies, 256 * 1024);
	}
	service = (struct broker_service){ .ssh = failed ? NULL : fake_session() };
	error_set(&service.failure, ERROR_AUTH_REFUSED, "refused");
}

/* The broker lets go of a client: now, or when all ends. A channel that waits for its answer outlives it. */
static void leave(void)
{
	client_reads();
	struct splice *orphan = client->broker ? broker_client_free(client->broker) : NULL;
	client->broker = NULL;
	if (orphan) {
		fake_server.answers[0] = SSH_ERROR;
		fake_server.answer_count = 1;
		splice_advance(orphan);
		must(!splice_is_opening(orphan));
		splice_free(orphan);
	}
	must(!client->end->channel);
	io_close(&client->control);
	for (int i = 0; i < STREAMS; i++)
		io_close(&client->streams[i]);
	buf_clear(&client->replies);
}

static void choose(unsigned which)
{
	client = &clients[which];
	fake_choose(which);
}

/* What came of it all, for each client. */
struct outcome {
	uint64_t written, got[2], replied, taken;
};

static void run(struct script s, struct outcome outcomes[CLIENTS])
{
	now_ms = begun_ms += 1000000;
	start(script_byte(&s) & 1);
	for (int i = 0; i < ACTIONS_MAX && s.left > 0; i++) {
		uint8_t action = script_byte(&s), how = script_byte(&s);
		choose(action >> 6 & 1);
		if (!client->broker)
			continue;
		act(&s, (enum action)((action & 0x3f) % ACTIONS), how);
		turn(action & 0x80);
		for (unsigned k = 0; k < CLIENTS; k++) {
			choose(k);
			if (client->broker && broker_client_is_done(client->broker))
				leave();
		}
	}
	for (unsigned k = 0; k < CLIENTS; k++) {
		choose(k);
		leave();
		outcomes[k] = (struct outcome){ .written = client->written,
						.got = { client->got[0], client->got[1] },
						.replied = client->replied,
						.taken = client->end->taken };
	}
	must(fake_is_empty());
}

/* Twice: what the first run leaves in the broker's own variables would show in the second. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };
	struct outcome first[CLIENTS], second[CLIENTS];

	log_set_level(-1);
	signal(SIGPIPE, SIG_IGN);
	int lowest = lowest_free();
	run(s, first);
	run(s, second);
	must(memcmp(first, second, sizeof first) == 0);
	must(lowest_free() == lowest);
	return 0;
}
