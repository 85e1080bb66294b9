/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ssh_config says about a destination, asked of `ssh -G` itself: includes, Match blocks, tokens and precedence come
 * right because OpenSSH reads them. The output is parsed line by line, bounded.
 */
#ifndef SSH_RESOLVE_H
#define SSH_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/host.h"
#include "ssh/tunnel.h"

enum { SSH_CONFIG_LIST_MAX = 64 };

enum ssh_strict { SSH_STRICT_ASK, SSH_STRICT_YES, SSH_STRICT_ACCEPT_NEW, SSH_STRICT_OFF };

struct ssh_config {
	char *destination; /* as given */
	char *host;        /* the alias as given, without user */
	char *hostname;
	char *user;
	uint16_t port;
	char *host_key_alias;
	char *proxy_jump;
	char *proxy_command;
	char *identity_agent;                          /* NULL: $SSH_AUTH_SOCK; "none": no agent */
	char *identity_files[SSH_CONFIG_LIST_MAX + 1]; /* NULL-terminated, in order, ~ expanded */
	char *user_known_hosts[SSH_CONFIG_LIST_MAX + 1];
	char *global_known_hosts[SSH_CONFIG_LIST_MAX + 1];
	char *kex_algorithms;
	char *host_key_algorithms;
	char *pubkey_algorithms;
	char *ciphers;
	char *macs;
	char *preferred_auth;
	char *address_family; /* "any", "inet", "inet6" */
	char *bind_address;
	char *control_path;
	char *revoked_host_keys;
	char *ssh_config_file;      /* as given in the options, for programs that we start (ProxyJump) */
	const char *const *options; /* as given */
	const char *beyond_libssh;  /* what it says itself that libssh cannot do; NULL: nothing (see beyond.h) */
	enum ssh_strict strict_host_key;
	bool hash_known_hosts;
	bool batch_mode;
	bool identities_only;
	bool pubkey_auth;
	bool gssapi_auth;
	bool password_auth;
	bool keyboard_interactive_auth;
	bool tcp_keep_alive;
	bool compression;
	bool may_ask;          /* not batch_mode, and the caller allows it */
	int connect_timeout_s; /* 0: none configured */
	int connection_attempts;
	int password_prompts;
	int alive_interval_s; /* ServerAliveInterval; 0: none configured */
	int alive_count;
	int required_rsa_bits;  /* RequiredRSASize; 0: not told */
	uint64_t rekey_bytes;   /* RekeyLimit; 0: libssh's own */
	uint32_t rekey_seconds; /* … 0: none */
};

enum { SSH_FLAG_MAX = 256 };
/*
 * For the commands that cures advise: what makes ssh read the same configuration, between "ssh" and the rest; " -F FILE", or "" where it
 * is the usual one.
 */
const char *ssh_config_flag(const char *file, char room[SSH_FLAG_MAX]);

/* `ssh -G`, under way. */
struct ssh_resolution {
	const struct tunnel_options *options;
	struct host_child ssh;
};

/*
 * Starts `ssh -G` (resolve.c), which takes some milliseconds: there may be something else to do meanwhile. ssh_resolve_finish must
 * follow. Errors: ERROR_USAGE (no destination that could be one), ERROR_CONFIG (no ssh program), ERROR_NO_RESOURCES.
 */
bool ssh_resolve_start(struct ssh_resolution *resolution, const struct tunnel_options *options, struct error *err);
/* Waits for it. Errors: ERROR_CONFIG (what ssh printed), ERROR_NO_RESOURCES, ERROR_INTERRUPTED. */
bool ssh_resolve_finish(struct ssh_resolution *resolution, struct ssh_config *config, struct error *err);
/* Both. */
bool ssh_resolve(const struct tunnel_options *options, struct ssh_config *config, struct error *err);
/* The parser alone (ssh_config.c), over the text that `ssh -G` printed; for tests and fuzzing. */
bool ssh_config_parse(const char *text, size_t len, struct ssh_config *config, struct error *err);
void ssh_config_clear(struct ssh_config *config);

#endif
