/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_wipe(void *data, size_t len)
{
	if (!data)
		return;
#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(data, len);
#else
	volatile unsigned char *p = data;
	while (len--)
		*p++ = 0;
#endif
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)(x[i] ^ y[i]);
	return differ == 0;
}
