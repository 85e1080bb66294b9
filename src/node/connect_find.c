/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/connect_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "node/host_beams.h"
#include "node/locate.h"

uint16_t connect_epmd_port(const struct connection *c)
{
	return (uint16_t)(c->options->epmd_port ? c->options->epmd_port : EPMD_PORT);
}

char *connect_short_name(const char *node)
{
	return node ? xstrndup(node, strcspn(node, "@")) : NULL;
}

int64_t connect_step_deadline(const struct connection *c)
{
	return clock_ms() + c->options->timeout_ms;
}

/* Two EPMDs may know a node of the same name. */
static bool note_key(const struct connection *c, char key[TUNNEL_KEY_MAX])
{
	char *name = connect_short_name(c->node);
	bool fits = name && snprintf(key, TUNNEL_KEY_MAX, "%u %s", connect_epmd_port(c), name) < TUNNEL_KEY_MAX;

	free(name);
	return fits;
}

static bool read_port(const char **text, uint16_t *port)
{
	char *end;
	unsigned long number = strtoul(*text, &end, 10);

	*port = (uint16_t)number;
	*text = end;
	return number > 0 && number <= UINT16_MAX && *end == ' ';
}

bool connect_read_note(const struct tunnel_note *note, struct connect_note *read)
{
	const char *key = note->key, *value = note->value;

	if (!read_port(&key, &read->epmd_port) || !read_port(&value, &read->port))
		return false;
	read->node = key + 1;
	read->version = strcmp(value, " 5") == 0 ? 5 : 6;
	return true;
}

bool connect_recall(struct connection *c)
{
	struct tunnel_note note;
	struct connect_note noted;

	if (c->list || !note_key(c, note.key) || !tunnel_recall(c->tunnel, note.key, note.value) ||
	    !connect_read_note(&note, &noted))
		return false;
	log_v("EPMD", "not asked: the node was at port %u", (unsigned)noted.port);
	c->noted = (struct epmd_port){ .port = noted.port, .highest_version = noted.version };
	return true;
}

void connect_note(struct connection *c, uint16_t port, int version)
{
	char key[TUNNEL_KEY_MAX], value[TUNNEL_VALUE_MAX] = "";

	if (port)
		snprintf(value, sizeof value, "%u %d", port, version);
	if (note_key(c, key))
		tunnel_note(c->tunnel, key, value);
}

bool connect_is_named(const struct connection *c, const char *name)
{
	size_t len = strcspn(c->node, "@");

	if (c->node[len] == '@')
		return strcmp(c->node, name) == 0;
	return strncmp(c->node, name, len) == 0 && name[len] == '@';
}

static void list_names(const struct epmd_names *names, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < names->count && used < size; i++) {
		int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "", names->nodes[i].name);
		used += n > 0 ? (size_t)n : 0;
	}
}

static bool know_none(struct error *err)
{
	error_set(err, ERROR_NODE_UNKNOWN, "EPMD on the host knows no node");
	return error_cure(err, "start the node with distribution (-sname or -name), or name its port with --dist-port");
}

/* The host's only node. */
static bool only_port(struct connection *c, uint16_t *port, struct error *err)
{
	struct epmd_names names;
	char text[512];
	bool ok = false;

	if (!locate_names(&c->epmd_stream, connect_step_deadline(c), &names, err))
		return false;
	if (names.count == 1) {
		*port = names.nodes[0].port;
		snprintf(c->linked, sizeof c->linked, "%s", names.nodes[0].name);
		log_v("EPMD", "the host's only node is %s, port %u", names.nodes[0].name, *port);
		ok = true;
	} else if (names.count == 0) {
		know_none(err);
	} else {
		list_names(&names, text, sizeof text);
		error_set(err, ERROR_USAGE, "the host has %zu nodes: %s", names.count, text);
		error_cure(err, "name one: HOST:%s", names.nodes[0].name);
	}
	epmd_names_clear(&names);
	return ok;
}

/* To the error that a node is not there, the names that are. True: there are some. */
static bool say_names(struct connection *c, struct error *err)
{
	struct epmd_names names;
	struct stream stream;
	struct error ignored = { .code = ERROR_NONE };
	char text[512];

	if (!locate_ask(c->tunnel, connect_epmd_port(c), NULL, &stream, &ignored) ||
	    !locate_names(&stream, connect_step_deadline(c), &names, &ignored)) {
		io_give_back(&ignored);
		return false;
	}
	list_names(&names, text, sizeof text);
	if (names.count)
		error_cure(err, "it knows: %s", text);
	else
		error_cure(err, "it knows no node at all: is the node running, with -sname or -name?");
	bool some = names.count > 0;
	epmd_names_clear(&names);
	return some;
}

bool connect_find_beams(struct connection *c, struct error *err)
{
	enum host_beams_view view = HOST_BEAMS_NO_EPMD;
	char *wanted = connect_short_name(c->node);

	if (err->code == ERROR_NODE_UNKNOWN)
		view = c->node && say_names(c, err) ? HOST_BEAMS_OTHER_NODES : HOST_BEAMS_NO_NODES;
	if (err->code == ERROR_NODE_UNKNOWN || err->code == ERROR_EPMD_ABSENT)
		host_beams_ask(c->tunnel, view, wanted, err);
	free(wanted);
	return false;
}

bool connect_find_port(struct connection *c, uint16_t *port, int *version, struct error *err)
{
	struct epmd_port found;

	if (!c->node)
		return only_port(c, port, err);
	char *name = connect_short_name(c->node);
	bool ok = locate_port(&c->epmd_stream, name, connect_step_deadline(c), &found, err);
	if (ok) {
		log_v("EPMD", "%s is at port %u", name, found.port);
		*port = found.port;
		*version = found.highest_version >= 6 ? 6 : 5;
	}
	free(name);
	return ok;
}

bool connect_explain_none(struct connection *c, struct error *err)
{
	know_none(err);
	connect_find_beams(c, err);
	return err->code != ERROR_INTERRUPTED;
}
