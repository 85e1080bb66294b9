/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ssh/auth_methods.h"

enum {
	TRIED_MAX = 640,  /* of the refusal's text */
	PARTIALS_MAX = 8, /* methods that sshd may want one after the other */
};

/* OpenSSH's default for PreferredAuthentications, without what libssh or we do not do. */
static const char default_order[] = "publickey,keyboard-interactive,password";

struct method {
	const char *name;
	int flag; /* of ssh_userauth_list */
	enum auth_result (*run)(struct auth *a);
	bool asks;
};

static const struct method methods[] = {
	{ "publickey", SSH_AUTH_METHOD_PUBLICKEY, auth_with_keys, false },
	{ "keyboard-interactive", SSH_AUTH_METHOD_INTERACTIVE, auth_with_answers, true },
	{ "password", SSH_AUTH_METHOD_PASSWORD, auth_with_password, true },
};
enum { METHODS = sizeof methods / sizeof *methods };

static bool is_allowed(const struct ssh_config *config, const struct method *method)
{
	switch (method->flag) {
	case SSH_AUTH_METHOD_PUBLICKEY:
		return config->pubkey_auth;
	case SSH_AUTH_METHOD_INTERACTIVE:
		return config->keyboard_interactive_auth;
	default:
		return config->password_auth;
	}
}

/* sshd tells its methods with the first refusal; until then any may be tried. */
static int methods_of_sshd(const struct auth *a)
{
	return ssh_userauth_list(a->s->ssh, NULL);
}

static enum auth_result ask_for_methods(struct auth *a)
{
	enum auth_result result = auth_request(a, AUTH_NONE, NULL, NULL);

	if (result == AUTH_ACCEPTED)
		auth_by(a, "none");
	return result;
}

static enum auth_result run_method(struct auth *a, const struct method *method)
{
	if (!is_allowed(a->config, method))
		return AUTH_DENIED;
	if (method->asks) {
		/* Nobody is asked for what sshd does not want. */
		if (a->requests == 0) {
			enum auth_result result = ask_for_methods(a);
			if (result != AUTH_DENIED)
				return result;
		}
		if (!a->config->may_ask)
			return AUTH_DENIED;
	}
	int wanted = methods_of_sshd(a);
	if (wanted != 0 && !(wanted & method->flag))
		return AUTH_DENIED;
	log_vv("auth", "trying %s", method->name);
	return method->run(a);
}

static const struct method *find_method(const char *name, size_t len)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (strlen(methods[i].name) == len && memcmp(methods[i].name, name, len) == 0)
			return &methods[i];
	}
	return NULL;
}

/* All methods once, in the user's order. */
static enum auth_result run_methods(struct auth *a)
{
	const char *p = a->config->preferred_auth ? a->config->preferred_auth : default_order;
	enum auth_result result = AUTH_DENIED;

	while (*p && (result == AUTH_DENIED || result == AUTH_UNABLE)) {
		size_t len = strcspn(p, ",");
		const struct method *method = find_method(p, len);
		if (method)
			result = run_method(a, method);
		p += len + (p[len] == ',');
	}
	if ((result == AUTH_DENIED || result == AUTH_UNABLE) && a->requests == 0)
		result = ask_for_methods(a);
	return result;
}

static const char *list_methods(int wanted, char *room, size_t size)
{
	static const struct {
		int flag;
		const char *name;
	} names[] = {
		{ SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
		{ SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
		{ SSH_AUTH_METHOD_PASSWORD, "password" },
		{ SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
		{ SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
	};

	room[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t used = strlen(room);
		if (wanted & names[i].flag)
			snprintf(room + used, size - used, "%s%s", used ? ", " : "", names[i].name);
	}
	return room[0] ? room : "what it does not name";
}

/* What would help; the first that applies is the nearest. */
static bool advise(struct auth *a, struct error *err)
{
	const struct ssh_config *config = a->config;
	int wanted = methods_of_sshd(a);
	bool wants_words = ((wanted & SSH_AUTH_METHOD_PASSWORD) && config->password_auth) ||
			   ((wanted & SSH_AUTH_METHOD_INTERACTIVE) && config->keyboard_interactive_auth);
	bool silent = wants_words && !config->may_ask;
	char flag[SSH_FLAG_MAX];
	const char *speak = config->batch_mode ? "without BatchMode" : "on a terminal";

	if (a->too_many)
		return error_cure(
			err,
			"set IdentitiesOnly yes and one IdentityFile for %s in ssh_config: each key costs an attempt",
			config->host);
	if (a->locked && config->may_ask)
		return error_cure(err, "try again with its passphrase; `ssh-keygen -y -f '%s'` tests it", a->locked);
	if (a->locked)
		return error_cure(err, "%s needs its passphrase: ssh-add '%s', or run this %s", a->locked, a->locked,
				  speak);
	if (a->left_out && a->tried.len == 0)
		return error_cure(err, "chmod 600 '%s': others may read it, so it was left out", a->left_out);
	if (a->file_count == 0 && a->agent.count == 0 && config->pubkey_auth)
		return error_cure(err,
				  "no IdentityFile exists and no agent holds a key: ssh-keygen makes one, ssh-copy-id "
				  "%s brings it to the "
				  "host%s%s",
				  config->destination, silent ? "; or answer sshd's question: run this " : "",
				  silent ? speak : "");
	if (silent)
		return error_cure(err,
				  "bring a key to the host (ssh-copy-id %s), or answer sshd's question: run this %s",
				  config->destination, speak);
	if (!(wanted & SSH_AUTH_METHOD_PUBLICKEY) && !wants_words)
		return error_cure(err, "sshd wants what this cannot give; compare with `ssh%s -v %s`",
				  ssh_config_flag(config->ssh_config_file, flag), config->destination);
	return error_cure(
		err,
		"have one of your public keys added to ~%s/.ssh/authorized_keys there (ssh-copy-id), or name the right "
		"IdentityFile or User for %s in ssh_config",
		config->user, config->host);
}

static bool refuse(struct auth *a, struct error *err)
{
	char room[128];
	const char *would = list_methods(methods_of_sshd(a), room, sizeof room);
	const char *tried = buf_text(&a->tried);

	if (a->too_many)
		error_set(err, ERROR_AUTH_REFUSED, "%s: sshd ended it after too many attempts; it took none of: %s",
			  a->who, tried);
	else if (a->tried.len)
		error_set(err, ERROR_AUTH_REFUSED, "%s: sshd took none of: %s; it would take: %s", a->who, tried,
			  would);
	else if (a->locked)
		error_set(err, ERROR_AUTH_REFUSED, "%s: sshd would take %s, whose passphrase nobody could be asked for",
			  a->who, a->locked);
	else
		error_set(err, ERROR_AUTH_REFUSED, "%s: there was nothing to offer to sshd, which would take: %s",
			  a->who, would);
	return advise(a, err);
}

static bool run(struct auth *a, struct error *err)
{
	for (int i = 0; i < PARTIALS_MAX; i++) {
		switch (run_methods(a)) {
		case AUTH_ACCEPTED:
			log_v("auth", "%s is authenticated by %s", a->who, a->s->info.auth);
			return true;
		case AUTH_PARTIAL:
			log_v("auth", "accepted, but sshd wants another method as well");
			break;
		case AUTH_BROKEN:
			return a->too_many ? refuse(a, err) : false;
		default:
			return refuse(a, err);
		}
	}
	return error_set(err, ERROR_AUTH_REFUSED, "%s: sshd wants more than %d methods", a->who, PARTIALS_MAX);
}

struct auth *auth_prepare(struct session *s)
{
	const struct ssh_config *config = s->config;
	struct auth *a = xcalloc(1, sizeof *a);

	*a = (struct auth){ .s = s, .config = config, .agent = { .fd = -1, .chosen = -1 } };
	snprintf(a->who, sizeof a->who, "%s@%s", config->user, config->host);
	buf_init(&a->tried, TRIED_MAX);
	if (config->pubkey_auth)
		auth_load_keys(a);
	return a;
}

bool auth_run(struct auth *a, struct error *err)
{
	const struct ssh_config *config = a->config;

	a->err = err;
	/* What libssh does not know of the list it leaves out. */
	if (config->pubkey_algorithms &&
	    ssh_options_set(a->s->ssh, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, config->pubkey_algorithms) != SSH_OK)
		log_v("auth", "libssh has none of PubkeyAcceptedAlgorithms; its own list stands");
	return run(a, err);
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	auth_clear_keys(a);
	free(a->locked);
	buf_clear(&a->tried);
	free(a);
}
