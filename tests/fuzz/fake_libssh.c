/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_libssh.h"

#include <stdio.h>

#include <libssh/callbacks.h>

#include "fuzz_must.h"

struct ssh_channel_struct {
	ssh_channel_callbacks callbacks;
	struct fake_end *end;
	unsigned number;
	bool open;
};

struct fake_server fake_server;
static struct fake_end *chosen;
/* As libssh numbers the channels of a connection; this process has had many, and the caller counts on. */
static unsigned next_number = 43;

ssh_session fake_session(void)
{
	return (ssh_session)(void *)&fake_server;
}

void fake_reset(void)
{
	must(fake_is_empty());
	fake_server = (struct fake_server){ .connected = true };
	for (int i = 0; i < FAKE_CHANNELS; i++)
		fake_server.ends[i].window = 64 * 1024;
	fake_choose(0);
}

bool fake_is_empty(void)
{
	for (int i = 0; i < FAKE_CHANNELS; i++) {
		if (fake_server.ends[i].channel)
			return false;
	}
	return true;
}

void fake_choose(unsigned which)
{
	must(which < FAKE_CHANNELS);
	chosen = &fake_server.ends[which];
}

uint8_t fake_byte(uint64_t number)
{
	return (uint8_t)(number ^ number >> 8 ^ number >> 16);
}

static struct fake_end *end_of(ssh_channel c)
{
	must(c && c->end->channel == c);
	return c->end;
}

/* The answer to a request; an error is libssh's too where the connection is gone. */
static int answer(void)
{
	if (!fake_server.connected)
		return SSH_ERROR;
	if (fake_server.answer_count == 0)
		return SSH_AGAIN;
	int first = fake_server.answers[0];
	fake_server.answer_count--;
	memmove(fake_server.answers, fake_server.answers + 1, fake_server.answer_count * sizeof *fake_server.answers);
	return first;
}

static int answer_open(ssh_channel c)
{
	must(end_of(c) && !c->open);
	if (c->number == 0)
		c->number = next_number++;
	int rc = answer();
	c->open = rc == SSH_OK;
	if (rc != SSH_ERROR)
		return rc;
	if (fake_server.other_text)
		memcpy(fake_server.error, fake_server.words, sizeof fake_server.words);
	else
		snprintf(fake_server.error, sizeof fake_server.error,
			 "Channel opening failure: channel %u error (%u) %s", c->number + fake_server.off_by,
			 fake_server.code, fake_server.words);
	return rc;
}

/* The server may have closed the channel meanwhile. */
static int answer_request(ssh_channel c)
{
	must(end_of(c));
	return c->open ? answer() : SSH_ERROR;
}

/* ---- what the server does ---- */

/* The chosen channel, if it is one that can be told something. */
static ssh_channel listening(void)
{
	ssh_channel c = chosen->channel;

	return c && c->open && c->callbacks ? c : NULL;
}

void fake_send(size_t len, bool is_stderr)
{
	ssh_channel c = listening();

	if (!c)
		return;
	chosen->sent[is_stderr] += len;
	chosen->unread[is_stderr] += len;
	must(c->callbacks->channel_data_function(fake_session(), c, NULL, (uint32_t)chosen->unread[is_stderr],
						 is_stderr, c->callbacks->userdata) == 0);
}

void fake_eof(void)
{
	ssh_channel c = listening();

	if (c)
		c->callbacks->channel_eof_function(fake_session(), c, c->callbacks->userdata);
}

void fake_close(void)
{
	ssh_channel c = listening();

	if (c) {
		c->callbacks->channel_close_function(fake_session(), c, c->callbacks->userdata);
		c->open = false;
	}
}

void fake_exit_status(int status)
{
	ssh_channel c = listening();

	if (c)
		c->callbacks->channel_exit_status_function(fake_session(), c, status, c->callbacks->userdata);
}

void fake_exit_signal(const char *name)
{
	ssh_channel c = listening();

	if (c)
		c->callbacks->channel_exit_signal_function(fake_session(), c, name, 0, "", "", c->callbacks->userdata);
}

/* ---- libssh's functions ---- */

const char *ssh_get_error(void *error)
{
	must(error == fake_session());
	return fake_server.error;
}

int ssh_is_connected(ssh_session session)
{
	must(session == fake_session());
	return fake_server.connected;
}

int ssh_get_status(ssh_session session)
{
	must(session == fake_session());
	return fake_server.connected ? 0 : SSH_CLOSED;
}

ssh_channel ssh_channel_new(ssh_session session)
{
	must(session == fake_session() && !chosen->channel);
	if (fake_server.lacks_memory)
		return NULL;
	ssh_channel c = calloc(1, sizeof *c);
	c->end = chosen;
	chosen->channel = c;
	return c;
}

void ssh_channel_free(ssh_channel c)
{
	end_of(c)->channel = NULL;
	must(!c->callbacks);
	free(c);
}

int ssh_add_channel_callbacks(ssh_channel c, ssh_channel_callbacks callbacks)
{
	must(end_of(c) && !c->callbacks);
	c->callbacks = callbacks;
	return SSH_OK;
}

int ssh_remove_channel_callbacks(ssh_channel c, ssh_channel_callbacks callbacks)
{
	must(end_of(c) && (!c->callbacks || c->callbacks == callbacks));
	c->callbacks = NULL;
	return SSH_OK;
}

int ssh_channel_open_session(ssh_channel c)
{
	return answer_open(c);
}

int ssh_channel_open_forward(ssh_channel c, const char *host, int port, const char *source, int source_port)
{
	must(host && port >= 0 && port <= UINT16_MAX && source && source_port == 0);
	return answer_open(c);
}

int ssh_channel_request_pty_size(ssh_channel c, const char *term, int columns, int rows)
{
	must(term && columns > 0 && rows > 0);
	return answer_request(c);
}

int ssh_channel_request_env(ssh_channel c, const char *name, const char *value)
{
	must(*name && !strchr(name, '=') && value);
	return answer_request(c);
}

int ssh_channel_request_subsystem(ssh_channel c, const char *subsystem)
{
	must(subsystem != NULL);
	return answer_request(c);
}

int ssh_channel_request_exec(ssh_channel c, const char *command)
{
	must(*command);
	return answer_request(c);
}

int ssh_channel_request_shell(ssh_channel c)
{
	return answer_request(c);
}

int ssh_channel_change_pty_size(ssh_channel c, int columns, int rows)
{
	must(end_of(c) && columns > 0 && rows > 0);
	return SSH_OK;
}

uint32_t ssh_channel_window_size(ssh_channel c)
{
	return end_of(c)->window;
}

int ssh_channel_is_open(ssh_channel c)
{
	return c->open && !end_of(c)->closed;
}

/* libssh takes what the window allows, and less while it exchanges keys anew. */
int ssh_channel_write(ssh_channel c, const void *data, uint32_t len)
{
	struct fake_end *end = end_of(c);

	must(!end->eof);
	if (!c->open || end->closed)
		return SSH_ERROR;
	uint32_t n = len < end->window ? len : end->window;
	n = fake_server.blocked ? n / 2 : n;
	for (uint32_t i = 0; i < n; i++)
		must(((const uint8_t *)data)[i] == fake_byte(end->taken++));
	end->window -= n;
	return (int)n;
}

int ssh_channel_read_nonblocking(ssh_channel c, void *dest, uint32_t count, int is_stderr)
{
	struct fake_end *end = end_of(c);
	size_t *unread = &end->unread[is_stderr != 0];
	uint32_t n = *unread < count ? (uint32_t)*unread : count;
	uint64_t number = end->sent[is_stderr != 0] - *unread;

	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)dest)[i] = fake_byte(number++);
	*unread -= n;
	return (int)n;
}

/* Asked for more than there is it opens the window, and does not wait with a limit of 0. */
int ssh_channel_read_timeout(ssh_channel c, void *dest, uint32_t count, int is_stderr, int timeout_ms)
{
	must(timeout_ms == 0);
	return ssh_channel_read_nonblocking(c, dest, count, is_stderr);
}

int ssh_channel_send_eof(ssh_channel c)
{
	must(!end_of(c)->eof);
	c->end->eof = true;
	return SSH_OK;
}

int ssh_channel_close(ssh_channel c)
{
	end_of(c)->closed = true;
	return SSH_OK;
}
