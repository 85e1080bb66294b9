/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/terminal.h"

static int level;
static int64_t started;

void log_set_level(int new_level)
{
	level = new_level;
	started = clock_us();
}

int log_level(void)
{
	return level;
}

static void PRINTF_LIKE(2, 0) log_line(const char *head, const char *fmt, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof text, fmt, args);
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
