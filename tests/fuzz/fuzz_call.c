/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a node sends while calls are on their way: no call may be answered twice, and what we answer must be frames that decode.
 */
#include "base/clock.h"
#include "base/io.h"
#include "etf/print.h"
#include "fuzz_must.h"
#include "fuzz_peer.h"
#include "node/call.h"

enum { CALLS = 3 };

static bool answered[CALLS + 1];

static void print(const struct term *t)
{
	const struct etf_print_options options = { .width = 80, .column = 1 };
	struct buf text;

	buf_init(&text, 16 * 1024);
	etf_print_erlang(&text, t, &options);
	buf_clear(&text);
}

static bool on_answer(void *context, const struct call_answer *answer, struct error *err)
{
	bool *of = answer->of;

	must(context == answered && of >= answered && of <= answered + CALLS && !*of);
	*of = true;
	must((answer->outcome == CALL_TIMED_OUT) == !answer->value);
	if (answer->value)
		print(answer->value);
	(void)err;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct term no_arguments = { .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	struct error err = { .code = ERROR_NONE };
	static struct calls calls;
	struct fuzz_peer peer;

	memset(answered, 0, sizeof answered);
	fuzz_peer_start(&peer, data, size);
	calls_init(&calls, &peer.link, on_answer, answered);
	for (size_t i = 0; i < CALLS; i++)
		must(call_begin(&calls, "erlang", "node", &no_arguments, IO_NO_DEADLINE, &answered[i], &err));
	must(call_begin(&calls, "erlang", "node", &no_arguments, clock_ms() + 60000, &answered[CALLS], &err));
	bool ok = calls_turn(&calls, &err);
	/* All that came is read at once; then this one's time is over. */
	if (calls.calls[CALLS].open)
		calls.calls[CALLS].deadline = 0;
	while (ok)
		ok = calls_turn(&calls, &err);
	must(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT || err.code == ERROR_NODE_LOST);
	size_t open = 0;
	for (size_t i = 0; i <= CALLS; i++)
		open += !answered[i];
	must(open == calls.count);
	fuzz_peer_check(&peer);
	return 0;
}
