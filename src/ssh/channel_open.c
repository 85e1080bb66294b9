/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/channel_open.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ssh/session.h"

enum {
	ATTEMPTS_MAX = 4,
	FIRST_CHANNEL = 43,              /* what libssh numbers the first channel of a connection */
	ADMINISTRATIVELY_PROHIBITED = 1, /* RFC 4254, 5.1 */
	NOTICE_MS = 1000,                /* what sshd may take to see that a session's program has ended */
	TURN_MS = 20,
};

/* One broker process has one connection, so its channels are counted here as libssh counts them. */
static unsigned next_number = FIRST_CHANNEL;
/* A channel is being asked for again: others that must be wait for their turn, or their reasons would be lost as well. */
static bool retry_taken;
/* Session channels that sshd has, or is being asked for; and how many it was found to allow (MaxSessions), as it tells nobody. */
static unsigned sessions, sessions_max = UINT_MAX;
/* When one of them ended: sshd counts a session until its program has ended, even if its channel is closed. */
static int64_t session_freed_at;
/* Somebody waits for another's session or retry to end; one has. */
static bool turn_awaited, turn_freed;
/* When sshd may have noticed the end of a session. */
static int64_t next_turn = INT64_MAX;

static char *copy_text(struct mux_text text)
{
	return xstrndup(text.p ? text.p : "", text.len);
}

void channel_opening_init(struct channel_opening *o, const struct mux_request *request, int terminal)
{
	struct winsize size;

	*o = (struct channel_opening){
		.is_session = request->type == MUX_C_NEW_SESSION,
		.want_tty = request->want_tty,
		.subsystem = request->subsystem,
		.columns = 80,
		.rows = 24,
		.port = (uint16_t)request->port,
		.host = copy_text(request->host),
		.term = copy_text(request->term),
		.command = copy_text(request->command),
	};
	for (size_t i = 0; i < request->environment_count; i++)
		o->environment[i] = copy_text(request->environment[i]);
	if (terminal >= 0 && ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		o->columns = size.ws_col;
		o->rows = size.ws_row;
	}
}

static void end_retry(struct channel_opening *o)
{
	if (!o->retrying)
		return;
	o->retrying = retry_taken = false;
	turn_freed = true;
}

static void end_session(struct channel_opening *o)
{
	if (!o->counted)
		return;
	o->counted = false;
	turn_freed = true;
	session_freed_at = clock_ms();
	if (--sessions == 0)
		sessions_max = UINT_MAX;
}

bool channel_open_take_turn(void)
{
	bool turn = turn_awaited && (turn_freed || clock_ms() >= next_turn);

	if (turn) {
		turn_awaited = false;
		next_turn = INT64_MAX;
	}
	turn_freed = false;
	return turn;
}

int64_t channel_open_next_turn(void)
{
	return turn_awaited ? next_turn : INT64_MAX;
}

void channel_opening_clear(struct channel_opening *o)
{
	end_retry(o);
	end_session(o);
	free(o->host);
	free(o->term);
	free(o->command);
	for (size_t i = 0; o->environment[i]; i++)
		free(o->environment[i]);
}

void channel_opening_describe(const struct channel_opening *o, char *text, size_t size)
{
	if (o->is_session)
		snprintf(text, size, "%s", o->subsystem ? "subsystem" : *o->command ? "exec" : "shell");
	else
		snprintf(text, size, "%s:%u", o->host, (unsigned)o->port);
}

bool channel_open_is_awaited(const struct channel_opening *o)
{
	return o->awaited;
}

/*
 * libssh's text: "Channel opening failure: channel 43 error (1) open failed". The last part is the server's own. False: it is not about
 * this channel.
 */
static bool read_reason(const struct channel_opening *o, const char *text, unsigned *code, const char **words)
{
	const char *channel = strstr(text, "channel ");
	char *end;

	if (strncmp(text, "Channel opening failure:", 24) != 0 || !channel)
		return false;
	if (strtoul(channel + 8, &end, 10) != o->number || strncmp(end, " error (", 8) != 0)
		return false;
	*code = (unsigned)strtoul(end + 8, &end, 10);
	*words = *end == ')' && end[1] == ' ' ? end + 2 : "";
	return true;
}

static enum open_result refuse_forward(const struct channel_opening *o, unsigned code, const char *words,
				       struct error *err)
{
	if (code == ADMINISTRATIVELY_PROHIBITED) {
		error_set(err, ERROR_FORWARDING_PROHIBITED, "sshd does not allow forwarding to %s:%u (%.200s)", o->host,
			  (unsigned)o->port, words);
		error_cure(err,
			   "in the host's sshd_config: AllowTcpForwarding yes or local, and a PermitOpen that names "
			   "%s:%u; "
			   "a key's options in authorized_keys can forbid it too",
			   o->host, (unsigned)o->port);
	} else {
		error_set(err, ERROR_CHANNEL_REFUSED, "the host cannot connect to %s:%u (%.200s)", o->host,
			  (unsigned)o->port, words);
		error_cure(err, "check that something listens on %s:%u on the host itself", o->host, (unsigned)o->port);
	}
	return OPEN_REFUSED;
}

static enum open_result refuse_session(const char *what, const char *words, struct error *err)
{
	error_set(err, ERROR_SESSION_REFUSED, "sshd does not %s (%.300s)", what, words);
	error_cure(err, "the account may be limited to forwarding (ForceCommand, a key's options, its shell), or "
			"MaxSessions is reached");
	return OPEN_REFUSED;
}

/* While there are other sessions, or were until just now, it may be their number. */
static bool may_be_too_many(struct channel_opening *o)
{
	int64_t freed_at = session_freed_at;

	end_session(o);
	session_freed_at = freed_at;
	if (sessions > 0) {
		sessions_max = sessions;
		return true;
	}
	if (clock_ms() - freed_at > NOTICE_MS)
		return false;
	o->not_before = clock_ms() + TURN_MS;
	return true;
}

static enum open_result refuse(struct channel_opening *o, ssh_session session, struct error *err)
{
	const char *words = "no reason known";
	unsigned code = 0;

	if (o->is_session && !o->given_up && may_be_too_many(o) && ssh_is_connected(session))
		return OPEN_AGAIN;
	if (!o->given_up && !read_reason(o, ssh_get_error(session), &code, &words) && ++o->attempts < ATTEMPTS_MAX &&
	    ssh_is_connected(session))
		return OPEN_AGAIN;
	return o->is_session ? refuse_session("open a session", words, err) : refuse_forward(o, code, words, err);
}

static int ask_open(struct channel_opening *o, ssh_channel ssh)
{
	if (!o->awaited && o->attempts > 0) {
		if (retry_taken) {
			turn_awaited = true;
			return SSH_AGAIN;
		}
		o->retrying = retry_taken = true;
	}
	if (!o->awaited && o->is_session) {
		if ((sessions >= sessions_max && sessions > 0) || clock_ms() < o->not_before) {
			turn_awaited = true;
			if (o->not_before > clock_ms() && o->not_before < next_turn)
				next_turn = o->not_before;
			return SSH_AGAIN;
		}
		sessions++;
		o->counted = true;
	}
	if (!o->awaited)
		o->number = next_number++;
	o->awaited = true;
	if (o->is_session)
		return ssh_channel_open_session(ssh);
	return ssh_channel_open_forward(ssh, o->host, o->port, "127.0.0.1", 0);
}

static int ask_variable(const char *pair, ssh_channel ssh)
{
	const char *equals = strchr(pair, '=');
	char *name;
	int rc;

	if (!equals || equals == pair)
		return SSH_OK;
	name = xstrndup(pair, (size_t)(equals - pair));
	rc = ssh_channel_request_env(ssh, name, equals + 1);
	free(name);
	return rc;
}

static int ask_program(const struct channel_opening *o, ssh_channel ssh)
{
	if (o->subsystem)
		return ssh_channel_request_subsystem(ssh, o->command);
	if (*o->command)
		return ssh_channel_request_exec(ssh, o->command);
	return ssh_channel_request_shell(ssh);
}

static int ask(struct channel_opening *o, ssh_channel ssh)
{
	switch (o->step) {
	case STEP_OPEN:
		return ask_open(o, ssh);
	case STEP_TERMINAL:
		return o->want_tty ? ssh_channel_request_pty_size(ssh, o->term, o->columns, o->rows) : SSH_OK;
	case STEP_ENVIRONMENT:
		return o->environment[o->next_variable] ? ask_variable(o->environment[o->next_variable], ssh) : SSH_OK;
	case STEP_PROGRAM:
		return ask_program(o, ssh);
	}
	return SSH_ERROR;
}

/* No answer of the server's: there will be none any more. */
static enum open_result lose(ssh_session session, struct error *err)
{
	error_set(err, ERROR_SSH_LOST, "the SSH connection is lost: %.300s", ssh_get_error(session));
	error_cure(err, "try again; if it repeats, look at the network and at sshd's log on the host");
	return OPEN_REFUSED;
}

/* An answer has come for the step; what comes next. */
static enum open_result go_on(struct channel_opening *o, ssh_session session, bool ok, struct error *err)
{
	if (!ok && session_is_lost(session))
		return lose(session, err);
	switch (o->step) {
	case STEP_OPEN:
		o->awaited = false;
		end_retry(o);
		if (!ok)
			return refuse(o, session, err);
		o->step = STEP_TERMINAL;
		return o->is_session && !o->given_up ? OPEN_PENDING : OPEN_DONE;
	case STEP_TERMINAL:
		o->lacks_terminal = !ok;
		o->step = STEP_ENVIRONMENT;
		return OPEN_PENDING;
	case STEP_ENVIRONMENT:
		/* sshd takes only what its AcceptEnv names: a refusal is usual. */
		if (o->environment[o->next_variable])
			o->next_variable++;
		else
			o->step = STEP_PROGRAM;
		return OPEN_PENDING;
	case STEP_PROGRAM:
		break;
	}
	return ok ? OPEN_DONE : refuse_session("run the program", ssh_get_error(session), err);
}

enum open_result channel_open_step(struct channel_opening *o, ssh_session session, ssh_channel ssh, struct error *err)
{
	for (;;) {
		int rc = ask(o, ssh);
		if (rc == SSH_AGAIN)
			return OPEN_PENDING;
		enum open_result result = go_on(o, session, rc == SSH_OK, err);
		if (result != OPEN_PENDING)
			return result;
	}
}
