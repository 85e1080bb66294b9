/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/several.h"

#include <string.h>

#include "cmd/report.h"

bool several_failed(struct several *s, const char *host, const struct error *failure, struct error *err)
{
	struct error said = *failure;

	*err = *failure;
	s->bad++;
	if (s->count == 1 || failure->code == ERROR_INTERRUPTED)
		return false;
	if (!s->options->json) {
		if (strncmp(said.message, host, strlen(host)) != 0)
			error_prefix(&said, "%s", host);
		report_error(s->options, &said);
	}
	return true;
}

bool several_end(const struct several *s, struct error *err)
{
	if (s->bad > 0 && s->count > 1 && err->code != ERROR_INTERRUPTED)
		error_set(err, ERROR_SOME_FAILED, "%d of %d hosts failed", s->bad, s->count);
	return s->bad == 0;
}
