/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of node/connect that proves who we are: which sources of the cookie and of TLS's files count, and when each is asked. */
#include <stdlib.h>

#include "base/log.h"
#include "node/connect_private.h"

void connect_choose_sources(struct connection *c, const char *name, bool linking)
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

bool connect_start_tls(struct connection *c, struct error *err)
{
	if (c->tls || c->tls_locked || !tls_sources_given(&c->tls_sources))
		return true;
	c->tls = tls_files_load(&c->tls_sources, &c->tls_locked, err);
	return c->tls || c->tls_locked;
}

bool connect_start_cookie(struct connection *c, struct error *err)
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

/* From the sources that were chosen, waiting for them. */
static bool finish_cookie(struct connection *c, struct error *err)
{
	if (c->cookie.len > 0)
		return true;
	if (c->cookie_err.code != ERROR_NONE) {
		*err = c->cookie_err;
		return false;
	}
	bool found = connect_start_cookie(c, err);
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

bool connect_provide_cookie(void *context, const char *name, const struct cookie **cookie, struct error *err)
{
	struct connection *c = context;

	/* The name that was asked for decides, or EPMD's: a node may call itself what it likes. */
	if (!c->node && !c->linked[0])
		connect_choose_sources(c, name, true);
	*cookie = &c->cookie;
	return finish_cookie(c, err);
}

bool connect_prepare_cookie(struct connection *c, struct error *err)
{
	struct error failure;

	if (!c->node && c->linked[0])
		connect_choose_sources(c, c->linked, false);
	if (c->sources.command && !connect_wait_ssh(c, err))
		return false;
	if (c->sources.command ? finish_cookie(c, &failure) : connect_start_cookie(c, &failure))
		return true;
	c->cookie_err = failure;
	if (failure.code == ERROR_INTERRUPTED)
		*err = failure;
	return failure.code != ERROR_INTERRUPTED;
}

bool connect_prepare_tls(struct connection *c, struct error *err)
{
	if (!connect_start_tls(c, err))
		return false;
	if (!c->tls_locked)
		return true;
	if (!connect_wait_ssh(c, err))
		return false;
	c->tls = tls_files_unlock(&c->tls_sources, c->options->may_ask, err);
	c->tls_locked = false;
	return c->tls != NULL;
}
