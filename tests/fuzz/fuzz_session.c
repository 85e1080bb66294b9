/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a node sends while an evaluation runs: it must come to an end, with an error that is the node's or the text's. The last
 * byte of the input says what was asked for: a text, a call, the release; it is the node's as well, where it does no harm.
 */
#include "fuzz_must.h"
#include "fuzz_peer.h"
#include "node/release.h"
#include "node/session.h"

enum { MODE_CALL = 1, MODE_CONFIRMED = 2, MODE_OLD = 4, MODE_RELEASE = 8, MODE_ELIXIR = 16, MODE_REFUSES = 32 };

struct taken {
	uint32_t sum;
	bool refuses;
};

static bool take(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err)
{
	struct taken *taken = context;

	must(stream == SESSION_OUTPUT || stream == SESSION_VALUE || stream == SESSION_EXCEPTION);
	for (size_t i = 0; i < len; i++)
		taken->sum += data[i];
	return !taken->refuses || error_set(err, ERROR_OUTPUT_LOST, "nobody reads it");
}

static bool ask_release(struct link *link, struct error *err)
{
	char release[16];
	bool ok = node_release(link, release, sizeof release, err);

	for (const char *p = release; ok && *p; p++)
		must((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '.' ||
		     *p == '-');
	return ok;
}

static bool evaluate(struct link *link, uint8_t mode, struct error *err)
{
	static const struct term no_arguments = { .kind = ETF_NIL, .tag = ETF_TAG_NIL };
	struct session_request request = {
		.text = "1.",
		.text_len = 2,
		.show = SESSION_SHOW_SHELL,
		.columns = 80,
		.confirmed = mode & MODE_CONFIRMED,
		.language = mode & MODE_ELIXIR ? SESSION_ELIXIR : SESSION_ERLANG,
	};
	struct taken taken = { .refuses = mode & MODE_REFUSES };
	const struct session_sink sink = { .take = take, .context = &taken };
	struct session_result result;

	if (mode & MODE_CALL) {
		request.text = NULL;
		request.module = "erlang";
		request.function = "node";
		request.arguments = &no_arguments;
	}
	bool ok = session_run(link, &request, &sink, &result, err);
	must(memchr(result.class, '\0', sizeof result.class) && memchr(result.reason, '\0', sizeof result.reason));
	must(result.detached >= -1);
	must(err->code != ERROR_OUTPUT_LOST || taken.refuses);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .code = ERROR_NONE };
	uint8_t mode = size > 0 ? data[size - 1] : 0;
	struct fuzz_peer peer;

	fuzz_peer_start(&peer, data, size);
	if (mode & MODE_OLD)
		peer.link.node_flags = 0;
	bool ok = mode & MODE_RELEASE ? ask_release(&peer.link, &err) : evaluate(&peer.link, mode, &err);
	must(ok == (err.code == ERROR_NONE));
	must(err.code != ERROR_INTERNAL && err.code != ERROR_USAGE && err.code != ERROR_INTERRUPTED);
	fuzz_peer_check(&peer);
	return 0;
}
