/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/mux_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum {
	READ_SIZE = 4096,
	BUSY_MS = 2000, /* for a server whose queue of connections is full: OpenSSH's holds 64 */
	BUSY_STEP_MS = 5,
};

/* connect() of a unix socket cannot be waited for: it is tried again while the queue is full. */
static bool connect_patiently(int fd, const struct sockaddr_un *address)
{
	int64_t deadline = clock_ms() + BUSY_MS;

	for (;;) {
		struct pollfd none = { .fd = -1 };
		if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
			return true;
		if (errno != EAGAIN || clock_ms() >= deadline)
			return false;
		if (io_wait(&none, 1, clock_ms() + BUSY_STEP_MS) == IO_SIGNAL) {
			errno = EAGAIN;
			return false;
		}
	}
}

bool mux_client_connect(const char *path, int *fd, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return error_set(err, ERROR_CONFIG, "%s: too long for a socket's path", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (*fd < 0)
		return error_set(err, ERROR_NO_RESOURCES, "socket: %s", strerror(errno));
	io_set_cloexec(*fd);
	io_set_nonblocking(*fd);
	if (connect_patiently(*fd, &address))
		return true;
	int why = errno;
	io_close(fd);
	if (why == EAGAIN)
		return error_set(err, ERROR_NO_RESOURCES, "%s: too many requests wait there", path);
	return error_set(err, ERROR_SSH_LOST, "the process that holds the SSH connection is gone (%s: %s)", path,
			 strerror(why));
}

static bool send_failed(struct error *err)
{
	if (errno == EMFILE || errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM)
		return error_set(err, ERROR_NO_RESOURCES, "passing a descriptor: %s", strerror(errno));
	return error_set(err, ERROR_SSH_LOST, "the process that holds the SSH connection is gone (%s)",
			 strerror(errno));
}

/* Each with one NUL byte, which stands outside of the protocol's packets. */
static bool send_descriptor(int fd, int descriptor)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec nul = { .iov_base = (char[]){ '\0' }, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &nul, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space
	};

	memset(&control, 0, sizeof control);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
	for (;;) {
		ssize_t n = sendmsg(fd, &message, 0);
		if (n == 1)
			return true;
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			struct pollfd room = { .fd = fd, .events = POLLOUT };
			if (io_wait(&room, 1, IO_NO_DEADLINE) != IO_READY)
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
}

bool mux_client_send(int fd, const struct buf *packets, const int *descriptors, size_t count, struct error *err)
{
	if (!io_write_all(fd, packets->data, packets->len))
		return send_failed(err);
	for (size_t i = 0; i < count; i++) {
		if (!send_descriptor(fd, descriptors[i]))
			return send_failed(err);
	}
	return true;
}

enum mux_received mux_client_receive(int fd, struct buf *in)
{
	size_t room = in->max - in->len < READ_SIZE ? in->max - in->len : READ_SIZE;
	uint8_t *at = room > 0 ? buf_reserve(in, room) : NULL;

	if (!at)
		return MUX_END;
	ssize_t n = io_read(fd, at, room);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return MUX_NOTHING;
	if (n <= 0)
		return MUX_END;
	in->len += (size_t)n;
	return MUX_RECEIVED;
}
