/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must not outlive its use or reach a core file: wiping, comparing in constant time, no core dumps. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites in a way that the compiler may not drop; NULL is allowed. */
void secret_wipe(void *data, size_t len);
bool secret_equal(const void *a, const void *b, size_t len);

#endif
