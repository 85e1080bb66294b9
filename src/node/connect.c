/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "node/connect_find.h"
#include "node/locate.h"
#include "node/target.h"
#include "node/tls_probe.h"

static const char loopback_4[] = "127.0.0.1", loopback_6[] = "::1";

/* Asks for everything whose place is known already: all of it shares the round trips of the SSH connection's start. */
static bool ask_all(struct connection *c, bool list, struct error *err)
{
	if (c->options->dist_port && !list) {
		/* The node gives us a few seconds once it is connected to: not before a command or a person has answered. */
		if (!c->sources.command && !c->tls_locked &&
		    !tunnel_forward(c->tunnel, loopback_4, (uint16_t)c->options->dist_port, &c->dist_stream, err))
			return false;
	} else {
		char *name = list ? NULL : connect_short_name(c->node);
		bool asked = locate_ask(c->tunnel, connect_epmd_port(c), name, &c->epmd_stream, err);
		free(name);
		if (!asked)
			return false;
	}
	return true;
}

/*
 * Which sources serve a node of that name (NULL: not known yet). What another node's sources gave is dropped. linking: there is a link already,
 * which TLS's belong to.
 */
static void choose_sources(struct connection *c, const char *name, bool linking)
{
	struct cookie_sources cookie = c->options->cookie;
	struct tls_sources tls = c->options->tls;
	char *before_at = connect_short_name(name);

	if (before_at && c->options->sources_for)
		c->options->sources_for(c->options->context, before_at, &cookie, &tls);
	free(before_at);
	if (!linking && !tls_sources_same(&tls, &c->tls_sources)) {
		tls_context_free(c->tls);
		c->tls = NULL;
		c->tls_locked = false;
		c->tls_sources = tls;
	}
	if (cookie_same_sources(&cookie, &c->sources))
		return;
	cookie_wipe(&c->cookie);
	stream_close(&c->cookie_stream);
	c->sources = cookie;
	c->cookie_err.code = ERROR_NONE;
}

/* Reads what TLS needs; a passphrase must wait for SSH, as the broker may be asking on the terminal. */
static bool start_tls(struct connection *c, struct error *err)
{
	if (c->tls || c->tls_locked || !tls_sources_given(&c->tls_sources))
		return true;
	c->tls = tls_files_load(&c->tls_sources, &c->tls_locked, err);
	return c->tls || c->tls_locked;
}

/*
 * Reads a file, asks the host; what must wait for SSH is left: a command may ask a person on the terminal, where the broker may still be
 * asking.
 */
static bool start_cookie(struct connection *c, struct error *err)
{
	if (c->cookie.len > 0 || c->cookie_stream.fd >= 0 || c->sources.command || c->cookie_err.code != ERROR_NONE)
		return true;
	if (!c->sources.file)
		return cookie_ask_remote(c->tunnel, &c->sources, &c->cookie_stream, err);
	if (!cookie_from_file(c->sources.file, &c->cookie, err))
		return false;
	log_v("cookie", "from %s", c->cookie.source);
	return true;
}

bool connect_begin(struct connection *c, const struct connect_options *options, const char *destination,
		   const char *node, bool list, struct error *err)
{
	const struct tunnel_options tunnel = {
		.destination = destination,
		.ssh_config = options->ssh_config,
		.ssh_options = options->ssh_options,
		.may_ask = options->may_ask,
	};

	*c = (struct connection){ .options = options, .times.begun = clock_us() };
	c->cookie_stream = c->epmd_stream = c->dist_stream = STREAM_NONE;
	c->node = node ? xstrdup(node) : NULL;
	choose_sources(c, node, false);
	/* The secrets come after the fork, so that the broker never has them. */
	c->tunnel = tunnel_open(&tunnel, err);
	if (c->tunnel && start_tls(c, err) && ask_all(c, list, err) && start_cookie(c, err))
		return true;
	connect_end(c, err);
	return false;
}

/* Until SSH is ready, however long a person takes to type; the connection's own failure comes from here. */
static bool wait_ssh(void *context, struct error *err)
{
	struct connection *c = context;

	if (c->times.ssh)
		return true;
	if (!tunnel_wait(c->tunnel, IO_NO_DEADLINE, &c->info, err))
		return false;
	c->times.ssh = clock_us();
	return true;
}

/* From the sources that were chosen, waiting for them. */
static bool finish_cookie(struct connection *c, struct error *err)
{
	if (c->cookie.len > 0)
		return true;
	if (c->cookie_err.code != ERROR_NONE) {
		*err = c->cookie_err;
		return false;
	}
	bool found = start_cookie(c, err);
	if (found && c->sources.command)
		found = cookie_from_command(c->sources.command, &c->cookie, err);
	else if (found && !c->sources.file)
		found = cookie_from_remote(&c->sources, &c->cookie_stream, connect_step_deadline(c), &c->cookie, err);
	stream_close(&c->cookie_stream);
	if (!found && err->code == ERROR_COOKIE_MISSING && c->sources.local)
		found = cookie_from_home(&c->cookie, err);
	if (found)
		log_v("cookie", "from %s", c->cookie.source);
	else
		c->cookie_err = *err;
	return found;
}

static bool provide_cookie(void *context, const char *name, const struct cookie **cookie, struct error *err)
{
	struct connection *c = context;

	/* The name that was asked for decides, or EPMD's: a node may call itself what it likes. */
	if (!c->node && !c->linked[0])
		choose_sources(c, name, true);
	*cookie = &c->cookie;
	return finish_cookie(c, err);
}

/*
 * Before the node is connected to, which gives us a few seconds only: its cookie is chosen, and a command has run. That there is none is
 * said when the node has shown that it is there.
 */
static bool prepare_cookie(struct connection *c, struct error *err)
{
	struct error failure;

	if (!c->node && c->linked[0])
		choose_sources(c, c->linked, false);
	if (c->sources.command && !wait_ssh(c, err))
		return false;
	if (c->sources.command ? finish_cookie(c, &failure) : start_cookie(c, &failure))
		return true;
	c->cookie_err = failure;
	if (failure.code == ERROR_INTERRUPTED)
		*err = failure;
	return failure.code != ERROR_INTERRUPTED;
}

/* The same for TLS. */
static bool prepare_tls(struct connection *c, struct error *err)
{
	if (!start_tls(c, err))
		return false;
	if (!c->tls_locked)
		return true;
	if (!wait_ssh(c, err))
		return false;
	c->tls = tls_files_unlock(&c->tls_sources, c->options->may_ask, err);
	c->tls_locked = false;
	return c->tls != NULL;
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
	const struct link_needs needs = { .ready = wait_ssh, .cookie = provide_cookie, .context = c };
	const struct link_peer peer = {
		.version = version, .tls = c->tls, .server_name = server_name(c), .timeout_ms = c->options->timeout_ms
	};

	if (link_open(link, stream, &peer, &needs, err))
		return true;
	if (err->code != ERROR_CHANNEL_REFUSED)
		return false;
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
	if (!prepare_cookie(c, err) || !prepare_tls(c, err))
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

bool connect_link(struct connection *c, struct link *link, struct error *err)
{
	uint16_t port = (uint16_t)c->options->dist_port;
	int version = 6;

	if (!port) {
		if (!wait_ssh(c, err))
			return false;
		say_waiting(c);
		bool found = connect_find_port(c, &port, &version, err) || connect_find_beams(c, err);
		log_waited();
		if (!found)
			return false;
		c->times.epmd = clock_us();
	}
	return link_version(c, port, version, link, err) && check_name(c, link, err);
}

bool connect_names(struct connection *c, struct epmd_names *names, struct error *err)
{
	if (!wait_ssh(c, err))
		return false;
	say_waiting(c);
	bool ok = locate_names(&c->epmd_stream, connect_step_deadline(c), names, err) || connect_find_beams(c, err);
	log_waited();
	if (!ok)
		return false;
	c->times.epmd = clock_us();
	return true;
}

void connect_end(struct connection *c, struct error *err)
{
	stream_close(&c->cookie_stream);
	stream_close(&c->epmd_stream);
	stream_close(&c->dist_stream);
	tunnel_close(c->tunnel, err);
	c->tunnel = NULL;
	cookie_wipe(&c->cookie);
	tls_context_free(c->tls);
	c->tls = NULL;
	free(c->node);
	c->node = NULL;
}
