/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/broker_greet.h"

#include <string.h>

enum { VALUE_MAX = MUX_REPLY_MAX };

static void put_info(struct buf *value, const struct broker_service *service)
{
	mux_put_info(value, &service->info);
}

static void put_status(struct buf *value, const struct broker_service *service)
{
	mux_put_status(value, &service->status);
}

static void put_notes(struct buf *value, const struct broker_service *service)
{
	for (size_t i = 0; i < service->notes.count; i++)
		mux_put_note(value, service->notes.notes[i].key, service->notes.notes[i].value);
}

static const struct {
	const char *name;
	void (*put)(struct buf *value, const struct broker_service *service);
} answers[] = {
	{ MUX_EXTENSION_INFO, put_info },
	{ MUX_EXTENSION_STATUS, put_status },
	{ MUX_EXTENSION_NOTES, put_notes },
};

/* Ours comes second, so that it can hold what the client's asks for. */
bool broker_greet(const struct mux_packet *packet, struct broker_service *service, struct buf *out, bool *late_failure)
{
	const struct mux_extension *note, *persist;
	struct mux_hello hello;

	if (!mux_decode_hello(packet, &hello) || hello.version != MUX_VERSION)
		return false;
	*late_failure = mux_find_extension(&hello, MUX_EXTENSION_LATE_FAILURE) != NULL;
	note = mux_find_extension(&hello, MUX_EXTENSION_NOTE);
	if (note)
		mux_parse_notes(note->value, note->value_len, &service->notes);
	persist = mux_find_extension(&hello, MUX_EXTENSION_PERSIST);
	int ms = persist ? mux_parse_persist(persist->value, persist->value_len) : 0;
	if (ms > service->persist_ms) {
		service->persist_ms = ms;
		service->status.persist_ms = ms;
	}
	size_t begun = mux_begin_hello(out);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct buf value;
		if (!mux_find_extension(&hello, answers[i].name))
			continue;
		buf_init(&value, VALUE_MAX);
		answers[i].put(&value, service);
		mux_put_extension(out, answers[i].name, value.data, value.len);
		buf_clear(&value);
	}
	if (*late_failure)
		mux_put_extension(out, MUX_EXTENSION_LATE_FAILURE, "", 0);
	mux_end_packet(out, begun);
	return true;
}
