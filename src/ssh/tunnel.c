/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/tunnel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/io.h"
#include "ssh/broker.h"
#include "ssh/resolve.h"
#include "ssh/socket_folder.h"

enum {
	SOCKET_PATIENCE_MS = 5000, /* for the broker's socket, which takes it a fraction of one */
	END_ASKED_MS = 250,        /* for a broker that serves: it needs a millisecond or two */
	END_PATIENCE_MS =
		2000, /* for one that a signal must reach first: it may be asking a question, with the terminal's echo off */
};

struct tunnel {
	char *socket; /* its path */
	int lifeline;
	pid_t broker; /* 0: somebody else serves the socket */
};

static double ms_since(int64_t started_us)
{
	return (double)(clock_us() - started_us) / 1000.0;
}

/* Where the broker serves, as it says itself once it listens: a path with a NUL behind it, or '!' and why it cannot. */
static bool hear_socket(struct tunnel *t, struct error *err)
{
	int64_t deadline = clock_ms() + SOCKET_PATIENCE_MS;
	char text[ERROR_MESSAGE_MAX];
	size_t len = 0;

	while (len == 0 || text[len - 1] != '\0') {
		enum io_wait ready = io_wait_one(t->lifeline, POLLIN, deadline, err);
		if (ready == IO_SIGNAL)
			return false;
		ssize_t n = ready == IO_READY && len < sizeof text ? io_read(t->lifeline, text + len, sizeof text - len)
								   : 0;
		if (n <= 0)
			return error_set(err, ERROR_NO_RESOURCES, "the SSH connection's process ended before it began");
		len += (size_t)n;
	}
	if (text[0] == '!')
		return error_set(err, ERROR_NO_RESOURCES, "%s", text + 1);
	t->socket = xstrdup(text);
	return true;
}

static bool start_broker(struct tunnel *t, const struct ssh_config *config, int64_t started_us, struct error *err)
{
	int ends[2];

	if (!io_socketpair(ends))
		return error_set(err, ERROR_NO_RESOURCES, "socketpair: %s", strerror(errno));
	struct broker_start start = {
		.lifeline = ends[1],
		.config = config,
		.info = { .resolved_ms = ms_since(started_us) },
		.started_us = started_us,
	};
	t->broker = fork();
	if (t->broker == 0)
		broker_run(&start);
	close(ends[1]);
	t->lifeline = ends[0];
	if (t->broker > 0)
		return hear_socket(t, err);
	t->broker = 0;
	return error_set(err, ERROR_NO_RESOURCES, "fork: %s", strerror(errno));
}

struct tunnel *tunnel_open(const struct tunnel_options *options, struct error *err)
{
	int64_t started_us = clock_us();
	struct ssh_resolution resolution;
	struct ssh_config config;

	if (!ssh_resolve_start(&resolution, options, err))
		return NULL;
	struct tunnel *t = xcalloc(1, sizeof *t);
	t->lifeline = -1;
	/* While ssh reads its configuration. What is prepared here, the broker inherits. */
	crypto_prepare();
	if (!ssh_resolve_finish(&resolution, &config, err) || !start_broker(t, &config, started_us, err)) {
		tunnel_close(t, err);
		t = NULL;
	}
	ssh_config_clear(&config);
	return t;
}

struct tunnel *tunnel_open_socket(const char *path, struct error *err)
{
	struct tunnel *t = xcalloc(1, sizeof *t);

	(void)err;
	t->lifeline = -1;
	t->socket = xstrdup(path);
	return t;
}

/* The broker closes its end of the lifeline by exiting. */
static bool broker_ends(const struct tunnel *t, int64_t deadline)
{
	for (;;) {
		struct pollfd ended = { .fd = t->lifeline, .events = POLLIN };
		int64_t left = deadline - clock_ms();
		int ready = left > 0 ? poll(&ended, 1, (int)left) : 0;
		char byte;
		if (ready > 0 && io_read(t->lifeline, &byte, 1) <= 0)
			return true;
		if (ready == 0 || (ready < 0 && errno != EINTR))
			return false;
	}
}

/* A broker that ended by itself is why its connections are lost. */
static void explain_end(int status, struct error *err)
{
	if (err->code != ERROR_SSH_LOST)
		return;
	if (WIFSIGNALED(status)) {
		error_set(err, ERROR_SSH_LOST, "the process that holds the SSH connection was ended by signal %d (%s)",
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
		error_cure(err, "try again; if nobody sent it, the system may have run out of memory (its log tells)");
	} else if (WEXITSTATUS(status) == error_code_status(ERROR_NO_RESOURCES)) {
		error_set(err, ERROR_NO_RESOURCES,
			  "the process that holds the SSH connection had no memory or descriptor left");
	}
}

static void end_broker(struct tunnel *t, struct error *err)
{
	int64_t now = clock_ms();
	bool by_itself = true;
	int status = 0;

	shutdown(t->lifeline, SHUT_WR);
	if (!broker_ends(t, now + END_ASKED_MS)) {
		by_itself = false;
		kill(t->broker, SIGTERM);
		kill(t->broker, SIGCONT); /* stopped, it would not put the terminal's echo back */
		if (!broker_ends(t, now + END_PATIENCE_MS))
			kill(t->broker, SIGKILL);
	}
	while (waitpid(t->broker, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status == 0)
		return;
	/* What it could not remove any more. */
	socket_folder_forget(t->socket);
	if (by_itself)
		explain_end(status, err);
}

void tunnel_close(struct tunnel *t, struct error *err)
{
	if (!t)
		return;
	if (t->broker > 0)
		end_broker(t, err);
	io_close(&t->lifeline);
	free(t->socket);
	free(t);
}

const char *tunnel_socket(const struct tunnel *t)
{
	return t->socket;
}

int tunnel_broker(const struct tunnel *t)
{
	return (int)t->broker;
}
