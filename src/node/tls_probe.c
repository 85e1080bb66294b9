/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/tls_probe.h"

#include "base/clock.h"
#include "base/io.h"
#include "node/transport.h"

/* Until something has come. A signal ends it, and is left for the next who waits. */
static void await_answer(struct transport *t, int ms)
{
	struct pollfd one = { .fd = t->stream.fd, .events = POLLIN };
	int64_t deadline = clock_ms() + ms;
	enum transport_io io = TRANSPORT_WAIT;

	while (io == TRANSPORT_WAIT && !tls_was_answered(t->tls) && io_wait(&one, 1, deadline) == IO_READY) {
		struct error ignored;
		uint8_t byte;
		size_t len;
		io = transport_peek(t, &byte, 1, &len, &ignored);
	}
}

bool tls_probe(struct stream *stream, int ms)
{
	const struct tls_material nothing = { .verify = false };
	struct tls_context *context;
	struct transport t;
	struct error ignored;
	bool locked, answered = false;

	transport_init(&t, stream);
	context = tls_context_new(&nothing, &locked, &ignored);
	if (context && transport_start_tls(&t, context, NULL, &ignored)) {
		await_answer(&t, ms);
		answered = tls_was_answered(t.tls);
	}
	transport_close(&t);
	tls_context_free(context);
	return answered;
}
