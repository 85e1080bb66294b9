/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is asked of the server of a tunnel itself: its facts come in its hello, what the connection has come to as the answer to an alive
 * check.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "ssh/kept.h"
#include "ssh/mux_client.h"
#include "ssh/tunnel_private.h"

enum {
	REQUEST_ID = 1,
	REQUEST_MAX = 1024,
	LOOK_MS = 200, /* between looks at whether who makes the connection asks a person */
	HELLO_MS = 50, /* for the notes of a connection that is up: it takes a fraction of one */
};

/* What is said to the server, and where what it says goes; each may be NULL. */
struct answer {
	struct tunnel_info *info;
	struct tunnel_notes *notes;
	struct tunnel_status *status;
	int persist_ms; /* told, not asked: at least so long it is to stay; 0: nothing of that */
};

static void put_persist(struct buf *out, int ms)
{
	struct buf value;

	buf_init(&value, REQUEST_MAX);
	mux_put_persist(&value, ms);
	mux_put_extension(out, MUX_EXTENSION_PERSIST, value.data, value.len);
	buf_clear(&value);
}

static void put_hello(struct buf *out, const struct answer *wanted)
{
	size_t begun = mux_begin_hello(out);

	if (wanted->info)
		mux_put_extension(out, MUX_EXTENSION_INFO, "", 0);
	if (wanted->notes)
		mux_put_extension(out, MUX_EXTENSION_NOTES, "", 0);
	if (wanted->status)
		mux_put_extension(out, MUX_EXTENSION_STATUS, "", 0);
	if (wanted->persist_ms > 0)
		put_persist(out, wanted->persist_ms);
	mux_end_packet(out, begun);
}

static bool take_hello(const struct mux_packet *packet, const struct answer *wanted)
{
	const struct mux_extension *info, *notes, *status;
	struct mux_hello hello;

	if (!mux_decode_hello(packet, &hello) || hello.version != MUX_VERSION)
		return false;
	info = wanted->info ? mux_find_extension(&hello, MUX_EXTENSION_INFO) : NULL;
	notes = wanted->notes ? mux_find_extension(&hello, MUX_EXTENSION_NOTES) : NULL;
	status = wanted->status ? mux_find_extension(&hello, MUX_EXTENSION_STATUS) : NULL;
	return (!info || mux_parse_info(info->value, info->value_len, wanted->info)) &&
	       (!notes || mux_parse_notes(notes->value, notes->value_len, wanted->notes)) &&
	       (!status || mux_parse_status(status->value, status->value_len, wanted->status));
}

/* False: the connection has failed, or what came is nothing that a server says. */
static bool take_outcome(const struct mux_packet *packet, uint32_t good, struct tunnel_control *control,
			 struct error *err)
{
	struct mux_reply reply;

	if (!mux_decode_reply(packet, &reply))
		return error_set(err, ERROR_INTERNAL, "the multiplexing socket answers wrongly");
	control->known = true;
	if (reply.type == good)
		return true;
	if (reply.type == MUX_S_FAILURE || reply.type == MUX_S_PERMISSION_DENIED)
		stream_take_failure("the connection", &reply.text, err);
	else
		error_set(err, ERROR_INTERNAL, "the multiplexing socket answers wrongly");
	return false;
}

static bool ask(struct tunnel_control *control, uint32_t type, const struct answer *wanted, struct error *err)
{
	struct buf request;

	buf_init(&request, REQUEST_MAX);
	put_hello(&request, wanted);
	mux_put_number(&request, type, REQUEST_ID);
	bool ok = mux_client_send(control->fd, &request, NULL, 0, err);
	buf_clear(&request);
	control->asked = ok;
	buf_init(&control->in, MUX_REPLY_MAX + 4);
	return ok;
}

static int64_t next_look(const struct tunnel_control *control, int64_t deadline)
{
	int64_t look = clock_ms() + LOOK_MS;

	return control->shared && (deadline == IO_NO_DEADLINE || look < deadline) ? look : deadline;
}

/* The next packet; it lies in control->in, and is to be consumed. */
static bool next_packet(struct tunnel_control *control, int64_t deadline, struct mux_packet *packet, struct error *err)
{
	for (;;) {
		struct pollfd waiting = { .fd = control->fd, .events = POLLIN };
		enum mux_next next = mux_next_packet(control->in.data, control->in.len, MUX_REPLY_MAX, packet);
		if (next == MUX_PACKET)
			return true;
		if (next == MUX_BAD)
			return error_set(err, ERROR_INTERNAL,
					 "what serves the multiplexing socket does not speak its protocol");
		switch (io_wait(&waiting, 1, next_look(control, deadline))) {
		case IO_READY:
			if (mux_client_receive(control->fd, &control->in) == MUX_END)
				return error_set(err, ERROR_SSH_LOST,
						 "the process that holds the SSH connection ended");
			break;
		case IO_SIGNAL:
			return error_interrupted(err, io_take_signal());
		case IO_TIMEOUT:
			if (control->shared && socket_folder_is_asking(control->shared))
				return error_set(err, ERROR_SSH_LOST,
						 "the command that makes this connection asks a person something");
			if (deadline == IO_NO_DEADLINE || clock_ms() < deadline)
				break;
			error_set(err, ERROR_SSH_LOST, "the SSH connection is not up yet");
			return error_cure(err, "try again; -v shows how far it has come");
		case IO_FAILED:
			return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
		}
	}
}

/* Reads on until what the connection has come to is known, or (hello) the server has greeted. */
static bool hear(struct tunnel_control *control, uint32_t good, bool hello, const struct answer *wanted,
		 int64_t deadline, struct error *err)
{
	struct mux_packet packet;

	while (!control->known) {
		if (!next_packet(control, deadline, &packet, err))
			return false;
		bool greeting = packet.type == MUX_MSG_HELLO, ok = true;
		if (!greeting)
			ok = take_outcome(&packet, good, control, err);
		else if (!take_hello(&packet, wanted))
			ok = error_set(err, ERROR_INTERNAL,
				       "what serves the multiplexing socket does not speak its protocol");
		buf_consume(&control->in, packet.size);
		if (!ok || (greeting && hello))
			return ok;
	}
	return true;
}

static void end_control(struct tunnel_control *control)
{
	io_close(&control->fd);
	if (control->asked)
		buf_clear(&control->in);
	*control = (struct tunnel_control){ .fd = -1 };
}

void tunnel_end_control(struct tunnel *t)
{
	end_control(&t->control);
}

/* Begins to ask, once. */
static bool ask_tunnel(struct tunnel *t, struct error *err)
{
	const struct answer wanted = { .info = &t->info,
				       .notes = &t->notes,
				       .persist_ms = t->was_there && !t->foreign ? t->persist_ms : 0 };

	if (t->control.asked)
		return true;
	t->control.shared = t->was_there && !t->foreign ? t->socket : NULL;
	return (t->control.fd >= 0 || mux_client_connect(t->socket, &t->control.fd, err)) &&
	       ask(&t->control, MUX_C_ALIVE_CHECK, &wanted, err);
}

bool tunnel_wait(struct tunnel *t, int64_t deadline, struct tunnel_info *info, struct error *err)
{
	const struct answer wanted = { .info = &t->info, .notes = &t->notes };

	t->connected = ask_tunnel(t, err) && hear(&t->control, MUX_S_ALIVE, false, &wanted, deadline, err);
	if (info)
		*info = t->info;
	end_control(&t->control);
	return t->connected;
}

bool tunnel_recall(struct tunnel *t, const char *key, char value[TUNNEL_VALUE_MAX])
{
	const struct answer wanted = { .info = &t->info, .notes = &t->notes };
	struct error ignored = { .code = ERROR_NONE };

	if (!t->was_there || t->foreign)
		return false;
	if (!t->control.asked && !(ask_tunnel(t, &ignored) &&
				   hear(&t->control, MUX_S_ALIVE, true, &wanted, clock_ms() + HELLO_MS, &ignored))) {
		io_give_back(&ignored);
		return false;
	}
	for (size_t i = 0; i < t->notes.count; i++) {
		if (strcmp(t->notes.notes[i].key, key) == 0) {
			memcpy(value, t->notes.notes[i].value, TUNNEL_VALUE_MAX);
			return true;
		}
	}
	return false;
}

void tunnel_note(struct tunnel *t, const char *key, const char *value)
{
	struct buf hello, note;
	struct error ignored;
	int fd;

	if (!tunnel_stays(t, NULL) || t->foreign || !mux_client_connect(t->socket, &fd, &ignored))
		return;
	buf_init(&note, REQUEST_MAX);
	buf_init(&hello, REQUEST_MAX);
	mux_put_note(&note, key, value);
	size_t begun = mux_begin_hello(&hello);
	mux_put_extension(&hello, MUX_EXTENSION_NOTE, note.data, note.len);
	mux_end_packet(&hello, begun);
	if (!hello.overflow)
		mux_client_send(fd, &hello, NULL, 0, &ignored);
	close(fd);
	buf_clear(&note);
	buf_clear(&hello);
}

static bool nobody(const char *socket, struct error *err)
{
	return error_set(err, ERROR_SSH_LOST, "nobody serves %s", socket);
}

bool tunnel_ask_status(const char *socket, int64_t deadline, struct tunnel_status *status, struct error *err)
{
	const struct answer wanted = { .info = &status->info, .notes = &status->notes, .status = status };
	struct tunnel_control control = { .fd = kept_connect(socket) };

	*status = (struct tunnel_status){ 0 };
	if (control.fd < 0)
		return nobody(socket, err);
	bool ok = ask(&control, MUX_C_ALIVE_CHECK, &wanted, err) &&
		  hear(&control, MUX_S_ALIVE, false, &wanted, deadline, err);
	end_control(&control);
	return ok;
}

bool tunnel_end(const char *socket, int64_t deadline, struct error *err)
{
	struct tunnel_control control = { .fd = kept_connect(socket) };
	const struct answer wanted = { 0 };
	struct mux_packet packet;

	if (control.fd < 0)
		return nobody(socket, err);
	bool ok =
		ask(&control, MUX_C_TERMINATE, &wanted, err) && hear(&control, MUX_S_OK, false, &wanted, deadline, err);
	/* Its end closes what we hear on. */
	while (ok && next_packet(&control, deadline, &packet, err))
		buf_consume(&control.in, packet.size);
	end_control(&control);
	return ok && err->code == ERROR_SSH_LOST;
}
