/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a node sends on an open connection, through the C node itself: what it answers (refusals, acknowledgements, ticks) must be
 * frames that decode, and what passes to the caller must be addressed to us.
 */
#include "etf/print.h"
#include "fuzz_must.h"
#include "fuzz_peer.h"

static bool on_message(void *context, const struct link_message *message, struct error *err)
{
	const struct etf_print_options options = { .width = 0 };
	struct buf text;

	(void)err;
	++*(uint64_t *)context;
	buf_init(&text, 64 * 1024);
	etf_print_erlang(&text, message->payload, &options);
	buf_clear(&text);
	must((message->ref != NULL) == (message->kind != LINK_TO_US));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	uint64_t messages = 0;
	struct fuzz_peer peer;

	fuzz_peer_start(&peer, data, size);
	while (link_serve(&peer.link, on_message, &messages, &err))
		continue;
	must(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT || err.code == ERROR_NODE_LOST);
	must(messages == peer.link.counters.messages);
	fuzz_peer_check(&peer);
	return 0;
}
