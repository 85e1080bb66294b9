/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what comes over a multiplexing socket, read as both sides read it. What is found must lie inside of the packet, and an error
 * that parses must give the same error once more.
 */
#include "ssh/mux.h"
#include "fuzz_must.h"

/* Touches every byte, for the sanitizer to judge. */
static void must_lie_in(const struct mux_packet *packet, const void *p, size_t len)
{
	const uint8_t *at = p, *begin = packet->body.end - (packet->size - 4);

	must(len == 0 || (at >= begin && len <= (size_t)(packet->body.end - at)));
}

static void check_request(const struct mux_packet *packet)
{
	struct mux_request request;

	if (!mux_decode_request(packet, &request))
		return;
	must(request.descriptors >= 0 && request.descriptors <= MUX_DESCRIPTORS_MAX);
	must_lie_in(packet, request.host.p, request.host.len);
	must_lie_in(packet, request.term.p, request.term.len);
	must_lie_in(packet, request.command.p, request.command.len);
	must(request.environment_count <= MUX_ENVIRONMENT_MAX);
	for (size_t i = 0; i < request.environment_count; i++)
		must_lie_in(packet, request.environment[i].p, request.environment[i].len);
}

static void check_error(const char *text, size_t len)
{
	struct error first, second;
	struct buf again;

	if (!mux_parse_error(text, len, &first))
		return;
	buf_init(&again, 4096);
	mux_put_error(&again, &first);
	must(!again.overflow && mux_parse_error(buf_text(&again), again.len, &second));
	must(first.code == second.code && first.signal == second.signal);
	buf_clear(&again);
}

static void check_reply(const struct mux_packet *packet)
{
	struct mux_reply reply;

	if (!mux_decode_reply(packet, &reply))
		return;
	must_lie_in(packet, reply.text.p, reply.text.len);
	if (reply.text.len > 0)
		check_error(reply.text.p, reply.text.len);
}

static void check_notes(const uint8_t *data, size_t len)
{
	struct tunnel_notes first = { 0 }, second = { 0 };
	struct buf again;

	mux_parse_notes(data, len, &first);
	must(first.count <= TUNNEL_NOTES_MAX);
	buf_init(&again, 64 * 1024);
	for (size_t i = 0; i < first.count; i++) {
		must(first.notes[i].key[0] && first.notes[i].value[0]);
		for (size_t j = 0; j < i; j++)
			must(strcmp(first.notes[i].key, first.notes[j].key) != 0);
		mux_put_note(&again, first.notes[i].key, first.notes[i].value);
	}
	must(mux_parse_notes(again.data, again.len, &second) && second.count == first.count);
	for (size_t i = 0; i < first.count; i++)
		must(strcmp(first.notes[i].key, second.notes[i].key) == 0 &&
		     strcmp(first.notes[i].value, second.notes[i].value) == 0);
	buf_clear(&again);
}

static void check_status(const uint8_t *data, size_t len)
{
	struct tunnel_status first = { 0 }, second = { 0 };
	struct buf again;

	mux_parse_status(data, len, &first);
	buf_init(&again, 4096);
	mux_put_status(&again, &first);
	must(!again.overflow && mux_parse_status(again.data, again.len, &second));
	must(memcmp(&first.pid, &second.pid, sizeof first.pid) == 0 && first.clients == second.clients);
	must(strcmp(first.destination, second.destination) == 0);
	buf_clear(&again);
}

static void check_persist(const uint8_t *data, size_t len)
{
	int ms = mux_parse_persist(data, len);
	struct buf again;

	must(ms >= 0);
	buf_init(&again, 64);
	mux_put_persist(&again, ms);
	must(!again.overflow && mux_parse_persist(again.data, again.len) == ms);
	buf_clear(&again);
}

static void check_hello(const struct mux_packet *packet)
{
	struct mux_hello hello;
	struct tunnel_info info;

	if (!mux_decode_hello(packet, &hello))
		return;
	must(hello.count <= MUX_EXTENSIONS_MAX);
	for (size_t i = 0; i < hello.count; i++) {
		must_lie_in(packet, hello.extensions[i].value, hello.extensions[i].value_len);
		mux_parse_info(hello.extensions[i].value, hello.extensions[i].value_len, &info);
		check_notes(hello.extensions[i].value, hello.extensions[i].value_len);
		check_status(hello.extensions[i].value, hello.extensions[i].value_len);
		check_persist(hello.extensions[i].value, hello.extensions[i].value_len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mux_packet packet;

	while (mux_next_packet(data, size, MUX_REQUEST_MAX, &packet) == MUX_PACKET) {
		must(packet.size >= 8 && packet.size <= size);
		check_hello(&packet);
		check_request(&packet);
		check_reply(&packet);
		data += packet.size;
		size -= packet.size;
	}
	return 0;
}
