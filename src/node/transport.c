/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"

enum {
	PIECE = 64 * 1024,      /* read from the stream at once, and enciphered at once */
	PLAIN_MAX = 256 * 1024, /* what one piece can hold, and a record from before */
};

static const uint8_t tick[4];

void transport_init(struct transport *t, struct stream *stream)
{
	*t = (struct transport){ .stream = *stream };
	buf_init(&t->plain, PLAIN_MAX);
	*stream = STREAM_NONE;
}

bool transport_start_tls(struct transport *t, const struct tls_context *context, const char *name, struct error *err)
{
	t->tls = tls_new(context, name, err);
	/* That it cannot be sent shows when reading. */
	return t->tls && (transport_flush(t), true);
}

void transport_close(struct transport *t)
{
	if (t->tls && t->stream.fd >= 0) {
		tls_close(t->tls);
		transport_flush(t);
	}
	tls_free(t->tls);
	t->tls = NULL;
	buf_clear(&t->plain);
	stream_close(&t->stream);
}

void transport_linger(struct transport *t, int ms)
{
	struct pollfd one = { .fd = t->stream.fd, .events = POLLIN };
	int64_t deadline = clock_ms() + ms;
	uint8_t block[4096];

	shutdown(t->stream.fd, SHUT_WR);
	while (clock_ms() < deadline && io_wait(&one, 1, deadline) == IO_READY) {
		ssize_t n = io_read(t->stream.fd, block, sizeof block);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
			break;
	}
}

static enum transport_io io_failed(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK ? TRANSPORT_WAIT : TRANSPORT_ENDED;
}

bool transport_is_flushed(const struct transport *t)
{
	return !t->tls || tls_output(t->tls)->len == 0;
}

enum transport_io transport_flush(struct transport *t)
{
	if (transport_is_flushed(t))
		return TRANSPORT_MOVED;
	struct buf *out = tls_output(t->tls);
	size_t sent = 0;
	enum transport_io result = TRANSPORT_MOVED;
	while (sent < out->len && result == TRANSPORT_MOVED) {
		ssize_t n = io_write(t->stream.fd, out->data + sent, out->len - sent);
		if (n < 0)
			result = io_failed();
		else
			sent += (size_t)n;
	}
	buf_consume(out, sent);
	return result;
}

enum transport_io transport_write(struct transport *t, const void *data, size_t size, size_t *len, struct error *err)
{
	if (!t->tls) {
		ssize_t n = io_write(t->stream.fd, data, size);
		*len = n < 0 ? 0 : (size_t)n;
		return n < 0 ? io_failed() : TRANSPORT_MOVED;
	}
	enum transport_io flushed = transport_flush(t);
	if (flushed != TRANSPORT_MOVED)
		return flushed;
	*len = size < PIECE ? size : PIECE;
	if (!tls_put(t->tls, data, *len, err))
		return TRANSPORT_FAILED;
	/* It is taken; what the stream does not take yet waits here. */
	return transport_flush(t) == TRANSPORT_ENDED ? TRANSPORT_ENDED : TRANSPORT_MOVED;
}

bool transport_write_all(struct transport *t, const void *data, size_t len)
{
	struct error ignored;

	if (!t->tls)
		return io_write_all(t->stream.fd, data, len);
	struct buf *out = tls_output(t->tls);
	if (!tls_put(t->tls, data, len, &ignored)) {
		errno = EPROTO;
		return false;
	}
	bool ok = io_write_all(t->stream.fd, out->data, out->len);
	out->len = 0;
	return ok;
}

/* TLS: reads from the stream until there is something plain. */
static enum transport_io fill(struct transport *t, struct error *err)
{
	static uint8_t block[PIECE];

	if (t->plain_at < t->plain.len)
		return TRANSPORT_MOVED;
	t->plain.len = t->plain_at = 0;
	while (t->plain.len == 0) {
		if (tls_is_closed(t->tls))
			return TRANSPORT_ENDED;
		ssize_t n = io_read(t->stream.fd, block, sizeof block);
		if (n <= 0)
			return n < 0 ? io_failed() : TRANSPORT_ENDED;
		bool ok = tls_feed(t->tls, block, (size_t)n, &t->plain, err);
		/* Also the alert that goes with an error. */
		transport_flush(t);
		if (!ok)
			return TRANSPORT_FAILED;
		/* Whoever calls looks at the time and at signals: a peer may send what holds nothing for ever. */
		if (t->plain.len == 0 && !tls_is_closed(t->tls))
			return TRANSPORT_WAIT;
	}
	return TRANSPORT_MOVED;
}

static size_t take_plain(const struct transport *t, void *data, size_t size)
{
	size_t len = t->plain.len - t->plain_at;

	if (len > size)
		len = size;
	memcpy(data, t->plain.data + t->plain_at, len);
	return len;
}

enum transport_io transport_peek(struct transport *t, void *data, size_t size, size_t *len, struct error *err)
{
	*len = 0;
	if (t->tls) {
		enum transport_io filled = fill(t, err);
		if (filled == TRANSPORT_MOVED)
			*len = take_plain(t, data, size);
		return filled;
	}
	ssize_t n = recv(t->stream.fd, data, size, MSG_PEEK);
	if (n < 0)
		return errno == EINTR ? TRANSPORT_WAIT : io_failed();
	*len = (size_t)n;
	return n == 0 ? TRANSPORT_ENDED : TRANSPORT_MOVED;
}

bool transport_skip(struct transport *t, size_t len)
{
	uint8_t block[4096];

	if (t->tls) {
		t->plain_at += len;
		return t->plain_at <= t->plain.len;
	}
	while (len > 0) {
		ssize_t n = io_read(t->stream.fd, block, len < sizeof block ? len : sizeof block);
		if (n <= 0)
			return false;
		len -= (size_t)n;
	}
	return true;
}

enum transport_io transport_read(struct transport *t, void *data, size_t size, size_t *len, struct error *err)
{
	*len = 0;
	if (t->tls) {
		enum transport_io filled = fill(t, err);
		if (filled != TRANSPORT_MOVED)
			return filled;
		*len = take_plain(t, data, size);
		t->plain_at += *len;
		return TRANSPORT_MOVED;
	}
	ssize_t n = io_read(t->stream.fd, data, size);
	if (n <= 0)
		return n < 0 ? io_failed() : TRANSPORT_ENDED;
	*len = (size_t)n;
	return TRANSPORT_MOVED;
}

bool transport_tick(struct transport *t)
{
	struct error ignored;

	/* A few bytes go whole or not at all into a stream socket that has room. */
	if (!t->tls)
		return io_write(t->stream.fd, tick, sizeof tick) == (ssize_t)sizeof tick;
	if (transport_is_flushed(t) && !tls_put(t->tls, tick, sizeof tick, &ignored))
		return false;
	return transport_flush(t) == TRANSPORT_MOVED;
}

void transport_skip_ticks(struct transport *t, uint32_t count)
{
	struct error ignored;

	if (!t->tls)
		return;
	for (; count > 0; count--) {
		if (!tls_put(t->tls, tick, sizeof tick, &ignored))
			transport_break(t);
		tls_output(t->tls)->len = 0;
	}
}

void transport_break(struct transport *t)
{
	if (t->tls)
		shutdown(t->stream.fd, SHUT_RDWR);
}
