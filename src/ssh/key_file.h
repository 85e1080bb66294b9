/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One file of IdentityFile, and what can be learnt of it without asking anybody: the private key if it has no passphrase,
 * the public key from the .pub file beside it or from the head of OpenSSH's own format.
 */
#ifndef SSH_KEY_FILE_H
#define SSH_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libssh/libssh.h>

#include "base/buf.h"

struct key_file {
	char *path;
	ssh_key private_key; /* NULL: it has a passphrase, or only the public key is there */
	ssh_key public_key;  /* NULL: not known */
	uint8_t *blob;       /* the public key in wire form, or NULL */
	size_t len;
	bool encrypted;
	bool tried;      /* for the caller */
	struct buf text; /* of an encrypted key, for key_file_unlock */
};

/* False: there is no key here that can be used. *others_may_read: the private key, so it is left out; that is said with log_notice. */
bool key_file_load(struct key_file *key, const char *path, bool *others_may_read);
bool key_file_is(const struct key_file *key, const uint8_t *blob, size_t len);
/* True: the passphrase fits, the private key is there. */
bool key_file_unlock(struct key_file *key, const char *passphrase);
void key_file_clear(struct key_file *key);

/*
 * The public key at the head of a private key in OpenSSH's format (PROTOCOL.key of openssh-portable), which is readable without the
 * passphrase; in wire form, the caller frees. Pure.
 */
bool key_file_public_part(const char *text, size_t text_len, uint8_t **blob, size_t *len);

#endif
