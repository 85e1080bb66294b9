/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one filter between foreign text and a terminal. It lets through printable text (UTF-8), newlines, tabs and colours
 * (SGR: ESC [ numbers m); every other control character, escape sequence and invalid byte is made visible as text
 * (^[ , \x9b). Also the questions that are asked of a person, always on the terminal itself, never on standard input.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* May a terminal be sent this character above the controls of ASCII? */
bool terminal_shows(uint32_t c);

/* Carries what was cut at the end of one piece of text over to the next. Zero it before use. */
struct terminal_filter {
	bool colours; /* let SGR through; otherwise it is dropped */
	uint8_t held[32];
	size_t held_len;
	bool coloured; /* an SGR has passed and none has reset it since */
};

/* Appends the safe form of the text to `out`. At most 4 times as long, plus what was held. */
void terminal_filter(struct terminal_filter *f, const void *text, size_t len, struct buf *out);
/* What is still held, made visible, and a reset if colours are on. */
void terminal_filter_end(struct terminal_filter *f, struct buf *out);

/*
 * Writes `head` as it is, then the text through the filter without colours, then a newline; in one write. Further lines of the text are
 * indented, so that none of them can pass for one of ours.
 */
void terminal_print_line(int fd, const char *head, const char *text);

bool terminal_is(int fd);
/* Colours are wanted on this descriptor: it is a terminal, NO_COLOR is unset and TERM is not "dumb". */
bool terminal_wants_colours(int fd);
/* Columns of the terminal on fd, or 80. */
int terminal_columns(int fd);

/* Is there a terminal that can be asked (/dev/tty opens)? */
bool terminal_can_ask(void);
/*
 * Shows the question (through the filter, without colours) on /dev/tty and reads one line, without the newline, into the
 * buffer. Without echo where `hidden`. The terminal's modes are put back whatever happens, signals included.
 * Ctrl-Z stops, and the question is asked again when we go on. Ctrl-D gives an empty answer.
 * Errors: ERROR_USAGE (no terminal), ERROR_INTERRUPTED (Ctrl-C, or the terminal has gone).
 */
bool terminal_ask(const char *question, bool hidden, struct buf *answer, struct error *err);
/* Is called before each question of this process, and after it; NULL: nobody is. */
void terminal_on_question(void (*tell)(void *context, bool asking), void *context);

#endif
