/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dist/epmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_REQ = 110, PORT_PLEASE2_REQ = 122, PORT2_RESP = 119 };

void epmd_put_names_req(struct buf *out)
{
	buf_put_u16(out, 1);
	buf_put_u8(out, NAMES_REQ);
}

void epmd_put_port_please2_req(struct buf *out, const char *name)
{
	size_t len = strnlen(name, EPMD_NAME_MAX);

	buf_put_u16(out, (uint16_t)(len + 1));
	buf_put_u8(out, PORT_PLEASE2_REQ);
	buf_put(out, name, len);
}

/* What was wrong, with the beginning of what came in a readable form. */
static bool garbage(struct error *err, const char *what, const uint8_t *data, size_t len)
{
	char shown[3 * 16 + 1] = "";

	for (size_t i = 0; i < len && i < 16; i++)
		snprintf(shown + 3 * i, 4, "%02x ", data[i]);
	error_set(err, ERROR_EPMD_GARBAGE, "%s (%zu bytes came: %s%s)", what, len, shown, len > 16 ? "…" : "");
	return error_cure(err, "another program may listen on EPMD's port; name the right one with --epmd-port, "
			       "or the node's own port with --dist-port");
}

/* Reads decimal digits up to `end`; false: none, or over 65535. */
static bool parse_port(const char *p, const char *end, uint16_t *port)
{
	uint32_t value = 0;

	if (p == end)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		value = value * 10 + (uint32_t)(*p - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*port = (uint16_t)value;
	return true;
}

/* One line of a NAMES_RESP: “name NAME at port PORT”. */
static bool parse_name_line(const char *line, size_t len, struct epmd_node *node)
{
	static const char head[] = "name ", middle[] = " at port ";
	const char *end = line + len;

	if (len < sizeof head - 1 || memcmp(line, head, sizeof head - 1) != 0)
		return false;
	const char *name = line + sizeof head - 1;
	/* A name holds no space, so the first one ends it. */
	const char *space = memchr(name, ' ', (size_t)(end - name));
	if (!space || space == name || space - name > EPMD_NAME_MAX)
		return false;
	if ((size_t)(end - space) < sizeof middle - 1 || memcmp(space, middle, sizeof middle - 1) != 0)
		return false;
	memcpy(node->name, name, (size_t)(space - name));
	node->name[space - name] = '\0';
	return !memchr(node->name, '\0', (size_t)(space - name)) &&
	       parse_port(space + sizeof middle - 1, end, &node->port);
}

static void add_node(struct epmd_names *names, const struct epmd_node *node)
{
	/* Grows when the count is a power of two. */
	if ((names->count & (names->count - 1)) == 0)
		names->nodes = xrealloc(names->nodes, (names->count ? names->count * 2 : 1) * sizeof *node);
	names->nodes[names->count++] = *node;
}

bool epmd_parse_names_resp(const uint8_t *data, size_t len, struct epmd_names *names, struct error *err)
{
	*names = (struct epmd_names){ 0 };
	if (len < 4)
		return garbage(err, "EPMD's list of names ends early", data, len);
	const char *p = (const char *)data + 4, *end = (const char *)data + len;
	while (p < end) {
		struct epmd_node node;
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline || !parse_name_line(p, (size_t)(newline - p), &node)) {
			epmd_names_clear(names);
			return garbage(err, "what answers is not EPMD's list of names", data, len);
		}
		if (names->count == EPMD_NODES_MAX) {
			epmd_names_clear(names);
			return error_set(err, ERROR_LIMIT, "EPMD lists more than %d nodes", EPMD_NODES_MAX);
		}
		add_node(names, &node);
		p = newline + 1;
	}
	return true;
}

void epmd_names_clear(struct epmd_names *names)
{
	free(names->nodes);
	*names = (struct epmd_names){ 0 };
}

enum epmd_answer epmd_parse_port2_resp(const uint8_t *data, size_t len, struct epmd_port *port, struct error *err)
{
	struct reader r = reader_of(data, len);

	if (len > 0 && read_u8(&r) != PORT2_RESP) {
		garbage(err, "what answers is not EPMD", data, len);
		return EPMD_BAD;
	}
	if (len < 2)
		return EPMD_MORE;
	if (read_u8(&r) != 0)
		return EPMD_NOT_FOUND;
	port->port = read_u16(&r);
	port->node_type = read_u8(&r);
	read_u8(&r); /* protocol: 0, TCP */
	port->highest_version = read_u16(&r);
	port->lowest_version = read_u16(&r);
	/* The name and the extra field follow; nothing in them is needed. */
	if (r.failed)
		return EPMD_MORE;
	if (port->port == 0) {
		garbage(err, "EPMD names port 0", data, len);
		return EPMD_BAD;
	}
	return EPMD_FOUND;
}
