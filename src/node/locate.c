/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/locate.h"

#include <errno.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

enum { REASON_MS = 500 }; /* for the SSH side to say why, where it knows */

bool locate_ask(struct tunnel *tunnel, uint16_t epmd_port, const char *name, struct stream *stream, struct error *err)
{
	struct buf request;

	if (!tunnel_forward(tunnel, "127.0.0.1", epmd_port, stream, err))
		return false;
	buf_init(&request, 512);
	if (name)
		epmd_put_port_please2_req(&request, name);
	else
		epmd_put_names_req(&request);
	/* It fits into the empty socket; if the stream fails, reading tells why. */
	if (!io_write_all(stream->fd, request.data, request.len))
		log_vv("EPMD", "the question could not be sent: errno %d", errno);
	buf_clear(&request);
	return true;
}

static bool absent(struct stream *stream, struct error *err)
{
	error_set(err, ERROR_EPMD_ABSENT, "no EPMD listens on %s of the host", stream->what);
	return error_cure(err, "if it is on another port, name it with --epmd-port; if the node runs without EPMD, "
			       "name the node's own port with --dist-port");
}

/* Waits for more bytes and reads them; *end: the answer is over. */
static bool read_more(struct stream *stream, int64_t deadline, struct buf *answer, bool *end, struct error *err)
{
	enum io_wait waited = io_wait_one(stream->fd, POLLIN, deadline, err);

	if (waited == IO_SIGNAL)
		return false;
	if (waited != IO_READY) {
		error_set(err, ERROR_EPMD_TIMEOUT, "what listens on %s of the host does not answer as EPMD",
			  stream->what);
		return error_cure(
			err, "EPMD may be suspended, or it is another program's port; see --epmd-port and --dist-port");
	}
	uint8_t *room = buf_reserve(answer, 4096);
	if (!room)
		return error_set(err, ERROR_EPMD_GARBAGE, "what listens on %s of the host sends without end",
				 stream->what);
	ssize_t n = io_read(stream->fd, room, 4096);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		n = 0;
	else
		*end = n <= 0;
	answer->len += n > 0 ? (size_t)n : 0;
	return true;
}

/* The stream must have been opened: reading then fails for EPMD's reasons only. */
static bool opened(struct stream *stream, int64_t deadline, struct error *err)
{
	if (stream_wait_open(stream, deadline, err))
		return true;
	return err->code == ERROR_CHANNEL_REFUSED ? absent(stream, err) : false;
}

/* An answer that ends early: the SSH side may know why. */
static bool cut(struct stream *stream, struct error *err)
{
	if (!stream_reason(stream, clock_ms() + REASON_MS, err))
		return false;
	error_set(err, ERROR_EPMD_GARBAGE, "what listens on %s of the host closes instead of answering as EPMD",
		  stream->what);
	return error_cure(err, "it may be another program's port; see --epmd-port and --dist-port");
}

bool locate_names(struct stream *stream, int64_t deadline, struct epmd_names *names, struct error *err)
{
	struct buf answer;
	bool end = false, ok = opened(stream, deadline, err);

	buf_init(&answer, EPMD_ANSWER_MAX);
	while (ok && !end)
		ok = read_more(stream, deadline, &answer, &end, err);
	if (ok && answer.len == 0)
		ok = cut(stream, err);
	else if (ok)
		ok = epmd_parse_names_resp(answer.data, answer.len, names, err);
	buf_clear(&answer);
	stream_close(stream);
	return ok;
}

bool locate_port(struct stream *stream, const char *name, int64_t deadline, struct epmd_port *port, struct error *err)
{
	struct buf answer;
	bool end = false, ok = opened(stream, deadline, err);
	enum epmd_answer found = EPMD_MORE;

	buf_init(&answer, 16384);
	while (ok && found == EPMD_MORE && !end) {
		ok = read_more(stream, deadline, &answer, &end, err);
		if (ok)
			found = epmd_parse_port2_resp(answer.data, answer.len, port, err);
	}
	if (ok && found == EPMD_MORE)
		ok = cut(stream, err);
	else if (ok && found == EPMD_NOT_FOUND)
		ok = error_set(err, ERROR_NODE_UNKNOWN, "EPMD on the host knows no node named %s", name);
	else if (ok)
		ok = found == EPMD_FOUND;
	buf_clear(&answer);
	stream_close(stream);
	return ok;
}
