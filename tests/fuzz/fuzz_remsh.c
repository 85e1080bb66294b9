/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a node sends while its shell is open, and what the shell makes of them for line and terminal: nothing in it may drive a terminal
 * or end a line. The last byte of the input says what a person does meanwhile; it is the node's as well, where it does no harm.
 */
#include "base/terminal.h"
#include "etf/utf8.h"
#include "fuzz_must.h"
#include "fuzz_peer.h"
#include "node/remsh.h"
#include "shell/complete.h"
#include "shell/plain.h"
#include "shell/prompt.h"

enum {
	MODE_OLD = 1,
	MODE_ELIXIR = 2,
	MODE_TYPES = 4,
	MODE_AGREES = 8,
	MODE_ASKS = 16,
	MODE_INTERRUPTS = 32,
	MODE_LEAVES = 64,
	MODE_REFUSES = 128
};
enum { COLUMNS = 80, ROOM = 1024 * 1024 };

struct person {
	struct remsh remsh;
	uint8_t mode;
	uint32_t sum;
	size_t output, questions, lines;
};

/* A look of ours with a colour, and a host's name that is not known to be good. */
static const struct prompt_look look = { .host = "h\x1b[2J\xff", .environment = "prod", .colour = 31 };
static const char colour_begins[] = "\001\x1b[1;31m\002", colour_ends[] = "\001\x1b[0m\002";

static void must_be_text(const struct buf *text, size_t at, const char *controls)
{
	must(!text->overflow);
	while (at < text->len) {
		uint32_t c = 0;
		size_t used = utf8_decode(text->data + at, text->len - at, &c);
		must(used > 0 && (c >= 0x20 || (c && strchr(controls, (int)c))) && c != 0x7f &&
		     (c < 0x7f || terminal_shows(c)));
		at += used;
	}
}

static bool on_output(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct person *p = context;

	for (size_t i = 0; i < len; i++)
		p->sum += data[i];
	p->output += len;
	return remsh_acknowledge(&p->remsh, err);
}

static void check_prompt(enum remsh_prompt_kind kind, bool more, const char *text)
{
	struct buf above, prompt;

	buf_init(&above, ROOM);
	buf_init(&prompt, ROOM);
	prompt_compose(&look, kind, more, text, COLUMNS, &above, &prompt);
	must_be_text(&above, 0, "\n\t");
	must(above.len == 0 || above.data[above.len - 1] == '\n');
	const char *shown = buf_text(&prompt), *ends = strstr(shown, colour_ends);
	must(strncmp(shown, colour_begins, strlen(colour_begins)) == 0 && ends);
	must_be_text(&prompt, (size_t)(ends - shown) + strlen(colour_ends), "");
	/* The host first, and behind it what sets what code asks for apart. */
	ends += strlen(colour_ends);
	must(strncmp(ends, kind == REMSH_FOR_CODE ? " reads| " : " ", kind == REMSH_FOR_CODE ? 8 : 1) == 0);
	must(plain_width(ends, strlen(ends)) < COLUMNS);
	buf_clear(&above);
	buf_clear(&prompt);
}

static bool on_prompt(void *context, enum remsh_prompt_kind kind, bool more, const char *text, struct error *err)
{
	static const char line[] = "halt().\nlists:seq(1, 3).";
	struct person *p = context;

	must(kind == REMSH_NO_PROMPT || kind == REMSH_FOR_SHELL || kind == REMSH_FOR_CODE);
	must(strlen(text) < REMSH_PROMPT_MAX);
	if (kind == REMSH_NO_PROMPT)
		return true;
	check_prompt(kind, more, text);
	if (p->mode & MODE_LEAVES)
		return remsh_end(&p->remsh, err);
	if (p->mode & MODE_ASKS && !remsh_ask(&p->remsh, p->sum & 1 ? REMSH_DOCUMENT : REMSH_COMPLETE, "lists:se", err))
		return false;
	if (p->mode & MODE_INTERRUPTS && !remsh_interrupt(&p->remsh, err))
		return false;
	if (!(p->mode & MODE_TYPES))
		return true;
	p->lines += strlen(line) + 1;
	return remsh_lines(&p->remsh, line, strlen(line), err);
}

static bool on_started(void *context, const char *release, struct error *err)
{
	(void)context;
	(void)err;
	for (; *release; release++)
		must((uint8_t)*release >= 0x20 && *release != 0x7f);
	return true;
}

static bool on_question(void *context, const char *what, struct error *err)
{
	struct person *p = context;

	for (; *what; what++)
		must((uint8_t)*what >= 0x20 && *what != 0x7f);
	p->questions++;
	return remsh_answer(&p->remsh, p->mode & MODE_AGREES, err);
}

static bool on_help(void *context, const struct term *insert, const struct term *names, int64_t count,
		    struct error *err)
{
	struct person *p = context;
	struct buf text, list;

	buf_init(&text, ROOM);
	buf_init(&list, ROOM);
	complete_insertion(insert, &text);
	must_be_text(&text, 0, "");
	complete_list(names, count, COLUMNS, &list);
	must_be_text(&list, 0, "\n");
	must(list.len == 0 || list.data[list.len - 1] == '\n');
	buf_clear(&text);
	buf_clear(&list);
	return !(p->mode & MODE_REFUSES) || error_set(err, ERROR_OUTPUT_LOST, "nobody reads it");
}

static bool on_interrupted(void *context, struct error *err)
{
	struct person *p = context;

	return remsh_resize(&p->remsh, COLUMNS, (int)(p->sum & 0xff), err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct person p = { .mode = size > 0 ? data[size - 1] : 0 };
	const struct remsh_handler handler = { on_started, on_output,      on_prompt, on_question,
					       on_help,    on_interrupted, &p };
	const struct remsh_options options = { .language = p.mode & MODE_ELIXIR ? "elixir" : "erlang",
					       .columns = COLUMNS,
					       .rows = 24 };
	struct error err = { .code = ERROR_NONE };
	struct fuzz_peer peer;

	fuzz_peer_start(&peer, data, size);
	if (p.mode & MODE_OLD)
		peer.link.node_flags = 0;
	bool ok = remsh_start(&p.remsh, &peer.link, &options, &handler, &err);
	while (ok && !p.remsh.ended)
		ok = remsh_serve(&p.remsh, &err);
	must(ok == (err.code == ERROR_NONE));
	must(err.code != ERROR_INTERNAL && err.code != ERROR_USAGE && err.code != ERROR_INTERRUPTED);
	must(err.code != ERROR_OUTPUT_LOST || p.mode & MODE_REFUSES);
	must(p.remsh.detached >= -1);
	remsh_clear(&p.remsh);
	fuzz_peer_check(&peer);
	return 0;
}
