/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

void crypto_prepare(void)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int len;

	/* The kernel frees all of it faster at the end of the process than OpenSSL would. */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
	RAND_bytes(bytes, 1);
	/* What the distribution's handshake and SSH's key exchange begin with. */
	EVP_Digest("", 0, bytes, &len, EVP_md5(), NULL);
	EVP_PKEY_free(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
}
