/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dist/handshake_packet.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "etf/utf8.h"

void handshake_init(struct handshake *h, const struct handshake_options *options, enum handshake_state state)
{
	*h = (struct handshake){
		.state = state,
		.version = options->version,
		.length_bytes = options->length_bytes,
		.our_flags = options->flags,
		.our_creation = options->creation,
		.our_challenge = options->challenge,
	};
	buf_init(&h->out, 4 * HANDSHAKE_PACKET_MAX);
	buf_init(&h->in, 4 + HANDSHAKE_PACKET_MAX);
	snprintf(h->our_name, sizeof h->our_name, "%s", options->name);
	if (options->lent_name)
		snprintf(h->lent_name, sizeof h->lent_name, "%s", options->lent_name);
	h->lent_creation = options->lent_creation;
}

void handshake_clear(struct handshake *h)
{
	buf_clear(&h->out);
	buf_clear(&h->in);
	secret_wipe(h->expected, sizeof h->expected);
}

enum handshake_event handshake_fail(struct handshake *h)
{
	h->state = STATE_FAILED;
	return HANDSHAKE_FAILED;
}

size_t packet_begin(struct handshake *h)
{
	size_t begin = h->out.len;

	if (h->length_bytes == 4)
		buf_put_u32(&h->out, 0);
	else
		buf_put_u16(&h->out, 0);
	return begin;
}

void packet_end(struct handshake *h, size_t begin)
{
	size_t len = h->out.len - begin - (size_t)h->length_bytes;

	if (h->length_bytes == 4)
		put_be32(h->out.data + begin, (uint32_t)len);
	else
		put_be16(h->out.data + begin, (uint16_t)len);
}

bool packet_read_name(struct reader *r, size_t len, char *name)
{
	const uint8_t *bytes = read_bytes(r, len);

	size_t characters;

	if (!bytes || len == 0 || len > HANDSHAKE_NAME_MAX)
		return false;
	/* A node's name is an atom: no more characters than one may have. */
	if (!utf8_valid(bytes, len, &characters) || characters > 255)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			return false;
	}
	memcpy(name, bytes, len);
	name[len] = '\0';
	return true;
}

void handshake_digest(const void *cookie, size_t len, uint32_t challenge, uint8_t digest[16])
{
	char decimal[16];
	int digits = snprintf(decimal, sizeof decimal, "%u", (unsigned)challenge);
	EVP_MD_CTX *md5 = EVP_MD_CTX_new();

	memset(digest, 0, 16);
	if (md5 && EVP_DigestInit_ex(md5, EVP_md5(), NULL)) {
		EVP_DigestUpdate(md5, cookie, len);
		EVP_DigestUpdate(md5, decimal, (size_t)digits);
		EVP_DigestFinal_ex(md5, digest, NULL);
	}
	EVP_MD_CTX_free(md5);
}
