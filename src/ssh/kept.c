/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "config/names.h"
#include "platform/platform.h"
#include "ssh/mux_client.h"

enum {
	NAME_BYTES = 16, /* of the digest; a name has two characters for each */
	KEY_MAX = 64 * 1024,
	LOCK_PATIENCE_MS = 5000, /* it is held for the few milliseconds in which a broker makes its socket */
	LOCK_STEP_MS = 5,
	LIST_MAX = 4096,
};

/* Without XDG_RUNTIME_DIR. The caller frees; NULL: there is none. */
static char *plain_folder(bool make)
{
	char *path = xasprintf("/tmp/beamline-%lu", (unsigned long)geteuid());

	if ((make && mkdir(path, 0700) < 0 && errno != EEXIST) || !socket_folder_is_private(path)) {
		free(path);
		return NULL;
	}
	return path;
}

static char *folder(bool make)
{
	char *path = socket_folder_runtime();

	return path ? path : plain_folder(make);
}

static void add_text(struct buf *key, const char *text)
{
	buf_put(key, text, strlen(text) + 1);
}

/* Which file, in which state. */
static void add_file(void *context, const char *path)
{
	struct buf *key = context;
	struct stat st;

	if (stat(path, &st) < 0)
		buf_printf(key, "none %s", path);
	else
		buf_printf(key, "%llu %llu %lld %lld.%09ld %lld.%09ld", (unsigned long long)st.st_dev,
			   (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	buf_put_u8(key, '\0');
}

/* ssh takes the home from the password database, we from $HOME first: both are looked at. */
static void add_config(struct buf *key, const char *given)
{
	const struct passwd *account = given ? NULL : getpwuid(geteuid());

	names_config_files(given, add_file, key);
	if (account) {
		char *own = xasprintf("%s/.ssh/config", account->pw_dir);
		add_file(key, own);
		free(own);
	}
}

/* What a path in an option is relative to. */
static void add_directory(struct buf *key)
{
	char path[PATH_MAX];

	add_text(key, getcwd(path, sizeof path) ? path : "nowhere");
}

static bool digest(const struct tunnel_options *options, uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned len = 0;
	struct buf key;

	buf_init(&key, KEY_MAX);
	add_text(&key, options->destination);
	add_config(&key, options->ssh_config);
	for (size_t i = 0; options->ssh_options && options->ssh_options[i]; i++)
		add_text(&key, options->ssh_options[i]);
	if (options->ssh_options && options->ssh_options[0])
		add_directory(&key);
	bool ok =
		!key.overflow && EVP_Digest(key.data, key.len, out, &len, EVP_sha256(), NULL) == 1 && len >= NAME_BYTES;
	buf_clear(&key);
	return ok;
}

static bool is_name(const char *name)
{
	return strlen(name) == (size_t)2 * NAME_BYTES && strspn(name, "0123456789abcdef") == (size_t)2 * NAME_BYTES;
}

/* Mostly there is none: then nothing is to be digested, which takes OpenSSL a millisecond the first time. */
static bool holds_any(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)) != NULL)
		found = is_name(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

bool kept_path(const struct tunnel_options *options, bool make, char path[SOCKET_PATH_MAX])
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	char *in = options->destination ? folder(make) : NULL, name[2 * NAME_BYTES + 1];
	bool ok = in && (make || holds_any(in)) && digest(options, sum);

	for (size_t i = 0; ok && i < NAME_BYTES; i++)
		snprintf(name + 2 * i, 3, "%02x", sum[i]);
	ok = ok && snprintf(path, SOCKET_PATH_MAX, "%s/%s", in, name) < SOCKET_PATH_MAX;
	free(in);
	return ok;
}

int kept_connect(const char *path)
{
	struct error ignored;
	uid_t uid;
	int fd;

	if (access(path, F_OK) < 0 || !mux_client_connect(path, &fd, &ignored))
		return -1;
	if (platform_peer_uid(fd, &uid) && uid != geteuid())
		io_close(&fd);
	return fd;
}

bool kept_clear(const char *path)
{
	struct error why;
	int fd;

	if (mux_client_connect(path, &fd, &why)) {
		io_close(&fd);
		return false;
	}
	return why.code == ERROR_SSH_LOST && (unlink(path) == 0 || errno == ENOENT);
}

int kept_lock(const char *path)
{
	int64_t deadline = clock_ms() + LOCK_PATIENCE_MS;
	char *in = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	int fd = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(in);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		struct pollfd none = { .fd = -1 };
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_ms() >= deadline ||
		    io_wait(&none, 1, clock_ms() + LOCK_STEP_MS) == IO_SIGNAL)
			io_close(&fd);
	}
	return fd;
}

bool kept_sweep(const char *path)
{
	int lock = kept_lock(path);
	bool free_now = lock >= 0 && kept_clear(path);

	io_close(&lock);
	return free_now;
}

static size_t list_folder(const char *in, char **paths, size_t count)
{
	DIR *dir = in ? opendir(in) : NULL;
	struct dirent *entry;

	while (dir && count < LIST_MAX && (entry = readdir(dir)) != NULL) {
		if (is_name(entry->d_name))
			paths[count++] = xasprintf("%s/%s", in, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return count;
}

char **kept_list(void)
{
	char **paths = xcalloc(LIST_MAX + 1, sizeof *paths), *runtime = socket_folder_runtime(),
	     *plain = plain_folder(false);

	list_folder(plain, paths, list_folder(runtime, paths, 0));
	free(runtime);
	free(plain);
	return paths;
}

void kept_list_free(char **paths)
{
	for (size_t i = 0; paths[i]; i++)
		free(paths[i]);
	free(paths);
}
