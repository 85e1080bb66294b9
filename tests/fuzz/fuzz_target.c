/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as what an operator names: a target whose host cannot pass for an option, or an error. */
#include "dist/epmd.h"
#include "fuzz_must.h"
#include "node/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	char *text = xstrndup((const char *)data, size);
	struct target target;

	if (target_parse(text, &target, &err)) {
		must(target.destination[0] != '\0' && target.destination[0] != '-');
		must(strlen(target.destination) + (target.node ? strlen(target.node) : 0) <= strlen(text));
		must(!target.node || (target.node[0] != '\0' && strcspn(target.node, "@") <= EPMD_NAME_MAX));
		if (target.node) {
			must(target_names_node(target.node, target.node));
			must(!target_names_node("", target.node));
		}
	} else {
		must(err.code == ERROR_USAGE && !target.destination && !target.node);
	}
	target_clear(&target);
	free(text);
	return 0;
}
