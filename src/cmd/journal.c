/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/command.h"
#include "cmd/journal_show.h"
#include "cmd/report.h"
#include "journal/file.h"
#include "journal/walk.h"

static bool tell_break(const struct journal_walk *walk, const char *path, struct error *err)
{
	const struct journal_break *b = &walk->first_break;

	switch (b->kind) {
	case JOURNAL_BREAK_PREV:
		error_set(err, ERROR_JOURNAL_BROKEN,
			  "%s:%" PRIu64 ": the line names %s as the SHA-256 of the one before it, which has %s", path,
			  b->line, b->found, b->expected);
		error_cure(err, "lines before it were changed, removed, inserted or swapped: compare them with a copy");
		break;
	case JOURNAL_BREAK_FOREIGN:
		error_set(err, ERROR_JOURNAL_BROKEN,
			  "%s:%" PRIu64 ": an entry that names %s was expected, and the line begins with “%s”", path,
			  b->line, b->expected, b->found);
		error_cure(err, "the line was changed or inserted, or the file is no journal");
		break;
	case JOURNAL_BREAK_LONG:
		error_set(err, ERROR_JOURNAL_BROKEN,
			  "%s:%" PRIu64 ": the line is longer than %d bytes, as none of a journal is", path, b->line,
			  JOURNAL_LINE_MAX);
		error_cure(err, "the line was inserted, or the file is no journal");
		break;
	}
	if (walk->breaks > 1)
		error_append(err, "; in all, %" PRIu64 " lines do not fit", walk->breaks);
	return false;
}

static struct json_object *break_json(const struct journal_break *b)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "line", json_object_new_uint64(b->line));
	report_add_text(object, "expected", b->expected);
	report_add_text(object, "found", b->found);
	return object;
}

static bool show_json(const struct journal_walk *walk, const char *path, const struct error *broken, struct error *err)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "ok", json_object_new_boolean(walk->breaks == 0));
	report_add_text(object, "file", path);
	json_object_object_add(object, "lines", json_object_new_uint64(walk->lines));
	if (walk->first_time[0]) {
		report_add_text(object, "first", walk->first_time);
		report_add_text(object, "last", walk->last_time);
	}
	report_add_text(object, "hash", walk->hash);
	json_object_object_add(object, "incomplete", json_object_new_uint64(walk->incomplete));
	if (walk->incomplete)
		json_object_object_add(object, "first_incomplete", json_object_new_uint64(walk->first_incomplete));
	json_object_object_add(object, "breaks", json_object_new_uint64(walk->breaks));
	if (walk->breaks) {
		json_object_object_add(object, "first_break", break_json(&walk->first_break));
		json_object_object_add(object, "error", report_error_json(broken));
	}
	return report_json(object, err);
}

static bool show_text(const struct journal_walk *walk, const char *path, struct error *err)
{
	struct output out;

	output_init(&out, STDOUT_FILENO, "standard output", strlen(path) + 4096);
	output_printf(&out, "%s: %" PRIu64 " lines", path, walk->lines);
	if (walk->first_time[0])
		output_printf(&out, ", from %s to %s", walk->first_time, walk->last_time);
	output_printf(&out, "\nSHA-256 of the last line: %s\n", walk->hash);
	if (walk->incomplete)
		output_printf(&out,
			      "incomplete lines: %" PRIu64 ", the first of them line %" PRIu64
			      " (a process or the machine ended while it was written)\n",
			      walk->incomplete, walk->first_incomplete);
	bool ok = output_flush(&out, err);
	output_clear(&out);
	return ok;
}

static bool verify(const struct command_options *options, const char *path, struct error *err)
{
	struct journal_walk walk;
	struct error broken = { 0 };
	bool ok = journal_walk_init(&walk, err) && journal_walk_file(&walk, path, err);

	if (ok && walk.breaks > 0)
		tell_break(&walk, path, &broken);
	ok = ok && (options->json ? show_json(&walk, path, &broken, err) : show_text(&walk, path, err));
	if (ok && walk.breaks > 0) {
		*err = broken;
		err->shown = options->json;
		ok = false;
	}
	journal_walk_clear(&walk);
	return ok;
}

static bool show(const struct command_options *options, const char *path, struct error *err)
{
	if (!options->json)
		return journal_show(path, err);
	error_set(err, ERROR_USAGE, "journal show has no --json");
	return error_cure(err, "the file is JSON already, an object on each line: %s", path);
}

/* The one that is named; else what the configuration's defaults say, or the usual one. The caller frees. */
static char *path_of(const struct command_options *given, const char *word)
{
	struct command_options options = *given;

	if (word)
		return xstrdup(word);
	settings_apply(given->settings, given->given, "", NULL, &options);
	return options.journal ? xstrdup(options.journal) : journal_default_path();
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	bool verifies = strcmp(words[0], "verify") == 0;

	if (!verifies && strcmp(words[0], "show") != 0) {
		error_set(err, ERROR_USAGE, "journal takes verify or show, not “%s”", words[0]);
		return error_cure(err, "beamline journal --help");
	}
	if (count > 1 && options->journal)
		return error_set(err, ERROR_USAGE, "journal takes its file from FILE or from --journal, not from both");
	char *path = path_of(options, count > 1 ? words[1] : NULL);
	bool ok = verifies ? verify(options, path, err) : show(options, path, err);
	free(path);
	return ok;
}

const struct command command_journal = {
	.name = "journal",
	.arguments = "verify|show [FILE]",
	.summary = "Verify or show what was done on nodes",
	.description =
		"verify walks along the journal, in which each line holds the SHA-256 of the line before it, and tells "
		"how many lines there are, their first and last time, and the SHA-256 of the last one. The first line "
		"that does not fit is an error, which tells what was expected and what is there.\n\n"
		"show prints the entries: when, which session, who, on which target, and what was entered or came of "
		"it.\n\n"
		"FILE is another journal than the configuration's or the usual one. Nothing is connected to.",
	.groups = GROUP_ALL | GROUP_JOURNAL | GROUP_JSON,
	.min_words = 1,
	.max_words = 2,
	.run = run,
};
