/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/host_beams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

enum { PATIENCE_MS = 1000 };

/*
 * For any login shell. BusyBox knows no -e, and lists everything without it. Only lines about BEAMs and run_erl leave the host, without their
 * cookies; "seen" with the last line tells that ps came to its end. The brackets keep this command itself out of its own list.
 */
static const char command[] =
	"exec sh -c '(ps -e -o pid= -o ppid= -o user= -o args= || ps -o pid= -o ppid= -o user= -o args=) 2>/dev/null | "
	"sed -n -e \"\\$b l\" -e \"b n\" -e \":l\" -e h -e \"s/.*/seen/p\" -e g -e \":n\" "
	"-e \"/[b]eam/b k\" -e \"/[r]un_erl/b k\" -e d -e \":k\" -e \"s/ -setcookie\\( [^- ][^ ]*\\)*//g\" -e p; "
	"ss -Hltnp 2>/dev/null | grep \"[b]eam\"'";

/* Until the end, the deadline, or more than there may be: what has come by then is looked at. False: a signal came. */
static bool read_answer(struct stream *stream, int64_t deadline, struct buf *text, struct error *err)
{
	for (;;) {
		uint8_t *room = buf_reserve(text, 4096);
		if (!room)
			return true;
		ssize_t n = io_read(stream->fd, room, 4096);
		if (n > 0) {
			text->len += (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			return true;
		enum io_wait waited = io_wait_one(stream->fd, POLLIN, deadline, err);
		if (waited != IO_READY)
			return waited != IO_SIGNAL;
	}
}

void host_beams_ask(struct tunnel *tunnel, enum host_beams_view view, const char *wanted, struct error *err)
{
	int64_t deadline = clock_ms() + PATIENCE_MS;
	struct stream stream = STREAM_NONE;
	struct host_beams found;
	struct error failure = { 0 };
	struct buf text;

	/* Arguments of others may hold what is nobody's business. */
	buf_init_secret(&text, HOST_BEAMS_TEXT_MAX);
	if (tunnel_exec(tunnel, command, &stream, &failure) && stream_wait_open(&stream, deadline, &failure) &&
	    read_answer(&stream, deadline, &text, &failure)) {
		host_beams_parse((const char *)text.data, text.len, &found);
		log_vv("host", "%zu BEAMs are to be seen there%s", found.count,
		       found.whole ? "" : " (not all: no ps, or no answer in time)");
		host_beams_explain(&found, view, wanted, err);
	} else if (failure.code == ERROR_INTERRUPTED) {
		*err = failure;
	}
	stream_close(&stream);
	buf_clear(&text);
}

static const struct host_beam *named(const struct host_beams *found, const char *wanted)
{
	for (size_t i = 0; i < found->count; i++) {
		const char *node = found->beams[i].node;
		size_t len = strcspn(node, "@");
		if (len > 0 && (!wanted || (strlen(wanted) == len && memcmp(wanted, node, len) == 0)))
			return &found->beams[i];
	}
	return NULL;
}

static const struct host_beam *unnamed(const struct host_beams *found, size_t *count)
{
	const struct host_beam *first = NULL;

	*count = 0;
	for (size_t i = 0; i < found->count; i++) {
		if (found->beams[i].node[0])
			continue;
		/* One with a console is the likelier to be meant: nobody starts a shell of his own so. */
		if (!first || (found->beams[i].console && !first->console))
			first = &found->beams[i];
		(*count)++;
	}
	return first;
}

static void list_ports(const struct host_beam *beam, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < beam->port_count; i++) {
		size_t used = strlen(text);
		snprintf(text + used, size - used, "%s%u", i ? ", " : "", (unsigned)beam->ports[i]);
	}
}

/* It has a name, and EPMD does not know it. */
static void explain_named(const struct host_beam *beam, const char *wanted, struct error *err)
{
	char ports[64];

	error_append(err, "; %s, though, as %s (pid %u, user %s)%s", wanted ? "it runs there" : "a node runs there",
		     beam->node, (unsigned)beam->pid, beam->user,
		     beam->no_epmd ? ", started without EPMD" : ", and is not registered");
	list_ports(beam, ports, sizeof ports);
	if (beam->dist_port)
		error_cure(err, "its port is fixed: --dist-port %u", (unsigned)beam->dist_port);
	else if (beam->epmd_port)
		error_cure(err, "it was started for an EPMD on another port: --epmd-port %u",
			   (unsigned)beam->epmd_port);
	else if (beam->port_count)
		error_cure(err,
			   "it listens on %s: name the port that is its distribution's with --dist-port; its EPMD was "
			   "restarted since, or "
			   "is on another port (--epmd-port)",
			   ports);
	else
		error_cure(err, "find its port on the host (`ss -ltnp`, as its user or root) and name it with "
				"--dist-port; its EPMD was restarted "
				"since, or is on another port (--epmd-port), or both are in a container with a "
				"loopback of its own");
}

/* It cannot be reached by anything that speaks to nodes. */
static void explain_unnamed(const struct host_beam *beam, size_t count, const char *wanted, struct error *err)
{
	char missing[300], others[40] = "";

	if (wanted)
		snprintf(missing, sizeof missing, "no node %s is registered", wanted);
	else
		snprintf(missing, sizeof missing, "no node is registered");
	if (count > 1)
		snprintf(others, sizeof others, ", and %zu more", count - 1);
	error_set(err, ERROR_NO_DISTRIBUTION,
		  "%s; a BEAM runs there as user %s, pid %u%s, started without distribution (no -name, no -sname)",
		  missing, beam->user, (unsigned)beam->pid, others);
	error_cure(err,
		   "%s. To work on it from here, start it with -sname NAME -kernel inet_dist_use_interface "
		   "'{127,0,0,1}', and "
		   "ERL_EPMD_ADDRESS=127.0.0.1 in its environment",
		   beam->console ? "on the host, to_erl reaches its console (run_erl started it)"
				 : "nothing can attach to it, its release's own `remote` neither");
}

void host_beams_explain(const struct host_beams *found, enum host_beams_view view, const char *wanted,
			struct error *err)
{
	size_t count;
	const struct host_beam *mine = named(found, wanted), *silent = unnamed(found, &count);
	const struct host_beam *other = named(found, NULL);

	if (mine) {
		explain_named(mine, wanted, err);
	} else if (view == HOST_BEAMS_OTHER_NODES) {
		return;
	} else if (silent) {
		explain_unnamed(silent, count, wanted, err);
	} else if (other) {
		error_append(err, "; a BEAM runs there as %s (pid %u, user %s)", other->node, (unsigned)other->pid,
			     other->user);
	} else if (found->whole) {
		error_append(err, "; no BEAM runs there as far as this account can see");
		error_cure(err, "start the node; if it does run, it is another user's and hidden from this account, in "
				"a container, or on another host");
	}
}
