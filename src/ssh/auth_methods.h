/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of authentication that auth.c puts in order: one request to sshd (auth_request.c), the keys (auth_keys.c), and
 * what is asked of a person (auth_ask.c).
 */
#ifndef SSH_AUTH_METHODS_H
#define SSH_AUTH_METHODS_H

#include <libssh/libssh.h>

#include "base/buf.h"
#include "base/error.h"
#include "ssh/agent.h"
#include "ssh/key_file.h"
#include "ssh/session.h"

enum auth_result {
	AUTH_ACCEPTED, /* authenticated; of a probe: the key would do */
	AUTH_PARTIAL,  /* accepted, and sshd wants another method as well */
	AUTH_DENIED,
	AUTH_PROMPTS, /* keyboard-interactive: there are questions to answer */
	AUTH_UNABLE,  /* it failed on our side; the connection is as before */
	AUTH_BROKEN,  /* the connection is lost, or a signal came: the error is set */
};

struct auth {
	struct session *s;
	const struct ssh_config *config;
	char who[512]; /* "user@host" */
	struct error *err;
	struct buf tried; /* for the refusal: what sshd did not take */
	int requests;     /* sent so far */
	bool banner_shown;
	bool too_many;        /* sshd ended it: too many failures */
	char reason[256];     /* why sshd ended it, in its own words; "" if it did not say */
	char *locked;         /* a key that sshd would take, but whose passphrase nobody gave or could be asked for */
	const char *left_out; /* the first of ssh_config's files that others may read */
	struct key_file files[SSH_CONFIG_LIST_MAX];
	size_t file_count;
	struct agent agent; /* .fd is -1 if there is none */
	bool agent_tried[AGENT_KEYS_MAX];
};

enum auth_request_kind { AUTH_NONE, AUTH_PROBE, AUTH_SIGN, AUTH_AGENT, AUTH_INTERACTIVE, AUTH_PASSWORD };

/* Sends one request and waits for the answer. key: of AUTH_PROBE and AUTH_SIGN; text: of AUTH_PASSWORD. */
enum auth_result auth_request(struct auth *a, enum auth_request_kind kind, ssh_key key, const char *text);
/* What sshd wrote, cut at max bytes, with a mark before each line, so that a host cannot pose as us or as another. The caller frees. */
char *auth_foreign_text(const char *mark, const char *text, size_t max);
/* Notes what sshd refused. */
void auth_note(struct auth *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Says in info.auth by what the session was authenticated. */
void auth_by(struct auth *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

void auth_load_keys(struct auth *a);
enum auth_result auth_with_keys(struct auth *a);
void auth_clear_keys(struct auth *a);

enum auth_result auth_with_password(struct auth *a);
enum auth_result auth_with_answers(struct auth *a);
/* Asks for the key file's passphrase. AUTH_ACCEPTED: it is open. AUTH_DENIED: none was given, or none that fits. */
enum auth_result auth_unlock(struct auth *a, struct key_file *key);

#endif
