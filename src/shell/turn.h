/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A turn: from a line that is sent to the next prompt of the shell. Its output is kept in a file without a name, of which so many lines are shown,
 * and its input and outcome go into the journal.
 */
#ifndef SHELL_TURN_H
#define SHELL_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "journal/journal.h"

enum { TURN_KEPT_MAX = 64 * 1024 * 1024 }; /* bytes of output; what comes behind them is shown or lost */

struct turn {
	struct journal *journal; /* or NULL */
	int lines_max;           /* shown of a turn; 0: all */
	bool open;
	uint64_t number;  /* of the newest input, in the journal */
	int64_t begun_us; /* when the newest line of it was sent */
	int64_t took_us;  /* of the last turn that ended */
	bool refused;
	bool interrupted;
	int kept; /* the file, -1: none yet */
	size_t kept_len;
	size_t shown;       /* bytes of it that are on the terminal */
	size_t shown_lines; /* of this turn, or since the last :more */
	size_t hidden_lines;
	bool line_begun; /* the last byte of output was no newline */
	bool cut_told;
	bool in_error; /* a line has begun as an exception's does */
	struct buf error_text;
};

void turn_init(struct turn *t, struct journal *journal, int lines_max);
void turn_clear(struct turn *t);
/* The line is going to be sent: it is in the journal when this returns true. for_code: code reads it; then its text stays out, it may be a secret. */
bool turn_input(struct turn *t, const char *text, size_t len, bool for_code, struct error *err);
/* Keeps output; how many of these bytes are to be shown. *cut: it is time to say, once, that some are not. */
size_t turn_output(struct turn *t, const uint8_t *data, size_t len, bool *cut);
/* The shell wants its next line: done, or what the flags and the output tell. */
bool turn_end(struct turn *t, struct error *err);
/* The connection is lost. Errors are the journal's. */
bool turn_lost(struct turn *t, struct error *err);
/* The next lines that have not been shown, into `out` (cleared by the caller); false: there are none. */
bool turn_more(struct turn *t, struct buf *out);
/* All that is kept of the last turn into that descriptor. Errors: ERROR_OUTPUT_LOST. */
bool turn_copy(struct turn *t, int fd, struct error *err);

#endif
