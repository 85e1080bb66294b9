/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "cmd/report.h"
#include "cmd/several.h"
#include "cmd/target_options.h"
#include "config/targets.h"

enum { PERSIST_MS = 8 * 60 * 60 * 1000 };

/* Waits until it is connected, however long a person takes to type. *tries: tunnel_may_try_again. */
static bool connect_host(const struct target_options *holds, int *tries, struct json_object *object, struct error *err)
{
	const struct tunnel_options options = {
		.destination = holds->target.destination,
		.ssh_config = holds->connect.ssh_config,
		.ssh_options = holds->connect.ssh_options,
		.may_ask = holds->connect.may_ask,
		.transport = holds->connect.transport,
		.persist_ms = holds->connect.persist_ms ? holds->connect.persist_ms : PERSIST_MS,
	};
	struct tunnel *tunnel = tunnel_open(&options, err);
	bool again = false, ok = false;
	struct tunnel_info info;

	if (!tunnel)
		return false;
	if (tunnel_stays(tunnel, err) && tunnel_wait(tunnel, IO_NO_DEADLINE, &info, err)) {
		ok = true;
		bool was_there = tunnel_was_there(tunnel);
		log_notice("%s: %s, %s@%s port %u", options.destination, was_there ? "open already" : "open", info.user,
			   info.hostname, (unsigned)info.port);
		json_object_object_add(object, "was_open", json_object_new_boolean(was_there));
		report_add_text(object, "socket", tunnel_socket(tunnel));
	} else {
		again = tunnel_may_try_again(tunnel, err, tries);
	}
	tunnel_close(tunnel, err);
	return again ? connect_host(holds, tries, object, err) : ok;
}

static bool open_host(const struct command_options *options, const char *host, struct json_object *object,
		      struct error *err)
{
	struct target_options holds;
	bool ok = false;

	if (!target_options_init(&holds, options, host, err))
		return false;
	if (holds.target.node)
		error_set(err, ERROR_USAGE, "open takes hosts, not %s", host);
	else
		ok = connect_host(&holds, &(int){ 0 }, object, err);
	target_options_clear(&holds);
	return ok;
}

/* One after the other: each may have something to ask. */
static bool open_all(const struct command_options *options, char *const *words, int count, struct error *err)
{
	struct several several = { .options = options, .count = count };
	struct json_object *answer = json_object_new_object(), *hosts = json_object_new_array();
	struct error shown;

	for (int i = 0; i < count; i++) {
		struct json_object *object = json_object_new_object();
		struct error failure = { 0 };
		report_add_text(object, "host", words[i]);
		bool ok = open_host(options, words[i], object, &failure);
		json_object_object_add(object, "ok", json_object_new_boolean(ok));
		if (!ok)
			json_object_object_add(object, "error", report_error_json(&failure));
		json_object_array_add(hosts, object);
		if (!ok && !several_failed(&several, words[i], &failure, err))
			break;
	}
	bool ok = several_end(&several, err);
	json_object_object_add(answer, "ok", json_object_new_boolean(ok));
	json_object_object_add(answer, "hosts", hosts);
	if (!options->json || (!ok && count == 1)) {
		json_object_put(answer);
		return ok;
	}
	if (!ok)
		json_object_object_add(answer, "error", report_error_json(err));
	bool written = report_json(answer, &shown);
	if (ok && !written)
		*err = shown;
	err->shown = !ok;
	return ok && written;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	const struct targets_request request = {
		.settings = options->settings, .ssh_config = options->ssh_config, .words = words, .count = (size_t)count
	};
	struct targets targets;
	bool ok = targets_expand(&request, &targets, err) &&
		  open_all(options, targets.list.items, (int)targets.list.count, err);

	targets_clear(&targets);
	return ok;
}

const struct command command_open = {
	.name = "open",
	.arguments = "HOSTS…",
	.summary = "Open SSH connections that stay, for the commands that follow",
	.description =
		"Connects to each host and leaves. A process stays that holds the connection, until nobody has used it "
		"for the "
		"time of --persist, or close ends it; every command for the same host, with the same --ssh-config and "
		"--ssh-option, goes through it then, without a handshake or a question. After a change of ssh_config "
		"they connect anew.",
	.groups = GROUP_ALL | GROUP_OPEN | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
