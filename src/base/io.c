/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	SAFE_WRITE = 512, /* what has room takes this much without waiting (POSIX: PIPE_BUF is not less) */
};

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD, SIGWINCH };
static volatile sig_atomic_t pending[NSIG];
static int wake_pipe[2] = { -1, -1 };
static int64_t call_time;
static void (*call_then)(void);

static void on_signal(int signal)
{
	int saved = errno;

	pending[signal] = 1;
	if (write(wake_pipe[1], "", 1) < 0) {
		/* full: a wake-up is under way already */
	}
	errno = saved;
}

/* What was ignored at start (nohup, a background job) stays ignored. */
static void catch_one(int signal)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP }, old;

	sigemptyset(&action.sa_mask);
	if (sigaction(signal, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

void io_catch_signals(void)
{
	if (wake_pipe[0] < 0 && pipe(wake_pipe) == 0) {
		for (int i = 0; i < 2; i++) {
			io_set_nonblocking(wake_pipe[i]);
			io_set_cloexec(wake_pipe[i]);
		}
	}
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		catch_one(ending[i]);
	signal(SIGPIPE, SIG_IGN);
}

bool io_tell_stop(bool tell)
{
	struct sigaction now;
	bool told = sigaction(SIGTSTP, NULL, &now) == 0 && now.sa_handler == on_signal;

	if (tell && !told)
		catch_one(SIGTSTP);
	if (!tell && told) {
		signal(SIGTSTP, SIG_DFL);
		if (pending[SIGTSTP]) {
			pending[SIGTSTP] = 0;
			raise(SIGTSTP);
		}
	}
	return told;
}

void io_tell_children(void)
{
	catch_one(SIGCHLD);
}

void io_tell_resize(bool tell)
{
	if (tell) {
		catch_one(SIGWINCH);
		return;
	}
	signal(SIGWINCH, SIG_DFL);
	pending[SIGWINCH] = 0;
}

void io_release_signals(void)
{
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		struct sigaction old;
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == on_signal)
			signal(caught[i], SIG_DFL);
	}
	signal(SIGPIPE, SIG_DFL);
	io_close(&wake_pipe[0]);
	io_close(&wake_pipe[1]);
	memset((void *)pending, 0, sizeof pending);
}

void io_give_back(const struct error *err)
{
	if (err->code == ERROR_INTERRUPTED)
		on_signal(err->signal);
}

int io_take_signal(void)
{
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		if (pending[caught[i]]) {
			pending[caught[i]] = 0;
			return caught[i];
		}
	}
	return 0;
}

bool io_signal_waits(void)
{
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		if (pending[caught[i]])
			return true;
	}
	return false;
}

void io_call_at(int64_t time, void (*call)(void))
{
	call_time = time;
	call_then = call;
}

static void call_if_due(void)
{
	void (*call)(void) = call_then;

	if (call && clock_ms() >= call_time) {
		call_then = NULL;
		call();
	}
}

/* For poll(): until the deadline, or until somebody is to be called. */
static int time_left(int64_t deadline)
{
	if (call_then && (deadline == IO_NO_DEADLINE || call_time < deadline))
		deadline = call_time;
	if (deadline == IO_NO_DEADLINE)
		return -1;
	int64_t left = deadline - clock_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

enum io_wait io_wait(struct pollfd *fds, size_t count, int64_t deadline)
{
	struct pollfd all[IO_WAIT_MAX + 1];

	if (count > IO_WAIT_MAX) {
		errno = EINVAL;
		return IO_FAILED;
	}
	if (count > 0)
		memcpy(all, fds, count * sizeof *fds);
	all[count] = (struct pollfd){ .fd = wake_pipe[0], .events = POLLIN };
	for (;;) {
		call_if_due();
		if (io_signal_waits())
			return IO_SIGNAL;
		int ready = poll(all, (nfds_t)count + 1, time_left(deadline));
		if (ready < 0 && errno != EINTR)
			return IO_FAILED;
		if (ready > 0 && all[count].revents) {
			char drain[64];
			while (read(wake_pipe[0], drain, sizeof drain) > 0)
				continue;
			if (io_signal_waits())
				return IO_SIGNAL;
			ready--;
		}
		if (ready > 0) {
			/* One that came meanwhile is older than what it made ready: Ctrl-C, and what was typed behind it. */
			if (io_signal_waits())
				return IO_SIGNAL;
			memcpy(fds, all, count * sizeof *fds);
			return IO_READY;
		}
		if (deadline != IO_NO_DEADLINE && clock_ms() >= deadline)
			return IO_TIMEOUT;
	}
}

enum io_wait io_wait_one(int fd, short events, int64_t deadline, struct error *err)
{
	struct pollfd one = { .fd = fd, .events = events };
	enum io_wait waited = io_wait(&one, 1, deadline);

	if (waited == IO_SIGNAL)
		error_interrupted(err, io_take_signal());
	return waited;
}

bool io_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool io_set_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

ssize_t io_read(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

ssize_t io_write(int fd, const void *data, size_t len)
{
	ssize_t n;

	do
		n = write(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

bool io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		struct pollfd waiting = { .fd = fd, .events = POLLOUT };
		if (poll(&waiting, 1, 0) <= 0) {
			if (io_wait(&waiting, 1, IO_NO_DEADLINE) == IO_SIGNAL) {
				errno = EINTR;
				return false;
			}
			continue;
		}
		ssize_t n = io_write(fd, p, len < SAFE_WRITE ? len : SAFE_WRITE);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool io_socketpair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return false;
	return io_set_cloexec(fds[0]) && io_set_cloexec(fds[1]);
}

void io_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
