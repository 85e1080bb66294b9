/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *layer;
	int status;
	const char *meaning;
} codes[ERROR_CODE_COUNT] = { [ERROR_NONE] = { "none", "", 0, "" },
#define X(constant, name, layer, status, meaning) [constant] = { #name, layer, status, meaning },
			      ERROR_CODES(X)
#undef X
};

bool error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
	va_list args;

	err->code = code;
	err->signal = 0;
	err->shown = false;
	err->cure[0] = '\0';
	va_start(args, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	return false;
}

bool error_cure(struct error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->cure, sizeof err->cure, fmt, args);
	va_end(args);
	return false;
}

bool error_prefix(struct error *err, const char *fmt, ...)
{
	char message[ERROR_MESSAGE_MAX];
	va_list args;

	memcpy(message, err->message, sizeof message);
	va_start(args, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	size_t used = strlen(err->message);
	snprintf(err->message + used, sizeof err->message - used, ": %s", message);
	return false;
}

bool error_append(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->message);
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->message + used, sizeof err->message - used, fmt, args);
	va_end(args);
	return false;
}

bool error_interrupted(struct error *err, int signal)
{
	static const struct {
		int signal;
		const char *name;
	} names[] = {
		{ SIGINT, "SIGINT (Ctrl-C)" },
		{ SIGQUIT, "SIGQUIT" },
		{ SIGTERM, "SIGTERM" },
		{ SIGHUP, "SIGHUP" },
	};
	const char *name = strsignal(signal);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].signal == signal)
			name = names[i].name;
	}
	error_set(err, ERROR_INTERRUPTED, "interrupted by %s", name);
	err->signal = signal;
	return false;
}

const char *error_name(enum error_code code)
{
	return codes[code].name;
}

const char *error_layer(enum error_code code)
{
	return codes[code].layer;
}

const char *error_meaning(enum error_code code)
{
	return codes[code].meaning;
}

int error_code_status(enum error_code code)
{
	return codes[code].status;
}

int error_status(const struct error *err)
{
	return codes[err->code].status + (err->code == ERROR_INTERRUPTED ? err->signal : 0);
}

enum error_code error_code_by_name(const char *name, size_t len)
{
	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
		if (strlen(codes[code].name) == len && memcmp(codes[code].name, name, len) == 0)
			return (enum error_code)code;
	}
	return ERROR_NONE;
}
