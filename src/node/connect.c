/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "node/connect_private.h"
#include "node/locate.h"
#include "node/target.h"
#include "node/tls_probe.h"

static const char loopback_4[] = "127.0.0.1", loopback_6[] = "::1";

static bool ask_epmd(struct connection *c, struct error *err)
{
	char *name = c->list ? NULL : connect_short_name(c->node);
	bool asked = locate_ask(c->tunnel, connect_epmd_port(c), name, &c->epmd_stream, err);

	free(name);
	return asked;
}

/* Asks for everything whose place is known already: all of it shares the round trips of the SSH connection's start. */
static bool ask_all(struct connection *c, struct error *err)
{
	uint16_t port = (uint16_t)c->options->dist_port;

	if (!port && connect_recall(c))
		port = c->noted.port;
	if (!port || c->list)
		return ask_epmd(c, err);
	/* The node gives us a few seconds once it is connected to: not before a command or a person has answered. */
	return c->sources.command || c->tls_locked || tunnel_forward(c->tunnel, loopback_4, port, &c->dist_stream, err);
}

static bool begin(struct connection *c, struct error *err)
{
	const struct tunnel_options tunnel = {
		.destination = c->destination,
		.ssh_config = c->options->ssh_config,
		.ssh_options = c->options->ssh_options,
		.may_ask = c->options->may_ask,
		.transport = c->transport,
		.persist_ms = c->options->persist_ms,
	};

	/* The secrets come after the fork, so that the broker never has them. */
	c->tunnel = tunnel_open(&tunnel, err);
	return c->tunnel && connect_start_tls(c, err) && ask_all(c, err) && connect_start_cookie(c, err);
}

static void close_tunnel(struct connection *c, struct error *err)
{
	stream_close(&c->cookie_stream);
	stream_close(&c->epmd_stream);
	stream_close(&c->dist_stream);
	tunnel_close(c->tunnel, err);
	c->tunnel = NULL;
}

/* A connection that stayed may be found lost, or end just now; and libssh may find that it cannot do what ssh_config says. */
static bool may_begin_again(struct connection *c, const struct error *err)
{
	if ((err->code == ERROR_SSH_UNSUPPORTED || err->code == ERROR_NO_COMMON_ALGORITHM) &&
	    c->transport == TUNNEL_AUTO) {
		c->transport = TUNNEL_OPENSSH;
		return true;
	}
	return tunnel_may_try_again(c->tunnel, err, &c->tries);
}

/* Nothing has been asked of a node yet, so all of it is done once more, over a new connection. False: err is the outcome. */
static bool begin_again(struct connection *c, struct error *err)
{
	while (may_begin_again(c, err)) {
		log_v("SSH", "%s; connecting anew", err->message);
		close_tunnel(c, err);
		/* Found anew: a process that is forked now, and may stay, must not have them. */
		cookie_wipe(&c->cookie);
		tls_context_free(c->tls);
		c->tls = NULL;
		c->tls_locked = false;
		c->times.ssh = c->times.epmd = 0;
		c->cookie_err.code = ERROR_NONE;
		c->noted.port = 0;
		if (begin(c, err))
			return true;
	}
	return false;
}

bool connect_begin(struct connection *c, const struct connect_options *options, const char *destination,
		   const char *node, bool list, struct error *err)
{
	*c = (struct connection){
		.options = options,
		.destination = destination,
		.list = list,
		.transport = options->transport,
		.node = node ? xstrdup(node) : NULL,
		.cookie_stream = STREAM_NONE,
		.epmd_stream = STREAM_NONE,
		.dist_stream = STREAM_NONE,
		.times.begun = clock_us(),
	};
	connect_choose_sources(c, node, false);
	if (begin(c, err) || begin_again(c, err))
		return true;
	connect_end(c, err);
	return false;
}

bool connect_wait_ssh(void *context, struct error *err)
{
	struct connection *c = context;

	if (c->times.ssh)
		return true;
	if (!tunnel_wait(c->tunnel, IO_NO_DEADLINE, &c->info, err))
		return false;
	c->times.ssh = clock_us();
	return true;
}

/* Whose certificate the node's must be, where that is known before it has told its name. */
static const char *server_name(const struct connection *c)
{
	const char *at = c->node ? strchr(c->node, '@') : NULL;

	return c->tls_sources.server_name ? c->tls_sources.server_name : at ? at + 1 : NULL;
}

static bool node_absent(uint16_t port, struct error *err)
{
	error_set(err, ERROR_NODE_ABSENT, "nothing listens on port %u of the host's loopback (neither %s nor %s)", port,
		  loopback_4, loopback_6);
	return error_cure(err, "the node may have just stopped, or it listens on another interface only");
}

/* Not before SSH is ready: until then the broker may be asking for a password. */
static void say_waiting(const struct connection *c)
{
	log_waiting("beamline: waiting for EPMD on %s of the host …", c->epmd_stream.what);
}

/* Over a stream to 127.0.0.1 that is asked for already; if nothing listens there, over one to ::1. */
static bool link_over(struct connection *c, struct stream *stream, uint16_t port, int version, struct link *link,
		      struct error *err)
{
	const struct link_needs needs = { .ready = connect_wait_ssh, .cookie = connect_provide_cookie, .context = c };
	const struct link_peer peer = {
		.version = version, .tls = c->tls, .server_name = server_name(c), .timeout_ms = c->options->timeout_ms
	};

	c->port = port;
	c->loopback = loopback_4;
	if (link_open(link, stream, &peer, &needs, err))
		return true;
	if (err->code != ERROR_CHANNEL_REFUSED)
		return false;
	c->loopback = loopback_6;
	if (!tunnel_forward(c->tunnel, loopback_6, port, stream, err))
		return false;
	if (link_open(link, stream, &peer, &needs, err))
		return true;
	return err->code == ERROR_CHANNEL_REFUSED ? node_absent(port, err) : false;
}

static bool say_cookie(const struct connection *c, struct error *err)
{
	return error_append(err, "; ours is from %s", c->cookie.source);
}

static bool speaks_tls(struct connection *c, uint16_t port)
{
	enum { PROBE_MS = 1000 };
	struct stream stream;
	struct error ignored;

	return tunnel_forward(c->tunnel, loopback_4, port, &stream, &ignored) && tls_probe(&stream, PROBE_MS);
}

static bool link_version(struct connection *c, uint16_t port, int version, struct link *link, struct error *err)
{
	if (!connect_prepare_cookie(c, err) || !connect_prepare_tls(c, err))
		return false;
	struct stream stream = c->dist_stream;
	c->dist_stream = STREAM_NONE;
	if (stream.fd < 0 && !tunnel_forward(c->tunnel, loopback_4, port, &stream, err))
		return false;
	if (!link_over(c, &stream, port, version, link, err)) {
		if (err->code == ERROR_COOKIE_MISMATCH)
			say_cookie(c, err);
		else if (err->code == ERROR_HANDSHAKE_REFUSED && !c->tls && speaks_tls(c, port))
			handshake_tls_expected(err);
		return false;
	}
	c->times.handshake = clock_us();
	return true;
}

bool connect_link_listed(struct connection *c, const struct epmd_node *node, struct link *link, struct error *err)
{
	snprintf(c->linked, sizeof c->linked, "%s", node->name);
	return link_version(c, node->port, 6, link, err);
}

/* A full name that was asked for must be the one that answers. */
static bool check_name(const struct connection *c, struct link *link, struct error *err)
{
	if (!c->node || !strchr(c->node, '@') || strcmp(c->node, link->node) == 0)
		return true;
	error_set(err, ERROR_NODE_UNKNOWN, "the node there is %s, not %s", link->node, c->node);
	error_cure(err, "if that is the one you mean, name it so, or only up to its @");
	link_close(link);
	return false;
}

/* By EPMD's word. */
static bool link_found(struct connection *c, struct link *link, struct error *err)
{
	struct epmd_port found = { 0 };
	int version = 6;

	if (!connect_wait_ssh(c, err))
		return false;
	say_waiting(c);
	bool ok = connect_find_port(c, &found.port, &version, err) || connect_find_beams(c, err);
	log_waited();
	if (!ok)
		return false;
	c->times.epmd = clock_us();
	if (!link_version(c, found.port, version, link, err) || !check_name(c, link, err))
		return false;
	connect_note(c, found.port, version);
	return true;
}

/* Where an earlier command found it, if it is there still; EPMD knows where else. */
static bool link_noted(struct connection *c, struct link *link, struct error *err)
{
	uint16_t port = c->noted.port;

	c->noted.port = 0;
	if (link_version(c, port, c->noted.highest_version, link, err)) {
		if (connect_is_named(c, link->node))
			return true;
		link_close(link);
		error_set(err, ERROR_NODE_UNKNOWN, "the node there is %s", link->node);
	}
	if (err->code == ERROR_INTERRUPTED || err->code == ERROR_SSH_LOST || err->code == ERROR_NO_RESOURCES ||
	    err->code == ERROR_COOKIE_MISSING)
		return false;
	log_v("EPMD", "not at port %u any more: %s", (unsigned)port, err->message);
	connect_note(c, 0, 0);
	stream_close(&c->dist_stream);
	return ask_epmd(c, err) && link_found(c, link, err);
}

static bool link_once(struct connection *c, struct link *link, struct error *err)
{
	uint16_t port = (uint16_t)c->options->dist_port;

	if (port)
		return link_version(c, port, 6, link, err) && check_name(c, link, err);
	return c->noted.port ? link_noted(c, link, err) : link_found(c, link, err);
}

bool connect_link(struct connection *c, struct link *link, struct error *err)
{
	while (!link_once(c, link, err)) {
		if (!begin_again(c, err))
			return false;
	}
	return true;
}

static bool names_once(struct connection *c, struct epmd_names *names, struct error *err)
{
	if (!connect_wait_ssh(c, err))
		return false;
	say_waiting(c);
	bool ok = locate_names(&c->epmd_stream, connect_step_deadline(c), names, err) || connect_find_beams(c, err);
	log_waited();
	if (!ok)
		return false;
	c->times.epmd = clock_us();
	return true;
}

bool connect_names(struct connection *c, struct epmd_names *names, struct error *err)
{
	while (!names_once(c, names, err)) {
		if (!begin_again(c, err))
			return false;
	}
	return true;
}

void connect_end(struct connection *c, struct error *err)
{
	close_tunnel(c, err);
	cookie_wipe(&c->cookie);
	tls_context_free(c->tls);
	c->tls = NULL;
	free(c->node);
	c->node = NULL;
}
