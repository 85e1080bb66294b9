/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node/tls_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host.h"
#include "base/log.h"
#include "base/terminal.h"

enum {
	FILE_MAX = 1024 * 1024, /* some systems' bundle of authorities has 230 KB */
	CRL_MAX = 16 * 1024 * 1024,
	PASSPHRASE_MAX = 1024,
	TRIES = 3,
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool tls_sources_given(const struct tls_sources *s)
{
	return s->ca || s->certificate || s->key || s->crl || s->server_name || s->verify || s->passphrase_command;
}

bool tls_sources_same(const struct tls_sources *a, const struct tls_sources *b)
{
	return same_text(a->ca, b->ca) && same_text(a->certificate, b->certificate) && same_text(a->key, b->key) &&
	       same_text(a->crl, b->crl) && same_text(a->server_name, b->server_name) &&
	       same_text(a->verify, b->verify) && same_text(a->passphrase_command, b->passphrase_command);
}

static bool verifies(const struct tls_sources *s)
{
	return !s->verify || strcmp(s->verify, "none") != 0;
}

/* What does not go together, before any file is read. */
static bool check(const struct tls_sources *s, struct error *err)
{
	if (verifies(s) && !s->ca) {
		error_set(err, ERROR_USAGE,
			  "TLS with the node, but nothing tells whose signature its certificate must have");
		return error_cure(
			err, "name the authority's file with --tls-ca; --tls-verify none believes whoever answers");
	}
	if (!verifies(s) && (s->ca || s->crl || s->server_name))
		return error_set(err, ERROR_USAGE,
				 "--tls-verify none contradicts --tls-ca, --tls-crl and --tls-server-name");
	if (s->key && !s->certificate)
		return error_set(err, ERROR_USAGE, "--tls-key without --tls-cert");
	return true;
}

struct files {
	struct buf ca, certificate, key, crl;
};

/* All of it is wiped after use: a key may stand in any of them. */
static bool read_one(const char *path, size_t max, bool key, struct buf *out, struct error *err)
{
	mode_t mode;

	buf_init_secret(out, max);
	if (!path)
		return true;
	if (!host_read_file(path, out, &mode, NULL, err))
		return false;
	if (!key || !(mode & (S_IRWXG | S_IRWXO)))
		return true;
	error_set(err, ERROR_TLS_KEY, "the key's file %s may be read or written by others (mode %04o)", path,
		  (unsigned)(mode & 07777));
	return error_cure(err, "chmod 600 '%s'", path);
}

static struct tls_pem pem_of(const char *path, const struct buf *text)
{
	return (struct tls_pem){ .name = path, .data = text->data, .len = text->len };
}

static bool read_all(const struct tls_sources *s, struct files *f, struct error *err)
{
	bool key_inside = s->certificate && !s->key;
	bool ok = read_one(s->ca, FILE_MAX, false, &f->ca, err);

	ok &= read_one(ok ? s->certificate : NULL, FILE_MAX, key_inside, &f->certificate, err);
	ok &= read_one(ok ? s->key : NULL, FILE_MAX, true, &f->key, err);
	ok &= read_one(ok ? s->crl : NULL, CRL_MAX, false, &f->crl, err);
	return ok;
}

static struct tls_context *make(const struct tls_sources *s, const char *passphrase, bool *locked, struct error *err)
{
	struct tls_context *context = NULL;
	struct files f;

	*locked = false;
	if (read_all(s, &f, err)) {
		const struct tls_material material = {
			.ca = pem_of(s->ca, &f.ca),
			.certificate = pem_of(s->certificate, &f.certificate),
			.key = s->key ? pem_of(s->key, &f.key) : pem_of(s->certificate, &f.certificate),
			.crl = pem_of(s->crl, &f.crl),
			.passphrase = passphrase,
			.verify = verifies(s),
		};
		context = tls_context_new(&material, locked, err);
	}
	buf_clear(&f.ca);
	buf_clear(&f.certificate);
	buf_clear(&f.key);
	buf_clear(&f.crl);
	return context;
}

struct tls_context *tls_files_load(const struct tls_sources *s, bool *locked, struct error *err)
{
	*locked = false;
	if (!check(s, err))
		return NULL;
	if (!verifies(s))
		log_notice("the node's certificate is not verified (--tls-verify none): whoever answers is believed to "
			   "be the node");
	return make(s, NULL, locked, err);
}

/* Up to the end of its first line. */
static void cut_line(struct buf *text)
{
	const uint8_t *newline = text->len ? memchr(text->data, '\n', text->len) : NULL;

	if (newline)
		text->len = (size_t)(newline - text->data);
}

static bool get_passphrase(const struct tls_sources *s, bool may_ask, struct buf *answer, struct error *err)
{
	const char *key = s->key ? s->key : s->certificate;

	if (s->passphrase_command) {
		char *source = xasprintf("the command “%.900s”", s->passphrase_command);
		bool ok = host_command_output(source, s->passphrase_command, ERROR_TLS_KEY, answer, err);
		free(source);
		cut_line(answer);
		return ok;
	}
	if (!may_ask) {
		error_set(err, ERROR_TLS_KEY,
			  "the key of %s is protected by a passphrase, and there is no terminal to ask for it", key);
		return error_cure(err, "--tls-passphrase-command COMMAND takes it from a command's output");
	}
	char *question = xasprintf("Enter passphrase for key '%s': ", key);
	bool ok = terminal_ask(question, true, answer, err);
	free(question);
	return ok;
}

struct tls_context *tls_files_unlock(const struct tls_sources *s, bool may_ask, struct error *err)
{
	struct tls_context *context = NULL;
	int tries = s->passphrase_command ? 1 : TRIES;
	bool locked = true;

	for (int i = 0; i < tries && locked && !context; i++) {
		struct buf answer;
		buf_init_secret(&answer, PASSPHRASE_MAX);
		bool got = get_passphrase(s, may_ask, &answer, err);
		bool empty = answer.len == 0;
		if (got && empty)
			error_set(err, ERROR_TLS_KEY, "no passphrase was given for the key of %s",
				  s->key ? s->key : s->certificate);
		else if (got)
			context = make(s, buf_text(&answer), &locked, err);
		buf_clear(&answer);
		if (!got || empty)
			break;
	}
	return context;
}
