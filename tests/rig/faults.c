/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A library that is preloaded into beamline and makes its calls fail as a kernel may, libssh's calls included: tests/rig/faults.py builds
 * it and tells what RIG_FAULTS may hold. Other programs that beamline starts are left alone. What was called and what was injected is counted in
 * a file mapped by all processes of the run, so that it is known even of a process that was killed.
 *
 * Nothing is injected that could not happen: what is read or written comes short, but never as an end; EINTR, EAGAIN and wake-ups without cause
 * only where noted below. A connection that is reset is really shut down, so that its other end learns of it as well.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRAPPER __attribute__((visibility("default")))

enum process { FRONT, BROKER, KEEPER, PROCESSES };
/* What is counted, and can be made to fail the n-th time. */
enum call { CALL_IO, CALL_FD, CALL_PROCESS, CALL_ALLOC, CALL_LIBRARY, CALL_POLL, CALL_FILE, CALLS };
enum fault { SHORT, INTERRUPTED, AGAIN, WOKEN, DELAYED, FAILED, FAULTS };

static const char *const process_names[PROCESSES] = { "front", "broker", "keeper" };
static const char *const call_names[CALLS] = { "io", "fd", "process", "alloc", "library", "poll", "file" };
static const char *const fault_names[FAULTS] = { "short", "eintr", "eagain", "wake", "delay", "fail" };

struct counts {
	uint64_t calls[PROCESSES][CALLS];
	uint64_t injected[PROCESSES][FAULTS];
};

static struct counts own_counts, *counts = &own_counts;
static bool active;
static enum process self;
static int forks;
static uint64_t random_state;
static unsigned percent[FAULTS];
static int peeked = -1; /* its bytes have been seen: they are there */

/* The call that fails: whose, which, the how-manyth; whether all after it fail too; and instead of failing, a signal. */
static struct {
	enum process process;
	enum call call;
	uint64_t number;
	bool lasting;
	int signal;
} failing;

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* The function of that name behind ours, of the type that ours has. */
#define REAL(name)                                                                                                     \
	static __typeof__(name) *behind;                                                                               \
	if (!behind)                                                                                                   \
	*(void **)(&behind) = real(#name)

static unsigned random_below(unsigned limit)
{
	/* xorshift64 */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 20) % limit);
}

static void seed(void)
{
	static uint64_t given;

	if (!given)
		given = random_state;
	random_state = (given + 1) * 0x9e3779b97f4a7c15u + (uint64_t)self * 0x2545f4914f6cdd1du;
	for (int i = 0; i < 8; i++)
		random_below(2);
}

static bool happens(enum fault fault)
{
	if (!active || percent[fault] == 0 || random_below(100) >= percent[fault])
		return false;
	counts->injected[self][fault]++;
	return true;
}

/* Counts the call. True: it is the one that fails. */
static bool fails(enum call call)
{
	if (!active)
		return false;
	uint64_t number = ++counts->calls[self][call];
	if (failing.number == 0 || failing.process != self || failing.call != call ||
	    (failing.lasting ? number < failing.number : number != failing.number))
		return false;
	counts->injected[self][FAILED]++;
	if (failing.signal == 0)
		return true;
	kill(getpid(), failing.signal);
	return false;
}

static void delay(void)
{
	if (happens(DELAYED))
		usleep(random_below(2000));
}

static int find_name(const char *name, size_t len, const char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	}
	fprintf(stderr, "faults: %s?\n", name);
	abort();
}

/* PROCESS:CALL:NUMBER[+][:SIGNAL] */
static void parse_failing(const char *text)
{
	size_t len = strcspn(text, ":");
	char *end;

	failing.process = (enum process)find_name(text, len, process_names, PROCESSES);
	text += len + 1;
	len = strcspn(text, ":");
	failing.call = (enum call)find_name(text, len, call_names, CALLS);
	failing.number = strtoull(text + len + 1, &end, 10);
	failing.lasting = *end == '+';
	end += failing.lasting;
	failing.signal = *end == ':' ? (int)strtol(end + 1, NULL, 10) : 0;
}

static void map_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED)
		abort();
	close(fd);
	counts = mapped;
}

static void parse_word(char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		abort();
	*value++ = '\0';
	if (strcmp(word, "seed") == 0)
		random_state = strtoull(value, NULL, 10);
	else if (strcmp(word, "counts") == 0)
		map_counts(value);
	else if (strcmp(word, "at") == 0)
		parse_failing(value);
	else
		percent[find_name(word, strlen(word), fault_names, FAULTS)] = (unsigned)strtoul(value, NULL, 10);
}

__attribute__((constructor)) static void begin(void)
{
	const char *given = getenv("RIG_FAULTS");
	char words[1024], *rest, *word;

	if (!given || strcmp(program_invocation_short_name, "beamline") != 0)
		return;
	snprintf(words, sizeof words, "%s", given);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		parse_word(word);
	seed();
	active = true;
}

/* libssh takes EAGAIN and EINTR of its socket as its end, and may: it reads and writes only after poll has said that it can, where none comes. */
static bool called_by_libssh(const void *from)
{
	static const void *known;
	Dl_info info;

	if (dladdr(from, &info) == 0)
		return false;
	if (!known && info.dli_fname && strstr(info.dli_fname, "libssh.so"))
		known = info.dli_fbase;
	return known && info.dli_fbase == known;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* What may be said before the call is made: 0, or an errno. */
static int disturb(int fd, size_t len, bool writes, const void *from)
{
	delay();
	if (is_socket(fd) && fails(CALL_IO)) {
		shutdown(fd, SHUT_RDWR);
		return writes ? EPIPE : ECONNRESET;
	}
	if ((percent[INTERRUPTED] == 0 && percent[AGAIN] == 0) || called_by_libssh(from))
		return 0;
	if (happens(INTERRUPTED))
		return EINTR;
	/* Not for one byte written: that a signal handler wakes its loop by, and into a descriptor that is empty. */
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && flags & O_NONBLOCK && !(writes && len == 1) && (writes || fd != peeked) && happens(AGAIN)
		       ? EAGAIN
		       : 0;
}

/* A few bytes are written whole or not at all, as far as kernels go: the keeper's ticks rely on it. */
static size_t shorten(size_t len, bool writes)
{
	if (writes && len <= 4)
		return len;
	return len > 1 && happens(SHORT) ? 1 + random_below(len > 4096 ? 4096 : (unsigned)len - 1) : len;
}

#define DISTURB(fd, len, writes)                                                                                       \
	do {                                                                                                           \
		int why_ = disturb(fd, len, writes, __builtin_return_address(0));                                      \
		if (why_ != 0) {                                                                                       \
			errno = why_;                                                                                  \
			return -1;                                                                                     \
		}                                                                                                      \
	} while (0)

WRAPPER ssize_t read(int fd, void *data, size_t len)
{
	REAL(read);
	DISTURB(fd, len, false);
	return behind(fd, data, shorten(len, false));
}

WRAPPER ssize_t write(int fd, const void *data, size_t len)
{
	REAL(write);
	DISTURB(fd, len, true);
	return behind(fd, data, shorten(len, true));
}

WRAPPER ssize_t recv(int fd, void *data, size_t len, int flags)
{
	REAL(recv);
	DISTURB(fd, len, false);
	ssize_t n = behind(fd, data, shorten(len, false), flags);
	peeked = n > 0 && flags & MSG_PEEK ? fd : -1;
	return n;
}

WRAPPER ssize_t send(int fd, const void *data, size_t len, int flags)
{
	REAL(send);
	DISTURB(fd, len, true);
	return behind(fd, data, shorten(len, true), flags);
}

WRAPPER ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);
	DISTURB(fd, 2, true);
	return behind(fd, message, flags);
}

/* A process without room for descriptors gets the bytes, and a flag. */
static void lose_descriptors(struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || !fails(CALL_FD))
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len; at += sizeof(int)) {
			int fd;
			memcpy(&fd, (char *)header + at, sizeof fd);
			close(fd);
		}
		message->msg_controllen = 0;
		message->msg_flags |= MSG_CTRUNC;
		return;
	}
}

WRAPPER ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	REAL(recvmsg);
	DISTURB(fd, 2, false);
	if (message->msg_iovlen == 1)
		message->msg_iov[0].iov_len = shorten(message->msg_iov[0].iov_len, false);
	ssize_t n = behind(fd, message, flags);
	if (n > 0)
		lose_descriptors(message);
	return n;
}

/* One that asked for POLLIN or POLLOUT without blocking is told that it has it. */
static int wake_one(struct pollfd *fds, nfds_t count)
{
	nfds_t i = random_below((unsigned)count);
	int flags = fds[i].fd < 0 ? -1 : fcntl(fds[i].fd, F_GETFL);

	if (flags < 0 || !(flags & O_NONBLOCK) || fds[i].events == 0)
		return 0;
	for (nfds_t other = 0; other < count; other++)
		fds[other].revents = 0;
	fds[i].revents = fds[i].events & (POLLIN | POLLOUT);
	return fds[i].revents != 0;
}

WRAPPER int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	REAL(poll);
	delay();
	if (fails(CALL_POLL)) {
		errno = ENOMEM;
		return -1;
	}
	/* Not where it is asked without waiting: then nothing can interrupt it. */
	if (timeout != 0 && happens(INTERRUPTED)) {
		errno = EINTR;
		return -1;
	}
	if (count > 0 && percent[WOKEN] > 0 && !called_by_libssh(__builtin_return_address(0)) && happens(WOKEN) &&
	    wake_one(fds, count))
		return 1;
	return behind(fds, count, timeout);
}

#define FAIL_FD(value)                                                                                                 \
	do {                                                                                                           \
		delay();                                                                                               \
		if (fails(CALL_FD)) {                                                                                  \
			errno = EMFILE;                                                                                \
			return value;                                                                                  \
		}                                                                                                      \
	} while (0)

WRAPPER int socket(int domain, int type, int protocol)
{
	REAL(socket);
	FAIL_FD(-1);
	return behind(domain, type, protocol);
}

WRAPPER int socketpair(int domain, int type, int protocol, int fds[2])
{
	REAL(socketpair);
	FAIL_FD(-1);
	return behind(domain, type, protocol, fds);
}

WRAPPER int pipe(int fds[2])
{
	REAL(pipe);
	FAIL_FD(-1);
	return behind(fds);
}

WRAPPER int dup(int fd)
{
	REAL(dup);
	FAIL_FD(-1);
	return behind(fd);
}

WRAPPER int accept(int fd, struct sockaddr *address, socklen_t *len)
{
	REAL(accept);
	FAIL_FD(-1);
	if (happens(INTERRUPTED)) {
		errno = EINTR;
		return -1;
	}
	return behind(fd, address, len);
}

WRAPPER int open(const char *path, int flags, ...)
{
	REAL(open);
	va_list args;
	mode_t mode = 0;

	FAIL_FD(-1);
	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return behind(path, flags, mode);
}

WRAPPER int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	REAL(connect);
	delay();
	if (fails(CALL_IO)) {
		errno = ECONNREFUSED;
		return -1;
	}
	return behind(fd, address, len);
}

WRAPPER pid_t fork(void)
{
	REAL(fork);
	delay();
	if (fails(CALL_PROCESS)) {
		errno = EAGAIN;
		return -1;
	}
	pid_t child = behind();
	if (child > 0)
		forks++;
	if (child == 0 && active) {
		/* The broker is the front's first, by which each is told from the others. */
		active = self == FRONT;
		self = forks == 0 ? BROKER : KEEPER;
		seed();
	}
	return child;
}

WRAPPER int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
	REAL(posix_spawnp);
	if (fails(CALL_PROCESS))
		return EAGAIN;
	return behind(pid, file, actions, attributes, argv, environment);
}

#define FAIL_FILE(value)                                                                                               \
	do {                                                                                                           \
		if (fails(CALL_FILE)) {                                                                                \
			errno = ENOSPC;                                                                                \
			return value;                                                                                  \
		}                                                                                                      \
	} while (0)

WRAPPER int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	FAIL_FILE(-1);
	return behind(path, mode);
}

WRAPPER char *mkdtemp(char *template)
{
	REAL(mkdtemp);
	FAIL_FILE(NULL);
	return behind(template);
}

WRAPPER int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	REAL(bind);
	FAIL_FILE(-1);
	return behind(fd, address, len);
}

/* In a build with --enable-sanitizers: the broker ends without its checks at exit. */
extern void __lsan_do_leak_check(void) __attribute__((weak));

WRAPPER void _exit(int status)
{
	static void (*behind)(int) __attribute__((noreturn));

	*(void **)(&behind) = real("_exit");
	if (active && self == BROKER && __lsan_do_leak_check)
		__lsan_do_leak_check();
	behind(status);
}

/* Sanitizers have an allocator of their own. */
#ifdef FAULTS_ALLOC
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

/* Our own allocations, and those of the libraries, are counted apart: what a library makes of one that fails is not ours to choose. */
static enum call allocation_of(const void *from)
{
	static const void *program;
	Dl_info info;

	if (!active || dladdr(from, &info) == 0)
		return CALL_LIBRARY;
	if (!program && strstr(info.dli_fname, "/beamline"))
		program = info.dli_fbase;
	return info.dli_fbase == program ? CALL_ALLOC : CALL_LIBRARY;
}

#define FAIL_ALLOC                                                                                                     \
	do {                                                                                                           \
		if (fails(allocation_of(__builtin_return_address(0)))) {                                               \
			errno = ENOMEM;                                                                                \
			return NULL;                                                                                   \
		}                                                                                                      \
	} while (0)

/* strdup, asprintf, fopen and their like come here too, as allocations of a library. */
WRAPPER void *malloc(size_t size)
{
	FAIL_ALLOC;
	return __libc_malloc(size);
}

WRAPPER void *calloc(size_t count, size_t size)
{
	FAIL_ALLOC;
	return __libc_calloc(count, size);
}

WRAPPER void *realloc(void *old, size_t size)
{
	FAIL_ALLOC;
	return __libc_realloc(old, size);
}
#endif
