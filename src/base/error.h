/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One value for every failure: a code (which tells the layer, the stable name and the exit status), what happened with
 * the value that was wrong, and what to do about it. Functions that can fail return bool and take a struct error * as
 * their last argument; the command prints it once (cmd/report). The table of codes is an interface: the manual page,
 * `--json` and scripts rely on the names and statuses.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"

/* clang-format off */
/*        constant                  name                  layer             status  meaning, for the manual page */
#define ERROR_CODES(X) \
	X(ERROR_USAGE,              usage,                "usage",          64, "the command line is wrong") \
	X(ERROR_SYNTAX,             syntax_error,         "text",           65, "the text to evaluate, or a list of arguments, does not parse") \
	X(ERROR_INPUT_MISSING,      input_missing,        "input",          66, "an input file cannot be read") \
	X(ERROR_HOST_UNKNOWN,       host_unknown,         "DNS",            68, "the host's name or alias does not resolve") \
	X(ERROR_TCP_REFUSED,        tcp_refused,          "TCP",            69, "the host refuses the SSH port, or there is no way to it") \
	X(ERROR_TCP_TIMEOUT,        tcp_timeout,          "TCP",            75, "the host does not answer on the SSH port in time") \
	X(ERROR_NOT_SSH,            not_ssh,              "SSH",            76, "the peer on the SSH port does not speak SSH, or breaks off the key exchange") \
	X(ERROR_NO_COMMON_ALGORITHM, no_common_algorithm, "SSH",            76, "no algorithm is shared with the host's sshd") \
	X(ERROR_HOST_KEY_UNKNOWN,   host_key_unknown,     "host key",       77, "the host's key is in no known_hosts file and was not accepted") \
	X(ERROR_HOST_KEY_CHANGED,   host_key_changed,     "host key",       77, "the host's key is not the one in known_hosts") \
	X(ERROR_HOST_KEY_SHORT,     host_key_short,       "host key",       77, "the host's RSA key is shorter than RequiredRSASize wants it") \
	X(ERROR_HOST_KEY_REVOKED,   host_key_revoked,     "host key",       77, "the host's key is marked as revoked") \
	X(ERROR_AUTH_REFUSED,       auth_refused,         "authentication", 77, "sshd took none of the keys, passwords or answers") \
	X(ERROR_SSH_LOST,           ssh_lost,             "SSH",            75, "the SSH connection ended or no longer answers") \
	X(ERROR_SSH_UNSUPPORTED,    ssh_unsupported,      "configuration",  78, "ssh_config asks for something that this transport cannot do") \
	X(ERROR_FORWARDING_PROHIBITED, forwarding_prohibited, "channel",    77, "sshd does not allow the forwarding") \
	X(ERROR_CHANNEL_REFUSED,    channel_refused,      "channel",        69, "sshd could not connect to the port on its side") \
	X(ERROR_SESSION_REFUSED,    session_refused,      "channel",        77, "sshd does not run programs for this account") \
	X(ERROR_CHANNEL_TIMEOUT,    channel_timeout,      "channel",        75, "sshd does not answer the request for a channel in time") \
	X(ERROR_EPMD_ABSENT,        epmd_absent,          "EPMD",           69, "no EPMD listens on the host's loopback") \
	X(ERROR_EPMD_TIMEOUT,       epmd_timeout,         "EPMD",           75, "EPMD does not answer in time") \
	X(ERROR_EPMD_GARBAGE,       epmd_garbage,         "EPMD",           76, "what answers on EPMD's port is not EPMD") \
	X(ERROR_NODE_UNKNOWN,       node_unknown,         "EPMD",           69, "EPMD knows no node of that name") \
	X(ERROR_NODE_ABSENT,        node_absent,          "node",           69, "nothing listens on the node's distribution port") \
	X(ERROR_NO_DISTRIBUTION,    no_distribution,      "node",           69, "a BEAM runs on the host, but was started without distribution") \
	X(ERROR_NOT_ERLANG,         not_erlang,           "handshake",      76, "the peer on the distribution port does not speak the distribution protocol") \
	X(ERROR_TLS_EXPECTED,       tls_expected,         "handshake",      76, "the node speaks TLS on its distribution port") \
	X(ERROR_PLAIN_EXPECTED,     plain_expected,       "TLS",            76, "TLS was asked for, and the node speaks plain distribution") \
	X(ERROR_TLS_UNTRUSTED,      tls_untrusted,        "TLS",            77, "no trusted authority vouches for the node's certificate") \
	X(ERROR_TLS_EXPIRED,        tls_expired,          "TLS",            77, "the node's certificate is not valid any more, or not yet") \
	X(ERROR_TLS_NAME,           tls_wrong_name,       "TLS",            77, "the node's certificate is for another name") \
	X(ERROR_TLS_REVOKED,        tls_revoked,          "TLS",            77, "the node's certificate has been revoked, or that cannot be told") \
	X(ERROR_TLS_CERTIFICATE_WANTED, tls_certificate_wanted, "TLS",       77, "the node wants a certificate of ours, and none was given") \
	X(ERROR_TLS_REJECTED,       tls_rejected,         "TLS",            77, "the node rejects our certificate") \
	X(ERROR_TLS_VERSION,        tls_version_mismatch, "TLS",            76, "no version of TLS is shared with the node") \
	X(ERROR_TLS_CIPHER,         tls_cipher_mismatch,  "TLS",            76, "no cipher of TLS is shared with the node") \
	X(ERROR_TLS_FAILED,         tls_failed,           "TLS",            76, "the node breaks TLS off, or its records are wrong") \
	X(ERROR_TLS_KEY,            tls_key_unusable,     "TLS",            78, "a certificate, key or list of ours cannot be used") \
	X(ERROR_HANDSHAKE_TIMEOUT,  handshake_timeout,    "handshake",      75, "the node does not go on with the handshake in time") \
	X(ERROR_NAME_TAKEN,         name_taken,           "handshake",      75, "the node has a connection under our name") \
	X(ERROR_NOT_ALLOWED,        not_allowed,          "handshake",      77, "the node refuses our name or our capabilities") \
	X(ERROR_HANDSHAKE_REFUSED,  handshake_refused,    "handshake",      77, "the node refuses the connection") \
	X(ERROR_NODE_UNPROVEN,      node_unproven,        "cookie",         77, "the node could not prove that it knows the cookie") \
	X(ERROR_COOKIE_MISMATCH,    cookie_mismatch,      "cookie",         77, "the node has another cookie") \
	X(ERROR_COOKIE_MISSING,     cookie_missing,       "cookie",         78, "no source gave a cookie") \
	X(ERROR_COOKIE_UNSAFE,      cookie_unsafe,        "cookie",         78, "the cookie file may be read by others, or holds no cookie") \
	X(ERROR_NODE_LOST,          node_lost,            "call",           75, "the connection to the node ended during a call") \
	X(ERROR_PROTOCOL,           protocol_error,       "distribution",   76, "the node sent bytes that are not the protocol") \
	X(ERROR_LIMIT,              limit_exceeded,       "distribution",   76, "the node sent more than the limits allow") \
	X(ERROR_TIMEOUT,            call_timeout,         "call",           75, "the evaluation took longer than --timeout and was ended") \
	X(ERROR_EXCEPTION,          exception,            "call",            1, "the evaluation ended in an exception") \
	X(ERROR_RESULT_TOO_LARGE,   result_too_large,     "call",            1, "the result is larger than what can be taken whole") \
	X(ERROR_RESULT_NOT_BYTES,   result_not_bytes,     "call",            1, "--raw got a result that is neither a binary nor iodata") \
	X(ERROR_OUTPUT_INCOMPLETE,  output_incomplete,    "call",           76, "the evaluation is done, but a part of its output or value did not arrive") \
	X(ERROR_CALL_REFUSED,       call_refused,         "call",           76, "the node does not run what beamline asked for") \
	X(ERROR_NO_ELIXIR,          no_elixir,            "call",           69, "the node has no Elixir") \
	X(ERROR_LISTEN,             listen_refused,       "forward",        71, "the port that --listen names cannot be listened on") \
	X(ERROR_GUARD,              guard_refused,        "guard",          77, "the text would stop the node, or its environment wants to be confirmed, and nobody has") \
	X(ERROR_READ_ONLY,          read_only,            "guard",          77, "the text calls what is not among the harmless functions of --read-only") \
	X(ERROR_SOME_FAILED,        some_failed,          "targets",         2, "some of several targets failed") \
	X(ERROR_CONFIG,             config_invalid,       "configuration",  78, "the configuration cannot be used") \
	X(ERROR_JOURNAL,            journal_unusable,     "journal",        73, "the journal cannot be opened, or others could have written it") \
	X(ERROR_JOURNAL_BROKEN,     journal_broken,       "journal",         1, "lines of the journal were changed, removed or inserted") \
	X(ERROR_OUTPUT_LOST,        output_lost,          "output",         74, "output could not be written") \
	X(ERROR_OUTPUT_CLOSED,      output_closed,        "output",         74, "the reader of the output went away") \
	X(ERROR_NO_RESOURCES,       no_resources,         "system",         71, "the system has no descriptors, processes or memory left") \
	X(ERROR_INTERNAL,           internal,             "beamline",       70, "a bug of beamline's own") \
	X(ERROR_INTERRUPTED,        interrupted,          "signal",        128, "a signal ended the command (the status is 128 plus its number)")
/* clang-format on */

enum error_code {
	ERROR_NONE,
#define X(constant, name, layer, status, meaning) constant,
	ERROR_CODES(X)
#undef X
		ERROR_CODE_COUNT
};

enum { ERROR_MESSAGE_MAX = 1024, ERROR_CURE_MAX = 512 };

struct error {
	enum error_code code;
	int signal;                      /* ERROR_INTERRUPTED: which */
	bool shown;                      /* it has been told already, in another form */
	char message[ERROR_MESSAGE_MAX]; /* one line or a few, no newline at the end, not yet filtered for a terminal */
	char cure[ERROR_CURE_MAX];       /* "" if there is nothing to advise */
};

/* Both return false, so that `return error_set(...)` reads well. The message is cut, not lost, if it is too long. */
bool error_set(struct error *err, enum error_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool error_cure(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "prefix: " before the message. */
bool error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts more behind the message. */
bool error_append(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool error_interrupted(struct error *err, int signal);

const char *error_name(enum error_code code);  /* "cookie_mismatch" */
const char *error_layer(enum error_code code); /* "cookie" */
const char *error_meaning(enum error_code code);
int error_status(const struct error *err); /* the process's exit status */
int error_code_status(enum error_code code);
/* The code of that name, or ERROR_NONE. */
enum error_code error_code_by_name(const char *name, size_t len);

#endif
