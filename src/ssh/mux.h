/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packets of OpenSSH's multiplexing protocol (PROTOCOL.mux of openssh-portable), both ways, as pure functions over
 * bytes. Two things differ from its text: the port of NEW_STDIO_FWD and all its booleans are uint32. What the protocol has no field
 * for travels in named hello extensions, which either side may leave unread.
 */
#ifndef SSH_MUX_H
#define SSH_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ssh/tunnel.h"

#define MUX_MSG_HELLO           0x00000001u
#define MUX_C_NEW_SESSION       0x10000002u
#define MUX_C_ALIVE_CHECK       0x10000004u
#define MUX_C_TERMINATE         0x10000005u
#define MUX_C_NEW_STDIO_FWD     0x10000008u
#define MUX_S_OK                0x80000001u
#define MUX_S_PERMISSION_DENIED 0x80000002u
#define MUX_S_FAILURE           0x80000003u
#define MUX_S_EXIT_MESSAGE      0x80000004u
#define MUX_S_ALIVE             0x80000005u
#define MUX_S_SESSION_OPENED    0x80000006u
#define MUX_S_TTY_ALLOC_FAIL    0x80000008u

#define MUX_VERSION 4u

/* The client asks for the connection's struct tunnel_info in the server's hello, and the server's hello that brings it. */
#define MUX_EXTENSION_INFO "info@beamline"
/* The client understands a FAILURE that comes after SESSION_OPENED, when the SSH connection is lost. */
#define MUX_EXTENSION_LATE_FAILURE "late-failure@beamline"

/* The client asks for the notes of a connection that stays, and the server's hello brings them. */
#define MUX_EXTENSION_NOTES "notes@beamline"
/* The client has one more. */
#define MUX_EXTENSION_NOTE "note@beamline"
/* The client asks for the connection's struct tunnel_status, without its info and notes, and the server's hello brings it. */
#define MUX_EXTENSION_STATUS "status@beamline"

/* The client wants the connection to stay, while nobody uses it, for at least so many milliseconds, in decimal. */
#define MUX_EXTENSION_PERSIST "persist@beamline"

enum {
	MUX_REQUEST_MAX = 64 * 1024, /* a packet to the server: a command line and environment */
	MUX_REPLY_MAX = 16 * 1024,   /* a packet to the client: an error's text or a hello */
	MUX_ENVIRONMENT_MAX = 64,
	MUX_DESCRIPTORS_MAX = 3,
	MUX_EXTENSIONS_MAX = 8,
};

/* Text inside a packet, not ended by NUL and holding none. */
struct mux_text {
	const char *p;
	size_t len;
};

enum mux_next { MUX_INCOMPLETE, MUX_PACKET, MUX_BAD };

struct mux_packet {
	uint32_t type;
	struct reader body;
	size_t size; /* of the whole packet, its length field included */
};

/* The packet that the bytes begin with. MUX_BAD: longer than max, or too short for a type. */
enum mux_next mux_next_packet(const uint8_t *data, size_t len, size_t max, struct mux_packet *packet);

struct mux_extension {
	struct mux_text name;
	const uint8_t *value;
	size_t value_len;
};

struct mux_hello {
	uint32_t version;
	struct mux_extension extensions[MUX_EXTENSIONS_MAX]; /* further ones are left out */
	size_t count;
};

bool mux_decode_hello(const struct mux_packet *packet, struct mux_hello *hello);
/* The extension of that name, or NULL. */
const struct mux_extension *mux_find_extension(const struct mux_hello *hello, const char *name);

struct mux_request {
	uint32_t type; /* may be one that is not listed above; then only id is set */
	uint32_t id;
	int descriptors; /* how many follow, each with one NUL byte outside the packet */
	/* MUX_C_NEW_STDIO_FWD */
	struct mux_text host;
	uint32_t port;
	/* MUX_C_NEW_SESSION */
	bool want_tty;
	bool subsystem;
	struct mux_text term;
	struct mux_text command;
	struct mux_text environment[MUX_ENVIRONMENT_MAX]; /* NAME=value; further ones are left out */
	size_t environment_count;
};

/* A client's packet after its hello. False: malformed. */
bool mux_decode_request(const struct mux_packet *packet, struct mux_request *request);

struct mux_reply {
	uint32_t type;
	uint32_t id;          /* of the request; of the session for EXIT_MESSAGE and TTY_ALLOC_FAIL */
	uint32_t session;     /* SESSION_OPENED */
	uint32_t value;       /* EXIT_MESSAGE: the status. ALIVE: the process id */
	struct mux_text text; /* FAILURE and PERMISSION_DENIED */
};

/* A server's packet after its hello. False: malformed. Of unknown types only `type` is set. */
bool mux_decode_reply(const struct mux_packet *packet, struct mux_reply *reply);

/* Encoding: each appends one packet; what does not fit sets the buffer's overflow. Extensions stand between begin and end. */
size_t mux_begin_hello(struct buf *out);
void mux_put_extension(struct buf *out, const char *name, const void *value, size_t len);
void mux_end_packet(struct buf *out, size_t begun);
void mux_put_forward(struct buf *out, uint32_t id, const char *host, uint16_t port);
void mux_put_exec(struct buf *out, uint32_t id, const char *command);
/* A packet of a type and up to two numbers: ALIVE_CHECK, OK, ALIVE, SESSION_OPENED, EXIT_MESSAGE … */
void mux_put_number(struct buf *out, uint32_t type, uint32_t id);
void mux_put_numbers(struct buf *out, uint32_t type, uint32_t id, uint32_t value);
void mux_put_failure(struct buf *out, uint32_t type, uint32_t id, const char *text, size_t len);

/*
 * An error as the text of a FAILURE: the message, "cure: …", and the code's name in brackets, so that a plain ssh shows something of use
 * and our client gets the same error back. Parsing false: the text is no such (an OpenSSH master's).
 */
void mux_put_error(struct buf *text, const struct error *err);
bool mux_parse_error(const char *text, size_t len, struct error *err);

/* The values of MUX_EXTENSION_INFO and _STATUS. Parsing ignores names that it does not know. */
void mux_put_info(struct buf *out, const struct tunnel_info *info);
bool mux_parse_info(const uint8_t *data, size_t len, struct tunnel_info *info);
void mux_put_status(struct buf *out, const struct tunnel_status *status);
bool mux_parse_status(const uint8_t *data, size_t len, struct tunnel_status *status);
/* The value of MUX_EXTENSION_PERSIST; 0 of what is no number of int's. */
void mux_put_persist(struct buf *out, int ms);
int mux_parse_persist(const uint8_t *data, size_t len);
/* The value of MUX_EXTENSION_NOTE, and one after the other that of MUX_EXTENSION_NOTES. */
void mux_put_note(struct buf *out, const char *key, const char *value);
/* Parsing puts them to those that are there; those beyond the maximum are left out. */
bool mux_parse_notes(const uint8_t *data, size_t len, struct tunnel_notes *notes);
/* One in its place, or as the newest in that of the oldest; "" takes it out. */
void mux_take_note(struct tunnel_notes *notes, const char *key, const char *value);

#endif
