/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_libssh.h"

#include <libssh/callbacks.h>

#include "fuzz_must.h"

struct ssh_channel_struct {
	ssh_channel_callbacks callbacks;
	bool open;
};

struct fake_server fake_server;
static ssh_channel channel;

ssh_session fake_session(void)
{
	return (ssh_session)(void *)&fake_server;
}

void fake_reset(void)
{
	must(fake_server.channels == 0);
	fake_server = (struct fake_server){ .connected = true, .window = 64 * 1024 };
	channel = NULL;
}

uint8_t fake_byte(uint64_t number)
{
	return (uint8_t)(number ^ number >> 8 ^ number >> 16);
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
	must(c == channel && !c->open);
	int rc = answer();
	c->open = rc == SSH_OK;
	return rc;
}

static int answer_request(ssh_channel c)
{
	must(c == channel);
	return answer();
}

/* ---- what the server does ---- */

void fake_send(size_t len, bool is_stderr)
{
	if (!channel || !channel->open || !channel->callbacks)
		return;
	fake_server.sent[is_stderr] += len;
	fake_server.unread[is_stderr] += len;
	if (channel->callbacks->channel_data_function)
		must(channel->callbacks->channel_data_function(fake_session(), channel, NULL,
							       (uint32_t)fake_server.unread[is_stderr], is_stderr,
							       channel->callbacks->userdata) == 0);
}

void fake_eof(void)
{
	if (channel && channel->open && channel->callbacks)
		channel->callbacks->channel_eof_function(fake_session(), channel, channel->callbacks->userdata);
}

void fake_close(void)
{
	if (channel && channel->open && channel->callbacks) {
		channel->callbacks->channel_close_function(fake_session(), channel, channel->callbacks->userdata);
		channel->open = false;
	}
}

void fake_exit_status(int status)
{
	if (channel && channel->open && channel->callbacks)
		channel->callbacks->channel_exit_status_function(fake_session(), channel, status,
								 channel->callbacks->userdata);
}

void fake_exit_signal(const char *name)
{
	if (channel && channel->open && channel->callbacks)
		channel->callbacks->channel_exit_signal_function(fake_session(), channel, name, 0, "", "",
								 channel->callbacks->userdata);
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
	must(session == fake_session() && !channel);
	channel = calloc(1, sizeof *channel);
	fake_server.channels++;
	return channel;
}

void ssh_channel_free(ssh_channel c)
{
	must(c == channel && !c->callbacks);
	free(c);
	channel = NULL;
	fake_server.channels--;
}

int ssh_add_channel_callbacks(ssh_channel c, ssh_channel_callbacks callbacks)
{
	must(c == channel && !c->callbacks);
	c->callbacks = callbacks;
	return SSH_OK;
}

int ssh_remove_channel_callbacks(ssh_channel c, ssh_channel_callbacks callbacks)
{
	must(c == channel && (!c->callbacks || c->callbacks == callbacks));
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
	must(c == channel && columns > 0 && rows > 0);
	return SSH_OK;
}

uint32_t ssh_channel_window_size(ssh_channel c)
{
	must(c == channel);
	return fake_server.window;
}

int ssh_channel_is_open(ssh_channel c)
{
	must(c == channel);
	return c->open && !fake_server.closed;
}

/* libssh takes what the window allows, and none while it exchanges keys anew. */
int ssh_channel_write(ssh_channel c, const void *data, uint32_t len)
{
	must(c == channel && !fake_server.eof);
	if (!c->open || fake_server.closed)
		return SSH_ERROR;
	uint32_t n = len < fake_server.window ? len : fake_server.window;
	n = fake_server.blocked ? n / 2 : n;
	for (uint32_t i = 0; i < n; i++)
		must(((const uint8_t *)data)[i] == fake_byte(fake_server.taken++));
	fake_server.window -= n;
	return (int)n;
}

int ssh_channel_read_nonblocking(ssh_channel c, void *dest, uint32_t count, int is_stderr)
{
	size_t *unread = &fake_server.unread[is_stderr != 0];
	uint32_t n = *unread < count ? (uint32_t)*unread : count;

	must(c == channel);
	uint64_t number = fake_server.sent[is_stderr != 0] - *unread;
	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)dest)[i] = fake_byte(number++);
	*unread -= n;
	return (int)n;
}

int ssh_channel_send_eof(ssh_channel c)
{
	must(c == channel && !fake_server.eof);
	fake_server.eof = true;
	return SSH_OK;
}

int ssh_channel_close(ssh_channel c)
{
	must(c == channel);
	fake_server.closed = true;
	return SSH_OK;
}
