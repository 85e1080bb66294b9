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
	END_ASKED_MS = 250, /* for a broker that serves: it needs a millisecond or two */
	END_PATIENCE_MS =
		2000, /* for one that a signal must reach first: it may be asking a question, with the terminal's echo off */
};

struct tunnel {
	struct socket_folder folder; /* of our broker; otherwise only the socket's path is set */
	int lifeline;
	pid_t broker; /* 0: somebody else serves the socket */
};

static double ms_since(int64_t started_us)
{
	return (double)(clock_us() - started_us) / 1000.0;
}

static bool start_broker(struct tunnel *t, const struct ssh_config *config, int64_t started_us, struct error *err)
{
	int ends[2];

	if (!io_socketpair(ends))
		return error_set(err, ERROR_NO_RESOURCES, "socketpair: %s", strerror(errno));
	struct broker_start start = {
		.listener = t->folder.listener,
		.lifeline = ends[1],
		.folder = t->folder.folder,
		.socket = t->folder.socket,
		.config = config,
		.info = { .resolved_ms = ms_since(started_us) },
		.started_us = started_us,
	};
	t->broker = fork();
	if (t->broker == 0)
		broker_run(&start);
	close(ends[1]);
	t->lifeline = ends[0];
	io_close(&t->folder.listener);
	if (t->broker > 0)
		return true;
	t->broker = 0;
	return error_set(err, ERROR_NO_RESOURCES, "fork: %s", strerror(errno));
}

struct tunnel *tunnel_open(const struct tunnel_options *options, struct error *err)
{
	int64_t started_us = clock_us();
	struct ssh_resolution resolution;
	struct ssh_config config;
	struct error folder_err;

	if (!ssh_resolve_start(&resolution, options, err))
		return NULL;
	struct tunnel *t = xcalloc(1, sizeof *t);
	t->lifeline = t->folder.listener = -1;
	/* While ssh reads its configuration. What is prepared here, the broker inherits. */
	bool made = socket_folder_make(&t->folder, &folder_err);
	crypto_prepare();
	bool ok = ssh_resolve_finish(&resolution, &config, err);
	if (ok && !made) {
		*err = folder_err;
		ok = false;
	}
	if (!ok || !start_broker(t, &config, started_us, err)) {
		tunnel_close(t);
		t = NULL;
	}
	ssh_config_clear(&config);
	return t;
}

struct tunnel *tunnel_open_socket(const char *path, struct error *err)
{
	struct tunnel *t = xcalloc(1, sizeof *t);

	(void)err;
	t->lifeline = t->folder.listener = -1;
	t->folder.socket = xstrdup(path);
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

static void end_broker(struct tunnel *t)
{
	int64_t now = clock_ms();

	shutdown(t->lifeline, SHUT_WR);
	if (!broker_ends(t, now + END_ASKED_MS)) {
		kill(t->broker, SIGTERM);
		kill(t->broker, SIGCONT); /* stopped, it would not put the terminal's echo back */
		if (!broker_ends(t, now + END_PATIENCE_MS))
			kill(t->broker, SIGKILL);
	}
	while (waitpid(t->broker, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void tunnel_close(struct tunnel *t)
{
	if (!t)
		return;
	if (t->broker > 0)
		end_broker(t);
	io_close(&t->lifeline);
	if (t->folder.folder)
		socket_folder_remove(&t->folder);
	free(t->folder.socket);
	free(t);
}

const char *tunnel_socket(const struct tunnel *t)
{
	return t->folder.socket;
}

int tunnel_broker(const struct tunnel *t)
{
	return (int)t->broker;
}
