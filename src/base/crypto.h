/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenSSL's first steps: reading its configuration, loading its provider, seeding its random numbers. They take a millisecond or two,
 * in whatever call happens to be the first.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

/*
 * Takes them now, while there is nothing better to do; forked processes inherit the result. It cannot fail: what does not work here
 * fails again where it is needed, with that place's message.
 */
void crypto_prepare(void);

#endif
