/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz_server.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "fuzz_must.h"

static char folder[64];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener = -1;

/* What the thread is to send; NULL: nothing any more. */
static const uint8_t *told;
static size_t told_len;
static sem_t wanted, done;
static pthread_t thread;

static void remove_folder(void)
{
	unlink(address.sun_path);
	rmdir(folder);
}

const char *fuzz_server_path(void)
{
	const char *temporary = getenv("TMPDIR");

	if (listener >= 0)
		return address.sun_path;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof folder, "%.40s/fuzz-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	must(mkdtemp(folder) != NULL);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	must(listener >= 0 && bind(listener, (const struct sockaddr *)&address, sizeof address) == 0);
	must(listen(listener, 8) == 0);
	atexit(remove_folder);
	return address.sun_path;
}

static void take_descriptors(struct msghdr *message, int descriptors[3], size_t *count)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		must(header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS);
		must(header->cmsg_len == CMSG_LEN(sizeof(int)) && *count < 3);
		memcpy(&descriptors[(*count)++], CMSG_DATA(header), sizeof(int));
	}
}

int fuzz_server_accept(int descriptors[3])
{
	int fd = accept(listener, NULL, NULL);
	size_t count = 0;
	ssize_t n;

	must(fd >= 0 && io_set_nonblocking(fd));
	descriptors[0] = descriptors[1] = descriptors[2] = -1;
	do {
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control;
		char block[4096];
		struct iovec into = { .iov_base = block, .iov_len = sizeof block };
		struct msghdr message = { .msg_iov = &into,
					  .msg_iovlen = 1,
					  .msg_control = control.space,
					  .msg_controllen = sizeof control.space };
		n = recvmsg(fd, &message, 0);
		if (n > 0)
			take_descriptors(&message, descriptors, &count);
	} while (n > 0);
	return fd;
}

/* libFuzzer's clock interrupts. */
static void wait_for(sem_t *event)
{
	while (sem_wait(event) != 0)
		must(errno == EINTR);
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		char block[4096];
		wait_for(&wanted);
		if (!told)
			return NULL;
		int fd = accept(listener, NULL, NULL);
		must(fd >= 0);
		io_write_all(fd, told, told_len);
		shutdown(fd, SHUT_WR);
		while (io_read(fd, block, sizeof block) > 0)
			continue;
		close(fd);
		sem_post(&done);
	}
}

/* So that no sanitizer finds it running at the end. */
static void end_thread(void)
{
	told = NULL;
	sem_post(&wanted);
	pthread_join(thread, NULL);
}

void fuzz_server_begin(const uint8_t *data, size_t size)
{
	static bool running;

	fuzz_server_path();
	if (!running) {
		must(sem_init(&wanted, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
		must(pthread_create(&thread, NULL, serve, NULL) == 0);
		atexit(end_thread);
		running = true;
	}
	static const uint8_t nothing[1];
	told = size ? data : nothing;
	told_len = size;
	sem_post(&wanted);
}

void fuzz_server_end(void)
{
	wait_for(&done);
}
