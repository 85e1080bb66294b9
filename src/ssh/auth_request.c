/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/callbacks.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/terminal.h"
#include "ssh/auth_methods.h"

/* PAM and directory services take their time, above all to refuse. */
enum { ANSWER_LIMIT_MS = 60000, BANNER_MAX = 64 * 1024 };

static int call(struct auth *a, enum auth_request_kind kind, ssh_key key, const char *text)
{
	ssh_session ssh = a->s->ssh;

	switch (kind) {
	case AUTH_NONE:
		return ssh_userauth_none(ssh, NULL);
	case AUTH_PROBE:
		return ssh_userauth_try_publickey(ssh, NULL, key);
	case AUTH_SIGN:
		return ssh_userauth_publickey(ssh, NULL, key);
	case AUTH_AGENT:
		return ssh_userauth_agent(ssh, NULL);
	case AUTH_INTERACTIVE:
		return ssh_userauth_kbdint(ssh, NULL, NULL);
	case AUTH_PASSWORD:
		return ssh_userauth_password(ssh, NULL, text);
	}
	return SSH_AUTH_ERROR;
}

char *auth_foreign_text(const char *mark, const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	size_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	struct buf out;
	buf_init(&out, len + lines * strlen(mark));
	buf_put_text(&out, mark);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r')
			continue;
		buf_put_u8(&out, (uint8_t)text[i]);
		if (text[i] == '\n')
			buf_put_text(&out, mark);
	}
	char *marked = xstrdup(buf_text(&out));
	buf_clear(&out);
	return marked;
}

static void show_banner(struct auth *a)
{
	char *banner = a->banner_shown ? NULL : ssh_get_issue_banner(a->s->ssh);

	if (!banner)
		return;
	a->banner_shown = true;
	size_t len = strlen(banner);
	while (len > 0 && strchr("\r\n \t", banner[len - 1]))
		banner[--len] = '\0';
	if (len > 0 && log_level() >= 0) {
		char *text = auth_foreign_text("| ", banner, BANNER_MAX);
		terminal_print_line(STDERR_FILENO, "", text);
		free(text);
	}
	ssh_string_free_char(banner);
}

/*
 * When sshd's reason and the end of the connection come together, the end is all that libssh 0.11's error tells; the reason is in
 * its log, though. Called for each line of that.
 */
static void note_reason(int level, const char *function, const char *text, void *context)
{
	struct auth *a = context;
	const char *reason = strstr(text, "SSH_MSG_DISCONNECT");

	(void)level, (void)function;
	if (a && reason)
		snprintf(a->reason, sizeof a->reason, "%s", reason);
}

static enum auth_result failed(struct auth *a)
{
	const char *reason = a->reason[0] ? a->reason : ssh_get_error(a->s->ssh);

	if (!session_is_lost(a->s->ssh)) {
		log_v("auth", "not possible on our side: %s", reason);
		return AUTH_UNABLE;
	}
	a->too_many = strstr(reason, "Too many authentication failures") != NULL;
	error_set(a->err, ERROR_SSH_LOST, "%s: sshd ended the connection during authentication: %s", a->who, reason);
	error_cure(a->err,
		   "the host's sshd log tells why (sshd may limit connections, or wait no longer than LoginGraceTime)");
	return AUTH_BROKEN;
}

enum auth_result auth_request(struct auth *a, enum auth_request_kind kind, ssh_key key, const char *text)
{
	int64_t deadline = clock_ms() + ANSWER_LIMIT_MS;
	bool waited = true;
	int rc;

	a->requests++;
	session_begin_step(a->s);
	ssh_set_log_userdata(a);
	ssh_set_log_callback(note_reason);
	ssh_set_log_level(SSH_LOG_PACKET);
	while ((rc = call(a, kind, key, text)) == SSH_AUTH_AGAIN) {
		/* After a disconnect libssh says “again” for ever, on a descriptor that it has closed. */
		if (session_is_lost(a->s->ssh) || !(waited = session_wait(a->s, deadline, "authentication", a->err)))
			break;
	}
	ssh_set_log_level(SSH_LOG_NOLOG);
	ssh_set_log_userdata(NULL);
	if (!waited)
		return AUTH_BROKEN;
	show_banner(a);
	switch (rc) {
	case SSH_AUTH_SUCCESS:
		return AUTH_ACCEPTED;
	case SSH_AUTH_PARTIAL:
		return AUTH_PARTIAL;
	case SSH_AUTH_DENIED:
		return AUTH_DENIED;
	case SSH_AUTH_INFO:
		return AUTH_PROMPTS;
	default:
		return failed(a);
	}
}

void auth_note(struct auth *a, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	log_v("auth", "sshd does not take %s", text);
	buf_printf(&a->tried, "%s%s", a->tried.len ? ", " : "", text);
}

void auth_by(struct auth *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->s->info.auth, sizeof a->s->info.auth, fmt, args);
	va_end(args);
}
