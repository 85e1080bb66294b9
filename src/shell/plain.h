/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign text as a part of one line: filtered, without colours, line ends and tabs; and how much of the line it may take. */
#ifndef SHELL_PLAIN_H
#define SHELL_PLAIN_H

#include "base/buf.h"

void plain_put(struct buf *out, const void *text, size_t len);
/* Columns of such text on a terminal. What terminals do not agree about counts as two, so that nothing takes more. */
size_t plain_width(const void *text, size_t len);

#endif
