/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"
#include "ssh/algorithms.h"
#include "ssh/connect.h"

enum { CONNECT_TIMEOUT_S = 30, PROXY_END_MS = 200, STUCK_MAX = 4, LATE_MAX = 16 };

static double ms_since(int64_t started_us)
{
	return (double)(clock_us() - started_us) / 1000.0;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

bool session_is_lost(ssh_session ssh)
{
	return !ssh_is_connected(ssh) || (ssh_get_status(ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

bool session_is_stuck(struct session *s, bool readable)
{
	s->stuck = readable && s->traffic.in_bytes == s->seen ? s->stuck + 1 : 0;
	s->seen = s->traffic.in_bytes;
	return s->stuck >= STUCK_MAX;
}

/* An answer that libssh took for an error without ending the step. In the exchange of keys it sets some that are none. */
static bool has_new_error(const struct session *s)
{
	return s->noted_error && ssh_get_error_code(s->ssh) == SSH_FATAL &&
	       strncmp(ssh_get_error(s->ssh), s->old_error, sizeof s->old_error - 1) != 0;
}

/* False: what the server sends leads nowhere. */
static bool is_sane(struct session *s, const char *what, struct error *err)
{
	if (session_is_stuck(s, s->readable) || has_new_error(s)) {
		error_set(err, ERROR_SSH_LOST, "%s port %u breaks the protocol (%s): %s", s->config->hostname,
			  (unsigned)s->config->port, what, ssh_get_error(s->ssh));
	} else if (s->traffic.in_bytes - s->begun_at > SESSION_STEP_MAX) {
		error_set(err, ERROR_SSH_LOST, "%s port %u sends without end (%s)", s->config->hostname,
			  (unsigned)s->config->port, what);
	} else {
		return true;
	}
	return error_cure(err, "what answers there is no sshd in its right mind; look at it before anything else");
}

void session_pass_on(struct session *s)
{
	char text[4096];
	ssize_t n;

	while (s->proxy_said >= 0 && (n = io_read(s->proxy_said, text, sizeof text)) >= 0) {
		if (n == 0)
			io_close(&s->proxy_said);
		else
			io_write_all(STDERR_FILENO, text, (size_t)n);
	}
}

bool session_wait(struct session *s, int64_t deadline, const char *what, struct error *err)
{
	bool writing = (ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING) != 0;
	struct pollfd fds[3] = {
		{ .fd = s->fd, .events = (short)(POLLIN | (writing ? POLLOUT : 0)) },
		{ .fd = s->lifeline ? *s->lifeline : -1, .events = POLLIN },
		{ .fd = s->proxy_said, .events = POLLIN },
	};

	if (!is_sane(s, what, err))
		return false;
	/* sshd's Nagle waits for our acknowledgement, which the kernel would hold back for 40 ms. */
	platform_quick_ack(s->fd);
	enum io_wait waited = io_wait(fds, 3, deadline);
	/* Who has been stopped meanwhile finds it passed, and all that he waits for; who finds always more to read, nothing. */
	if (waited == IO_READY && clock_ms() > deadline && ++s->late > LATE_MAX)
		waited = IO_TIMEOUT;
	switch (waited) {
	case IO_READY:
		s->readable = (fds[0].revents & POLLIN) != 0;
		if (fds[2].revents)
			session_pass_on(s);
		return !fds[1].revents || error_interrupted(err, 1 /* SIGHUP: whom we serve has gone */);
	case IO_SIGNAL:
		return error_interrupted(err, io_take_signal());
	case IO_TIMEOUT:
		error_set(err, ERROR_SSH_LOST, "%s port %u does not answer (%s)", s->config->hostname,
			  (unsigned)s->config->port, what);
		return error_cure(
			err, "try again; ConnectTimeout in ssh_config sets the patience until sshd asks who we are");
	case IO_FAILED:
		break;
	}
	return error_set(err, ERROR_NO_RESOURCES, "poll failed");
}

void session_begin_step(struct session *s)
{
	s->begun_at = s->traffic.in_bytes;
	s->late = 0;
	s->noted_error = true;
	copy_text(s->old_error, sizeof s->old_error, ssh_get_error(s->ssh));
}

static bool set_rekey_limit(struct session *s, struct error *err)
{
	uint64_t bytes = s->config->rekey_bytes;
	uint32_t seconds = s->config->rekey_seconds;

	if ((bytes == 0 || ssh_options_set(s->ssh, SSH_OPTIONS_REKEY_DATA, &bytes) == 0) &&
	    (seconds == 0 || ssh_options_set(s->ssh, SSH_OPTIONS_REKEY_TIME, &seconds) == 0))
		return true;
	error_set(err, ERROR_SSH_UNSUPPORTED, "libssh cannot have RekeyLimit so: %s", ssh_get_error(s->ssh));
	return error_cure(err, "--transport openssh");
}

/* libssh must not look for anything by itself: no configuration, no home directory, no known_hosts, no password database. */
static bool set_options(struct session *s, struct error *err)
{
	const bool no = false;
	int port = s->config->port;
	const char *compression = s->config->compression ? "yes" : "no";

	if (ssh_options_set(s->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_SSH_DIR, "/dev/null") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_USER, s->config->user) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_PORT, &port) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_COMPRESSION, compression) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_FD, &s->fd) != 0)
		return error_set(err, strstr(ssh_get_error(s->ssh), "memory") ? ERROR_NO_RESOURCES : ERROR_INTERNAL,
				 "libssh: %s", ssh_get_error(s->ssh));
	return set_rekey_limit(s, err) && algorithms_offer(s->ssh, s->config, err);
}

/* Its end of the connection closes a moment before it can be waited for. */
static bool proxy_has_ended(struct session *s, int *status)
{
	int64_t deadline = clock_ms() + PROXY_END_MS;

	while (s->proxy_pid > 0) {
		struct pollfd none = { .fd = -1 };
		if (waitpid(s->proxy_pid, status, WNOHANG) == s->proxy_pid) {
			s->proxy_pid = 0;
			return true;
		}
		if (io_wait(&none, 1, clock_ms() + 2) != IO_TIMEOUT || clock_ms() >= deadline)
			break;
	}
	return false;
}

/* What the proxy's end says, if it has ended. */
static bool explain_proxy(struct session *s, struct error *err)
{
	char flag[SSH_FLAG_MAX];
	int status;

	if (!proxy_has_ended(s, &status))
		return false;
	session_pass_on(s);
	error_set(err, ERROR_TCP_REFUSED, "the proxy to %s port %u ended (%s %d)", s->config->hostname,
		  (unsigned)s->config->port, WIFSIGNALED(status) ? "signal" : "status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	error_cure(err, "check ProxyJump or ProxyCommand in ssh_config: `ssh%s %s true` shows what it says",
		   ssh_config_flag(s->config->ssh_config_file, flag), s->config->destination);
	return true;
}

static void explain_exchange(struct session *s, struct error *err)
{
	const char *why = ssh_get_error(s->ssh);
	const char *hostname = s->config->hostname;
	unsigned port = s->config->port;
	char flag[SSH_FLAG_MAX];

	if (strstr(why, "no match for method")) {
		error_set(err, ERROR_NO_COMMON_ALGORITHM, "%s port %u: %s", hostname, port, why);
		error_cure(err, "allow one that both have, in sshd_config there or by --ssh-option KexAlgorithms=… (or "
				"Ciphers, MACs, HostKeyAlgorithms) here");
		return;
	}
	if (explain_proxy(s, err))
		return;
	if (!*why || strstr(why, "disconnected") || strstr(why, strerror(ECONNRESET)))
		why = "the connection ended before keys were exchanged";
	error_set(err, ERROR_NOT_SSH, "%s port %u: %s", hostname, port, why);
	error_cure(err,
		   "check that sshd answers on this port: `ssh%s -v -p %u %s` shows how far it comes; "
		   "OpenSSH's server refuses an address for a while after failed attempts (PerSourcePenalties)",
		   ssh_config_flag(s->config->ssh_config_file, flag), port, s->config->destination);
}

static bool exchange_keys(struct session *s, int64_t deadline, struct error *err)
{
	int rc;

	while ((rc = ssh_connect(s->ssh)) == SSH_AGAIN) {
		/* libssh clears this on any descriptor that it is given, and then hangs in send() when the peer is stopped. */
		io_set_nonblocking(s->fd);
		if (!session_wait(s, deadline, "key exchange", err))
			return false;
	}
	if (rc != SSH_OK)
		explain_exchange(s, err);
	io_set_nonblocking(s->fd);
	return rc == SSH_OK;
}

static void record(struct session *s)
{
	struct tunnel_info *info = &s->info;
	ssh_key key = NULL;

	copy_text(info->server, sizeof info->server, ssh_get_serverbanner(s->ssh));
	copy_text(info->kex, sizeof info->kex, ssh_get_kex_algo(s->ssh));
	copy_text(info->cipher, sizeof info->cipher, ssh_get_cipher_out(s->ssh));
	copy_text(info->mac, sizeof info->mac, ssh_get_hmac_out(s->ssh));
	if (ssh_get_server_publickey(s->ssh, &key) == SSH_OK) {
		/* ECDSA's plain name does not tell the curve. */
		const char *curve = ssh_key_type(key) == SSH_KEYTYPE_ECDSA ? ssh_pki_key_ecdsa_name(key) : NULL;
		copy_text(info->host_key, sizeof info->host_key,
			  curve ? curve : ssh_key_type_to_char(ssh_key_type(key)));
		ssh_key_free(key);
	}
	info->keyed_ms = ms_since(s->started_us);
	log_v("SSH", "keys exchanged with %s: %s, host key %s, %s, %s", info->server, info->kex, info->host_key,
	      info->cipher, info->mac);
}

/* A proxy may be asking for a password on the same terminal. */
static void say_waiting(const struct session *s)
{
	if (!connect_wants_proxy(s->config))
		log_waiting("beamline: waiting for sshd on %s port %u …", s->config->hostname,
			    (unsigned)s->config->port);
}

static int patience_s(const struct ssh_config *config)
{
	return config->connect_timeout_s > 0 ? config->connect_timeout_s : CONNECT_TIMEOUT_S;
}

bool session_dial(struct session *s, const struct ssh_config *config, int64_t started_us, struct error *err)
{
	int64_t deadline = clock_ms() + (int64_t)patience_s(config) * 1000;
	bool proxied = connect_wants_proxy(config);

	s->config = config;
	s->started_us = started_us;
	s->fd = -1;
	s->ssh = NULL;
	s->proxy_pid = 0;
	s->proxy_said = -1;
	copy_text(s->info.user, sizeof s->info.user, config->user);
	copy_text(s->info.hostname, sizeof s->info.hostname, config->hostname);
	s->info.port = config->port;
	say_waiting(s);
	bool ok = proxied ? connect_proxy(config, &s->fd, &s->proxy_pid, s->proxy_is_heard ? &s->proxy_said : NULL, err)
			  : connect_tcp(config, deadline, s->lifeline ? *s->lifeline : -1, &s->fd, err);
	log_waited();
	if (!ok)
		return false;
	s->info.connected_ms = ms_since(started_us);
	log_v(proxied ? "proxy" : "TCP", "%s %s port %u", proxied ? "started to" : "connected to", config->hostname,
	      (unsigned)config->port);
	s->patience_ms = deadline - clock_ms();
	return true;
}

bool session_exchange(struct session *s, struct error *err)
{
	s->ssh = ssh_new();
	if (!s->ssh)
		return error_set(err, ERROR_NO_RESOURCES, "libssh has no memory");
	ssh_set_blocking(s->ssh, 0);
	ssh_set_counters(s->ssh, &s->traffic, NULL);
	if (!set_options(s, err))
		return false;
	say_waiting(s);
	bool ok = exchange_keys(s, clock_ms() + s->patience_ms, err);
	log_waited();
	if (ok)
		record(s);
	return ok;
}

bool session_request_service(struct session *s, struct error *err)
{
	int64_t deadline = clock_ms() + (int64_t)patience_s(s->config) * 1000;
	int rc;

	session_begin_step(s);
	while ((rc = ssh_service_request(s->ssh, "ssh-userauth")) == SSH_AGAIN) {
		if (session_is_lost(s->ssh))
			break;
		if (!session_wait(s, deadline, "start of authentication", err))
			return false;
	}
	if (rc == SSH_OK)
		return true;
	error_set(err, ERROR_SSH_LOST, "%s port %u: the connection ended before authentication: %s",
		  s->config->hostname, (unsigned)s->config->port, ssh_get_error(s->ssh));
	return error_cure(err, "try again; if it repeats, the host's sshd log tells why");
}

void session_close(struct session *s)
{
	if (s->ssh) {
		/* Closes the descriptor too. */
		if (ssh_is_connected(s->ssh))
			ssh_disconnect(s->ssh);
		else
			io_close(&s->fd);
		ssh_free(s->ssh);
	} else {
		io_close(&s->fd);
	}
	s->ssh = NULL;
	s->fd = -1;
	connect_end_proxy(&s->proxy_pid);
	session_pass_on(s);
	io_close(&s->proxy_said);
}
