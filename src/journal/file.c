/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "base/log.h"
#include "journal/text.h"

enum {
	/* An append takes as long as the disk does; of many at once somebody is the last. */
	LOCK_PATIENCE_MS = 30000,
	LOCK_STEP_US = 1000,
};

char *journal_default_path(void)
{
	return host_state_path("journal");
}

static bool cannot(const char *path, const char *what, int why, struct error *err)
{
	bool lacks = why == EMFILE || why == ENFILE || why == ENOMEM;

	return error_set(err, lacks ? ERROR_NO_RESOURCES : ERROR_JOURNAL, "the journal %s %s: %s", path, what,
			 strerror(why));
}

/* A file that has just been made is there after a crash only if its folder is on the disk, too. */
static bool sync_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		cannot(path, "cannot be made in its folder", errno, err);
	io_close(&fd);
	free(folder);
	return ok;
}

static bool check(int fd, const char *path, off_t *size, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cannot(path, "cannot be looked at", errno, err);
	*size = st.st_size;
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_JOURNAL, "the journal %s is not a regular file", path);
	if (st.st_uid != geteuid()) {
		error_set(err, ERROR_JOURNAL, "the journal %s belongs to another user (uid %u)", path,
			  (unsigned)st.st_uid);
		return error_cure(err, "it must be yours: name another with --journal, or in the configuration");
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		error_set(err, ERROR_JOURNAL, "the journal %s may be written by others (mode %04o)", path,
			  (unsigned)(st.st_mode & 07777));
		return error_cure(err, "beamline journal verify '%s', then chmod 600 '%s'", path, path);
	}
	if (st.st_nlink == 0) {
		error_set(err, ERROR_JOURNAL, "the journal %s has been removed since it was opened", path);
		return error_cure(err, "begin anew; move a journal, do not remove it, while it is written");
	}
	return true;
}

static bool open_or_make(const char *path, int *fd, struct error *err)
{
	const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	bool made = false;

	*fd = open(path, flags);
	if (*fd < 0 && errno == ENOENT) {
		if (!host_make_folders(path) && !cannot(path, "cannot be made in its folder", errno, err))
			return false;
		*fd = open(path, flags | O_CREAT, 0600);
		made = true;
	}
	if (*fd >= 0)
		return !made || sync_folder(path, err);
	/* EMLINK: how the BSDs say it. */
	if (errno == ELOOP || errno == EMLINK) {
		error_set(err, ERROR_JOURNAL, "the journal %s is a symbolic link", path);
		return error_cure(err, "name the file itself");
	}
	return cannot(path, "cannot be opened", errno, err);
}

bool journal_file_open(const char *path, int *fd, struct error *err)
{
	off_t size;

	*fd = -1;
	if (open_or_make(path, fd, err) && check(*fd, path, &size, err))
		return true;
	io_close(fd);
	return false;
}

/* In steps, as flock itself knows no deadline. Signals do not end it: what a signal has ended is written down, too. */
static bool lock(int fd, const char *path, int how, struct error *err)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_US * 1000L };
	int64_t deadline = clock_ms() + LOCK_PATIENCE_MS;

	while (flock(fd, how | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return cannot(path, "cannot be locked", errno, err);
		if (clock_ms() >= deadline) {
			error_set(err, ERROR_JOURNAL, "another process holds the journal %s locked", path);
			return error_cure(err, "one that is stopped, perhaps: fuser -v '%s' shows it", path);
		}
		nanosleep(&step, NULL);
	}
	return true;
}

static bool read_at(int fd, const char *path, off_t from, size_t len, struct buf *out, struct error *err)
{
	while (len > 0) {
		uint8_t *room = buf_reserve(out, len);
		ssize_t n = room ? pread(fd, room, len, from) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot(path, "cannot be read", n == 0 ? EIO : errno, err);
		out->len += (size_t)n;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

/* Of the line before the one that is to come: its digest, and whether it is complete. */
static bool look_back(int fd, const char *path, off_t size, char hash[JOURNAL_HASH_MAX], bool *complete,
		      struct error *err)
{
	/* A line, and the newline of the one before it. */
	size_t len = size < JOURNAL_LINE_MAX + 1 ? (size_t)size : JOURNAL_LINE_MAX + 1;
	struct buf tail;

	*complete = true;
	memset(hash, '0', JOURNAL_HASH_LEN);
	hash[JOURNAL_HASH_LEN] = '\0';
	if (size == 0)
		return true;
	buf_init(&tail, JOURNAL_LINE_MAX + 1);
	bool ok = read_at(fd, path, size - (off_t)len, len, &tail, err);
	*complete = ok && tail.data[len - 1] == '\n';
	size_t end = *complete ? len - 1 : len, begin = end;
	while (ok && begin > 0 && tail.data[begin - 1] != '\n')
		begin--;
	if (ok && begin == 0 && (off_t)len < size) {
		ok = error_set(err, ERROR_JOURNAL, "the last line of the journal %s is longer than any of ours", path);
		error_cure(err, "beamline journal verify '%s'; if it is none, name another file", path);
	} else if (ok && !journal_hash(tail.data + begin, end - begin, hash)) {
		ok = error_set(err, ERROR_NO_RESOURCES, "OpenSSL makes no SHA-256");
	}
	buf_clear(&tail);
	return ok;
}

/* All of it or, as far as that can be had, nothing: where the file may only grow (chattr +a) a part of it stays. */
static bool write_line(int fd, const char *path, const struct buf *line, off_t size, struct error *err)
{
	int why = 0;

	for (size_t at = 0; at < line->len && !why;) {
		ssize_t n = io_write(fd, line->data + at, line->len - at);
		if (n < 0)
			why = errno;
		else
			at += (size_t)n;
	}
	while (!why && fsync(fd) < 0)
		why = errno == EINTR ? 0 : errno;
	if (why && ftruncate(fd, size) < 0)
		log_v("journal", "%s: what was written of a line stays: %s", path, strerror(errno));
	if (!why)
		return true;
	error_set(err, ERROR_OUTPUT_LOST, "the journal %s cannot be written: %s", path, strerror(why));
	return error_cure(err, "nothing is done that is not in the journal; make room, or name another with --journal");
}

static bool append_locked(int fd, const char *path, const struct buf *members, struct error *err)
{
	char hash[JOURNAL_HASH_MAX], time[JOURNAL_TIME_MAX];
	bool complete;
	off_t size;
	struct buf line;

	if (!check(fd, path, &size, err) || !look_back(fd, path, size, hash, &complete, err))
		return false;
	journal_time(time);
	buf_init(&line, JOURNAL_LINE_MAX + 1);
	if (!complete)
		buf_put_u8(&line, '\n');
	buf_printf(&line, "{\"prev\":\"%s\",\"time\":\"%s\"", hash, time);
	buf_put(&line, members->data, members->len);
	buf_put_text(&line, "}\n");
	bool ok = members->overflow || line.overflow || line.len > JOURNAL_LINE_MAX + (size_t)!complete
			  ? error_set(err, ERROR_INTERNAL, "a line of the journal is too long")
			  : write_line(fd, path, &line, size, err);
	buf_clear(&line);
	return ok;
}

bool journal_file_append(int fd, const char *path, const struct buf *members, struct error *err)
{
	if (!lock(fd, path, LOCK_EX, err))
		return false;
	bool ok = append_locked(fd, path, members, err);
	flock(fd, LOCK_UN);
	return ok;
}

bool journal_file_read(const char *path, int *fd, off_t *size, struct error *err)
{
	struct stat st;
	bool ok = false;

	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		error_set(err, ERROR_INPUT_MISSING, "the journal %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		error_set(err, ERROR_INPUT_MISSING, "the journal %s: not a regular file", path);
	else
		ok = lock(*fd, path, LOCK_SH, err);
	/* With the lock nobody is in the middle of a line. */
	ok = ok && (fstat(*fd, &st) == 0 || error_set(err, ERROR_INPUT_MISSING, "%s: %s", path, strerror(errno)));
	if (!ok) {
		io_close(fd);
		return false;
	}
	flock(*fd, LOCK_UN);
	*size = st.st_size;
	return true;
}
