/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of ps and ss. They come from a host that may lie, and from arguments that anybody may have written: facts, nothing more. */
#include <string.h>

#include "node/host_beams.h"

enum { CONSOLES_MAX = 64 };

struct text {
	const char *p;
	size_t len;
};

struct parse {
	struct host_beams *found;
	uint32_t consoles[CONSOLES_MAX]; /* processes of run_erl */
	size_t console_count;
};

static struct text next_line(struct text *rest)
{
	const char *newline = memchr(rest->p, '\n', rest->len);
	struct text line = { rest->p, newline ? (size_t)(newline - rest->p) : rest->len };
	size_t used = line.len + (newline ? 1 : 0);

	rest->p += used;
	rest->len -= used;
	return line;
}

/* The next word; of no length at the line's end. */
static struct text next_word(struct text *line)
{
	while (line->len > 0 && (*line->p == ' ' || *line->p == '\t')) {
		line->p++;
		line->len--;
	}
	struct text word = { line->p, 0 };
	while (word.len < line->len && word.p[word.len] != ' ' && word.p[word.len] != '\t')
		word.len++;
	line->p += word.len;
	line->len -= word.len;
	return word;
}

static bool is(struct text word, const char *what)
{
	return word.len == strlen(what) && memcmp(word.p, what, word.len) == 0;
}

static bool begins(struct text word, const char *what)
{
	return word.len >= strlen(what) && memcmp(word.p, what, strlen(what)) == 0;
}

/* Digits only; 0: it is none, or more than max. */
static uint32_t number(struct text word, uint32_t max)
{
	uint64_t value = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return 0;
		value = value * 10 + (uint64_t)(word.p[i] - '0');
		if (value > max)
			return 0;
	}
	return (uint32_t)value;
}

static void copy(struct text word, char *to, size_t size)
{
	size_t len = word.len < size ? word.len : size - 1;

	memcpy(to, word.p, len);
	to[len] = '\0';
}

static struct text base_name(struct text path)
{
	for (size_t i = path.len; i > 0; i--) {
		if (path.p[i - 1] == '/')
			return (struct text){ path.p + i, path.len - i };
	}
	return path;
}

/* What one flag's value tells; `-kernel` has pairs. */
static void take_value(struct host_beam *beam, struct text flag, struct text key, struct text value)
{
	if (is(flag, "-sname") || is(flag, "-name"))
		copy(value, beam->node, sizeof beam->node);
	else if (is(flag, "-erl_epmd_port"))
		beam->no_epmd = (beam->dist_port = (uint16_t)number(value, UINT16_MAX)) != 0;
	else if (is(flag, "-epmd_port"))
		beam->epmd_port = (uint16_t)number(value, UINT16_MAX);
	else if (is(key, "inet_dist_listen_min"))
		beam->dist_port = (uint16_t)number(value, UINT16_MAX);
	else if (is(key, "inet_dist_listen_max") && beam->dist_port != number(value, UINT16_MAX))
		beam->dist_port = 0;
}

static void take_arguments(struct host_beam *beam, struct text line)
{
	struct text flag = { "", 0 }, key = { "", 0 }, word;

	while ((word = next_word(&line)).len > 0) {
		if (is(word, "-extra"))
			return;
		if (*word.p == '-') {
			flag = word;
			key.len = 0;
			beam->no_epmd |= is(word, "-no_epmd");
		} else if (is(flag, "-kernel") && key.len == 0) {
			key = word;
		} else {
			take_value(beam, flag, key, word);
			key.len = 0;
		}
	}
}

/* PID PPID USER ARGUMENTS */
static void take_process(struct parse *parse, struct text line)
{
	struct host_beams *found = parse->found;
	uint32_t pid = number(next_word(&line), UINT32_MAX), parent = number(next_word(&line), UINT32_MAX);
	struct text user = next_word(&line), program = base_name(next_word(&line));

	if (pid == 0)
		return;
	if (is(program, "run_erl") && parse->console_count < CONSOLES_MAX)
		parse->consoles[parse->console_count++] = pid;
	if (!(is(program, "beam") || begins(program, "beam.")) || found->count == HOST_BEAMS_MAX)
		return;
	struct host_beam *beam = &found->beams[found->count++];
	*beam = (struct host_beam){ .pid = pid, .parent = parent };
	copy(user, beam->user, sizeof beam->user);
	take_arguments(beam, line);
	/* The usual one is no news. */
	if (beam->epmd_port == 4369)
		beam->epmd_port = 0;
}

static struct host_beam *beam_of(struct host_beams *found, uint32_t pid)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->beams[i].pid == pid)
			return &found->beams[i];
	}
	return NULL;
}

/* The number behind the last colon. */
static uint16_t port_of(struct text address)
{
	for (size_t i = address.len; i > 0; i--) {
		if (address.p[i - 1] == ':')
			return (uint16_t)number((struct text){ address.p + i, address.len - i }, UINT16_MAX);
	}
	return 0;
}

static void add_port(struct host_beam *beam, uint16_t port)
{
	for (size_t i = 0; i < beam->port_count; i++) {
		if (beam->ports[i] == port)
			return;
	}
	if (port != 0 && beam->port_count < HOST_BEAM_PORTS_MAX)
		beam->ports[beam->port_count++] = port;
}

/* LISTEN RECV-Q SEND-Q ADDRESS:PORT PEER users:(("beam.smp",pid=N,fd=N)) */
static void take_listener(struct host_beams *found, struct text line)
{
	next_word(&line);
	next_word(&line);
	uint16_t port = port_of(next_word(&line));

	for (size_t i = 0; i + 4 < line.len; i++) {
		if (memcmp(line.p + i, "pid=", 4) != 0)
			continue;
		size_t digits = 0;
		while (i + 4 + digits < line.len && line.p[i + 4 + digits] >= '0' && line.p[i + 4 + digits] <= '9')
			digits++;
		struct host_beam *beam = beam_of(found, number((struct text){ line.p + i + 4, digits }, UINT32_MAX));
		if (beam)
			add_port(beam, port);
	}
}

void host_beams_parse(const char *text, size_t len, struct host_beams *found)
{
	struct parse parse = { .found = found };
	struct text rest = { text, len };

	*found = (struct host_beams){ 0 };
	while (rest.len > 0) {
		struct text line = next_line(&rest), words = line;
		struct text first = next_word(&words);
		if (is(line, "seen"))
			found->whole = true;
		else if (is(first, "LISTEN"))
			take_listener(found, words);
		else
			take_process(&parse, line);
	}
	for (size_t i = 0; i < found->count; i++) {
		for (size_t j = 0; j < parse.console_count; j++)
			found->beams[i].console |= found->beams[i].parent == parse.consoles[j];
	}
}
