/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For LD_PRELOAD: CLOCK_BOOTTIME is ahead by as many seconds as the file $RIG_CLOCK says, as after a sleep of the machine. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { TEXT_MAX = 32 };

/* The file's page, mapped while files can be opened still: a broker gives that up. */
static const char *page;

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("RIG_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, TEXT_MAX, PROT_READ, MAP_SHARED, fd, 0);

	page = mapped == MAP_FAILED ? NULL : mapped;
	if (fd >= 0)
		close(fd);
}

/* The file is never shorter than that; beyond its end the page is zeros. */
static long ahead(void)
{
	char text[TEXT_MAX + 1] = "";

	if (!page)
		return 0;
	memcpy(text, page, TEXT_MAX);
	return strtol(text, NULL, 10);
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(clock, now);
	if (result == 0 && clock == CLOCK_BOOTTIME)
		now->tv_sec += ahead();
	return result;
}
