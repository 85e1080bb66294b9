/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monotonic time. Only the code that drives state machines asks for it; they take it as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_us(void);
int64_t clock_ms(void);

#endif
