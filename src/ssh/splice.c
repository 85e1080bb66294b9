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

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/splice_private.h"

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
			if (c->opening.given_up)
				ssh_channel_close(c->ssh);
			break;
		}
	}
	return c->state;
}

bool splice_is_opening(const struct splice *c)
{
	return c->state == SPLICE_OPENING && channel_open_is_awaited(&c->opening);
}

bool splice_is_awaited(const struct splice *c)
{
	return splice_is_opening(c) || (c->state == SPLICE_OPEN && c->opening.given_up && !c->remote_closed);
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

void splice_abandon(struct splice *c)
{
	/* Bytes that the client wrote before it closed its socket are its last words; a terminal or file has none. */
	if (c->state == SPLICE_OPEN && c->ends[IN].is_socket && !c->ends[IN].done && splice_send_waiting(c))
		splice_read_in(c);
	c->opening.given_up = true;
	close_ends(c);
	if (c->state == SPLICE_OPEN && ssh_channel_is_open(c->ssh))
		ssh_channel_close(c->ssh);
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
