/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as EPMD's answers. A list of names must come out the same when it is written down again; a port's answer, as it grows, may be
 * decided once only.
 */
#include "dist/epmd.h"
#include "fuzz_must.h"

static void check_names(const struct epmd_names *names)
{
	struct epmd_names again;
	struct error err;
	struct buf text;

	buf_init(&text, EPMD_NODES_MAX * (EPMD_NAME_MAX + 32));
	buf_put_u32(&text, EPMD_PORT);
	for (size_t i = 0; i < names->count; i++) {
		size_t len = strnlen(names->nodes[i].name, sizeof names->nodes[i].name);
		must(len > 0 && len <= EPMD_NAME_MAX);
		buf_printf(&text, "name %s at port %d\n", names->nodes[i].name, names->nodes[i].port);
	}
	must(epmd_parse_names_resp(text.data, text.len, &again, &err) && again.count == names->count);
	for (size_t i = 0; i < names->count; i++) {
		must(strcmp(names->nodes[i].name, again.nodes[i].name) == 0);
		must(names->nodes[i].port == again.nodes[i].port);
	}
	epmd_names_clear(&again);
	buf_clear(&text);
}

static void check_port(const uint8_t *data, size_t size)
{
	enum epmd_answer decided = EPMD_MORE;
	struct epmd_port port, first = { 0 };

	for (size_t len = 0; len <= size && len <= 64; len++) {
		struct error err = { .code = ERROR_NONE };
		enum epmd_answer answer = epmd_parse_port2_resp(data, len, &port, &err);
		must((answer == EPMD_BAD) == (err.code != ERROR_NONE));
		must(decided == EPMD_MORE || answer == decided);
		if (answer == EPMD_FOUND && decided == EPMD_MORE)
			first = port;
		must(answer != EPMD_FOUND ||
		     (port.port != 0 && port.port == first.port && port.highest_version == first.highest_version));
		decided = answer;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	struct epmd_names names;

	if (epmd_parse_names_resp(data, size, &names, &err)) {
		check_names(&names);
		epmd_names_clear(&names);
	} else {
		must(err.code == ERROR_EPMD_GARBAGE || err.code == ERROR_LIMIT);
		must(!names.nodes && names.count == 0);
	}
	check_port(data, size);
	return 0;
}
