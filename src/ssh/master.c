/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"
#include "ssh/broker_process.h"
#include "ssh/mux.h"
#include "ssh/socket_folder.h"

enum {
	ARGUMENTS_MAX = 512,
	TEXT_MAX = 64 * 1024, /* of what ssh says */
	READ_SIZE = 4096,
	LOOK_MS = 5, /* between looks at whether it has ended */
	END_MS = 2000,
};

static const struct complaint {
	const char *words;
	enum error_code code;
	const char *cure; /* NULL: ssh's own words are enough */
} complaints[] = {
	{ "REMOTE HOST IDENTIFICATION HAS CHANGED", ERROR_HOST_KEY_CHANGED,
	  "find out why on another way than this one, then remove the old key with ssh-keygen -R" },
	{ "is revoked", ERROR_HOST_KEY_REVOKED, NULL },
	{ "Host key verification failed", ERROR_HOST_KEY_UNKNOWN,
	  "connect once by ssh, and compare the key's fingerprint" },
	{ "Could not resolve hostname", ERROR_HOST_UNKNOWN, "check the name, or its HostName in ssh_config" },
	{ "Connection refused", ERROR_TCP_REFUSED, "check the address and port, and that sshd runs" },
	{ "No route to host", ERROR_TCP_REFUSED, NULL },
	{ "Network is unreachable", ERROR_TCP_REFUSED, NULL },
	{ "timed out", ERROR_TCP_TIMEOUT, NULL },
	{ "Unable to negotiate", ERROR_NO_COMMON_ALGORITHM, NULL },
	{ "Permission denied", ERROR_AUTH_REFUSED,
	  "check the user's name, and that its authorized_keys hold one of the keys" },
	{ "Too many authentication failures", ERROR_AUTH_REFUSED, "set IdentitiesOnly and IdentityFile in ssh_config" },
	{ "kex_exchange_identification", ERROR_NOT_SSH, NULL },
	{ "Bad configuration option", ERROR_CONFIG, NULL },
};

/* The last line that says something. */
static char *last_words(const char *text)
{
	size_t end = strlen(text);

	while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r'))
		end--;
	size_t begin = end;
	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	return xstrndup(text + begin, end - begin);
}

/* The first of the complaints that the text has; NULL: none. */
static const struct complaint *find_complaint(const char *text)
{
	for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++) {
		if (strstr(text, complaints[i].words))
			return &complaints[i];
	}
	return NULL;
}

void master_explain(const char *text, const struct ssh_config *config, struct error *err)
{
	char *words = last_words(text), flag[SSH_FLAG_MAX];

	const char *key = strstr(text, "SHA256:");
	error_set(err, ERROR_SSH_LOST, "ssh did not connect to %s: %.600s", config->host,
		  *words ? words : "it ended without a word");
	if (key)
		error_append(err, " (the host's key is %.*s)", (int)strcspn(key, " .\r\n"), key);
	error_cure(err, "`ssh -v%s %s` shows what it does", ssh_config_flag(config->ssh_config_file, flag),
		   config->destination);
	/* Its last words are its own. Before them may stand a banner of the server's, who could put anything there; but not before its key was accepted. */
	const struct complaint *found = strstr(words, "Host key verification failed") ? NULL : find_complaint(words);
	if (!found)
		found = find_complaint(text);
	if (found) {
		err->code = found->code;
		if (found->cure)
			error_cure(err, "%s", found->cure);
	}
	free(words);
}

/* Ours stand first: of each option ssh takes the first. */
static bool make_arguments(const struct ssh_config *config, const char *socket, const char **argv, struct error *err)
{
	static const char *const ours[] = {
		"ssh", "-M",
		"-N",  "-T",
		"-o",  "ControlPersist=no",
		"-o",  "ClearAllForwardings=yes",
		"-o",  "ForwardAgent=no",
		"-o",  "ForwardX11=no",
		"-o",  "PermitLocalCommand=no",
		"-o",  "RemoteCommand=none",
		"-S",
	};
	size_t n = 0;

	for (; n < sizeof ours / sizeof *ours; n++)
		argv[n] = ours[n];
	argv[n++] = socket;
	if (!config->may_ask) {
		argv[n++] = "-o";
		argv[n++] = "BatchMode=yes";
	}
	if (config->ssh_config_file) {
		argv[n++] = "-F";
		argv[n++] = config->ssh_config_file;
	}
	for (size_t i = 0; config->options && config->options[i]; i++) {
		if (n + 5 > ARGUMENTS_MAX)
			return error_set(err, ERROR_USAGE, "there are more ssh options than can be passed on");
		argv[n++] = "-o";
		argv[n++] = config->options[i];
	}
	argv[n++] = "--";
	argv[n++] = config->destination;
	argv[n] = NULL;
	return true;
}

struct master {
	pid_t pid; /* 0: it has ended */
	int said;  /* its standard error */
	struct buf text;
};

/* In the child. It must not outlive us, who end it. */
_Noreturn static void run_ssh(int said, const char *const *argv)
{
	dup2(STDIN_FILENO, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	platform_die_with_parent(SIGTERM);
	broker_leave_keys();
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static bool spawn(struct master *m, const char *const *argv, struct error *err)
{
	int ends[2] = { -1, -1 };

	m->pid = io_socketpair(ends) ? fork() : -1;
	if (m->pid == 0)
		run_ssh(ends[1], argv);
	io_close(&ends[1]);
	m->said = ends[0];
	if (m->pid < 0) {
		m->pid = 0;
		return error_set(err, ERROR_NO_RESOURCES, "%s: %s", argv[0], strerror(errno));
	}
	io_set_nonblocking(m->said);
	return true;
}

static bool has_ended(struct master *m)
{
	if (m->pid > 0 && waitpid(m->pid, NULL, WNOHANG) != 0)
		m->pid = 0;
	return m->pid == 0;
}

/* What is there. Of what does not fit the rest is dropped, but still read. */
static void hear(struct master *m)
{
	uint8_t block[READ_SIZE];
	ssize_t n;

	while (m->said >= 0 && (n = io_read(m->said, block, sizeof block)) >= 0) {
		if (n == 0)
			io_close(&m->said);
		else
			buf_put(&m->text, block, (size_t)n);
	}
}

/* Its signal handlers may have to wait until it goes on. */
static void end(struct master *m)
{
	int64_t deadline = clock_ms() + END_MS;

	if (m->pid > 0) {
		kill(m->pid, SIGTERM);
		kill(m->pid, SIGCONT);
	}
	while (!has_ended(m)) {
		if (clock_ms() >= deadline)
			kill(m->pid, SIGKILL);
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	io_close(&m->said);
	buf_clear(&m->text);
}

/*
 * Until it has connected, when it makes its socket, or given up; or has gone into the background (ForkAfterAuthentication). What it asks, it asks
 * on the terminal.
 */
static bool start(struct master *m, const struct ssh_config *config, const char *socket, struct error *err)
{
	const char *argv[ARGUMENTS_MAX];
	bool ended = false;

	*m = (struct master){ .said = -1 };
	buf_init(&m->text, TEXT_MAX);
	if (!make_arguments(config, socket, argv, err) || !spawn(m, argv, err))
		return false;
	while (!ended && access(socket, F_OK) < 0) {
		struct pollfd more = { .fd = m->said, .events = POLLIN };
		if (io_wait(&more, 1, clock_ms() + LOOK_MS) == IO_SIGNAL)
			return error_interrupted(err, io_take_signal());
		ended = has_ended(m);
		hear(m);
	}
	if (ended && access(socket, F_OK) < 0) {
		master_explain(buf_text(&m->text), config, err);
		return false;
	}
	if (m->text.len > 0)
		log_v("ssh", "%s", buf_text(&m->text));
	return true;
}

static void tell(int lifeline, bool ok, const char *socket, const struct error *why)
{
	struct buf text;

	buf_init(&text, ERROR_MESSAGE_MAX + ERROR_CURE_MAX + 128);
	if (ok) {
		buf_put_text(&text, socket);
	} else {
		buf_put_u8(&text, '!');
		mux_put_error(&text, why);
	}
	buf_put_u8(&text, '\0');
	io_write_all(lifeline, text.data, text.len);
	buf_clear(&text);
}

/* Until the front ends, or a signal comes. What it and its proxies say meanwhile nobody would see: as in the background. */
static void wait_for_end(struct master *m, int lifeline)
{
	bool ended = false;

	while (!ended) {
		struct pollfd fds[] = { { .fd = lifeline, .events = POLLIN },
					{ .fd = broker_wake_descriptor(), .events = POLLIN },
					{ .fd = m->said, .events = POLLIN } };
		int ready = poll(fds, 3, -1);
		ended = ready > 0 && (fds[0].revents || (fds[1].revents && broker_take_end()));
		hear(m);
	}
}

void master_run(const struct broker_start *start_with)
{
	struct socket_folder folder;
	struct error err = { .code = ERROR_NONE };
	struct master m = { .said = -1 };

	broker_become_process(start_with->lifeline);
	bool ok = socket_folder_reserve(&folder, &err) && start(&m, start_with->config, folder.socket, &err);
	broker_leave_terminal();
	tell(start_with->lifeline, ok, folder.socket, &err);
	if (ok)
		wait_for_end(&m, start_with->lifeline);
	if (m.pid == 0 && ok)
		tunnel_end(folder.socket, clock_ms() + END_MS, &err);
	end(&m);
	socket_folder_remove(&folder);
	_exit(0);
}
