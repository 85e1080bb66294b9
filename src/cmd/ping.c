/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include "base/clock.h"
#include "base/output.h"
#include "cmd/command.h"
#include "cmd/list.h"
#include "cmd/many.h"
#include "cmd/report.h"
#include "cmd/target_options.h"
#include "dist/flags.h"
#include "node/release.h"

/* What each hop took, and what was agreed on there. */
struct hop {
	const char *name;
	double ms;
	char detail[4096];
};

enum hop_index { HOP_RESOLVE, HOP_CONNECT, HOP_KEY_EXCHANGE, HOP_AUTH, HOP_EPMD, HOP_HANDSHAKE, HOP_CALL, HOP_COUNT };

/* Key exchanges that withstand a quantum computer have it in their names. */
static bool is_post_quantum(const char *kex)
{
	return strstr(kex, "mlkem") || strstr(kex, "sntrup");
}

static double between(int64_t from_us, int64_t to_us)
{
	return from_us && to_us > from_us ? (double)(to_us - from_us) / 1000.0 : 0;
}

/* The times of a connection that was there are those of the command that opened it. */
static void ssh_hops(const struct connection *c, struct hop *hops)
{
	const struct tunnel_info *info = &c->info;
	bool was_there = tunnel_was_there(c->tunnel), told = info->server[0];
	/* An AEAD cipher is its own. */
	bool own_mac = info->mac[0] && strncmp(info->mac, "aead", 4) != 0;

	hops[HOP_RESOLVE] = (struct hop){ .name = "resolve", .ms = info->resolved_ms };
	snprintf(hops[HOP_RESOLVE].detail, sizeof hops->detail, "%s@%s:%u%s", info->user, info->hostname,
		 (unsigned)info->port, was_there ? ", over the connection that is open" : "");
	hops[HOP_CONNECT] = (struct hop){ .name = "connect", .ms = info->connected_ms - info->resolved_ms };
	snprintf(hops[HOP_CONNECT].detail, sizeof hops->detail, "%s", info->server);
	hops[HOP_KEY_EXCHANGE] = (struct hop){ .name = "key exchange", .ms = info->keyed_ms - info->connected_ms };
	snprintf(hops[HOP_KEY_EXCHANGE].detail, sizeof hops->detail, "%s (%spost-quantum), %s, %s%s%s", info->kex,
		 is_post_quantum(info->kex) ? "" : "not ", info->host_key, info->cipher, own_mac ? ", " : "",
		 own_mac ? info->mac : "");
	hops[HOP_AUTH] = (struct hop){ .name = "auth", .ms = info->authenticated_ms - info->keyed_ms };
	snprintf(hops[HOP_AUTH].detail, sizeof hops->detail, "%s", info->auth);
	for (int i = 0; i <= HOP_AUTH; i++) {
		if (was_there)
			hops[i].ms = 0;
		if (i > HOP_RESOLVE && !told)
			snprintf(hops[i].detail, sizeof hops->detail, "by OpenSSH, which does not tell");
	}
}

/* ", TLSv1.3, TLS_AES_256_GCM_SHA384, certificate of CN=web-1"; "" for plain distribution. */
static const char *tls_text(const struct link *link, char *text, size_t size)
{
	struct tls_info tls;

	text[0] = '\0';
	if (!link->transport.tls)
		return text;
	tls_describe(link->transport.tls, &tls);
	snprintf(text, size, ", %s, %s, certificate of %s%s", tls.version, tls.cipher, tls.subject,
		 tls.verified ? "" : " (not verified)");
	return text;
}

static void node_hops(const struct connection *c, const struct link *link, const char *release, double call_ms,
		      struct hop *hops)
{
	const struct connect_times *t = &c->times;
	char tls[1024];

	hops[HOP_EPMD] = (struct hop){ .name = "EPMD", .ms = between(t->ssh, t->epmd) };
	snprintf(hops[HOP_EPMD].detail, sizeof hops->detail, "%s",
		 t->epmd                 ? link->transport.stream.what
		 : c->options->dist_port ? "not asked (--dist-port)"
					 : "not asked (an earlier command did)");
	hops[HOP_HANDSHAKE] =
		(struct hop){ .name = "handshake", .ms = between(t->epmd ? t->epmd : t->ssh, t->handshake) };
	snprintf(hops[HOP_HANDSHAKE].detail, sizeof hops->detail, "%s, hidden as %s, cookie from %s%s", link->node,
		 link->self.node, c->cookie.source, tls_text(link, tls, sizeof tls));
	hops[HOP_CALL] = (struct hop){ .name = "call", .ms = call_ms };
	snprintf(hops[HOP_CALL].detail, sizeof hops->detail, "OTP %s", release);
}

static bool show_text(const struct hop *hops, double total_ms, struct error *err)
{
	struct output out;

	output_init(&out, STDOUT_FILENO, "standard output", 64 * 1024);
	for (int i = 0; i < HOP_COUNT; i++)
		output_printf(&out, "%-12s %8.1f ms  %s\n", hops[i].name, hops[i].ms, hops[i].detail);
	output_printf(&out, "%-12s %8.1f ms\n", "total", total_ms);
	bool ok = output_flush(&out, err);
	output_clear(&out);
	return ok;
}

static struct json_object *ssh_json(const struct tunnel_info *info, bool was_there)
{
	struct json_object *ssh = json_object_new_object();

	report_add_text(ssh, "user", info->user);
	report_add_text(ssh, "hostname", info->hostname);
	json_object_object_add(ssh, "port", json_object_new_int(info->port));
	report_add_text(ssh, "server", info->server);
	report_add_text(ssh, "kex", info->kex);
	json_object_object_add(ssh, "post_quantum",
			       info->kex[0] ? json_object_new_boolean(is_post_quantum(info->kex)) : NULL);
	report_add_text(ssh, "host_key", info->host_key);
	report_add_text(ssh, "cipher", info->cipher);
	report_add_text(ssh, "mac", info->mac);
	report_add_text(ssh, "auth", info->auth);
	json_object_object_add(ssh, "was_open", json_object_new_boolean(was_there));
	return ssh;
}

/* null for plain distribution. */
static struct json_object *tls_json(const struct link *link)
{
	struct tls_info info;

	if (!link->transport.tls)
		return NULL;
	struct json_object *tls = json_object_new_object();
	tls_describe(link->transport.tls, &info);
	report_add_text(tls, "version", info.version);
	report_add_text(tls, "cipher", info.cipher);
	report_add_text(tls, "subject", info.subject);
	json_object_object_add(tls, "verified", json_object_new_boolean(info.verified));
	return tls;
}

static struct json_object *ms_json(double ms)
{
	char text[32];

	snprintf(text, sizeof text, "%.3f", ms);
	return json_object_new_double_s(ms, text);
}

static bool show_json(const char *target, const struct connection *c, const struct link *link, const char *release,
		      const struct hop *hops, double total_ms, struct error *err)
{
	struct json_object *object = json_object_new_object(), *times = json_object_new_object();
	char flags[1024];

	json_object_object_add(object, "ok", json_object_new_boolean(true));
	report_add_text(object, "target", target);
	report_add_text(object, "node", link->node);
	report_add_text(object, "otp", release);
	report_add_text(object, "name_lent", link->self.node);
	report_add_text(object, "flags", dist_flags_text(link->node_flags, flags, sizeof flags));
	json_object_object_add(object, "ssh", ssh_json(&c->info, tunnel_was_there(c->tunnel)));
	json_object_object_add(object, "tls", tls_json(link));
	for (int i = 0; i < HOP_COUNT; i++)
		json_object_object_add(times, hops[i].name, ms_json(hops[i].ms));
	json_object_object_add(times, "total", ms_json(total_ms));
	json_object_object_add(object, "ms", times);
	return report_json(object, err);
}

static bool ping(const struct command_options *options, const char *target, struct connection *c, struct error *err)
{
	struct hop hops[HOP_COUNT];
	char release[32];
	struct link link;

	if (!connect_link(c, &link, err))
		return false;
	int64_t called = clock_us();
	bool ok = node_release(&link, release, sizeof release, err);
	if (ok) {
		int64_t answered = clock_us();
		ssh_hops(c, hops);
		node_hops(c, &link, release, between(called, answered), hops);
		double total = between(c->times.begun, answered);
		ok = options->json ? show_json(target, c, &link, release, hops, total, err)
				   : show_text(hops, total, err);
	}
	link_close(&link);
	return ok;
}

static bool ping_target(const struct command_options *options, const char *target, struct error *err)
{
	struct connection connection;
	struct target_options holds;
	bool ok = false;

	if (!target_options_init(&holds, options, target, err))
		return false;
	if (connect_begin(&connection, &holds.connect, holds.target.destination, holds.target.node, false, err)) {
		ok = ping(options, target, &connection, err);
		connect_end(&connection, err);
	}
	target_options_clear(&holds);
	return ok;
}

/* Of many, each writes what --json does. */
static bool work(void *context, const char *target, struct error *err)
{
	struct command_options options = *(const struct command_options *)context;

	options.json = true;
	return ping_target(&options, target, err);
}

static void add_text(struct list *list, struct json_object *object, const char *key)
{
	list_add(list, json_object_get_string(json_object_object_get(object, key)));
}

static void add_ms(struct list *list, struct json_object *times, const char *key)
{
	char text[32];

	snprintf(text, sizeof text, "%.1f ms", json_object_get_double(json_object_object_get(times, key)));
	list_add(list, text);
}

static bool show_many(struct many *many, struct error *err)
{
	static const char *const heads[] = { "TARGET", "NODE", "OTP", "AUTH", "HANDSHAKE", "TOTAL" };
	struct list list = { .heads = heads, .columns = sizeof heads / sizeof *heads, .right = -1 };

	for (size_t i = 0; i < many->targets.list.count; i++) {
		struct many_host *h = &many->hosts[i];
		struct json_object *object =
			h->outcome.code == ERROR_NONE ? json_tokener_parse(buf_text(&h->out)) : NULL;
		struct json_object *times = json_object_object_get(object, "ms");
		if (!object)
			continue;
		list_add(&list, h->target);
		add_text(&list, object, "node");
		add_text(&list, object, "otp");
		add_ms(&list, times, "auth");
		add_ms(&list, times, "handshake");
		add_ms(&list, times, "total");
		json_object_put(object);
	}
	return list_show(&list, err);
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	struct many many;
	bool ok = many_init(&many, options, words, (size_t)count, false, err);

	many.show = options->json ? MANY_OBJECTS : MANY_KEPT;
	many.work = work;
	many.context = (void *)options;
	many.show_kept = show_many;
	if (ok)
		ok = many.targets.many ? many_run(&many, err) : ping_target(options, many.targets.list.items[0], err);
	many_clear(&many);
	return ok;
}

const struct command command_ping = {
	.name = "ping",
	.arguments = "TARGETS…",
	.summary = "Reach a node and show each hop with its time and what was agreed on",
	.description = "Resolves the target, connects, exchanges keys, authenticates, asks EPMD, does the node's "
		       "handshake and calls it once; shows what each "
		       "hop took and came to. Where a hop fails, its error says so.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_MANY | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
