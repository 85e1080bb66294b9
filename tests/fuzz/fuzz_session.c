/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what a node sends while an evaluation runs: it must come to an end, with an error that is the node's or the text's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_peer.h"
#include "node/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err)
{
	uint32_t *sum = context;

	(void)err;
	fuzz_must(stream == SESSION_OUTPUT || stream == SESSION_VALUE || stream == SESSION_EXCEPTION);
	for (size_t i = 0; i < len; i++)
		*sum += data[i];
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct session_request request = {
		.text = "1.", .text_len = 2, .show = SESSION_SHOW_SHELL, .columns = 80
	};
	struct error err = { .code = ERROR_NONE };
	struct session_result result;
	struct fuzz_peer peer;
	uint32_t sum = 0;
	const struct session_sink sink = { .take = take, .context = &sum };

	fuzz_peer_start(&peer, data, size);
	bool ok = session_run(&peer.link, &request, &sink, &result, &err);
	fuzz_must(ok == (err.code == ERROR_NONE));
	fuzz_must(err.code != ERROR_INTERNAL && err.code != ERROR_USAGE && err.code != ERROR_INTERRUPTED);
	fuzz_must(memchr(result.class, '\0', sizeof result.class) && memchr(result.reason, '\0', sizeof result.reason));
	fuzz_must(result.detached >= -1);
	fuzz_peer_check(&peer);
	return 0;
}
