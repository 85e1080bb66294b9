/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "platform/platform.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

void platform_quick_ack(int fd)
{
#if defined(HAVE_DECL_TCP_QUICKACK) && HAVE_DECL_TCP_QUICKACK
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
#else
	(void)fd;
#endif
}

bool platform_peer_uid(int fd, uid_t *uid)
{
#if defined(HAVE_DECL_SO_PEERCRED) && HAVE_DECL_SO_PEERCRED
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
		*uid = peer.uid;
		return true;
	}
#else
	(void)fd;
	(void)uid;
#endif
	return false;
}

#ifdef USE_PROC_NET_TCP
enum { TABLE_LOCAL = 1, TABLE_REMOTE = 2, TABLE_UID = 7 };

static void table_address(const struct sockaddr_in *address, char *text, size_t size)
{
	snprintf(text, size, "%08X:%04X", (unsigned)address->sin_addr.s_addr, (unsigned)ntohs(address->sin_port));
}

/* The row's user, if the connection is this one. */
static bool table_row_uid(char *row, const char *local, const char *remote, uid_t *uid)
{
	int column = 0;

	for (char *field; (field = strsep(&row, " \n"));) {
		if (!*field)
			continue;
		if ((column == TABLE_LOCAL && strcmp(field, local) != 0) ||
		    (column == TABLE_REMOTE && strcmp(field, remote) != 0))
			return false;
		if (column == TABLE_UID) {
			*uid = (uid_t)strtoul(field, NULL, 10);
			return true;
		}
		column++;
	}
	return false;
}
#endif

bool platform_tcp_uid(int fd, uid_t *uid, bool *has_table)
{
	bool found = false;

	*has_table = false;
#ifdef USE_PROC_NET_TCP
	struct sockaddr_in ours = { 0 }, theirs = { 0 };
	socklen_t our_len = sizeof ours, their_len = sizeof theirs;
	char local[32], remote[32], *row = NULL;
	size_t size = 0;
	FILE *table = fopen("/proc/net/tcp", "re");

	if (!table)
		return false;
	*has_table = true;
	if (getsockname(fd, (struct sockaddr *)&ours, &our_len) == 0 &&
	    getpeername(fd, (struct sockaddr *)&theirs, &their_len) == 0 && ours.sin_family == AF_INET) {
		/* Their end of it: what is remote to us is local there. */
		table_address(&theirs, local, sizeof local);
		table_address(&ours, remote, sizeof remote);
		while (!found && getline(&row, &size, table) > 0)
			found = table_row_uid(row, local, remote, uid);
	}
	free(row);
	fclose(table);
#else
	(void)fd;
	(void)uid;
#endif
	return found;
}

void platform_no_core_dumps(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifdef HAVE_SYS_PRCTL_H
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void platform_want_stack(size_t bytes)
{
	struct rlimit stack;

	if (getrlimit(RLIMIT_STACK, &stack) < 0 || stack.rlim_cur == RLIM_INFINITY || stack.rlim_cur >= bytes)
		return;
	stack.rlim_cur = stack.rlim_max != RLIM_INFINITY && stack.rlim_max < bytes ? stack.rlim_max : bytes;
	setrlimit(RLIMIT_STACK, &stack);
}

size_t platform_stack(void)
{
	struct rlimit stack;

	return getrlimit(RLIMIT_STACK, &stack) < 0 || stack.rlim_cur == RLIM_INFINITY ? SIZE_MAX
										      : (size_t)stack.rlim_cur;
}

int platform_open_pipe_again(int fd)
{
#ifdef USE_PROC_SELF_FD
	struct stat mine, opened;
	char path[32];

	if (fstat(fd, &mine) < 0 || !S_ISFIFO(mine.st_mode))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (again < 0)
		return -1;
	if (fstat(again, &opened) == 0 && opened.st_dev == mine.st_dev && opened.st_ino == mine.st_ino)
		return again;
	close(again);
#else
	(void)fd;
#endif
	return -1;
}

bool platform_fill_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest that is free, so this one: reading from what is to be written to fails, and the other way round. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return false;
	}
	return true;
}

bool platform_die_with_parent(int signal)
{
#ifdef HAVE_SYS_PRCTL_H
	return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) == 0;
#else
	(void)signal;
	return false;
#endif
}

static void close_range_of(int first, int last)
{
#if defined(HAVE_CLOSE_RANGE)
	if (last < first || close_range((unsigned)first, (unsigned)last, 0) == 0)
		return;
#endif
	long most = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd <= last && fd < (most > 0 ? most : 1024); fd++)
		close(fd);
}

void platform_close_others(const int *keep, size_t count)
{
	int first = 3;

	for (;;) {
		int next = INT_MAX;
		for (size_t i = 0; i < count; i++) {
			if (keep[i] >= first && keep[i] < next)
				next = keep[i];
		}
		close_range_of(first, next == INT_MAX ? INT_MAX : next - 1);
		if (next == INT_MAX)
			return;
		first = next + 1;
	}
}

bool platform_random(void *data, size_t len)
{
	return getentropy(data, len) == 0;
}

int64_t platform_clock_ms(void)
{
	clockid_t clock = CLOCK_MONOTONIC;
	struct timespec now;

#if defined(HAVE_DECL_CLOCK_BOOTTIME) && HAVE_DECL_CLOCK_BOOTTIME
	clock = CLOCK_BOOTTIME;
#endif
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
