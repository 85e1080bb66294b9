/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/broker_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "ssh/broker_greet.h"
#include "ssh/mux.h"

enum {
	IN_MAX = 4 + MUX_REQUEST_MAX + MUX_DESCRIPTORS_MAX,
	OUT_MAX = 32 * 1024, /* replies that a client leaves unread: then it is dropped */
	READ_SIZE = 8 * 1024,
	TEXT_MAX = ERROR_MESSAGE_MAX + ERROR_CURE_MAX + 128,
	QUEUE_MAX = MUX_DESCRIPTORS_MAX + 1, /* descriptors that came and were not asked for yet */
	PER_MESSAGE_MAX = 8,
	NO_STATUS = 255, /* of a channel that ended without one, as OpenSSH has it */
};

struct broker_client {
	int fd;
	int place;
	struct buf in;
	struct buf out;
	int queue[QUEUE_MAX];
	size_t queued;
	bool greeted;
	bool late_failure;
	bool told;    /* the client knows what became of its request */
	bool closing; /* to be closed when all replies are sent */
	bool dead;
	uint32_t request;
	struct splice *splice;
};

struct broker_client *broker_client_new(int fd)
{
	struct broker_client *c = xcalloc(1, sizeof *c);

	c->fd = fd;
	c->place = -1;
	buf_init(&c->in, IN_MAX);
	buf_init(&c->out, OUT_MAX);
	return c;
}

static void drop_queue(struct broker_client *c)
{
	for (size_t i = 0; i < c->queued; i++)
		close(c->queue[i]);
	c->queued = 0;
}

struct splice *broker_client_free(struct broker_client *c)
{
	struct splice *left = c->splice;

	if (left) {
		splice_abandon(left);
		if (!splice_is_awaited(left)) {
			splice_free(left);
			left = NULL;
		}
	}
	drop_queue(c);
	io_close(&c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
	return left;
}

void broker_client_gather(struct broker_client *c, struct pollset *set, bool blocked)
{
	/* While it is closing nothing more is read, but its going away still shows. */
	c->place = pollset_add(set, c->fd, (short)(POLLIN | (c->out.len > 0 ? POLLOUT : 0)));
	if (c->splice)
		splice_gather(c->splice, set, blocked);
}

/* Descriptors beyond what a request can need are closed as they come. */
static void take_descriptors(struct broker_client *c, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
			if (c->queued < QUEUE_MAX) {
				io_set_cloexec(fd);
				c->queue[c->queued++] = fd;
			} else {
				close(fd);
			}
		}
	}
}

static void reply_failure(struct broker_client *c, uint32_t type, const struct error *why)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	mux_put_error(&text, why);
	mux_put_failure(&c->out, type, c->request, buf_text(&text), text.len);
	buf_clear(&text);
}

static void flush(struct broker_client *c)
{
	while (c->out.len > 0 && !c->dead) {
		ssize_t n = io_write(c->fd, c->out.data, c->out.len);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0)
			c->dead = true;
		else
			buf_consume(&c->out, (size_t)n);
	}
	if (c->closing && c->out.len == 0)
		c->dead = true;
}

static void refuse_lost_descriptors(struct broker_client *c)
{
	struct error why = { .code = ERROR_NONE };

	error_set(&why, ERROR_NO_RESOURCES, "the process that holds the SSH connection has no descriptor left");
	reply_failure(c, MUX_S_FAILURE, &why);
	flush(c);
	c->dead = true;
}

/* False: nothing more for now, or the end (then dead is set). */
static bool receive(struct broker_client *c)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(PER_MESSAGE_MAX * sizeof(int))];
	} control;
	size_t room = c->in.max - c->in.len < READ_SIZE ? c->in.max - c->in.len : READ_SIZE;
	struct iovec into = { .iov_base = room > 0 ? buf_reserve(&c->in, room) : NULL, .iov_len = room };
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space
	};
	int flags = 0;
	ssize_t n;

#ifdef MSG_CMSG_CLOEXEC
	flags |= MSG_CMSG_CLOEXEC;
#endif
	if (room == 0) {
		c->dead = true;
		return false;
	}
	do
		n = recvmsg(c->fd, &message, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n > 0)
		take_descriptors(c, &message);
	/* Descriptors that did not fit, or that this process has no room for, are lost: so is the request that they belong to. */
	if (n > 0 && (message.msg_flags & MSG_CTRUNC))
		refuse_lost_descriptors(c);
	if (n <= 0 || c->dead) {
		c->dead = true;
		return false;
	}
	c->in.len += (size_t)n;
	return true;
}

static void reply_refused(struct broker_client *c, uint32_t type, uint32_t id, const char *text)
{
	mux_put_failure(&c->out, type, id, text, strlen(text));
}

/* Owns the descriptors, which are at least as many as the request needs. */
static void open_stream(struct broker_client *c, struct broker_service *service, const struct mux_request *request,
			const int *fds)
{
	if (service->ssh && !c->splice && !c->told && request->port <= UINT16_MAX) {
		c->request = request->id;
		c->splice = splice_new(service->ssh, request, fds);
		return;
	}
	for (int i = 0; i < request->descriptors; i++)
		close(fds[i]);
	if (c->splice || c->told) {
		reply_refused(c, MUX_S_FAILURE, request->id, "Multiple sessions not supported");
	} else if (service->ssh) {
		reply_refused(c, MUX_S_FAILURE, request->id, "No such port");
	} else {
		c->request = request->id;
		reply_failure(c, MUX_S_FAILURE, &service->failure);
	}
}

static void answer(struct broker_client *c, struct broker_service *service, const struct mux_request *request)
{
	c->request = c->splice ? c->request : request->id;
	switch (request->type) {
	case MUX_C_ALIVE_CHECK:
		if (service->ssh)
			mux_put_numbers(&c->out, MUX_S_ALIVE, request->id, (uint32_t)getpid());
		else
			reply_failure(c, MUX_S_FAILURE, &service->failure);
		break;
	case MUX_C_TERMINATE:
		mux_put_number(&c->out, MUX_S_OK, request->id);
		service->terminate = true;
		break;
	default:
		/* Listeners of any kind among them: nothing of ours listens for others. */
		reply_refused(c, MUX_S_PERMISSION_DENIED, request->id, "beamline does not offer this");
		break;
	}
}

static bool greet(struct broker_client *c, struct broker_service *service, const struct mux_packet *packet)
{
	c->greeted = true;
	return broker_greet(packet, service, &c->out, &c->late_failure);
}

/* One packet with its descriptors. False: there is no whole one yet, or a bad one (then dead is set). */
static bool take_packet(struct broker_client *c, struct broker_service *service)
{
	struct mux_packet packet;
	struct mux_request request;
	enum mux_next next = mux_next_packet(c->in.data, c->in.len, MUX_REQUEST_MAX, &packet);

	if (next == MUX_INCOMPLETE)
		return false;
	c->dead = next == MUX_BAD || !(c->greeted ? mux_decode_request(&packet, &request) : greet(c, service, &packet));
	if (c->dead)
		return false;
	size_t size = packet.size;
	if (packet.type != MUX_MSG_HELLO) {
		size_t needed = (size_t)request.descriptors;
		if (c->in.len - size < needed)
			return false;
		/* Each descriptor arrives with its byte, so with all bytes there all descriptors are. */
		c->dead = c->queued < needed || memcmp(c->in.data + size, "\0\0\0", needed) != 0;
		if (c->dead)
			return false;
		c->queued -= needed;
		if (needed > 0)
			open_stream(c, service, &request, c->queue);
		else
			answer(c, service, &request);
		memmove(c->queue, c->queue + needed, c->queued * sizeof *c->queue);
		size += needed;
	}
	buf_consume(&c->in, size);
	return true;
}

void broker_client_read(struct broker_client *c, struct broker_service *service, const struct pollset *set)
{
	short events = pollset_events(set, c->place);

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		if (receive(c)) {
			while (!c->dead && take_packet(c, service))
				continue;
			/* Nothing that was asked for is outstanding: what is left came unasked. */
			if (c->in.len == 0)
				drop_queue(c);
		}
	}
	if (c->out.overflow)
		c->dead = true;
	flush(c);
}

static void log_channel(const struct broker_client *c, const char *what)
{
	char name[128];

	if (log_level() >= 2)
		log_vv("channel", "%s %s", splice_describe(c->splice, name, sizeof name), what);
}

static void tell_opened(struct broker_client *c)
{
	log_channel(c, "open");
	mux_put_numbers(&c->out, MUX_S_SESSION_OPENED, c->request, c->request);
	if (splice_lacks_terminal(c->splice))
		mux_put_number(&c->out, MUX_S_TTY_ALLOC_FAIL, c->request);
	c->told = true;
}

static void tell_ended(struct broker_client *c)
{
	log_channel(c, "closed");
	int status = splice_exit_status(c->splice);
	/* Our own front takes an end without a word for the broker's. */
	if (status < 0 && c->late_failure)
		status = NO_STATUS;
	if (status >= 0)
		mux_put_numbers(&c->out, MUX_S_EXIT_MESSAGE, c->request, (uint32_t)status);
	splice_free(c->splice);
	c->splice = NULL;
	c->closing = true;
}

bool broker_client_run(struct broker_client *c, const struct pollset *set)
{
	bool more = false;

	if (c->splice && !c->dead) {
		enum splice_state state = splice_advance(c->splice);
		if (state == SPLICE_OPEN && !c->told)
			tell_opened(c);
		if (state == SPLICE_OPEN)
			more = splice_run(c->splice, set);
		if (state == SPLICE_REFUSED) {
			log_channel(c, splice_error(c->splice)->message);
			reply_failure(c, MUX_S_FAILURE, splice_error(c->splice));
			splice_free(c->splice);
			c->splice = NULL;
			c->told = true;
		} else if (splice_advance(c->splice) == SPLICE_ENDED) {
			tell_ended(c);
		}
	}
	if (c->out.len > 0 || c->closing)
		flush(c);
	return more;
}

void broker_client_fail(struct broker_client *c, const struct error *why)
{
	if (!c->splice)
		return;
	if (c->late_failure || !c->told)
		reply_failure(c, MUX_S_FAILURE, why);
	flush(c);
	splice_free(c->splice);
	c->splice = NULL;
	c->told = c->closing = true;
	flush(c);
}

void broker_client_finish(struct broker_client *c)
{
	struct error why = { .code = ERROR_NONE };

	if (!c->splice)
		return;
	/* Told before its stream closes: our front must not take that for the node's doing. */
	if (c->late_failure) {
		error_set(&why, ERROR_SSH_LOST, "the process that holds the SSH connection was ended");
		error_cure(&why, "try again");
		reply_failure(c, MUX_S_FAILURE, &why);
		flush(c);
	}
	splice_abandon(c->splice);
}

void broker_client_resize(struct broker_client *c)
{
	if (c->splice)
		splice_resize(c->splice);
}

bool broker_client_is_waiting(const struct broker_client *c)
{
	return c->splice && !c->told;
}

bool broker_client_has_channel(const struct broker_client *c)
{
	return c->splice && c->told;
}

bool broker_client_is_done(const struct broker_client *c)
{
	return c->dead;
}
