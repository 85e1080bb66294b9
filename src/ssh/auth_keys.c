/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys, in OpenSSH's order: those of IdentityFile that the agent holds, the agent's others, the files that it does not hold. A file without
 * a passphrase is signed with directly even if the agent holds the key: libssh always probes before it asks an agent to sign, and
 * a probe costs as much as a refusal (5 ms and more).
 */
#include <stdlib.h>

#include "base/log.h"
#include "ssh/auth_methods.h"
#include "ssh/known_hosts.h"

/* RequiredRSASize; said, because with it a login may fail that worked before. */
static bool is_too_short(const struct auth *a, const uint8_t *blob, size_t len, const char *name)
{
	size_t bits = blob ? known_hosts_rsa_bits(blob, len) : 0;

	if (bits == 0 || bits >= (size_t)a->config->required_rsa_bits)
		return false;
	log_v("auth", "%s is left out: its %zu bits are fewer than RequiredRSASize", name, bits);
	return true;
}

void auth_load_keys(struct auth *a)
{
	char *const *paths = a->config->identity_files;

	for (size_t i = 0; i < SSH_CONFIG_LIST_MAX && paths[i]; i++) {
		bool others_may_read;
		if (key_file_load(&a->files[a->file_count], paths[i], &others_may_read))
			a->file_count++;
		if (others_may_read && !a->left_out)
			a->left_out = paths[i];
	}
	agent_open(&a->agent, a->config->identity_agent);
}

/* Where the agent has the file's key, or -1. */
static int held_by_agent(const struct auth *a, const struct key_file *file)
{
	for (size_t i = 0; i < a->agent.count; i++) {
		if (key_file_is(file, a->agent.keys[i].blob, a->agent.keys[i].len))
			return (int)i;
	}
	return -1;
}

static bool is_final(enum auth_result result)
{
	return result == AUTH_ACCEPTED || result == AUTH_PARTIAL || result == AUTH_BROKEN;
}

static enum auth_result try_agent(struct auth *a, size_t i)
{
	const char *comment = a->agent.keys[i].comment;

	if (a->agent_tried[i])
		return AUTH_DENIED;
	a->agent_tried[i] = true;
	if (is_too_short(a, a->agent.keys[i].blob, a->agent.keys[i].len, comment)) {
		auth_note(a, "agent key %s (too short)", comment);
		return AUTH_DENIED;
	}
	if (!agent_choose(&a->agent, a->s->ssh, i, a->err)) {
		log_notice("%s", a->err->message);
		return AUTH_UNABLE;
	}
	enum auth_result result = auth_request(a, AUTH_AGENT, NULL, NULL);
	if (result == AUTH_ACCEPTED)
		auth_by(a, "publickey (agent: %s)", comment);
	else if (result == AUTH_DENIED)
		auth_note(a, "agent key %s", comment);
	else if (result == AUTH_UNABLE)
		auth_note(a, "agent key %s (the agent did not sign)", comment);
	return result;
}

static enum auth_result sign(struct auth *a, struct key_file *file)
{
	enum auth_result result = auth_request(a, AUTH_SIGN, file->private_key, NULL);

	if (result == AUTH_ACCEPTED)
		auth_by(a, "publickey (%s)", file->path);
	else if (result == AUTH_DENIED)
		auth_note(a, "%s", file->path);
	else if (result == AUTH_UNABLE)
		auth_note(a, "%s (libssh cannot sign with it here)", file->path);
	return result;
}

static void lock(struct auth *a, const struct key_file *file)
{
	if (!a->locked)
		a->locked = xstrdup(file->path);
}

/* A question is worth asking only if sshd would take the key. */
static enum auth_result try_encrypted(struct auth *a, struct key_file *file)
{
	if (file->public_key) {
		enum auth_result result = auth_request(a, AUTH_PROBE, file->public_key, NULL);
		if (result == AUTH_DENIED)
			auth_note(a, "%s", file->path);
		if (result != AUTH_ACCEPTED)
			return result;
	}
	if (!a->config->may_ask) {
		lock(a, file);
		log_v("auth", "%s has a passphrase, and nobody can be asked", file->path);
		return AUTH_DENIED;
	}
	enum auth_result result = auth_unlock(a, file);
	if (result == AUTH_DENIED) {
		lock(a, file);
		auth_note(a, "%s (no passphrase that fits)", file->path);
	}
	return result == AUTH_ACCEPTED ? sign(a, file) : result;
}

static enum auth_result try_file(struct auth *a, struct key_file *file)
{
	if (file->tried)
		return AUTH_DENIED;
	file->tried = true;
	if (is_too_short(a, file->blob, file->len, file->path)) {
		auth_note(a, "%s (too short)", file->path);
		return AUTH_DENIED;
	}
	if (file->private_key)
		return sign(a, file);
	return file->encrypted ? try_encrypted(a, file) : AUTH_DENIED;
}

static enum auth_result try_held_files(struct auth *a)
{
	enum auth_result result = AUTH_DENIED;

	for (size_t i = 0; i < a->file_count && !is_final(result); i++) {
		int held = held_by_agent(a, &a->files[i]);
		if (held < 0)
			continue;
		if (a->files[i].private_key) {
			a->agent_tried[held] = true;
			result = try_file(a, &a->files[i]);
		} else {
			a->files[i].tried = true;
			result = try_agent(a, (size_t)held);
		}
	}
	return result;
}

enum auth_result auth_with_keys(struct auth *a)
{
	enum auth_result result = try_held_files(a);
	for (size_t i = 0; !a->config->identities_only && i < a->agent.count && !is_final(result); i++)
		result = try_agent(a, i);
	for (size_t i = 0; i < a->file_count && !is_final(result); i++)
		result = try_file(a, &a->files[i]);
	return is_final(result) ? result : AUTH_DENIED;
}

void auth_clear_keys(struct auth *a)
{
	for (size_t i = 0; i < a->file_count; i++)
		key_file_clear(&a->files[i]);
	a->file_count = 0;
	agent_close(&a->agent);
}
