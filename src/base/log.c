/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/terminal.h"

enum { WAIT_UNTOLD_MS = 1000 };

static int level;
static int64_t started;
static char waited_for[256];
static bool waiting_shown;
static int64_t progress_since; /* 0: there is none */

void log_set_level(int new_level)
{
	level = new_level;
	started = clock_us();
}

int log_level(void)
{
	return level;
}

static void show_waiting(void)
{
	struct terminal_filter filter = { 0 };
	size_t room = (size_t)terminal_columns(STDERR_FILENO);
	struct buf line;

	buf_init(&line, 4 * sizeof waited_for + 8);
	buf_put_u8(&line, '\r');
	terminal_filter(&filter, waited_for, strlen(waited_for), &line);
	/* One line only, or it could not be erased; cut between two characters. */
	if (line.len > room) {
		line.len = room;
		while (line.len > 1 && (line.data[line.len] & 0xc0) == 0x80)
			line.len--;
	}
	io_write_all(STDERR_FILENO, line.data, line.len);
	buf_clear(&line);
	waiting_shown = true;
}

static void erase_waiting(void)
{
	if (waiting_shown)
		io_write_all(STDERR_FILENO, "\r\x1b[K", 4);
	waiting_shown = false;
}

/* False: it is not to be shown. */
static bool PRINTF_LIKE(1, 0) take_waiting(const char *fmt, va_list args)
{
	const char *term = getenv("TERM");

	if (level != 0 || !terminal_is(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
		return false;
	vsnprintf(waited_for, sizeof waited_for, fmt, args);
	return true;
}

void log_waiting(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (take_waiting(fmt, args))
		io_call_at(clock_ms() + WAIT_UNTOLD_MS, show_waiting);
	va_end(args);
}

void log_progress(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	bool shown = take_waiting(fmt, args);
	va_end(args);
	if (!shown)
		return;
	progress_since = progress_since ? progress_since : clock_ms();
	if (clock_ms() - progress_since < WAIT_UNTOLD_MS) {
		io_call_at(progress_since + WAIT_UNTOLD_MS, show_waiting);
		return;
	}
	erase_waiting();
	show_waiting();
}

void log_make_room(void)
{
	erase_waiting();
}

void log_waited(void)
{
	io_call_at(0, NULL);
	erase_waiting();
	progress_since = 0;
}

static void PRINTF_LIKE(2, 0) log_line(const char *head, const char *fmt, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof text, fmt, args);
	erase_waiting();
	terminal_print_line(STDERR_FILENO, head, text);
}

void log_notice(const char *fmt, ...)
{
	va_list args;

	if (level < 0)
		return;
	va_start(args, fmt);
	log_line("beamline: ", fmt, args);
	va_end(args);
}

static void PRINTF_LIKE(3, 0) log_layer(int wanted, const char *layer, const char *fmt, va_list args)
{
	char head[64];

	if (level < wanted)
		return;
	snprintf(head, sizeof head, "%7.1f ms  %s: ", (double)(clock_us() - started) / 1000.0, layer);
	log_line(head, fmt, args);
}

void log_v(const char *layer, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_layer(1, layer, fmt, args);
	va_end(args);
}

void log_vv(const char *layer, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_layer(2, layer, fmt, args);
	va_end(args);
}
