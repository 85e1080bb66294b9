/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recording of a session for replay, in the format asciicast v2: what the terminal showed, filtered as it was, with each line as it was sent. How it
 * was typed and edited is not in it, nor what code read from the keyboard.
 */
#ifndef SHELL_RECORD_H
#define SHELL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/terminal.h"

struct record {
	int fd; /* -1: nothing is recorded */
	char *path;
	int64_t begun_us;
	struct terminal_filter filter;
};

/* A new file, mode 0600. Errors: ERROR_OUTPUT_LOST (it is there already, cannot be made or written). */
bool record_start(struct record *r, const char *path, const char *title, int columns, int rows, struct error *err);
/* Text as it comes to the screen. Nothing where nothing is recorded. Errors: ERROR_OUTPUT_LOST. */
bool record_output(struct record *r, const void *data, size_t len, struct error *err);
/* The terminal has another size. */
bool record_size(struct record *r, int columns, int rows, struct error *err);
void record_stop(struct record *r);

#endif
