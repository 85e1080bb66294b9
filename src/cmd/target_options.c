/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/target_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/terminal.h"

enum { HANDSHAKE_TIMEOUT_MS = 10000 };

static bool names_cookie(const struct command_options *typed)
{
	for (size_t i = 0; i < command_option_count; i++) {
		if (typed->given[i] && command_option_table[i].keys & OPTION_ONE_OF)
			return true;
	}
	return false;
}

const char *target_options_environment_cookie(const struct command_options *typed)
{
	const char *file = getenv("BEAMLINE_COOKIE_FILE");

	return file && *file && !names_cookie(typed) ? file : NULL;
}

/* The command line's options with the rest filled in. */
static void fill(const struct command_options *typed, const char *host, const char *node,
		 struct command_options *options)
{
	const char *environment_cookie = target_options_environment_cookie(typed);
	bool given[COMMAND_OPTIONS_MAX];
	char *before_at = node ? xstrndup(node, strcspn(node, "@")) : NULL;

	*options = *typed;
	for (size_t i = 0; i < command_option_count; i++) {
		given[i] = typed->given[i];
		if (environment_cookie && command_option_table[i].keys & OPTION_ONE_OF)
			given[i] = true;
	}
	if (environment_cookie)
		options->cookie_file = environment_cookie;
	settings_apply(typed->settings, given, host, before_at, options);
	if (typed->elixir)
		options->language = "elixir";
	free(before_at);
}

static struct cookie_sources sources_of(const struct command_options *options)
{
	return (struct cookie_sources){
		.file = options->cookie_file,
		.command = options->cookie_command,
		.remote_file = options->remote_cookie_file,
		.remote_command = options->remote_cookie_command,
		.local = options->local_cookie,
	};
}

static struct tls_sources tls_of(const struct command_options *options)
{
	return (struct tls_sources){
		.ca = options->tls_ca,
		.certificate = options->tls_cert,
		.key = options->tls_key,
		.crl = options->tls_crl,
		.server_name = options->tls_server_name,
		.verify = options->tls_verify,
		.passphrase_command = options->tls_passphrase_command,
	};
}

static void sources_for(const void *context, const char *node, struct cookie_sources *cookie, struct tls_sources *tls)
{
	const struct target_options *t = context;
	struct command_options options;

	fill(t->typed, t->host, node, &options);
	*cookie = sources_of(&options);
	*tls = tls_of(&options);
}

static enum tunnel_transport transport_of(const char *text)
{
	if (text && strcmp(text, "libssh") == 0)
		return TUNNEL_LIBSSH;
	return text && strcmp(text, "openssh") == 0 ? TUNNEL_OPENSSH : TUNNEL_AUTO;
}

bool target_options_init(struct target_options *t, const struct command_options *typed, const char *text,
			 struct error *err)
{
	if (typed->elixir && typed->language && strcmp(typed->language, "elixir") != 0)
		return error_set(err, ERROR_USAGE, "--elixir and --language %s contradict each other", typed->language);
	*t = (struct target_options){ .typed = typed };
	if (!target_parse(text, &t->target, err))
		return false;
	const char *at = strrchr(t->target.destination, '@');
	t->host = at ? at + 1 : t->target.destination;
	fill(typed, t->host, t->target.node, &t->options);
	t->connect = (struct connect_options){
		.ssh_config = t->options.ssh_config,
		.ssh_options = t->options.ssh_options.values,
		.may_ask = terminal_can_ask(),
		.transport = transport_of(t->options.transport),
		.persist_ms = t->options.persist_ms,
		.epmd_port = t->options.epmd_port,
		.dist_port = t->options.dist_port,
		.cookie = sources_of(&t->options),
		.tls = tls_of(&t->options),
		.sources_for = settings_knows_nodes(typed->settings, t->host) ? sources_for : NULL,
		.context = t,
		.timeout_ms = t->options.handshake_timeout_ms ? t->options.handshake_timeout_ms : HANDSHAKE_TIMEOUT_MS,
	};
	return true;
}

void target_options_know_node(struct target_options *t, const char *node)
{
	fill(t->typed, t->host, node, &t->options);
}

void target_options_clear(struct target_options *t)
{
	target_clear(&t->target);
}

bool target_options_is_elixir(const struct target_options *t)
{
	return t->options.language && strcmp(t->options.language, "elixir") == 0;
}

bool target_options_check_read_only(const struct target_options *t, struct error *err)
{
	if (!t->options.read_only || !target_options_is_elixir(t))
		return true;
	error_set(err, ERROR_USAGE,
		  "--read-only is for Erlang: a text of Elixir runs macros before its calls can be looked at");
	return error_cure(err, "write it in Erlang, with --language erlang, or leave --read-only out");
}
