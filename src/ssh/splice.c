/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libssh/callbacks.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/channel_open.h"

enum {
	/*
	 * What the server may send ahead. libssh's own window, 1,280,000 bytes opened again when half is used up, is 8 MB/s at 80 ms: where
	 * a channel took this long to open, it is made larger. Nearer it would only take memory from others.
	 */
	FAR_MS = 20,
	FAR_WINDOW = 4 * 1024 * 1024,
	FAR_STEP = 256 * 1024, /* opened again when this much was taken */
	/*
	 * A read takes all that libssh holds. libssh opens its window after each, whatever it still holds: were less taken, it would come to
	 * hold 256 MiB, and then lose bytes. So it is never more than one window and a half.
	 */
	FROM_SSH_MAX = 2 * FAR_WINDOW,
	NEAR_MAX = 2 * 1024 * 1024, /* … with libssh's own window */
	TO_SSH_MAX = 128 * 1024,
};

enum { IN, OUT, ERR, END_COUNT };

struct end {
	int fd;
	int place;     /* in the poll set */
	int old_flags; /* -1: not to be put back */
	bool is_socket;
	bool done;     /* IN: its end was read. OUT, ERR: closed, or nobody takes more */
	bool has_data; /* OUT, ERR: libssh holds bytes for it */
	size_t taken;  /* OUT, ERR: bytes since the window was opened last */
	struct buf waiting;
};

struct splice {
	struct channel_opening opening;
	ssh_channel ssh;
	ssh_session session;
	struct ssh_channel_callbacks_struct callbacks;
	enum splice_state state;
	struct end ends[END_COUNT];
	int64_t asked_at; /* clock_ms() */
	bool far;
	bool eof_sent;
	bool remote_eof;
	bool remote_closed;
	int exit_status;
	struct error error;
};

static uint8_t scratch[FROM_SSH_MAX];
/* One broker process has one connection. */
static bool flooded;

/* Only notes that there is something: reading in large pieces after the poll is faster than taking each packet here. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *user)
{
	struct splice *c = user;

	(void)session, (void)channel, (void)data;
	/* The length is that of all that libssh holds. */
	flooded |= len > (c->far ? FROM_SSH_MAX : NEAR_MAX);
	c->ends[is_stderr ? ERR : OUT].has_data = true;
	return 0;
}

static void on_eof(ssh_session session, ssh_channel channel, void *user)
{
	struct splice *c = user;

	(void)session, (void)channel;
	c->remote_eof = true;
}

static void on_close(ssh_session session, ssh_channel channel, void *user)
{
	struct splice *c = user;

	(void)session, (void)channel;
	c->remote_eof = c->remote_closed = true;
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *user)
{
	struct splice *c = user;

	(void)session, (void)channel;
	c->exit_status = status & 0xff;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *signal, int core, const char *message,
			   const char *language, void *user)
{
	struct splice *c = user;

	(void)session, (void)channel, (void)signal, (void)core, (void)message, (void)language;
	c->exit_status = 255;
}

/* A fresh libssh channel: the first, or one more after a refusal whose reason was lost. */
static bool renew(struct splice *c)
{
	if (c->ssh) {
		ssh_remove_channel_callbacks(c->ssh, &c->callbacks);
		ssh_channel_free(c->ssh);
	}
	c->ssh = ssh_channel_new(c->session);
	return c->ssh && ssh_add_channel_callbacks(c->ssh, &c->callbacks) == SSH_OK;
}

static void end_init(struct end *end, int fd, size_t max)
{
	struct stat st;

	*end = (struct end){
		.fd = fd, .place = -1, .old_flags = fcntl(fd, F_GETFL), .done = fd < 0, .taken = FAR_STEP
	};
	end->is_socket = fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	buf_init(&end->waiting, max);
}

/* Both descriptors of a forward are usually one socket. */
static bool same_socket(const struct end *a, const struct end *b)
{
	struct stat x, y;

	return a->is_socket && b->is_socket && fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

struct splice *splice_new(ssh_session ssh, const struct mux_request *request, const int *fds)
{
	struct splice *c = xcalloc(1, sizeof *c);

	c->session = ssh;
	c->exit_status = -1;
	c->asked_at = clock_ms();
	channel_opening_init(&c->opening, request, request->want_tty ? fds[IN] : -1);
	c->callbacks = (struct ssh_channel_callbacks_struct){
		.userdata = c,
		.channel_data_function = on_data,
		.channel_eof_function = on_eof,
		.channel_close_function = on_close,
		.channel_exit_status_function = on_exit_status,
		.channel_exit_signal_function = on_exit_signal,
	};
	ssh_callbacks_init(&c->callbacks);
	end_init(&c->ends[IN], fds[IN], TO_SSH_MAX);
	end_init(&c->ends[OUT], fds[OUT], FROM_SSH_MAX);
	end_init(&c->ends[ERR], request->descriptors > ERR ? fds[ERR] : -1, FROM_SSH_MAX);
	if (same_socket(&c->ends[IN], &c->ends[OUT])) {
		close(c->ends[OUT].fd);
		c->ends[OUT].fd = c->ends[IN].fd;
	}
	/* All modes are read before the first is changed: the descriptors may share one. */
	for (int i = 0; i < END_COUNT; i++) {
		if (c->ends[i].fd >= 0)
			io_set_nonblocking(c->ends[i].fd);
	}
	if (!renew(c)) {
		error_set(&c->error, ERROR_NO_RESOURCES, "libssh has no memory for a channel");
		c->state = SPLICE_REFUSED;
	}
	return c;
}

static void close_ends(struct splice *c)
{
	if (c->ends[OUT].fd == c->ends[IN].fd)
		c->ends[OUT].fd = -1;
	for (int i = 0; i < END_COUNT; i++) {
		struct end *end = &c->ends[i];
		if (end->fd >= 0 && end->old_flags >= 0)
			fcntl(end->fd, F_SETFL, end->old_flags);
		io_close(&end->fd);
		end->done = true;
		end->has_data = false;
		buf_clear(&end->waiting);
	}
}

void splice_free(struct splice *c)
{
	close_ends(c);
	if (c->ssh) {
		ssh_remove_channel_callbacks(c->ssh, &c->callbacks);
		ssh_channel_free(c->ssh);
	}
	channel_opening_clear(&c->opening);
	free(c);
}

enum splice_state splice_advance(struct splice *c)
{
	while (c->state == SPLICE_OPENING) {
		switch (channel_open_step(&c->opening, c->session, c->ssh, &c->error)) {
		case OPEN_PENDING:
			return c->state;
		case OPEN_AGAIN:
			if (!renew(c)) {
				error_set(&c->error, ERROR_NO_RESOURCES, "libssh has no memory for a channel");
				c->state = SPLICE_REFUSED;
			}
			break;
		case OPEN_REFUSED:
			c->state = SPLICE_REFUSED;
			break;
		case OPEN_DONE:
			c->state = SPLICE_OPEN;
			c->far = clock_ms() - c->asked_at >= FAR_MS;
			break;
		}
	}
	return c->state;
}

bool splice_is_opening(const struct splice *c)
{
	return c->state == SPLICE_OPENING && channel_open_is_awaited(&c->opening);
}

const struct error *splice_error(const struct splice *c)
{
	return &c->error;
}

int splice_exit_status(const struct splice *c)
{
	return c->exit_status;
}

bool splice_is_flooded(void)
{
	return flooded;
}

bool splice_lacks_terminal(const struct splice *c)
{
	return c->opening.lacks_terminal;
}

void splice_gather(struct splice *c, struct pollset *set, bool blocked)
{
	struct end *in = &c->ends[IN];

	for (int i = 0; i < END_COUNT; i++)
		c->ends[i].place = -1;
	if (c->state != SPLICE_OPEN)
		return;
	if (!in->done && !blocked && in->waiting.len == 0 && ssh_channel_window_size(c->ssh) > 0)
		in->place = pollset_add(set, in->fd, POLLIN);
	for (int i = OUT; i <= ERR; i++) {
		if (!c->ends[i].done && c->ends[i].waiting.len > 0)
			c->ends[i].place = pollset_add(set, c->ends[i].fd, POLLOUT);
	}
}

/* Sends what waits for the channel; false: libssh takes no more of it now. */
static bool send_waiting(struct splice *c)
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

/* Descriptor to channel: never more than the remote window takes. */
static void read_in(struct splice *c)
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
		send_waiting(c);
	else if (pollset_events(set, c->ends[IN].place))
		read_in(c);
	c->ends[IN].place = -1;
	for (int i = OUT; i <= ERR; i++)
		more |= drain(c, &c->ends[i], i == ERR);
	pass_ends_on(c);
	return more;
}

void splice_abandon(struct splice *c)
{
	/* Bytes that the client wrote before it closed its socket are its last words; a terminal or file has none. */
	if (c->state == SPLICE_OPEN && c->ends[IN].is_socket && !c->ends[IN].done && send_waiting(c))
		read_in(c);
	c->opening.given_up = true;
	close_ends(c);
}

const char *splice_describe(const struct splice *c, char *text, size_t size)
{
	channel_opening_describe(&c->opening, text, size);
	return text;
}

void splice_resize(struct splice *c)
{
	struct winsize size;

	if (c->state == SPLICE_OPEN && c->opening.want_tty && !c->opening.lacks_terminal && c->ends[IN].fd >= 0 &&
	    ioctl(c->ends[IN].fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
		ssh_channel_change_pty_size(c->ssh, size.ws_col, size.ws_row);
}
