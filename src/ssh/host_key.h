/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the host the one that it was? The server's key against UserKnownHostsFile and GlobalKnownHostsFile, as sshd(8) “SSH_KNOWN_HOSTS
 * FILE FORMAT” and StrictHostKeyChecking say. Our own check, because libssh skips @revoked and knows no HostKeyAlias.
 */
#ifndef SSH_HOST_KEY_H
#define SSH_HOST_KEY_H

#include "ssh/session.h"

/*
 * The key-exchange host key algorithms to offer, as a comma list: the configured ones, those of keys known for the host first
 * (as OpenSSH orders them, so that a host with several keys does not look changed). The caller frees.
 */
char *host_key_algorithms(const struct ssh_config *config, const char *configured);

/*
 * After session_exchange. `ask` shows the fingerprint and asks for yes, no or the fingerprint; `accept-new` and a yes append the key to
 * the first UserKnownHostsFile (hashed if HashKnownHosts). Errors: ERROR_HOST_KEY_UNKNOWN, ERROR_HOST_KEY_CHANGED (file and line, both
 * fingerprints; the cure says how to remove the old one *after* verifying), ERROR_HOST_KEY_REVOKED, ERROR_INTERRUPTED.
 */
bool host_key_check(struct session *s, struct error *err);

/* What a known_hosts text says about a key: pure, for tests and fuzzing. */
enum host_key_match { HOST_KEY_NONE, HOST_KEY_OTHER, HOST_KEY_SAME, HOST_KEY_REVOKED };
/*
 * name: "host" or "[host]:port" in lower case. blob/len: the key in wire form; type: "ssh-ed25519" …
 * *line: where the deciding entry stands (from 1). HOST_KEY_OTHER: entries for the name exist with other keys of the same type, or of
 * other types only (*line is the first one).
 */
enum host_key_match host_key_look_up(const char *text, size_t text_len, const char *name, const char *type,
				     const unsigned char *blob, size_t len, int *line);

#endif
