/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/host_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/host.h"
#include "base/log.h"
#include "base/terminal.h"
#include "platform/platform.h"
#include "ssh/known_hosts_files.h"

enum { ANSWER_MAX = 256, QUESTIONS_MAX = 3 };

/* The key that the server showed, and what it is called in messages. */
struct shown_key {
	char *blob_text; /* base64 */
	uint8_t *blob;
	size_t len;
	char type[KNOWN_HOSTS_TYPE_MAX];
	char *fingerprint;
	char *name; /* in known_hosts */
};

enum host_key_match host_key_look_up(const char *text, size_t text_len, const char *name, const char *type,
				     const unsigned char *blob, size_t len, int *line)
{
	struct known_hosts_findings found = { 0 };
	const struct known_hosts_place *place = &found.other;
	enum host_key_match match = HOST_KEY_OTHER;

	known_hosts_look_up(text, text_len, "", name, type, blob, len, &found);
	free(found.changed_fingerprint);
	if (found.revoked.line) {
		place = &found.revoked;
		match = HOST_KEY_REVOKED;
	} else if (found.same.line) {
		place = &found.same;
		match = HOST_KEY_SAME;
	} else if (found.changed.line) {
		place = &found.changed;
	} else if (!found.other.line) {
		match = HOST_KEY_NONE;
	}
	*line = place->line;
	return match;
}

/* RevokedHostKeys: a list of public keys. Without it nothing is trusted, as OpenSSH has it. */
static bool check_revoked_file(const struct ssh_config *config, const struct shown_key *key, struct error *err)
{
	struct known_hosts_cursor *cursor = NULL;
	struct known_hosts_entry entry;
	struct buf text;
	bool ok = false;

	if (!config->revoked_host_keys)
		return true;
	buf_init(&text, KNOWN_HOSTS_FILE_MAX);
	if (!host_read_file(config->revoked_host_keys, &text, NULL, NULL, err)) {
		if (err->code != ERROR_INTERRUPTED) {
			err->code = ERROR_CONFIG;
			error_prefix(err, "RevokedHostKeys");
			error_cure(err,
				   "without that file no host's key is trusted; correct RevokedHostKeys in ssh_config");
		}
		goto done;
	}
	if (text.len >= 8 && memcmp(text.data, "SSHKRL\n", 8) == 0) {
		error_set(err, ERROR_SSH_UNSUPPORTED, "RevokedHostKeys %s is a key revocation list in binary form",
			  config->revoked_host_keys);
		error_cure(err, "name a text file with one public key a line");
		goto done;
	}
	cursor = xmalloc(sizeof *cursor);
	known_hosts_start(cursor, (const char *)text.data, text.len);
	cursor->keys_only = true;
	ok = true;
	while (ok && known_hosts_next(cursor, &entry)) {
		if (entry.key_len == key->len && memcmp(entry.key, key->blob, key->len) == 0)
			ok = error_set(err, ERROR_HOST_KEY_REVOKED, "the key of %s (%s) is revoked by %s:%d",
				       config->hostname, key->fingerprint, config->revoked_host_keys, entry.line);
	}
done:
	free(cursor);
	buf_clear(&text);
	return ok;
}

/* "ED25519" for "ssh-ed25519", as people know them. */
static const char *short_type(const char *type)
{
	static const struct {
		const char *type, *name;
	} names[] = { { "ssh-ed25519", "ED25519" }, { "ssh-rsa", "RSA" }, { "ssh-dss", "DSA" } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(type, names[i].type) == 0)
			return names[i].name;
	}
	return strncmp(type, "ecdsa-", 6) == 0 ? "ECDSA" : type;
}

static bool say_changed(const struct shown_key *key, const struct known_hosts_findings *found, struct error *err)
{
	error_set(err, ERROR_HOST_KEY_CHANGED,
		  "the %s key of %s has changed: it shows %s, while %s:%d has %s. Somebody may stand between you and "
		  "the host, or it "
		  "was set up anew",
		  short_type(key->type), key->name, key->fingerprint, found->changed.file, found->changed.line,
		  found->changed_fingerprint);
	return error_cure(err,
			  "ask the host's owner which fingerprint is right; only if it is the new one: ssh-keygen -f "
			  "'%s' -R '%s'",
			  found->changed.file, key->name);
}

static bool say_revoked(const struct shown_key *key, const struct known_hosts_findings *found, struct error *err)
{
	error_set(err, ERROR_HOST_KEY_REVOKED, "the key of %s (%s) is marked @revoked in %s:%d", key->name,
		  key->fingerprint, found->revoked.file, found->revoked.line);
	return error_cure(err,
			  "do not connect: whoever has that key may pose as the host; ask its owner for a new one");
}

static bool say_unknown(const struct ssh_config *config, const struct shown_key *key,
			const struct known_hosts_findings *found, const char *why, struct error *err)
{
	error_set(err, ERROR_HOST_KEY_UNKNOWN, "the %s key of %s, %s, is in no known_hosts file%s",
		  short_type(key->type), key->name, key->fingerprint, why);
	if (found->other.line)
		error_append(err, "; %s:%d knows the host by its %s key", found->other.file, found->other.line,
			     short_type(found->other_type));
	char flag[SSH_FLAG_MAX];
	return error_cure(err,
			  "compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub "
			  "there), then connect "
			  "once on a terminal (`ssh%s %s`), or set StrictHostKeyChecking=accept-new",
			  ssh_config_flag(config->ssh_config_file, flag), config->host);
}

/* Failing to remember is no reason to refuse: said, and asked again the next time. */
static void remember(const struct ssh_config *config, const struct shown_key *key)
{
	const char *path = config->user_known_hosts[0];
	uint8_t salt[KNOWN_HOSTS_SALT_LEN];
	struct buf line;

	if (!path)
		return;
	buf_init(&line, KNOWN_HOSTS_KEY_MAX * 2);
	bool salted = platform_random(salt, sizeof salt);
	known_hosts_line(&line, key->name, key->blob, key->len, config->hash_known_hosts ? salt : NULL);
	if (!salted || line.overflow || !known_hosts_append(path, &line))
		log_notice("the key of %s could not be added to %s: %s", key->name, path, strerror(errno));
	else
		log_notice("the %s key of %s is now known in %s", short_type(key->type), key->name, path);
	buf_clear(&line);
}

static char *question_of(const struct ssh_config *config, const struct shown_key *key,
			 const struct known_hosts_findings *found)
{
	char *known = found->other.line
			      ? xasprintf("CAUTION: %s:%d knows this host by its %s key, which it did not show.\n",
					  found->other.file, found->other.line, short_type(found->other_type))
			      : xstrdup("");
	char *question =
		xasprintf("Host %s (%s port %u) is not known yet.\nIts %s key has the fingerprint %s.\n%s"
			  "Trust it from now on (yes, no, or the fingerprint that you expect)? ",
			  config->host, config->hostname, config->port, short_type(key->type), key->fingerprint, known);

	free(known);
	return question;
}

static bool ask(const struct ssh_config *config, const struct shown_key *key, const struct known_hosts_findings *found,
		struct error *err)
{
	char *question = question_of(config, key, found);
	const char *why = " and was not accepted";
	bool ok = false;

	for (int i = 0; i < QUESTIONS_MAX; i++) {
		struct buf answer;
		buf_init(&answer, ANSWER_MAX);
		bool told = terminal_ask(i == 0 ? question : "Please answer yes, no, or with the fingerprint: ", false,
					 &answer, err);
		char *text = xstrdup(buf_text(&answer));
		buf_clear(&answer);
		text[strcspn(text, " \t\r")] = '\0';
		bool no = strcasecmp(text, "no") == 0;
		ok = told && (strcasecmp(text, "yes") == 0 || strcmp(text, key->fingerprint) == 0);
		bool other = told && !ok && strncmp(text, "SHA256:", 7) == 0;
		free(text);
		if (!told)
			goto done;
		if (other)
			why = " and is not the one that you expect";
		if (ok || no || other)
			break;
	}
	if (!ok)
		say_unknown(config, key, found, why, err);
done:
	free(question);
	return ok;
}

/*
 * A host that is known by keys of other types only is not new: it may be another host that hides the key which we could
 * check. `accept-new` and `off` do not take it silently.
 */
static bool judge_unknown(const struct ssh_config *config, const struct shown_key *key,
			  const struct known_hosts_findings *found, struct error *err)
{
	bool strict = config->strict_host_key == SSH_STRICT_YES;
	bool silent = config->strict_host_key == SSH_STRICT_ACCEPT_NEW || config->strict_host_key == SSH_STRICT_OFF;

	if (strict)
		return say_unknown(config, key, found, " (StrictHostKeyChecking is yes)", err);
	if (!(silent && !found->other.line)) {
		if (!config->may_ask)
			return say_unknown(config, key, found, ", and nobody can be asked", err);
		if (!ask(config, key, found, err))
			return false;
	}
	remember(config, key);
	return true;
}

static bool judge(const struct ssh_config *config, const struct shown_key *key,
		  const struct known_hosts_findings *found, struct error *err)
{
	if (found->revoked.line)
		return say_revoked(key, found, err);
	if (found->same.line) {
		log_v("host key", "%s %s, known from %s:%d", short_type(key->type), key->fingerprint, found->same.file,
		      found->same.line);
		return true;
	}
	if (found->changed.line)
		return say_changed(key, found, err);
	return judge_unknown(config, key, found, err);
}

static void shown_key_clear(struct shown_key *key)
{
	ssh_string_free_char(key->blob_text);
	free(key->blob);
	free(key->fingerprint);
	free(key->name);
}

static bool get_shown_key(struct session *s, struct shown_key *key, struct error *err)
{
	ssh_key public_key = NULL;

	*key = (struct shown_key){ 0 };
	if (ssh_get_server_publickey(s->ssh, &public_key) != SSH_OK ||
	    ssh_pki_export_pubkey_base64(public_key, &key->blob_text) != SSH_OK) {
		ssh_key_free(public_key);
		return error_set(err, ERROR_NOT_SSH, "the key of %s cannot be read: %s", s->config->hostname,
				 ssh_get_error(s->ssh));
	}
	ssh_key_free(public_key);
	if (!known_hosts_decode(key->blob_text, &key->blob, &key->len) ||
	    !known_hosts_key_type(key->blob, key->len, key->type))
		return error_set(err, ERROR_NOT_SSH, "the key of %s cannot be read", s->config->hostname);
	key->fingerprint = known_hosts_fingerprint(key->blob, key->len);
	key->name = known_hosts_name_of(s->config);
	return true;
}

static bool check_size(const struct ssh_config *config, const struct shown_key *key, struct error *err)
{
	size_t bits = known_hosts_rsa_bits(key->blob, key->len);

	if (bits == 0 || bits >= (size_t)config->required_rsa_bits)
		return true;
	error_set(err, ERROR_HOST_KEY_SHORT, "the host's RSA key has %zu bits, and ssh_config's RequiredRSASize is %d",
		  bits, config->required_rsa_bits);
	return error_cure(err, "the host may have another key (ssh-keygen -A there, HostKeyAlgorithms here), or lower "
			       "RequiredRSASize for it");
}

bool host_key_check(struct session *s, struct error *err)
{
	struct known_hosts_findings found = { 0 };
	struct shown_key key;

	bool ok = get_shown_key(s, &key, err) && check_size(s->config, &key, err) &&
		  check_revoked_file(s->config, &key, err) &&
		  known_hosts_find(s->config, key.type, key.blob, key.len, &found, err) &&
		  judge(s->config, &key, &found, err);
	free(found.changed_fingerprint);
	shown_key_clear(&key);
	return ok;
}
