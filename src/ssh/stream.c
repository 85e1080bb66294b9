/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The streams of tunnel.h: each on a multiplexing connection of its own, whose replies tell what became of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/kept.h"
#include "ssh/mux.h"
#include "ssh/mux_client.h"
#include "ssh/tunnel_private.h"

enum state { STREAM_CLOSED, STREAM_ASKED, STREAM_OPEN, STREAM_ENDED };

enum { GONE_MS = 100, GONE_STEP_MS = 10 };
enum { REQUEST_ID = 1, REQUEST_MAX = MUX_REQUEST_MAX + 1024 };

static void put_hello(struct buf *out, const char *extension)
{
	size_t begun = mux_begin_hello(out);

	mux_put_extension(out, extension, "", 0);
	mux_end_packet(out, begun);
}

/*
 * Sends the request with `count` descriptors: the given one (kept by the caller), or else (-1) the far end of a new socketpair, and /dev/null as
 * the third.
 */
static bool begin(struct tunnel *t, struct stream *s, const struct buf *request, size_t count, int given,
		  struct error *err)
{
	int ends[2] = { -1, -1 }, null = -1;
	bool ok = false;

	s->tunnel = t;
	s->fd = s->control = -1;
	s->request = REQUEST_ID;
	s->state = STREAM_CLOSED;
	s->exit_status = -1;
	s->tells_end = false;
	s->failure = NULL;
	buf_init(&s->received, MUX_REPLY_MAX + 4);
	if (request->overflow)
		return error_set(err, ERROR_USAGE, "%s: too long for a request", s->what);
	if ((given < 0 && !io_socketpair(ends)) ||
	    (count > 2 && (null = open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0)) {
		error_set(err, ERROR_NO_RESOURCES, "%s: %s", s->what, strerror(errno));
		goto done;
	}
	const int theirs = given < 0 ? ends[1] : given;
	const int descriptors[] = { theirs, theirs, null };
	if (!mux_client_connect(tunnel_socket(t), &s->control, err))
		goto done;
	/* Where the other side closes before it has all, it may have said why: that is read as its answer. */
	if (!mux_client_send(s->control, request, descriptors, count, err) && err->code != ERROR_SSH_LOST)
		goto done;
	if (given < 0)
		io_set_nonblocking(ends[0]);
	s->fd = ends[0];
	ends[0] = -1;
	s->state = STREAM_ASKED;
	ok = true;
done:
	io_close(&ends[0]);
	io_close(&ends[1]);
	io_close(&null);
	if (!ok)
		io_close(&s->control);
	return ok;
}

static bool forward(struct tunnel *t, const char *host, uint16_t port, int given, struct stream *s, struct error *err)
{
	struct buf request;

	buf_init(&request, REQUEST_MAX);
	snprintf(s->what, sizeof s->what, "%s:%u", host, (unsigned)port);
	put_hello(&request, MUX_EXTENSION_LATE_FAILURE);
	mux_put_forward(&request, REQUEST_ID, host, port);
	bool ok = begin(t, s, &request, 2, given, err);
	buf_clear(&request);
	return ok;
}

bool tunnel_forward(struct tunnel *t, const char *host, uint16_t port, struct stream *s, struct error *err)
{
	return forward(t, host, port, -1, s, err);
}

bool tunnel_forward_from(struct tunnel *t, int fd, const char *host, uint16_t port, struct stream *s, struct error *err)
{
	return forward(t, host, port, fd, s, err);
}

bool tunnel_exec(struct tunnel *t, const char *command, struct stream *s, struct error *err)
{
	struct buf request;

	buf_init(&request, REQUEST_MAX);
	snprintf(s->what, sizeof s->what, "exec");
	put_hello(&request, MUX_EXTENSION_LATE_FAILURE);
	mux_put_exec(&request, REQUEST_ID, command);
	bool ok = begin(t, s, &request, 3, -1, err);
	buf_clear(&request);
	return ok;
}

/* A server without our failure texts: OpenSSH tells its reasons to its own standard error only. */
static void take_plain_failure(const char *what, const struct mux_text *text, struct error *err)
{
	bool session = strcmp(what, "exec") == 0;

	error_set(err, session ? ERROR_SESSION_REFUSED : ERROR_CHANNEL_REFUSED, "%s was refused (%.*s)", what,
		  text->len < 400 ? (int)text->len : 400, text->p);
	error_cure(err, session ? "the account may be limited to forwarding, or MaxSessions is reached"
				: "check that something listens there on the host, and its sshd's AllowTcpForwarding "
				  "and PermitOpen");
}

void stream_take_failure(const char *what, const struct mux_text *text, struct error *err)
{
	if (!mux_parse_error(text->p, text->len, err))
		take_plain_failure(what, text, err);
}

static bool take_reply(struct stream *s, const struct mux_packet *packet)
{
	struct mux_reply reply;
	struct mux_hello hello;

	if (packet->type == MUX_MSG_HELLO) {
		if (!mux_decode_hello(packet, &hello) || hello.version != MUX_VERSION)
			return false;
		s->tells_end = mux_find_extension(&hello, MUX_EXTENSION_LATE_FAILURE) != NULL;
		return true;
	}
	if (!mux_decode_reply(packet, &reply))
		return false;
	if (reply.type == MUX_S_SESSION_OPENED) {
		s->state = STREAM_OPEN;
	} else if (reply.type == MUX_S_EXIT_MESSAGE) {
		s->exit_status = (int)(reply.value & 0xff);
	} else if ((reply.type == MUX_S_FAILURE || reply.type == MUX_S_PERMISSION_DENIED) && !s->failure) {
		s->failure = xcalloc(1, sizeof *s->failure);
		stream_take_failure(s->what, &reply.text, s->failure);
		s->state = STREAM_ENDED;
	}
	return true;
}

static void end_stream(struct stream *s, enum error_code code, const char *why)
{
	if (!s->failure) {
		s->failure = xcalloc(1, sizeof *s->failure);
		error_set(s->failure, code, "%s: %s", s->what, why);
		error_cure(s->failure, "try again; -v tells more");
	}
	s->state = STREAM_ENDED;
}

/* The connection to the server has ended: because the channel has, if the server has said so. */
static void server_ended(struct stream *s)
{
	if (s->state == STREAM_ASKED)
		end_stream(s, ERROR_SSH_LOST, "the SSH connection ended before this was opened");
	else if (s->exit_status < 0 && s->tells_end)
		end_stream(s, ERROR_SSH_LOST, "the process that holds the SSH connection ended");
	s->state = STREAM_ENDED;
}

/* Takes what has come, without waiting. */
static void pump(struct stream *s)
{
	while (s->state == STREAM_ASKED || s->state == STREAM_OPEN) {
		struct mux_packet packet;
		switch (mux_next_packet(s->received.data, s->received.len, MUX_REPLY_MAX, &packet)) {
		case MUX_PACKET:
			if (!take_reply(s, &packet))
				end_stream(s, ERROR_INTERNAL, "the multiplexing socket answers wrongly");
			buf_consume(&s->received, packet.size);
			break;
		case MUX_BAD:
			end_stream(s, ERROR_INTERNAL,
				   "what serves the multiplexing socket does not speak its protocol");
			break;
		case MUX_INCOMPLETE:
			switch (mux_client_receive(s->control, &s->received)) {
			case MUX_RECEIVED:
				break;
			case MUX_NOTHING:
				return;
			case MUX_END:
				server_ended(s);
				break;
			}
			break;
		}
	}
}

/* Until the control connection has something more, or the deadline passes. */
static enum io_wait wait_control(const struct stream *s, int64_t deadline)
{
	struct pollfd control = { .fd = s->control, .events = POLLIN };

	return io_wait(&control, 1, deadline);
}

bool stream_wait_open(struct stream *s, int64_t deadline, struct error *err)
{
	for (;;) {
		pump(s);
		if (s->failure) {
			*err = *s->failure;
			return false;
		}
		if (s->state == STREAM_OPEN || s->state == STREAM_ENDED)
			return true;
		switch (s->state == STREAM_CLOSED ? IO_FAILED : wait_control(s, deadline)) {
		case IO_READY:
			break;
		case IO_SIGNAL:
			return error_interrupted(err, io_take_signal());
		case IO_TIMEOUT:
			error_set(err, ERROR_CHANNEL_TIMEOUT, "%s is not open yet", s->what);
			return error_cure(err, "try again; -v shows how far the SSH connection has come");
		case IO_FAILED:
			return error_set(err, ERROR_INTERNAL, "%s: not open", s->what);
		}
	}
}

/* OpenSSH's master does not tell the end of a forward, so its own looks the same: then its socket is served no more, soon after. */
static bool master_is_gone(const struct stream *s, int64_t deadline)
{
	int64_t latest = clock_ms() + GONE_MS;
	bool gone = false;

	deadline = deadline == IO_NO_DEADLINE || deadline > latest ? latest : deadline;
	while (!gone && clock_ms() < deadline) {
		struct pollfd none = { .fd = -1 };
		int fd = kept_connect(tunnel_socket(s->tunnel));
		gone = fd < 0;
		io_close(&fd);
		if (!gone && io_wait(&none, 1, clock_ms() + GONE_STEP_MS) == IO_SIGNAL)
			break;
	}
	return gone;
}

bool stream_reason(struct stream *s, int64_t deadline, struct error *err)
{
	/* With both directions closed the channel ends, and its end is told at once. */
	if (s->fd >= 0)
		shutdown(s->fd, SHUT_WR);
	for (;;) {
		pump(s);
		if (s->state == STREAM_ENDED && !s->failure && s->tunnel->foreign && s->exit_status < 0 &&
		    master_is_gone(s, deadline))
			end_stream(s, ERROR_SSH_LOST, "the ControlMaster ended");
		if (s->failure) {
			*err = *s->failure;
			return false;
		}
		if (s->state == STREAM_ENDED || s->state == STREAM_CLOSED || wait_control(s, deadline) != IO_READY)
			return true;
	}
}

bool stream_has_ended(struct stream *s)
{
	pump(s);
	return s->state == STREAM_ENDED || s->state == STREAM_CLOSED;
}

int stream_exit_status(struct stream *s, int64_t deadline)
{
	for (;;) {
		pump(s);
		if (s->exit_status >= 0 || s->state == STREAM_ENDED || s->state == STREAM_CLOSED ||
		    wait_control(s, deadline) != IO_READY)
			return s->exit_status;
	}
}

void stream_close(struct stream *s)
{
	io_close(&s->fd);
	io_close(&s->control);
	buf_clear(&s->received);
	free(s->failure);
	s->failure = NULL;
	s->state = STREAM_CLOSED;
}
