/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/mux.h"

#include <string.h>

enum { LENGTH_SIZE = 4, TYPE_SIZE = 4 };

enum mux_next mux_next_packet(const uint8_t *data, size_t len, size_t max, struct mux_packet *packet)
{
	if (len < LENGTH_SIZE)
		return MUX_INCOMPLETE;
	size_t body = get_be32(data);
	if (body < TYPE_SIZE || body > max)
		return MUX_BAD;
	if (len - LENGTH_SIZE < body)
		return MUX_INCOMPLETE;
	packet->size = LENGTH_SIZE + body;
	packet->body = reader_of(data + LENGTH_SIZE, body);
	packet->type = read_u32(&packet->body);
	return MUX_PACKET;
}

static const uint8_t *read_string(struct reader *r, size_t *len)
{
	*len = read_u32(r);
	return read_bytes(r, *len);
}

static struct mux_text read_text(struct reader *r)
{
	size_t len;
	const uint8_t *p = read_string(r, &len);

	if (!p || memchr(p, '\0', len)) {
		r->failed = true;
		return (struct mux_text){ "", 0 };
	}
	return (struct mux_text){ (const char *)p, len };
}

bool mux_decode_hello(const struct mux_packet *packet, struct mux_hello *hello)
{
	struct reader r = packet->body;

	*hello = (struct mux_hello){ .version = read_u32(&r) };
	while (!r.failed && reader_left(&r) > 0) {
		struct mux_extension extension;
		extension.name = read_text(&r);
		extension.value = read_string(&r, &extension.value_len);
		if (!r.failed && hello->count < MUX_EXTENSIONS_MAX)
			hello->extensions[hello->count++] = extension;
	}
	return packet->type == MUX_MSG_HELLO && !r.failed;
}

const struct mux_extension *mux_find_extension(const struct mux_hello *hello, const char *name)
{
	for (size_t i = 0; i < hello->count; i++) {
		const struct mux_text *text = &hello->extensions[i].name;
		if (text->len == strlen(name) && memcmp(text->p, name, text->len) == 0)
			return &hello->extensions[i];
	}
	return NULL;
}

static void read_session(struct reader *r, struct mux_request *request)
{
	size_t reserved;

	request->descriptors = 3;
	read_string(r, &reserved);
	request->want_tty = read_u32(r) != 0;
	read_u32(r); /* X11 forwarding: not offered */
	read_u32(r); /* agent forwarding: not offered */
	request->subsystem = read_u32(r) != 0;
	read_u32(r); /* the escape character is the client's own matter */
	request->term = read_text(r);
	request->command = read_text(r);
	while (!r->failed && reader_left(r) > 0) {
		struct mux_text pair = read_text(r);
		if (!r->failed && request->environment_count < MUX_ENVIRONMENT_MAX)
			request->environment[request->environment_count++] = pair;
	}
}

static void read_forward(struct reader *r, struct mux_request *request)
{
	size_t reserved;

	request->descriptors = 2;
	read_string(r, &reserved);
	request->host = read_text(r);
	request->port = read_u32(r);
}

bool mux_decode_request(const struct mux_packet *packet, struct mux_request *request)
{
	struct reader r = packet->body;

	*request = (struct mux_request){ .type = packet->type, .id = read_u32(&r) };
	if (request->type == MUX_C_NEW_SESSION)
		read_session(&r, request);
	else if (request->type == MUX_C_NEW_STDIO_FWD)
		read_forward(&r, request);
	return !r.failed;
}

bool mux_decode_reply(const struct mux_packet *packet, struct mux_reply *reply)
{
	struct reader r = packet->body;

	*reply = (struct mux_reply){ .type = packet->type };
	switch (reply->type) {
	case MUX_S_SESSION_OPENED:
		reply->id = read_u32(&r);
		reply->session = read_u32(&r);
		break;
	case MUX_S_EXIT_MESSAGE:
	case MUX_S_ALIVE:
		reply->id = read_u32(&r);
		reply->value = read_u32(&r);
		break;
	case MUX_S_OK:
	case MUX_S_TTY_ALLOC_FAIL:
		reply->id = read_u32(&r);
		break;
	case MUX_S_FAILURE:
	case MUX_S_PERMISSION_DENIED:
		reply->id = read_u32(&r);
		reply->text = read_text(&r);
		break;
	default:
		break;
	}
	return !r.failed;
}

/* Room for the length, which mux_end_packet fills in, and the type. */
static size_t begin_packet(struct buf *out, uint32_t type)
{
	size_t begun = out->len;

	buf_put_u32(out, 0);
	buf_put_u32(out, type);
	return begun;
}

void mux_end_packet(struct buf *out, size_t begun)
{
	if (!out->overflow)
		put_be32(out->data + begun, (uint32_t)(out->len - begun - LENGTH_SIZE));
}

static void put_string(struct buf *out, const void *data, size_t len)
{
	buf_put_u32(out, (uint32_t)len);
	buf_put(out, data, len);
}

static void put_text(struct buf *out, const char *text)
{
	put_string(out, text, strlen(text));
}

size_t mux_begin_hello(struct buf *out)
{
	size_t begun = begin_packet(out, MUX_MSG_HELLO);

	buf_put_u32(out, MUX_VERSION);
	return begun;
}

void mux_put_extension(struct buf *out, const char *name, const void *value, size_t len)
{
	put_text(out, name);
	put_string(out, value, len);
}

void mux_put_forward(struct buf *out, uint32_t id, const char *host, uint16_t port)
{
	size_t begun = begin_packet(out, MUX_C_NEW_STDIO_FWD);

	buf_put_u32(out, id);
	put_text(out, "");
	put_text(out, host);
	buf_put_u32(out, port);
	mux_end_packet(out, begun);
}

void mux_put_exec(struct buf *out, uint32_t id, const char *command)
{
	size_t begun = begin_packet(out, MUX_C_NEW_SESSION);

	buf_put_u32(out, id);
	put_text(out, "");
	for (int i = 0; i < 4; i++)
		buf_put_u32(out, 0);  /* no terminal, X11, agent, subsystem */
	buf_put_u32(out, UINT32_MAX); /* no escape character */
	put_text(out, "");
	put_text(out, command);
	mux_end_packet(out, begun);
}

void mux_put_number(struct buf *out, uint32_t type, uint32_t id)
{
	size_t begun = begin_packet(out, type);

	buf_put_u32(out, id);
	mux_end_packet(out, begun);
}

void mux_put_numbers(struct buf *out, uint32_t type, uint32_t id, uint32_t value)
{
	size_t begun = begin_packet(out, type);

	buf_put_u32(out, id);
	buf_put_u32(out, value);
	mux_end_packet(out, begun);
}

void mux_put_failure(struct buf *out, uint32_t type, uint32_t id, const char *text, size_t len)
{
	size_t begun = begin_packet(out, type);

	buf_put_u32(out, id);
	put_string(out, text, len);
	mux_end_packet(out, begun);
}
