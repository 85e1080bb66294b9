/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration files: any text ends in settings or in an error with its line, and is freed whole; settings answer for any name. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets the text that it had begun when it meets an error. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const bool given[COMMAND_OPTIONS_MAX];
	struct command_options options = { 0 };
	struct settings settings;
	struct error err = { 0 };

	if (settings_parse(&settings, command_option_table, command_option_count, (const char *)data, size, &err)) {
		settings_apply(&settings, given, "web-1", "shop", &options);
		settings_knows_nodes(&settings, "web-1");
	} else if (err.code != ERROR_CONFIG || strncmp(err.message, "text:", 5) != 0) {
		abort();
	}
	settings_clear(&settings);
	return 0;
}
