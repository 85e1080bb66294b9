/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parser of what `ssh -G` prints: any text ends in a configuration or an error, and is freed whole. */
#include <stddef.h>
#include <stdint.h>

#include "ssh/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ssh_config config = { 0 };
	struct error err;

	ssh_config_parse((const char *)data, size, &config, &err);
	ssh_config_clear(&config);
	return 0;
}
