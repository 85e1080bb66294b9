/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The port mapper's protocol, the two questions that we ask: which nodes are there (NAMES_REQ), and where is this one
 * (PORT_PLEASE2_REQ). Pure: requests are put into a buffer, answers are fed as they come.
 * Source: “Distribution Protocol”, section “EPMD Protocol”, ERTS User's Guide.
 */
#ifndef DIST_EPMD_H
#define DIST_EPMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	EPMD_PORT = 4369,
	EPMD_NAME_MAX = 255,           /* bytes of a node's name before the @ */
	EPMD_NODES_MAX = 4096,         /* more on one host are not listed: an error */
	EPMD_ANSWER_MAX = 1024 * 1024, /* bytes of a whole NAMES_RESP */
};

struct epmd_node {
	char name[EPMD_NAME_MAX + 1]; /* before the @ */
	uint16_t port;
};

struct epmd_names {
	struct epmd_node *nodes;
	size_t count;
};

struct epmd_port {
	uint16_t port;
	uint8_t node_type;        /* 77: normal, 72: hidden */
	uint16_t highest_version; /* of the handshake: 6 from OTP 23 on, 5 before */
	uint16_t lowest_version;
};

void epmd_put_names_req(struct buf *out);
/* name: before the @, at most EPMD_NAME_MAX bytes. */
void epmd_put_port_please2_req(struct buf *out, const char *name);

/*
 * A whole NAMES_RESP (EPMD closes after it). Errors: ERROR_EPMD_GARBAGE. The list is freed with epmd_names_clear.
 */
bool epmd_parse_names_resp(const uint8_t *data, size_t len, struct epmd_names *names, struct error *err);
void epmd_names_clear(struct epmd_names *names);

enum epmd_answer { EPMD_MORE, EPMD_FOUND, EPMD_NOT_FOUND, EPMD_BAD };
/* What has come so far of a PORT2_RESP. EPMD_MORE: not whole yet. EPMD_BAD: err is set (ERROR_EPMD_GARBAGE). */
enum epmd_answer epmd_parse_port2_resp(const uint8_t *data, size_t len, struct epmd_port *port, struct error *err);

#endif
