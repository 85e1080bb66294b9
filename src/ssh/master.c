/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "base/log.h"
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
		"ssh",
		"-M",
		"-N",
		"-f",
		"-T",
		"-o",
		"ControlPersist=no",
		"-o",
		"ClearAllForwardings=yes",
		"-o",
		"ForwardAgent=no",
		"-o",
		"ForwardX11=no",
		"-o",
		"PermitLocalCommand=no",
		"-o",
		"RemoteCommand=none",
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

/* What it says until it ends. Not until the pipe does: programs that it has started (ProxyJump) have that as well. */
static bool hear_out(struct host_child *ssh, struct buf *said, int *status, struct error *err)
{
	bool ended = false;

	for (;;) {
		ended = ended || waitpid(ssh->pid, status, WNOHANG) != 0;
		uint8_t *room = buf_reserve(said, READ_SIZE);
		ssize_t n = room ? io_read(ssh->err_fd, room, READ_SIZE) : 0;
		if (n > 0)
			said->len += (size_t)n;
		else if (ended)
			return true;
		struct pollfd more = { .fd = n == 0 ? -1 : ssh->err_fd, .events = POLLIN };
		if (!ended && io_wait(&more, 1, clock_ms() + LOOK_MS) == IO_SIGNAL) {
			kill(ssh->pid, SIGTERM);
			while (waitpid(ssh->pid, status, 0) < 0 && errno == EINTR)
				continue;
			return error_interrupted(err, io_take_signal());
		}
	}
}

/* Until it has gone into the background, connected, or given up. What it asks, it asks on the terminal. */
static bool start(const struct ssh_config *config, const char *socket, struct error *err)
{
	const char *argv[ARGUMENTS_MAX];
	struct host_child ssh = { 0 };
	struct buf said;
	int status = 0;

	if (!make_arguments(config, socket, argv, err) || !host_start(&ssh, argv, err))
		return false;
	buf_init(&said, TEXT_MAX);
	io_set_nonblocking(ssh.err_fd);
	bool ok = hear_out(&ssh, &said, &status, err);
	if (ok && status != 0) {
		master_explain(buf_text(&said), config, err);
		ok = false;
	} else if (ok && said.len > 0) {
		log_v("ssh", "%s", buf_text(&said));
	}
	io_close(&ssh.out_fd);
	io_close(&ssh.err_fd);
	buf_clear(&said);
	return ok;
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

/* Until the front ends, or a signal comes. */
static void wait_for_end(int lifeline)
{
	bool ended = false;

	while (!ended) {
		struct pollfd fds[] = { { .fd = lifeline, .events = POLLIN },
					{ .fd = broker_wake_descriptor(), .events = POLLIN } };
		int ready = poll(fds, 2, -1);
		ended = ready > 0 && (fds[0].revents || (fds[1].revents && broker_take_end()));
	}
}

void master_run(const struct broker_start *start_with)
{
	struct socket_folder folder;
	struct error err = { .code = ERROR_NONE };

	broker_become_process(start_with->lifeline);
	bool ok = socket_folder_reserve(&folder, &err) && start(start_with->config, folder.socket, &err);
	broker_leave_terminal();
	tell(start_with->lifeline, ok, folder.socket, &err);
	if (ok) {
		wait_for_end(start_with->lifeline);
		tunnel_end(folder.socket, clock_ms() + END_MS, &err);
	}
	socket_folder_remove(&folder);
	_exit(0);
}
