/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers as text, whatever the process's locale: floats in the shortest form that reads back as the same float (OTP's
 * float_to_list(F, [short])), integers of any size in decimal.
 */
#ifndef ETF_NUMBER_H
#define ETF_NUMBER_H

#include "base/arena.h"
#include "etf/term.h"

enum { ETF_FLOAT_TEXT_MAX = 32 };

/* "0.1", "1.0e22", "-0.0": always with a point, so never taken for an integer. Returns the length; ends with a NUL. */
size_t etf_float_text(double value, char out[ETF_FLOAT_TEXT_MAX]);
/* Decimal text (a sign, digits, a point, an exponent) to a float. False: not such a text, or beyond a float's range. */
bool etf_float_parse(const char *text, size_t len, double *out);
/* The decimal digits of an integer term (ETF_INTEGER or ETF_BIG), NUL-terminated; free() them. */
char *etf_integer_text(const struct term *t);
/* Digits of that base (2 to 36, either case) to an integer term. False: not digits, or no room in the arena. */
bool etf_integer_parse(struct arena *arena, const char *digits, size_t len, int base, bool negative, struct term *out);
/* Makes *t the integer of that magnitude (base 256, least significant byte first; borrowed) with the tag it is sent with. */
void etf_integer_set(struct term *t, const uint8_t *digits, size_t len, bool negative);

#endif
