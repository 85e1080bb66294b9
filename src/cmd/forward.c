/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A port of this machine's loopback that leads to a node, for other tools. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/output.h"
#include "cmd/command.h"
#include "cmd/environment.h"
#include "cmd/report.h"
#include "cmd/target_options.h"
#include "platform/platform.h"

enum {
	CONNECTIONS_MAX = 256,
	ALIVE_EVERY_MS = 15 * 1000, /* looks whether the connection is still there */
	ALIVE_MS = 5000,
	CANNOT_RUN = 127, /* as a shell has it */
};

struct forward {
	const struct command_options *options;
	struct connection connection;
	char node[2048]; /* in full, where it told its name */
	int listener;
	char address[32]; /* of it, "127.0.0.1:PORT" */
	const char *port; /* in that */
	bool warned;      /* that nobody can tell whose a connection is */
	struct stream streams[CONNECTIONS_MAX];
	size_t count;
	pid_t child; /* the command; 0: there is none */
	int status;  /* of it */
	bool over;
};

/* Where the node is. Its name in full needs the cookie; without that the tools behind us may still know it. */
static bool find_node(struct forward *f, struct error *err)
{
	struct connection *c = &f->connection;
	struct link link;

	if (connect_link(c, &link, err)) {
		snprintf(f->node, sizeof f->node, "%s", link.node);
		link_close(&link);
		return true;
	}
	if (!c->port || err->code == ERROR_NODE_ABSENT || err->code == ERROR_NODE_UNKNOWN ||
	    err->code == ERROR_INTERRUPTED || err->code == ERROR_SSH_LOST)
		return false;
	log_v("forward", "the node itself was not asked: %s", err->message);
	snprintf(f->node, sizeof f->node, "%s", c->node ? c->node : c->linked);
	return true;
}

static bool listen_here(struct forward *f, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)f->options->listen),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int on = 1;

	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (f->listener < 0)
		return error_set(err, ERROR_NO_RESOURCES, "socket: %s", strerror(errno));
	io_set_cloexec(f->listener);
	io_set_nonblocking(f->listener);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(f->listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(f->listener, 64) < 0 ||
	    getsockname(f->listener, (struct sockaddr *)&address, &len) < 0) {
		error_set(err, ERROR_LISTEN, "127.0.0.1 port %d: %s", f->options->listen, strerror(errno));
		return error_cure(err, "leave --listen out: a free port is taken then");
	}
	snprintf(f->address, sizeof f->address, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	f->port = strchr(f->address, ':') + 1;
	return true;
}

/* For a shell, whatever the node's name is. */
static void put_variable(struct output *out, const char *name, const char *value)
{
	output_printf(out, "%s='", name);
	for (const char *p = value; *p; p++)
		output_put(out, *p == '\'' ? "'\\''" : p, *p == '\'' ? 4 : 1);
	output_put(out, "'\n", 2);
}

static bool tell_text(const struct forward *f, struct error *err)
{
	struct output out;

	output_init(&out, STDOUT_FILENO, "standard output", 64 * 1024);
	put_variable(&out, "BEAMLINE_ADDRESS", f->address);
	put_variable(&out, "BEAMLINE_PORT", f->port);
	put_variable(&out, "BEAMLINE_NODE", f->node);
	bool ok = output_flush(&out, err);
	output_clear(&out);
	return ok;
}

static bool tell(const struct forward *f, const char *target, struct error *err)
{
	if (f->options->json) {
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "ok", json_object_new_boolean(true));
		report_add_text(object, "target", target);
		report_add_text(object, "node", f->node);
		report_add_text(object, "address", f->address);
		json_object_object_add(object, "port", json_object_new_int((int)strtol(f->port, NULL, 10)));
		return report_json(object, err);
	}
	if (!tell_text(f, err))
		return false;
	log_notice("%s leads to %s, for your own processes only, until Ctrl-C", f->address, f->node);
	return true;
}

/* In the child. */
static void NORETURN become_command(const struct forward *f, const char *const *argv)
{
	setenv("BEAMLINE_ADDRESS", f->address, 1);
	setenv("BEAMLINE_PORT", f->port, 1);
	setenv("BEAMLINE_NODE", f->node, 1);
	io_release_signals();
	execvp(argv[0], (char *const *)argv);
	log_notice("%s: %s", argv[0], strerror(errno));
	_exit(CANNOT_RUN);
}

static bool start_command(struct forward *f, const char *const *argv, struct error *err)
{
	io_tell_children();
	f->child = fork();
	if (f->child < 0)
		return error_set(err, ERROR_NO_RESOURCES, "fork: %s", strerror(errno));
	if (f->child == 0)
		become_command(f, argv);
	return true;
}

/* Is it one of this user's? Where no table tells, the port is open to whoever has an account here. */
static bool is_ours(struct forward *f, int fd)
{
	uid_t uid = 0;
	bool has_table;

	if (platform_tcp_uid(fd, &uid, &has_table))
		return uid == geteuid();
	if (has_table)
		return false;
	if (!f->warned)
		log_notice("this system does not tell whose a connection is: other users of this machine may connect "
			   "as well");
	f->warned = true;
	return true;
}

static bool accept_one(struct forward *f, struct error *err)
{
	struct connection *c = &f->connection;
	struct error failure;
	int fd = accept(f->listener, NULL, NULL);

	if (fd < 0)
		return true;
	io_set_cloexec(fd);
	bool ok = true;
	if (!is_ours(f, fd))
		log_notice("a connection to port %s by another user was refused", f->port);
	else if (tunnel_forward_from(c->tunnel, fd, c->loopback, c->port, &f->streams[f->count], &failure))
		f->count++;
	else if (failure.code == ERROR_SSH_LOST)
		ok = (*err = failure, false);
	else
		log_notice("%s", failure.message);
	close(fd);
	return ok;
}

/* False: with this one the whole connection is lost. */
static bool end_stream(struct forward *f, size_t i, struct error *err)
{
	struct error failure = { 0 };
	bool ok = stream_reason(&f->streams[i], clock_ms(), &failure);

	stream_close(&f->streams[i]);
	f->streams[i] = f->streams[--f->count];
	if (ok)
		return true;
	if (failure.code != ERROR_SSH_LOST) {
		log_notice("%s", failure.message);
		return true;
	}
	*err = failure;
	return false;
}

static void take_signal(struct forward *f)
{
	int signal = io_take_signal(), status;

	if (signal == SIGCHLD) {
		if (f->child && waitpid(f->child, &status, WNOHANG) == f->child) {
			f->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			f->over = true;
		}
		return;
	}
	/* Without a command it is how one ends it. A command has had Ctrl-C from the terminal itself, and decides what it means. */
	if (!f->child)
		f->over = true;
	else if (signal != SIGINT && signal != SIGQUIT)
		kill(f->child, signal);
}

static bool turn(struct forward *f, struct error *err)
{
	struct pollfd fds[CONNECTIONS_MAX + 1];
	size_t count = f->count;

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = f->streams[i].control, .events = POLLIN };
	fds[count] = (struct pollfd){ .fd = count < CONNECTIONS_MAX ? f->listener : -1, .events = POLLIN };
	switch (io_wait(fds, count + 1, clock_ms() + ALIVE_EVERY_MS)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		take_signal(f);
		return true;
	case IO_TIMEOUT:
		return tunnel_wait(f->connection.tunnel, clock_ms() + ALIVE_MS, NULL, err);
	case IO_FAILED:
		return error_set(err, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	}
	/* From the last one, as what has ended makes room for it. */
	for (size_t i = count; i-- > 0;) {
		if (fds[i].revents && stream_has_ended(&f->streams[i]) && !end_stream(f, i, err))
			return false;
	}
	return !fds[count].revents || accept_one(f, err);
}

static bool serve(struct forward *f, const char *target, const char *const *command, struct error *err)
{
	f->listener = -1;
	bool ok = find_node(f, err) && listen_here(f, err) &&
		  (command ? start_command(f, command, err) : tell(f, target, err));

	while (ok && !f->over)
		ok = turn(f, err);
	for (size_t i = 0; i < f->count; i++)
		stream_close(&f->streams[i]);
	io_close(&f->listener);
	/* A command whose connection is lost is not ours to end, and the terminal is still its own. */
	if (f->child > 0 && !f->over)
		log_notice("%s; the command goes on without it", err->message);
	while (f->child > 0 && !f->over && io_wait(NULL, 0, IO_NO_DEADLINE) == IO_SIGNAL)
		take_signal(f);
	return ok;
}

static bool run(const struct command_options *options, const char *const *words, int count, struct error *err)
{
	static struct forward f;
	const char *command[COMMAND_WORDS_MAX + 1] = { NULL };
	struct target_options holds;
	bool ok = false;

	f = (struct forward){ .options = options };
	if (options->json && count > 1)
		return error_set(err, ERROR_USAGE, "with a command, standard output is the command's: no --json");
	for (int i = 1; i < count; i++)
		command[i - 1] = words[i];
	if (!target_options_init(&holds, options, words[0], err))
		return false;
	if (environment_enter(&holds, words[0], err) &&
	    connect_begin(&f.connection, &holds.connect, holds.target.destination, holds.target.node, false, err)) {
		ok = serve(&f, words[0], count > 1 ? command : NULL, err);
		connect_end(&f.connection, err);
	}
	target_options_clear(&holds);
	if (ok && f.status)
		exit(f.status);
	return ok;
}

const struct command command_forward = {
	.name = "forward",
	.arguments = "TARGET [-- COMMAND [ARG…]]",
	.summary = "Lead a port of this machine's loopback to a node, for other tools",
	.description =
		"Listens on a free port of 127.0.0.1 (--listen chooses one) and leads each connection to the node's "
		"distribution port, "
		"through SSH, until Ctrl-C. Only this user's own processes get in, where the kernel tells whose a "
		"connection is. "
		"BEAMLINE_ADDRESS (127.0.0.1:PORT), BEAMLINE_PORT and BEAMLINE_NODE, the node's name, are printed for "
		"a shell to read; with "
		"a command they are its environment, and it is run here: the port is gone when it ends, and the status "
		"is its own.\n\n"
		"The tool brings the cookie. The node's name is told in full where beamline has the cookie as well.",
	.groups = GROUP_ALL | GROUP_CONNECT | GROUP_FORWARD | GROUP_JSON,
	.min_words = 1,
	.max_words = COMMAND_WORDS_MAX,
	.run = run,
};
