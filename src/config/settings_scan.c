/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "config/settings_private.h"

/* Digits that fit an int whatever they are. */
enum { DIGITS_MAX = 9 };

struct scan {
	const char *file;
	const char *p;
	const char *end;
	unsigned line;
	struct {
		char bracket;
		unsigned line;
	} open[SETTINGS_NESTING_MAX];
	size_t depth;
	struct error *err;
};

static bool wrong(const struct scan *s, const char *what, const char *cure)
{
	settings_wrong(s->file, s->line, s->err, "%s", what);
	return error_cure(s->err, "%s", cure);
}

static void pass(struct scan *s, size_t len)
{
	for (; len > 0 && s->p < s->end; len--, s->p++)
		s->line += *s->p == '\n';
}

static bool at(const struct scan *s, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(s->end - s->p) >= len && memcmp(s->p, text, len) == 0;
}

/* Up to and with `close`; false: it never comes. */
static bool pass_until(struct scan *s, const char *close)
{
	while (s->p < s->end && !at(s, close))
		pass(s, 1);
	bool found = s->p < s->end;
	pass(s, strlen(close));
	return found;
}

static bool comment(struct scan *s)
{
	unsigned begin = s->line;

	pass(s, 2);
	if (pass_until(s, "*/"))
		return true;
	s->line = begin;
	return wrong(s, "this comment never ends", "a comment of several lines ends with */");
}

static bool text(struct scan *s)
{
	unsigned begin = s->line;

	for (pass(s, 1); s->p < s->end && *s->p != '"'; pass(s, 1)) {
		if (*s->p == '\n')
			break;
		if (*s->p == '\\')
			pass(s, 1);
	}
	if (s->p < s->end && *s->p == '"') {
		pass(s, 1);
		return true;
	}
	s->line = begin;
	return wrong(s, "the text that begins in this line has no closing quote",
		     "a text is \"…\" on one line; \\\" is a quote in it");
}

static bool bracket(struct scan *s)
{
	static const char opening[] = "{[(", closing[] = "}])";
	char c = *s->p;
	const char *close = strchr(closing, c);

	if (!close) {
		if (s->depth == SETTINGS_NESTING_MAX)
			return wrong(s, "brackets are nested too deeply",
				     "beamline.conf(5) tells what may stand where");
		if (c == '{' && s->depth && s->open[s->depth - 1].bracket == '[')
			return wrong(s, "a block stands in [ ]",
				     "a list of blocks has round brackets: ( { … }, { … } )");
		s->open[s->depth].bracket = c;
		s->open[s->depth++].line = s->line;
	} else if (s->depth == 0) {
		settings_wrong(s->file, s->line, s->err, "“%c” closes nothing", c);
		return error_cure(s->err, "there is one too many, or its opening bracket is missing");
	} else {
		char expected = closing[strchr(opening, s->open[s->depth - 1].bracket) - opening];
		if (expected != c) {
			settings_wrong(s->file, s->line, s->err,
				       "“%c” stands where the “%c” of line %u is to be closed", c,
				       s->open[s->depth - 1].bracket, s->open[s->depth - 1].line);
			return error_cure(s->err, "“%c” is missing before it", expected);
		}
		s->depth--;
	}
	pass(s, 1);
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*' || c == '.' || c == '+' || c == '?' ||
	       c == '@' || c == '/' || c == '~' || c == '%' || c == '!';
}

static bool unquoted(const struct scan *s, const char *word, int len)
{
	settings_wrong(s->file, s->line, s->err, "“%.*s” stands without quotes", len, word);
	if (strncasecmp(word, "yes", (size_t)len) == 0 || strncasecmp(word, "on", (size_t)len) == 0 ||
	    strncasecmp(word, "no", (size_t)len) == 0 || strncasecmp(word, "off", (size_t)len) == 0)
		return error_cure(s->err, "write true or false");
	return error_cure(s->err, "a text is written \"%.*s\"; before a value stand its key and =", len, word);
}

/* Plain numbers, hexadecimal ones and such with a point; the rest is a text that lacks its quotes. */
static bool number(const struct scan *s, const char *word, int len)
{
	int digits = 0, points = 0;
	bool hex = len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');

	for (int i = hex ? 2 : (word[0] == '-' || word[0] == '+'); i < len; i++) {
		if (hex ? isxdigit((unsigned char)word[i]) : isdigit((unsigned char)word[i]))
			digits++;
		else if (word[i] == '.' && !hex)
			points++;
		else
			return unquoted(s, word, len);
	}
	if (digits == 0 || points > 1)
		return unquoted(s, word, len);
	if (digits > (hex ? 7 : DIGITS_MAX)) {
		settings_wrong(s->file, s->line, s->err, "%.*s is too large a number for anything here", len, word);
		return error_cure(s->err, "a text stands in quotes");
	}
	return true;
}

/* A key with what follows it, a number, true or false. */
static bool word(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && is_word(*s->p) && !at(s, "//") && !at(s, "/*"))
		s->p++;
	int len = (int)(s->p - start < SETTINGS_WORD_MAX ? s->p - start : SETTINGS_WORD_MAX);
	if (start[0] == '@' && len == 8 && memcmp(start, "@include", 8) == 0)
		return wrong(s, "@include is not understood here",
			     "write include = [ \"FILE\", … ]; its files stand behind this one");
	if (isdigit((unsigned char)start[0]) || start[0] == '-' || start[0] == '+' || start[0] == '.')
		return number(s, start, len);
	if ((len == 4 && strncasecmp(start, "true", 4) == 0) || (len == 5 && strncasecmp(start, "false", 5) == 0))
		return true;
	const char *next = s->p;
	while (next < s->end && isspace((unsigned char)*next))
		next++;
	if (next < s->end && (*next == '=' || *next == ':'))
		return true;
	if (next < s->end && strchr("{[(\"", *next)) {
		settings_wrong(s->file, s->line, s->err, "“%.*s” has no = behind it", len, start);
		return error_cure(s->err, "write %.*s = …", len, start);
	}
	return unquoted(s, start, len);
}

static bool step(struct scan *s)
{
	unsigned char c = (unsigned char)*s->p;

	if (at(s, "/*"))
		return comment(s);
	if (c == '#' || at(s, "//")) {
		while (s->p < s->end && *s->p != '\n')
			pass(s, 1);
		return true;
	}
	if (c == '"')
		return text(s);
	if (strchr("{[()]}", c))
		return bracket(s);
	if (is_word((char)c))
		return word(s);
	if (isspace(c) || strchr("=:;,", c)) {
		pass(s, 1);
		return true;
	}
	if (c < 0x20 || c == 0x7f)
		settings_wrong(s->file, s->line, s->err, "a character of the value %u stands here", c);
	else
		settings_wrong(s->file, s->line, s->err,
			       "a character stands here that has no meaning outside of a text");
	return error_cure(s->err, "texts stand in plain quotes: \"…\"");
}

bool settings_scan(const char *file, const char *text, size_t len, struct error *err)
{
	struct scan s = { .file = file, .p = text, .end = text + len, .line = 1, .err = err };

	if (memchr(text, '\0', len)) {
		for (const char *p = text; *p; p++)
			s.line += *p == '\n';
		return wrong(&s, "a NUL character stands here", "is it a text file?");
	}
	while (s.p < s.end) {
		if (!step(&s))
			return false;
	}
	if (s.depth == 0)
		return true;
	settings_wrong(file, s.open[s.depth - 1].line, err, "“%c” is never closed", s.open[s.depth - 1].bracket);
	return error_cure(err, "each block ends with };");
}
