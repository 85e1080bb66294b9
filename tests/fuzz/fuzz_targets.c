/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as words for many targets, the first line of it as what is left out: a bounded list of different names, or an error. Plain names,
 * folded, mean themselves again. With a ! first the rest is standard input, from which they come.
 */
#include <unistd.h>

#include "config/targets.h"
#include "fuzz_must.h"

static const char configuration[] = "hosts = ( { match = [\"web-1\", \"web-2\", \"web-10\", \"db-01\"]; } );\n"
				    "groups = { web = [\"web-*\", \"!web-2\"]; all = [\"@web\", \"db-01\"]; };\n";

enum { WORDS_MAX = 16, INPUT_MAX = 60 * 1024 /* what a pipe takes at once */ };

static bool is_plain(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.:")] == '\0';
}

static void check_fold(const struct settings *settings, const struct targets *targets)
{
	struct buf folded;
	struct targets again;
	struct error err;

	for (size_t i = 0; i < targets->list.count; i++) {
		if (!is_plain(targets->list.items[i]) || strcmp(targets->list.items[i], "-") == 0)
			return;
	}
	buf_init(&folded, TARGETS_TEXT_MAX);
	targets_fold((const char *const *)targets->list.items, targets->list.count, &folded);
	const char *word = buf_text(&folded);
	struct targets_request request = { .settings = settings, .ssh_config = "none", .words = &word, .count = 1 };
	must(targets_expand(&request, &again, &err) && again.list.count == targets->list.count);
	for (size_t i = 0; i < again.list.count; i++) {
		bool found = false;
		for (size_t k = 0; !found && k < targets->list.count; k++)
			found = strcmp(again.list.items[i], targets->list.items[k]) == 0;
		must(found);
	}
	targets_clear(&again);
	buf_clear(&folded);
}

/* A file is none of the fuzzer's business. */
static bool names_file(const char *text)
{
	return strchr(text, '/') != NULL;
}

/* Lines cannot name files, so they may hold anything. */
static void read_input(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	const char *word = "-";
	struct settings settings;
	struct targets targets;
	int ends[2];

	must(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	must(write(ends[1], data, size) == (ssize_t)size);
	close(ends[0]);
	close(ends[1]);
	must(settings_parse(&settings, NULL, 0, configuration, sizeof configuration - 1, &err));
	struct targets_request request = { .settings = &settings, .ssh_config = "none", .words = &word, .count = 1 };
	if (targets_expand(&request, &targets, &err))
		must(targets.many && targets.list.count > 0 && targets.list.count <= TARGETS_MAX);
	else
		must(err.code == ERROR_USAGE);
	targets_clear(&targets);
	settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && size < INPUT_MAX && data[0] == '!') {
		read_input(data + 1, size - 1);
		return 0;
	}
	struct error err = { .code = ERROR_NONE };
	char *text = xstrndup((const char *)data, size), *at = text;
	const char *words[WORDS_MAX], *except[2] = { NULL, NULL };
	struct settings settings;
	struct targets targets;
	size_t count = 0;

	must(settings_parse(&settings, NULL, 0, configuration, sizeof configuration - 1, &err));
	except[0] = strsep(&at, "\n");
	while (at && count < WORDS_MAX)
		words[count++] = strsep(&at, "\n");
	struct targets_request request = { .settings = &settings,
					   .ssh_config = "none",
					   .words = words,
					   .count = count,
					   .except = except[0] && *except[0] ? except : NULL,
					   .input_taken = true };
	if (!names_file((const char *)text) && size > 0 && count > 0) {
		bool files = except[0] && names_file(except[0]);
		for (size_t i = 0; i < count; i++)
			files |= names_file(words[i]);
		if (!files && targets_expand(&request, &targets, &err)) {
			must(targets.list.count > 0 && targets.list.count <= TARGETS_MAX);
			if (targets.list.count < 300)
				check_fold(&settings, &targets);
		} else if (!files) {
			must(err.code == ERROR_USAGE);
		}
		if (!files)
			targets_clear(&targets);
	}
	settings_clear(&settings);
	free(text);
	return 0;
}
