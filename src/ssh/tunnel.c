/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/beyond.h"
#include "ssh/broker.h"
#include "ssh/kept.h"
#include "ssh/master.h"
#include "ssh/resolve.h"
#include "ssh/socket_folder.h"
#include "ssh/tunnel_private.h"

enum {
	AGAIN_MAX = 3,
	SOCKET_PATIENCE_MS = 5000, /* for the broker's socket, which takes it a fraction of one */
	END_ASKED_MS = 250,        /* for a broker that serves: it needs a millisecond or two */
	END_PATIENCE_MS =
		2000, /* for one that a signal must reach first: it may be asking a question, with the terminal's echo off */
};

static double ms_since(int64_t started_us)
{
	return (double)(clock_us() - started_us) / 1000.0;
}

/*
 * Where the broker serves, as it says itself once it listens: a path with a NUL behind it, or '!' and why it cannot. A master of OpenSSH's is
 * connected by then.
 */
static bool hear_socket(struct tunnel *t, struct error *err)
{
	int64_t deadline = t->foreign ? IO_NO_DEADLINE : clock_ms() + SOCKET_PATIENCE_MS;
	char text[ERROR_MESSAGE_MAX + ERROR_CURE_MAX + 128];
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
	if (text[0] == '!') {
		if (!mux_parse_error(text + 1, len - 2, err))
			error_set(err, ERROR_NO_RESOURCES, "%s", text + 1);
		return false;
	}
	t->socket = xstrdup(text);
	return true;
}

static bool start_broker(struct tunnel *t, const struct ssh_config *config, int64_t started_us, const char *kept_at,
			 int persist_ms, struct error *err)
{
	int ends[2];

	if (!io_socketpair(ends))
		return error_set(err, ERROR_NO_RESOURCES, "socketpair: %s", strerror(errno));
	struct broker_start start = {
		.lifeline = ends[1],
		.config = config,
		.info = { .resolved_ms = ms_since(started_us) },
		.started_us = started_us,
		.kept_at = kept_at,
		.persist_ms = persist_ms,
	};
	t->broker = fork();
	if (t->broker == 0 && t->foreign)
		master_run(&start);
	if (t->broker == 0)
		broker_run(&start);
	close(ends[1]);
	t->lifeline = ends[0];
	if (t->broker > 0)
		return hear_socket(t, err);
	t->broker = 0;
	return error_set(err, ERROR_NO_RESOURCES, "fork: %s", strerror(errno));
}

static struct tunnel *new_tunnel(const char *socket)
{
	struct tunnel *t = xcalloc(1, sizeof *t);

	t->lifeline = t->control.fd = -1;
	t->socket = socket ? xstrdup(socket) : NULL;
	return t;
}

/* Through a connection that stays, if it is there, and does not wait for a person's answer to the command that makes it. */
static struct tunnel *find(const char *path, int persist_ms)
{
	bool asking = socket_folder_is_asking(path);
	int fd = asking ? -1 : kept_connect(path);

	if (asking)
		log_v("SSH",
		      "the command that makes a connection which stays asks a person; this one connects by itself");
	if (fd < 0)
		return NULL;
	struct tunnel *t = new_tunnel(path);
	t->control.fd = fd;
	t->was_there = true;
	t->persist_ms = persist_ms;
	log_v("SSH", "over the connection that is there (%s)", path);
	return t;
}

/* What `ssh -G` tells of a connection whose server tells nothing. */
static void know(struct tunnel *t, const struct ssh_config *config)
{
	snprintf(t->info.user, sizeof t->info.user, "%s", config->user);
	snprintf(t->info.hostname, sizeof t->info.hostname, "%s", config->hostname);
	t->info.port = config->port;
	t->foreign = true;
	t->unkept = UNKEPT_OPENSSH;
}

/* The user's own ControlMaster, if one is alive. */
static struct tunnel *find_master(const struct ssh_config *config)
{
	int fd = config->control_path ? kept_connect(config->control_path) : -1;

	if (fd < 0)
		return NULL;
	struct tunnel *t = new_tunnel(config->control_path);
	t->control.fd = fd;
	t->was_there = true;
	know(t, config);
	log_v("SSH", "over the ControlMaster at %s", config->control_path);
	return t;
}

/* A private one. */
static struct tunnel *start_master(const struct ssh_config *config, int64_t started_us, const char *why,
				   struct error *err)
{
	struct tunnel *t = new_tunnel(NULL);

	log_v("SSH", "by a private master of OpenSSH's: %s", why);
	know(t, config);
	if (start_broker(t, config, started_us, NULL, 0, err))
		return t;
	tunnel_close(t, err);
	return NULL;
}

/* kept_at: NULL where it does not stay; with a time to persist, because the place is taken. */
static struct tunnel *start(const struct ssh_config *config, int64_t started_us, const char *kept_at, int persist_ms,
			    struct error *err)
{
	struct tunnel *t = new_tunnel(NULL);

	t->stays = kept_at != NULL;
	t->unkept = persist_ms > 0 ? UNKEPT_TAKEN : UNKEPT_NO_FOLDER;
	if (start_broker(t, config, started_us, kept_at, persist_ms, err))
		return t;
	tunnel_close(t, err);
	return NULL;
}

/* One that stays: whoever comes first starts it, whoever comes meanwhile finds it. */
static struct tunnel *start_kept(const struct ssh_config *config, int64_t started_us, const char *path, int persist_ms,
				 struct error *err)
{
	int lock = kept_lock(path);
	struct tunnel *t = lock >= 0 ? find(path, persist_ms) : NULL;

	if (!t) {
		bool is_free = lock >= 0 && kept_clear(path);
		if (!is_free)
			log_v("SSH", "the connection will not stay: another command has %s", path);
		t = start(config, started_us, is_free ? path : NULL, persist_ms, err);
	}
	io_close(&lock);
	return t;
}

static bool refuse_libssh(const char *why, struct error *err)
{
	error_set(err, ERROR_SSH_UNSUPPORTED, "libssh cannot do what ssh_config says: %s", why);
	return error_cure(err, "--transport auto or openssh");
}

struct tunnel *tunnel_open(const struct tunnel_options *options, struct error *err)
{
	int64_t started_us = clock_us();
	struct ssh_resolution resolution;
	char path[SOCKET_PATH_MAX];
	struct ssh_config config;
	bool may_stay = options->transport != TUNNEL_OPENSSH && kept_path(options, options->persist_ms > 0, path);
	struct tunnel *t = may_stay ? find(path, options->persist_ms) : NULL;

	if (t)
		return t;
	if (!ssh_resolve_start(&resolution, options, err))
		return NULL;
	/* While ssh reads its configuration. What is prepared here, the broker inherits. */
	crypto_prepare();
	if (ssh_resolve_finish(&resolution, &config, err)) {
		const char *why = options->transport == TUNNEL_OPENSSH ? "as asked" : NULL;
		if (options->transport != TUNNEL_LIBSSH)
			t = find_master(&config);
		if (!t && !why)
			why = beyond_libssh(&config);
		if (!t && why && options->transport == TUNNEL_LIBSSH)
			refuse_libssh(why, err);
		else if (!t && why)
			t = start_master(&config, started_us, why, err);
		else if (!t && may_stay && options->persist_ms > 0)
			t = start_kept(&config, started_us, path, options->persist_ms, err);
		else if (!t)
			t = start(&config, started_us, NULL, 0, err);
	}
	ssh_config_clear(&config);
	return t;
}

struct tunnel *tunnel_open_socket(const char *path, struct error *err)
{
	(void)err;
	return new_tunnel(path);
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
	if (!t->stays)
		socket_folder_forget(t->socket);
	if (by_itself)
		explain_end(status, err);
}

void tunnel_close(struct tunnel *t, struct error *err)
{
	if (!t)
		return;
	if (t->broker > 0 && !(t->stays && t->connected))
		end_broker(t, err);
	tunnel_end_control(t);
	io_close(&t->lifeline);
	free(t->socket);
	free(t);
}

bool tunnel_was_there(const struct tunnel *t)
{
	return t->was_there;
}

bool tunnel_may_try_again(const struct tunnel *t, const struct error *err, int *tries)
{
	return err->code == ERROR_SSH_LOST && t && t->was_there && (*tries)++ < AGAIN_MAX;
}

bool tunnel_stays(const struct tunnel *t, struct error *err)
{
	struct error unwanted;

	err = err ? err : &unwanted;
	if (t->stays || (t->was_there && !t->foreign))
		return true;
	switch (t->unkept) {
	case UNKEPT_OPENSSH:
		error_set(err, ERROR_SSH_UNSUPPORTED, "a connection that OpenSSH makes does not stay");
		return error_cure(err, "ControlMaster auto and ControlPersist 8h in ssh_config keep one, which "
				       "beamline then uses");
	case UNKEPT_TAKEN:
		error_set(err, ERROR_NO_RESOURCES,
			  "another command makes a connection to this host that stays, and "
			  "does not come to an end");
		return error_cure(err, "it may be asking a person on another terminal, or be stopped: pgrep -af "
				       "beamline shows it");
	case UNKEPT_NO_FOLDER:
		break;
	}
	error_set(err, ERROR_NO_RESOURCES, "there is no private folder for the socket of a connection that stays");
	return error_cure(err,
			  "set XDG_RUNTIME_DIR to a folder of yours with mode 0700; what is not yours must not be "
			  "at /tmp/beamline-%lu",
			  (unsigned long)geteuid());
}

const char *tunnel_socket(const struct tunnel *t)
{
	return t->socket;
}

int tunnel_broker(const struct tunnel *t)
{
	return (int)t->broker;
}
