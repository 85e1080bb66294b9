/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ProxyCommand and ProxyJump: a program of the operator's own choice carries the bytes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "ssh/broker_process.h"
#include "ssh/connect.h"

enum { COMMAND_MAX = 16 * 1024, ARGUMENTS_MAX = 16, END_PATIENCE_MS = 500 };

static bool is_set(const char *text)
{
	return text && *text && strcasecmp(text, "none") != 0;
}

bool connect_wants_proxy(const struct ssh_config *config)
{
	return is_set(config->proxy_jump) || is_set(config->proxy_command);
}

/* The names reach a shell: nothing in them may mean something to it, nor look like an option. */
static bool is_harmless(const char *text)
{
	return text[0] != '-' && text[strcspn(text, "'`\"$\\;&<>|(){}*?!~ \t\r\n")] == '\0';
}

static bool check_names(const struct ssh_config *config, struct error *err)
{
	const char *names[] = { config->hostname, config->user, config->host };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i] && !is_harmless(names[i]))
			return error_set(err, ERROR_CONFIG,
					 "'%s' cannot be passed to a proxy: a shell could misread it", names[i]);
	}
	return true;
}

/* ProxyCommand's tokens: %%, %h, %n, %p and %r (ssh_config(5), TOKENS). */
static bool expand(const struct ssh_config *config, const char *text, struct buf *out, struct error *err)
{
	for (; *text; text++) {
		if (*text != '%') {
			buf_put_u8(out, (uint8_t)*text);
			continue;
		}
		switch (*++text) {
		case '%':
			buf_put_u8(out, '%');
			break;
		case 'h':
			buf_put_text(out, config->hostname);
			break;
		case 'n':
			buf_put_text(out, config->host ? config->host : config->hostname);
			break;
		case 'p':
			buf_printf(out, "%u", (unsigned)config->port);
			break;
		case 'r':
			buf_put_text(out, config->user);
			break;
		default:
			return error_set(err, ERROR_CONFIG, "ProxyCommand: %%%.1s is not a token that it may hold",
					 text);
		}
	}
	return !out->overflow || error_set(err, ERROR_CONFIG, "ProxyCommand is too long");
}

/* The arguments of ssh for the last hop of ProxyJump, reached through the ones before it. */
static void jump_arguments(const struct ssh_config *config, char **argv)
{
	const char *last = strrchr(config->proxy_jump, ',');
	const char *hop = last ? last + 1 : config->proxy_jump;
	size_t n = 0;

	argv[n++] = xstrdup("ssh");
	if (config->ssh_config_file) {
		argv[n++] = xstrdup("-F");
		argv[n++] = xstrdup(config->ssh_config_file);
	}
	if (!config->may_ask)
		argv[n++] = xstrdup("-oBatchMode=yes");
	if (last) {
		argv[n++] = xstrdup("-J");
		argv[n++] = xstrndup(config->proxy_jump, (size_t)(last - config->proxy_jump));
	}
	argv[n++] = xstrdup("-W");
	argv[n++] = xasprintf("[%s]:%u", config->hostname, (unsigned)config->port);
	argv[n++] = xstrdup("--");
	/* A port after the name is understood in a URI only. */
	argv[n++] = strncmp(hop, "ssh://", 6) != 0 && strchr(hop, ':') ? xasprintf("ssh://%s", hop) : xstrdup(hop);
	argv[n] = NULL;
}

static bool proxy_arguments(const struct ssh_config *config, char **argv, struct error *err)
{
	struct buf command;

	if (!check_names(config, err))
		return false;
	if (is_set(config->proxy_jump)) {
		jump_arguments(config, argv);
		return true;
	}
	buf_init(&command, COMMAND_MAX);
	/* Without exec the shell would stand between us and the program that has to be ended. */
	buf_put_text(&command, "exec ");
	bool ok = expand(config, config->proxy_command, &command, err);
	if (ok) {
		argv[0] = xstrdup("sh");
		argv[1] = xstrdup("-c");
		argv[2] = xstrdup(buf_text(&command));
		argv[3] = NULL;
	}
	buf_clear(&command);
	return ok;
}

/* In the child. said: its standard error, or -1. */
_Noreturn static void run_proxy(int fd, int said, char **argv)
{
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (said >= 0)
		dup2(said, STDERR_FILENO);
	broker_leave_keys();
	execvp(argv[0], argv);
	_exit(127);
}

bool connect_proxy(const struct ssh_config *config, int *fd, int *pid, int *said, struct error *err)
{
	char *argv[ARGUMENTS_MAX] = { NULL };
	int ends[2] = { -1, -1 }, pipe_ends[2] = { -1, -1 };

	if (!proxy_arguments(config, argv, err))
		return false;
	bool ok = io_socketpair(ends) && (!said || io_socketpair(pipe_ends));
	pid_t child = ok ? fork() : -1;
	if (child == 0)
		run_proxy(ends[1], pipe_ends[1], argv);
	if (child < 0)
		error_set(err, ERROR_NO_RESOURCES, "%s: %s", argv[0], strerror(errno));
	io_close(&ends[1]);
	io_close(&pipe_ends[1]);
	if (child < 0) {
		io_close(&ends[0]);
		io_close(&pipe_ends[0]);
	} else {
		io_set_nonblocking(ends[0]);
		*fd = ends[0];
		*pid = (int)child;
	}
	if (child > 0 && said) {
		io_set_nonblocking(pipe_ends[0]);
		*said = pipe_ends[0];
	}
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	return child > 0;
}

void connect_end_proxy(int *pid)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	int64_t deadline = clock_ms() + END_PATIENCE_MS;

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (waitpid(*pid, NULL, WNOHANG) == 0) {
		if (clock_ms() >= deadline)
			kill(*pid, SIGKILL);
		nanosleep(&moment, NULL);
	}
	*pid = 0;
}
