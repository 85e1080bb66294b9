/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes and ends, both ways. */
#include <errno.h>
#include <sys/socket.h>

#include "base/io.h"
#include "ssh/splice_private.h"

static uint8_t scratch[FROM_SSH_MAX];

bool splice_send_waiting(struct splice *c)
{
	struct buf *waiting = &c->ends[IN].waiting;

	while (waiting->len > 0) {
		int n = ssh_channel_write(c->ssh, waiting->data, (uint32_t)waiting->len);
		if (n <= 0)
			return false;
		buf_consume(waiting, (size_t)n);
	}
	if (waiting->cap > 0)
		buf_clear(waiting);
	return true;
}

void splice_read_in(struct splice *c)
{
	struct end *in = &c->ends[IN];
	size_t room = ssh_channel_window_size(c->ssh);

	if (room == 0 || in->waiting.len > 0)
		return;
	ssize_t n = io_read(in->fd, scratch, room < TO_SSH_MAX ? room : TO_SSH_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0) {
		in->done = true;
		return;
	}
	int sent = ssh_channel_write(c->ssh, scratch, (uint32_t)n);
	if (sent < 0)
		sent = 0;
	buf_put(&in->waiting, scratch + sent, (size_t)(n - sent));
}

/* Writes as much as the descriptor takes; returns how much. One that nobody reads any more swallows all. */
static size_t write_end(struct end *end, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len && !end->done) {
		ssize_t n = io_write(end->fd, data + done, len - done);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return done;
		if (n < 0)
			end->done = true;
		else
			done += (size_t)n;
	}
	return len;
}

/*
 * libssh opens the window to what a read asks for beyond what it holds, and tells the server: so that is asked for now and then only. It
 * holds something, so it does not wait.
 */
static int read_channel(struct splice *c, struct end *end, bool is_stderr)
{
	bool widen = c->far && end->taken >= FAR_STEP;
	int n = widen ? ssh_channel_read_timeout(c->ssh, scratch, FAR_WINDOW, is_stderr, 0)
		      : ssh_channel_read_nonblocking(c->ssh, scratch, sizeof scratch, is_stderr);

	if (widen)
		end->taken = 0;
	if (n > 0)
		end->taken += (size_t)n;
	return n;
}

/* Channel to descriptor. True: there may be more at once. */
static bool drain(struct splice *c, struct end *end, bool is_stderr)
{
	if (end->waiting.len > 0) {
		buf_consume(&end->waiting, write_end(end, end->waiting.data, end->waiting.len));
		if (end->waiting.len > 0)
			return false;
		buf_clear(&end->waiting);
	}
	if (!end->has_data)
		return false;
	end->has_data = false;
	int n = read_channel(c, end, is_stderr);
	/* Less than asked for is all that there was; asking once more would poll the socket. */
	if (n == (int)sizeof scratch)
		end->has_data = true;
	if (n <= 0)
		return false;
	size_t written = write_end(end, scratch, (size_t)n);
	buf_put(&end->waiting, scratch + written, (size_t)n - written);
	return end->has_data && end->waiting.len == 0;
}

static bool is_drained(const struct end *end)
{
	return end->waiting.len == 0 && !end->has_data;
}

static void pass_ends_on(struct splice *c)
{
	struct end *in = &c->ends[IN], *out = &c->ends[OUT];

	if (in->done && in->waiting.len == 0 && !c->eof_sent && !c->remote_closed) {
		ssh_channel_send_eof(c->ssh);
		c->eof_sent = true;
	}
	/* Its reader has gone: nothing of the channel is of use to a forward any more. A program is told by its next write. */
	if (out->done && !c->remote_eof && ssh_channel_is_open(c->ssh))
		ssh_channel_close(c->ssh);
	if (c->remote_eof && is_drained(out) && !out->done) {
		out->done = true;
		if (out->is_socket)
			shutdown(out->fd, SHUT_WR);
	}
	if (c->remote_closed && is_drained(out) && is_drained(&c->ends[ERR]))
		c->state = SPLICE_ENDED;
}

bool splice_run(struct splice *c, const struct pollset *set)
{
	bool more = false;

	if (c->state != SPLICE_OPEN)
		return false;
	if (c->ends[IN].waiting.len > 0)
		splice_send_waiting(c);
	else if (pollset_events(set, c->ends[IN].place))
		splice_read_in(c);
	c->ends[IN].place = -1;
	for (int i = OUT; i <= ERR; i++)
		more |= drain(c, &c->ends[i], i == ERR);
	pass_ends_on(c);
	return more;
}
