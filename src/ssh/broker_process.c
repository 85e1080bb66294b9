/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/broker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "platform/platform.h"

enum { DESCRIPTORS = 4096 }; /* wanted: four for each of 256 clients, and some */

static volatile sig_atomic_t end_signal, resize_signal;
static int wake[2] = { -1, -1 };

static void on_signal(int signal)
{
	int saved = errno;

	if (signal == SIGWINCH)
		resize_signal = 1;
	else
		end_signal = signal;
	if (write(wake[1], "", 1) < 0) {
		/* full: the loop will wake anyway */
	}
	errno = saved;
}

void broker_leave_terminal(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (io_socketpair(wake)) {
		io_set_nonblocking(wake[0]);
		io_set_nonblocking(wake[1]);
	}
	/* Before the others are given back: between the two, a signal would end this process, and its folder would stay. */
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGWINCH, &action, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	io_release_signals();
	signal(SIGPIPE, SIG_IGN);
	setsid();
	platform_die_with_parent(0);
	if (chdir("/") < 0)
		log_vv("broker", "chdir: %s", strerror(errno));
}

void broker_become_process(int lifeline)
{
	int null = open("/dev/null", O_RDWR);
	struct rlimit files;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	io_release_signals();
	platform_close_others(&lifeline, 1);
	/* Ctrl-C ends a question; Ctrl-Z stops this process together with its front. */
	io_catch_signals();
	/* A question must not outlive a front that was killed. Nobody else watches while it is asked. */
	platform_die_with_parent(SIGTERM);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

void broker_leave_keys(void)
{
	io_release_signals();
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

int broker_wake_descriptor(void)
{
	return wake[0];
}

bool broker_take_end(void)
{
	char bytes[64];

	while (wake[0] >= 0 && read(wake[0], bytes, sizeof bytes) > 0)
		continue;
	return end_signal != 0;
}

bool broker_take_resize(void)
{
	bool resized = resize_signal != 0;

	resize_signal = 0;
	return resized;
}

bool broker_make_socket(struct socket_folder *folder, const char *kept_at, int lifeline)
{
	struct error err;
	bool ok = kept_at ? socket_folder_listen_at(folder, kept_at, &err) : socket_folder_make(folder, &err);
	const char *told = ok ? folder->socket : err.message;

	if (!ok)
		io_write_all(lifeline, "!", 1);
	io_write_all(lifeline, told, strlen(told) + 1);
	return ok;
}

void broker_leave_front(void)
{
	dup2(STDIN_FILENO, STDERR_FILENO);
}
