/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

enum { TICK_EVERY_MS = 1000 };

/* Descriptors of ours that must not stay open in the child, above all the lifelines of brokers. */
static void close_all_but(int keep, int keep_too)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (most < 0 || most > 4096)
		most = 4096;
	for (int fd = 0; fd < most; fd++) {
		if (fd != keep && fd != keep_too)
			close(fd);
	}
}

/* Until our end of the lifeline closes; then says how many ticks have left. */
static void NORETURN keep(struct link *link, int lifeline)
{
	uint32_t sent = 0;

	setsid(); /* what the terminal sends to our group is not for the child */
	io_release_signals();
	signal(SIGPIPE, SIG_IGN);
	close_all_but(link->transport.stream.fd, lifeline);
	for (;;) {
		struct pollfd one = { .fd = lifeline, .events = POLLIN };
		if (poll(&one, 1, TICK_EVERY_MS) > 0)
			break;
		if (transport_tick(&link->transport))
			sent++;
	}
	io_write(lifeline, &sent, sizeof sent);
	_exit(0);
}

static bool send_all(struct link *link, struct error *err)
{
	struct buf *out = &link->out;

	if (!transport_write_all(&link->transport, out->data + link->out_at, out->len - link->out_at))
		return error_set(err, ERROR_NODE_LOST, "the connection to %s is lost: %s", link->node, strerror(errno));
	out->len = link->out_at = 0;
	return true;
}

bool keeper_start(struct keeper *keeper, struct link *link, struct error *err)
{
	int ends[2];

	*keeper = (struct keeper){ .lifeline = -1, .link = link };
	if (!send_all(link, err))
		return false;
	if (!io_socketpair(ends))
		return error_set(err, ERROR_NO_RESOURCES, "socketpair: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		keep(link, ends[1]);
	io_close(&ends[1]);
	if (pid < 0) {
		io_close(&ends[0]);
		return error_set(err, ERROR_NO_RESOURCES, "fork: %s", strerror(errno));
	}
	keeper->lifeline = ends[0];
	keeper->pid = (int)pid;
	return true;
}

void keeper_stop(struct keeper *keeper)
{
	uint32_t sent;

	if (keeper->pid <= 0)
		return;
	shutdown(keeper->lifeline, SHUT_WR);
	/* A child that was killed cannot say it. */
	if (io_read(keeper->lifeline, &sent, sizeof sent) == (ssize_t)sizeof sent)
		transport_skip_ticks(&keeper->link->transport, sent);
	else
		transport_break(&keeper->link->transport);
	io_close(&keeper->lifeline);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	keeper->pid = 0;
}

bool keeper_suspend(struct link *link, struct error *err)
{
	struct keeper keeper;

	if (!keeper_start(&keeper, link, err))
		return false;
	raise(SIGSTOP);
	keeper_stop(&keeper);
	return true;
}
