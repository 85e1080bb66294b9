/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"

enum {
	MESSAGE_MAX = 256 * 1024, /* OpenSSH's own limit */
	LIST_LIMIT_MS = 5000,
	SIGN_LIMIT_MS = 110000, /* a person may have to confirm; sshd waits 120 s by default */
};

/* Message numbers of the agent protocol, section 6.1; the last is ours, from parent to child: a key's index follows. */
enum {
	AGENT_FAILURE = 5,
	AGENTC_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENTC_SIGN_REQUEST = 13,
	AGENT_CHOOSE = 240,
};

static bool read_all(int fd, uint8_t *data, size_t len, int64_t deadline)
{
	while (len > 0) {
		struct pollfd waiting = { .fd = fd, .events = POLLIN };
		if (io_wait(&waiting, 1, deadline) != IO_READY)
			return false;
		ssize_t n = io_read(fd, data, len);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* One message without its length, which is at least 1. The buffer is emptied first. */
static bool read_message(int fd, struct buf *message, int64_t deadline)
{
	uint8_t head[4];

	message->len = 0;
	if (!read_all(fd, head, sizeof head, deadline))
		return false;
	uint32_t len = get_be32(head);
	uint8_t *room = len > 0 && len <= MESSAGE_MAX ? buf_reserve(message, len) : NULL;
	if (!room || !read_all(fd, room, len, deadline))
		return false;
	message->len = len;
	return true;
}

static bool write_message(int fd, const void *data, size_t len)
{
	uint8_t head[4];

	put_be32(head, (uint32_t)len);
	return io_write_all(fd, head, sizeof head) && io_write_all(fd, data, len);
}

static bool write_byte(int fd, uint8_t message)
{
	return write_message(fd, &message, 1);
}

/* Non-blocking, because connect() to a unix socket waits while the listener's queue is full. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	io_set_cloexec(fd);
	io_set_nonblocking(fd);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int failed = errno;
		io_close(&fd);
		errno = failed;
		return -1;
	}
	return fd;
}

static bool take_keys(struct agent *agent, struct buf *message)
{
	struct reader r = reader_of(message->data, message->len);

	if (read_u8(&r) != AGENT_IDENTITIES_ANSWER)
		return false;
	uint32_t count = read_u32(&r);
	for (uint32_t i = 0; i < count && agent->count < AGENT_KEYS_MAX; i++) {
		uint32_t len = read_u32(&r);
		const uint8_t *blob = read_bytes(&r, len);
		uint32_t comment_len = read_u32(&r);
		const uint8_t *comment = read_bytes(&r, comment_len);
		if (!blob || !comment)
			return false;
		struct agent_key *key = &agent->keys[agent->count++];
		key->blob = xmalloc(len ? len : 1);
		memcpy(key->blob, blob, len);
		key->len = len;
		key->comment = xstrndup((const char *)comment, comment_len);
	}
	return !r.failed;
}

bool agent_open(struct agent *agent, const char *path)
{
	struct buf message;

	*agent = (struct agent){ .fd = -1, .chosen = -1 };
	if (!path)
		path = getenv("SSH_AUTH_SOCK");
	if (!path || !*path || strcmp(path, "none") == 0)
		return false;
	agent->fd = connect_to(path);
	if (agent->fd < 0) {
		log_v("auth", "no agent at %s: %s", path, strerror(errno));
		return false;
	}
	buf_init(&message, MESSAGE_MAX);
	bool ok = write_byte(agent->fd, AGENTC_REQUEST_IDENTITIES) &&
		  read_message(agent->fd, &message, clock_ms() + LIST_LIMIT_MS) && take_keys(agent, &message);
	buf_clear(&message);
	if (!ok) {
		log_notice("the ssh agent at %s does not answer as one; it is left out", path);
		agent_close(agent);
		return false;
	}
	log_v("auth", "the agent at %s holds %zu keys", path, agent->count);
	return true;
}

/* What the child does with a request of libssh's; `message` is used again for the answer. */
static bool serve_list(int fd, const struct agent_key *key, struct buf *message)
{
	message->len = 0;
	buf_put_u8(message, AGENT_IDENTITIES_ANSWER);
	buf_put_u32(message, key ? 1 : 0);
	if (key) {
		buf_put_u32(message, (uint32_t)key->len);
		buf_put(message, key->blob, key->len);
		buf_put_u32(message, (uint32_t)strlen(key->comment));
		buf_put_text(message, key->comment);
	}
	return write_message(fd, message->data, message->len);
}

static bool serve_sign(int fd, int agent_fd, const struct agent_key *key, struct buf *message)
{
	struct reader r = reader_of(message->data + 1, message->len - 1);
	uint32_t len = read_u32(&r);
	const uint8_t *blob = read_bytes(&r, len);

	if (!blob || !key || len != key->len || memcmp(blob, key->blob, len) != 0)
		return write_byte(fd, AGENT_FAILURE);
	/* An agent that once answered too late would answer the next request with this one's signature: never ask it again. */
	if (!write_message(agent_fd, message->data, message->len) ||
	    !read_message(agent_fd, message, clock_ms() + SIGN_LIMIT_MS)) {
		write_byte(fd, AGENT_FAILURE);
		return false;
	}
	return write_message(fd, message->data, message->len);
}

static bool serve_one(int fd, const struct agent *agent, const struct agent_key **chosen, struct buf *message)
{
	if (!read_message(fd, message, IO_NO_DEADLINE))
		return false;
	switch (message->data[0]) {
	case AGENT_CHOOSE:
		if (message->len != 5 || get_be32(message->data + 1) >= agent->count)
			return false;
		*chosen = &agent->keys[get_be32(message->data + 1)];
		return true;
	case AGENTC_REQUEST_IDENTITIES:
		return serve_list(fd, *chosen, message);
	case AGENTC_SIGN_REQUEST:
		return serve_sign(fd, agent->fd, *chosen, message);
	default:
		return write_byte(fd, AGENT_FAILURE);
	}
}

/*
 * The child: holds nothing open but its two sockets, above all not the SSH connection, and dies by Ctrl-C, which then
 * frees libssh from its wait.
 */
static void serve(int fd, const struct agent *agent)
{
	const struct agent_key *chosen = NULL;
	struct buf message;

	io_release_signals();
	signal(SIGPIPE, SIG_IGN);
	platform_die_with_parent(SIGKILL);
	platform_close_others((const int[]){ fd, agent->fd }, 2);
	buf_init(&message, MESSAGE_MAX);
	while (serve_one(fd, agent, &chosen, &message))
		continue;
	_exit(0);
}

static bool start_child(struct agent *agent, ssh_session ssh, struct error *err)
{
	int pair[2] = { -1, -1 };
	int for_libssh = -1;

	if (!io_socketpair(pair) || (for_libssh = dup(pair[0])) < 0)
		goto failed;
	io_set_cloexec(for_libssh);
	agent->pid = fork();
	if (agent->pid < 0)
		goto failed;
	if (agent->pid == 0)
		serve(pair[1], agent);
	io_close(&pair[1]);
	agent->chosen = pair[0];
	/* From here on libssh owns its descriptor and closes it with the session. */
	ssh_set_agent_socket(ssh, for_libssh);
	return true;
failed:
	error_set(err, ERROR_NO_RESOURCES, "the agent cannot be used: %s", strerror(errno));
	agent->pid = 0;
	io_close(&pair[0]);
	io_close(&pair[1]);
	io_close(&for_libssh);
	return false;
}

bool agent_choose(struct agent *agent, ssh_session ssh, size_t key, struct error *err)
{
	uint8_t message[5] = { AGENT_CHOOSE };

	if (agent->chosen < 0 && !start_child(agent, ssh, err))
		return false;
	put_be32(message + 1, (uint32_t)key);
	if (!write_message(agent->chosen, message, sizeof message))
		return error_set(err, ERROR_NO_RESOURCES, "the agent no longer answers");
	return true;
}

void agent_close(struct agent *agent)
{
	io_close(&agent->chosen);
	io_close(&agent->fd);
	if (agent->pid > 0) {
		kill(agent->pid, SIGKILL);
		while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	for (size_t i = 0; i < agent->count; i++) {
		free(agent->keys[i].blob);
		free(agent->keys[i].comment);
	}
	*agent = (struct agent){ .fd = -1, .chosen = -1 };
}
