/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/release.h"

#include <ctype.h>
#include <string.h>

#include "node/session.h"

enum { CALL_TIMEOUT_MS = 10000 };

/* erlang:system_info(otp_release) is a string: with SESSION_SHOW_RAW it comes as its bytes. */
static bool take(void *context, enum session_message stream, const uint8_t *data, size_t len, struct error *err)
{
	struct buf *text = context;

	(void)err;
	if (stream == SESSION_VALUE)
		buf_put(text, data, len);
	return true;
}

bool node_release(struct link *link, char *release, size_t size, struct error *err)
{
	const struct term argument = { .kind = ETF_ATOM,
				       .tag = ETF_TAG_SMALL_ATOM_UTF8,
				       .atom = { "otp_release", 11 } };
	const struct term arguments = { .kind = ETF_LIST,
					.tag = ETF_TAG_LIST,
					.list = { .elements = &argument, .count = 1 } };
	const struct session_request request = {
		.module = "erlang",
		.function = "system_info",
		.arguments = &arguments,
		.show = SESSION_SHOW_RAW,
		.columns = 80,
		.timeout_ms = CALL_TIMEOUT_MS,
	};
	struct session_result result;
	struct buf text;

	buf_init(&text, size - 1);
	const struct session_sink sink = { .take = take, .context = &text };
	bool ok = session_run(link, &request, &sink, &result, err);
	for (size_t i = 0; ok && i < text.len; i++) {
		if (!isalnum(text.data[i]) && !strchr(".-", text.data[i]))
			ok = error_set(err, ERROR_PROTOCOL, "%s tells a release that is none", link->node);
	}
	if (ok)
		memcpy(release, buf_text(&text), text.len + 1);
	buf_clear(&text);
	return ok;
}
