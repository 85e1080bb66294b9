/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

enum {
	OUTPUT_MAX = 256 * 1024, /* `ssh -G` prints 5 KiB or so */
	ERRORS_MAX = 16 * 1024,
	RUN_LIMIT_MS = 30000, /* `Match exec` may run programs */
	ARGUMENTS_MAX = 512,
};

/* Before OpenSSH 8.8 the alias is not printed: it is what stands in the destination. */
static char *alias_of(const char *destination)
{
	const char *at = strrchr(destination, '@');

	return xstrdup(at ? at + 1 : destination);
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

/* Refused here, so that it cannot be taken for an option or garble a message. */
static bool check_destination(const char *destination, struct error *err)
{
	if (!destination || !*destination)
		return error_set(err, ERROR_USAGE, "the target is empty");
	if (destination[0] == '-')
		return error_set(err, ERROR_USAGE, "the target “%s” begins with “-”", destination);
	if (!is_plain(destination))
		return error_set(err, ERROR_USAGE, "the target holds spaces or control characters");
	return true;
}

static bool make_arguments(const struct tunnel_options *options, const char **argv, struct error *err)
{
	size_t n = 0;

	argv[n++] = "ssh";
	argv[n++] = "-G";
	if (options->ssh_config) {
		argv[n++] = "-F";
		argv[n++] = options->ssh_config;
	}
	for (size_t i = 0; options->ssh_options && options->ssh_options[i]; i++) {
		if (n + 5 > ARGUMENTS_MAX)
			return error_set(err, ERROR_USAGE, "there are more ssh options than can be passed on");
		argv[n++] = "-o";
		argv[n++] = options->ssh_options[i];
	}
	argv[n++] = "--";
	argv[n++] = options->destination;
	argv[n] = NULL;
	return true;
}

const char *ssh_config_flag(const char *file, char room[SSH_FLAG_MAX])
{
	snprintf(room, SSH_FLAG_MAX, "%s%s", file ? " -F " : "", file ? file : "");
	return room;
}

/* The first line of what ssh printed that is about the failure. */
static char *first_complaint(struct buf *errors)
{
	const char *text = buf_text(errors);

	while (strncmp(text, "Pseudo-terminal", 15) == 0 || *text == '\n') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	size_t len = strcspn(text, "\r\n");
	return len ? xstrndup(text, len) : xstrdup("it failed without a message");
}

static bool refused_by_ssh(const struct tunnel_options *options, struct buf *errors, struct error *err)
{
	char *complaint = first_complaint(errors), flag[SSH_FLAG_MAX];

	error_set(err, ERROR_CONFIG, "ssh cannot use its configuration for %s: %s", options->destination, complaint);
	free(complaint);
	return error_cure(err, "correct %s%s; `ssh%s -G %s` shows what ssh makes of it",
			  options->ssh_config ? options->ssh_config : "~/.ssh/config",
			  options->ssh_options && options->ssh_options[0] ? " or the --ssh-option" : "",
			  ssh_config_flag(options->ssh_config, flag), options->destination);
}

bool ssh_resolve_start(struct ssh_resolution *resolution, const struct tunnel_options *options, struct error *err)
{
	const char *argv[ARGUMENTS_MAX];

	resolution->options = options;
	if (!check_destination(options->destination, err) || !make_arguments(options, argv, err))
		return false;
	if (host_start(&resolution->ssh, argv, err))
		return true;
	if (err->code == ERROR_INPUT_MISSING) {
		error_set(err, ERROR_CONFIG, "there is no ssh program, which reads ssh_config for beamline");
		error_cure(err, "apt install openssh-client");
	}
	return false;
}

/* All that it prints, once it has ended well. */
static bool take_output(struct ssh_resolution *resolution, struct buf *out, struct error *err)
{
	const char *destination = resolution->options->destination;
	struct buf errors;
	int status = 0, signal;

	buf_init(&errors, ERRORS_MAX);
	bool ok = host_finish(&resolution->ssh, out, &errors, clock_ms() + RUN_LIMIT_MS, &status, err);
	if (!ok && err->code == ERROR_INTERNAL)
		error_set(err, ERROR_CONFIG, "`ssh -G %s` does not end; a `Match exec` in ssh_config may hang",
			  destination);
	else if (ok && status != 0 && (signal = io_take_signal()) != 0)
		ok = error_interrupted(err, signal); /* Ctrl-C ended ssh as well, and it was faster */
	else if (ok && status != 0)
		ok = refused_by_ssh(resolution->options, &errors, err);
	else if (ok && out->overflow)
		ok = error_set(err, ERROR_CONFIG, "`ssh -G %s` prints more than %d bytes", destination, OUTPUT_MAX);
	buf_clear(&errors);
	return ok;
}

bool ssh_resolve_finish(struct ssh_resolution *resolution, struct ssh_config *config, struct error *err)
{
	const struct tunnel_options *options = resolution->options;
	struct buf out;

	*config = (struct ssh_config){ 0 };
	buf_init(&out, OUTPUT_MAX);
	bool ok = take_output(resolution, &out, err) && ssh_config_parse(buf_text(&out), out.len, config, err);
	buf_clear(&out);
	if (!ok) {
		ssh_config_clear(config);
		return false;
	}
	config->destination = xstrdup(options->destination);
	config->ssh_config_file = options->ssh_config ? xstrdup(options->ssh_config) : NULL;
	config->options = options->ssh_options;
	if (!config->host)
		config->host = alias_of(options->destination);
	config->may_ask = options->may_ask && !config->batch_mode;
	log_v("ssh", "%s is %s@%s port %u", config->host, config->user, config->hostname, config->port);
	return true;
}

bool ssh_resolve(const struct tunnel_options *options, struct ssh_config *config, struct error *err)
{
	struct ssh_resolution resolution;

	return ssh_resolve_start(&resolution, options, err) && ssh_resolve_finish(&resolution, config, err);
}
