/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/report.h"
#include "ssh/kept.h"

enum { PATIENCE_MS = 3000 };

static bool is_meant(const struct tunnel_status *status, const char *const *words, int count)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(status->destination, words[i]) == 0)
			return true;
	}
	return false;
}

/* It may be connecting still, or be stopped. Whose it is only it can tell. */
static bool note_silent(const char *path, const struct command_options *options, struct error *err)
{
	if (!options->all) {
		log_notice("what holds the connection at %s does not answer; whose it is is not known", path);
		return true;
	}
	error_set(err, ERROR_SSH_LOST, "what holds the connection at %s does not answer, and was not closed", path);
	return error_cure(err, "it may be connecting still, or be stopped: pgrep -af beamline shows it");
}

/* Who serves it may be connecting still, and so answers nothing. */
static bool end_all(const char *const *paths, const struct command_options *options, const char *const *words,
		    int count, struct json_object *closed, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; paths[i]; i++) {
		struct tunnel_status status;
		struct error failure = { 0 };
		if (!tunnel_ask_status(paths[i], clock_ms() + PATIENCE_MS, &status, &failure)) {
			if (failure.code == ERROR_INTERRUPTED) {
				*err = failure;
				return false;
			}
			if (!kept_sweep(paths[i]))
				ok = note_silent(paths[i], options, err) && ok;
			continue;
		}
		if (!options->all && !is_meant(&status, words, count))
			continue;
		if (tunnel_end(paths[i], clock_ms() + PATIENCE_MS, &failure)) {
			log_v("SSH", "%s: closed", status.destination);
			json_object_array_add(closed, report_text_json(status.destination, strlen(status.destination)));
		} else {
			*err = failure;
			error_prefix(err, "%s", status.destination);
			ok = false;
		}
	}
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	if (options->all == (count > 0)) {
		error_set(err, ERROR_USAGE, "close takes hosts, or --all");
		return error_cure(err, "beamline status lists what is open");
	}
	struct json_object *answer = json_object_new_object(), *closed = json_object_new_array();
	char **paths = kept_list();
	bool ok = end_all((const char *const *)paths, options, words, count, closed, err);

	kept_list_free(paths);
	if (ok && json_object_array_length(closed) == 0)
		log_notice("no such connection is open");
	json_object_object_add(answer, "ok", json_object_new_boolean(true));
	json_object_object_add(answer, "closed", closed);
	if (ok && options->json)
		return report_json(answer, err);
	json_object_put(answer);
	return ok;
}

const struct command command_close = {
	.name = "close",
	.arguments = "[HOST…]",
	.summary = "End SSH connections that stay",
	.description =
		"Ends those to each HOST, as it was named when it was opened, with whatever --ssh-config and "
		"--ssh-option, or --all; what other commands are doing through them is lost. That there is none is "
		"said, and is no failure.",
	.groups = GROUP_ALL | GROUP_CLOSE | GROUP_JSON,
	.min_words = 0,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
