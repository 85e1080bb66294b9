/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/socket_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/log.h"

enum { BACKLOG = 512 }; /* requests made while the connection is still coming up wait there */

bool socket_folder_is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

char *socket_folder_runtime(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!runtime || runtime[0] != '/' || !socket_folder_is_private(runtime))
		return NULL;
	char *path = xasprintf("%s/beamline", runtime);
	if ((mkdir(path, 0700) < 0 && errno != EEXIST) || !socket_folder_is_private(path)) {
		free(path);
		return NULL;
	}
	return path;
}

static bool listen_in(struct socket_folder *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	memcpy(address.sun_path, f->socket, strlen(f->socket) + 1);
	f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (f->listener < 0 || !io_set_cloexec(f->listener) || !io_set_nonblocking(f->listener) ||
	    bind(f->listener, (struct sockaddr *)&address, sizeof address) < 0)
		return false;
	f->made = stat(f->socket, &st) == 0 ? st.st_ino : 0;
	return chmod(f->socket, 0600) == 0 && listen(f->listener, BACKLOG) == 0;
}

static bool make_in(struct socket_folder *f, const char *parent, bool listening)
{
	static const char name[] = "beamline-XXXXXX";

	*f = (struct socket_folder){ .listener = -1 };
	int len = snprintf(f->folder, sizeof f->folder, "%s/%s", parent, name);
	/* Its name is as long as the pattern's. */
	if (snprintf(f->socket, sizeof f->socket, "%s/%s/mux", parent, name) >= (int)sizeof f->socket ||
	    !mkdtemp(f->folder)) {
		f->folder[0] = f->socket[0] = '\0';
		return false;
	}
	memcpy(f->socket, f->folder, (size_t)len);
	if (!listening || listen_in(f))
		return true;
	int why = errno;
	socket_folder_remove(f);
	errno = why;
	return false;
}

static bool make(struct socket_folder *f, bool listening, struct error *err)
{
	const char *temporary = getenv("TMPDIR");
	char *runtime = socket_folder_runtime();
	bool ok = runtime && make_in(f, runtime, listening);

	free(runtime);
	if (!ok && temporary && temporary[0] == '/')
		ok = make_in(f, temporary, listening);
	if (!ok)
		ok = make_in(f, "/tmp", listening);
	return ok || error_set(err, ERROR_NO_RESOURCES, "a socket in a private folder of /tmp: %s", strerror(errno));
}

bool socket_folder_make(struct socket_folder *f, struct error *err)
{
	return make(f, true, err);
}

bool socket_folder_reserve(struct socket_folder *f, struct error *err)
{
	return make(f, false, err);
}

bool socket_folder_listen_at(struct socket_folder *f, const char *path, struct error *err)
{
	*f = (struct socket_folder){ .listener = -1 };
	snprintf(f->socket, sizeof f->socket, "%s", path);
	if (listen_in(f))
		return true;
	error_set(err, ERROR_NO_RESOURCES, "a socket at %s: %s", path, strerror(errno));
	socket_folder_remove(f);
	return false;
}

void socket_folder_mark_asking(const struct socket_folder *f, bool asking)
{
	if (socket_folder_is_there(f) && chmod(f->socket, asking ? 0700 : 0600) < 0)
		log_vv("broker", "%s: %s", f->socket, strerror(errno));
}

bool socket_folder_is_asking(const char *socket)
{
	struct stat st;

	return stat(socket, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0700;
}

bool socket_folder_is_there(const struct socket_folder *f)
{
	struct stat st;

	return f->socket[0] && stat(f->socket, &st) == 0 && st.st_ino == f->made;
}

void socket_folder_remove(struct socket_folder *f)
{
	struct stat st;

	/* Only what is ours: in a folder of our own, or made by us. And while it is listened on still: who finds nobody there takes its place. */
	bool ours = f->folder[0] || f->made;
	if (f->socket[0] && ours && stat(f->socket, &st) == 0 && (!f->made || st.st_ino == f->made))
		unlink(f->socket);
	io_close(&f->listener);
	if (f->folder[0])
		rmdir(f->folder);
	f->folder[0] = f->socket[0] = '\0';
}

void socket_folder_forget(const char *socket)
{
	char *folder = socket ? xstrndup(socket, strrchr(socket, '/') - socket) : NULL;

	if (folder && (unlink(socket) == 0 || errno == ENOENT))
		rmdir(folder);
	free(folder);
}
