/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"

enum {
	ADDRESSES_MAX = 8,   /* tried of one host */
	HEAD_START_MS = 250, /* for an address before the next is tried beside it (RFC 8305, 5) */
	RETRY_MS = 1000,
};

struct attempt {
	int fds[ADDRESSES_MAX]; /* -1: failed, or not begun */
	size_t begun;
	int last_error;
};

static int family_of(const struct ssh_config *config)
{
	const char *family = config->address_family ? config->address_family : "any";

	return strcasecmp(family, "inet") == 0 ? AF_INET : strcasecmp(family, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
}

static bool is_literal(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static struct addrinfo *look_up(const struct ssh_config *config, struct error *err)
{
	struct addrinfo hints = { .ai_family = family_of(config), .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char port[8], flag[SSH_FLAG_MAX];

	/* A literal address needs no resolver, whose libraries take longer to load than a connection takes. */
	hints.ai_flags = AI_NUMERICSERV | (is_literal(config->hostname) ? AI_NUMERICHOST : AI_ADDRCONFIG);
	snprintf(port, sizeof port, "%u", (unsigned)config->port);
	int failed = getaddrinfo(config->hostname, port, &hints, &found);
	if (failed == 0)
		return found;
	if (failed == EAI_MEMORY || (failed == EAI_SYSTEM && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))) {
		error_set(err, ERROR_NO_RESOURCES, "%s cannot be looked up: %s", config->hostname,
			  failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
		return NULL;
	}
	error_set(err, ERROR_HOST_UNKNOWN, "%s: %s", config->hostname,
		  failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
	error_cure(err,
		   "check the name; an alias needs a Host block with HostName in ssh_config (`ssh%s -G %s` shows what "
		   "ssh makes of it)",
		   ssh_config_flag(config->ssh_config_file, flag), config->host ? config->host : config->hostname);
	return NULL;
}

static bool bind_to(int fd, const struct ssh_config *config, int family)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;

	if (!config->bind_address)
		return true;
	if (getaddrinfo(config->bind_address, NULL, &hints, &found) != 0) {
		errno = EADDRNOTAVAIL;
		return false;
	}
	bool ok = bind(fd, found->ai_addr, found->ai_addrlen) == 0;
	freeaddrinfo(found);
	return ok;
}

/* A socket whose connection is under way, or -1: errno tells. */
static int begin_connect(const struct ssh_config *config, const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	io_set_cloexec(fd);
	io_set_nonblocking(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (config->tcp_keep_alive)
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (bind_to(fd, config, address->ai_family) &&
	    (connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS))
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* The attempt that has come through, or -1; failed ones are closed. */
static int harvest(struct attempt *attempt, const struct pollfd *polled)
{
	for (size_t i = 0; i < attempt->begun; i++) {
		int why = 0;
		socklen_t len = sizeof why;
		if (attempt->fds[i] < 0 || !polled[i].revents)
			continue;
		if (getsockopt(attempt->fds[i], SOL_SOCKET, SO_ERROR, &why, &len) == 0 && why == 0) {
			int fd = attempt->fds[i];
			attempt->fds[i] = -1;
			return fd;
		}
		attempt->last_error = why;
		io_close(&attempt->fds[i]);
	}
	return -1;
}

static size_t under_way(const struct attempt *attempt)
{
	size_t count = 0;

	for (size_t i = 0; i < attempt->begun; i++)
		count += attempt->fds[i] >= 0;
	return count;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* All addresses, each with a head start before the next. The connected descriptor, -1: none, or the error is set. */
static int race(const struct ssh_config *config, const struct addrinfo *next, struct attempt *attempt, int64_t deadline,
		int watch, struct error *err)
{
	for (;;) {
		int64_t until = deadline;
		if (next && attempt->begun < ADDRESSES_MAX) {
			int fd = begin_connect(config, next);
			attempt->last_error = fd < 0 ? errno : attempt->last_error;
			attempt->fds[attempt->begun++] = fd;
			next = next->ai_next;
			if (fd < 0)
				continue;
			if (next)
				until = earlier(deadline, clock_ms() + HEAD_START_MS);
		}
		if (under_way(attempt) == 0)
			return -1;
		struct pollfd fds[ADDRESSES_MAX + 1];
		for (size_t i = 0; i < attempt->begun; i++)
			fds[i] = (struct pollfd){ .fd = attempt->fds[i], .events = POLLOUT };
		fds[attempt->begun] = (struct pollfd){ .fd = watch, .events = POLLIN };
		enum io_wait waited = io_wait(fds, attempt->begun + 1, until);
		if (waited == IO_SIGNAL || (waited == IO_READY && fds[attempt->begun].revents)) {
			error_interrupted(err, waited == IO_SIGNAL ? io_take_signal() : 1);
			return -1;
		}
		int fd = waited == IO_READY ? harvest(attempt, fds) : -1;
		if (fd >= 0)
			return fd;
		if (waited == IO_TIMEOUT && clock_ms() >= deadline) {
			attempt->last_error = ETIMEDOUT;
			return -1;
		}
	}
}

static bool explain(const struct ssh_config *config, int why, struct error *err)
{
	if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
		return error_set(err, ERROR_NO_RESOURCES, "socket: %s", strerror(why));
	if (why == ETIMEDOUT) {
		error_set(err, ERROR_TCP_TIMEOUT, "%s port %u does not answer", config->hostname,
			  (unsigned)config->port);
		return error_cure(
			err,
			"check the host, the network and firewalls; ConnectTimeout in ssh_config sets the patience");
	}
	error_set(err, ERROR_TCP_REFUSED, "%s port %u: %s", config->hostname, (unsigned)config->port, strerror(why));
	return error_cure(
		err,
		"check that sshd runs there and listens on this port (Port in ssh_config, or --ssh-option Port=N)");
}

bool connect_tcp(const struct ssh_config *config, int64_t deadline, int watch, int *fd, struct error *err)
{
	struct addrinfo *addresses = look_up(config, err);

	if (!addresses)
		return false;
	int tries = config->connection_attempts > 0 ? config->connection_attempts : 1;
	for (*fd = -1; tries > 0 && *fd < 0; tries--) {
		struct attempt attempt = { .begun = 0 };
		err->code = ERROR_NONE;
		*fd = race(config, addresses, &attempt, deadline, watch, err);
		for (size_t i = 0; i < attempt.begun; i++)
			io_close(&attempt.fds[i]);
		if (*fd >= 0 || err->code == ERROR_INTERRUPTED || clock_ms() >= deadline)
			tries = 1;
		if (*fd < 0 && err->code != ERROR_INTERRUPTED)
			explain(config, attempt.last_error, err);
		if (*fd < 0 && tries > 1) {
			struct pollfd ended = { .fd = watch, .events = POLLIN };
			io_wait(&ended, 1, clock_ms() + RETRY_MS);
		}
	}
	freeaddrinfo(addresses);
	return *fd >= 0;
}
