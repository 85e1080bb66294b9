/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's list of processes: whatever it prints, facts of bounded size come of it, and an error that can be told. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/host_beams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const wanted[] = { NULL, "shop" };
	struct host_beams found;

	host_beams_parse((const char *)data, size, &found);
	if (found.count > HOST_BEAMS_MAX)
		abort();
	for (size_t i = 0; i < found.count; i++) {
		const struct host_beam *beam = &found.beams[i];
		if (beam->pid == 0 || beam->port_count > HOST_BEAM_PORTS_MAX ||
		    strlen(beam->node) >= sizeof beam->node || strchr(beam->node, '\n') || strchr(beam->user, ' '))
			abort();
	}
	for (int view = HOST_BEAMS_NO_EPMD; view <= HOST_BEAMS_OTHER_NODES; view++) {
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			struct error err;
			error_set(&err, ERROR_EPMD_ABSENT, "no EPMD");
			host_beams_explain(&found, (enum host_beams_view)view, wanted[i], &err);
			if (err.code != ERROR_EPMD_ABSENT && err.code != ERROR_NO_DISTRIBUTION)
				abort();
		}
	}
	return 0;
}
