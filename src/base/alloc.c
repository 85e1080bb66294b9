/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_of_memory(void)
{
	static const char text[] = "beamline: system: out of memory [no_resources]\n";

	if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
		/* nothing is left that could be done about it */
	}
	_exit(71);
}

void *xmalloc(size_t size)
{
	void *new = malloc(size ? size : 1);

	if (!new)
		out_of_memory();
	return new;
}

void *xcalloc(size_t count, size_t size)
{
	void *new = calloc(count ? count : 1, size ? size : 1);

	if (!new)
		out_of_memory();
	return new;
}

void *xrealloc(void *old, size_t size)
{
	void *new = realloc(old, size ? size : 1);

	if (!new)
		out_of_memory();
	return new;
}

char *xstrndup(const char *text, size_t len)
{
	char *new = xmalloc(len + 1);

	memcpy(new, text, len);
	new[len] = '\0';
	return new;
}

char *xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *xasprintf(const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	char *new = xmalloc((size_t)len + 1);
	vsnprintf(new, (size_t)len + 1, fmt, again);
	va_end(again);
	return new;
}
