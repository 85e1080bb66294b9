/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names in ssh_config: any text gives names that are fit for a command line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/names.h"
#include "config/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_list hosts = { 0 }, includes = { 0 };

	names_parse_ssh_config((const char *)data, size, &hosts, &includes);
	for (size_t i = 0; i < hosts.count; i++) {
		if (!pattern_is_plain(hosts.items[i]) || pattern_is_wild(hosts.items[i]))
			abort();
	}
	settings_list_clear(&hosts);
	settings_list_clear(&includes);
	return 0;
}
