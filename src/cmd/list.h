/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table for people: heads and cells, in columns as wide as they must be. */
#ifndef CMD_LIST_H
#define CMD_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct list {
	const char *const *heads;
	size_t columns;
	bool to_stderr; /* not to standard output */
	int right;      /* the column whose cells stand at its right side, or -1 */
	char **cells;
	size_t count;
};

/* The next cell, row by row; NULL and "" become “-” but in the last column. */
void list_add(struct list *list, const char *text);
void list_clear(struct list *list);
/* Writes it, if it has a row, and frees the cells. Errors: ERROR_OUTPUT_LOST, ERROR_OUTPUT_CLOSED, ERROR_NO_RESOURCES. */
bool list_show(struct list *list, struct error *err);

#endif
