/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what sshd has to say (a banner, a prompt): each of its lines begins with the mark that tells it from ours, also after the
 * terminal's filter, and without the marks it is what came. And as what ssh says when it gives up: an error with a message and a cure.
 */
#include "base/terminal.h"
#include "fuzz_must.h"
#include "ssh/auth_methods.h"
#include "ssh/master.h"

enum { TEXT_MAX = 4096 };

static const char mark[] = "(me@host) ";

static void check_marks(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		must(strncmp(line, mark, sizeof mark - 1) == 0);
	}
}

static void check_text(const char *marked, const char *text)
{
	size_t left = TEXT_MAX;

	for (const char *p = marked + sizeof mark - 1; *p; p++) {
		for (; left > 0 && *text == '\r'; left--)
			text++;
		must(left > 0 && *p == *text);
		left--;
		if (*text++ == '\n')
			p += sizeof mark - 1;
	}
	for (; left > 0 && *text == '\r'; left--)
		text++;
	must(left == 0 || *text == '\0');
}

static void check_explained(const char *text)
{
	const struct ssh_config config = { .host = "host", .destination = "me@host" };
	struct error err;

	master_explain(text, &config, &err);
	must(err.code != ERROR_NONE && memchr(err.message, '\0', sizeof err.message) && err.message[0]);
	must(memchr(err.cure, '\0', sizeof err.cure) && err.cure[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct terminal_filter filter = { 0 };
	char *text = xstrndup((const char *)data, size);
	char *marked = auth_foreign_text(mark, text, TEXT_MAX);
	struct buf shown;

	check_explained(text);
	check_marks(marked);
	check_text(marked, text);
	buf_init(&shown, 4 * strlen(marked) + 64);
	terminal_filter(&filter, marked, strlen(marked), &shown);
	terminal_filter_end(&filter, &shown);
	must(!shown.overflow);
	check_marks(buf_text(&shown));
	buf_clear(&shown);
	free(marked);
	free(text);
	return 0;
}
