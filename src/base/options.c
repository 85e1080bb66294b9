/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { NAME_MAX_LEN = 64 };

/* How many letters must be changed, added, removed, to come from one word to the other. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1];
	size_t columns = strnlen(b, NAME_MAX_LEN);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 0; i < NAME_MAX_LEN && a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < columns; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[columns];
}

const char *options_nearest(const char *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t least = strlen(word) / 3 + 2;

	if (strlen(word) > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(word, names[i]);
		if (distance < least) {
			least = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

/* Digits with one point at most, whatever the locale says; no sign, no exponent. Returns what follows, NULL if there is no number. */
static const char *read_decimal(const char *text, double *number)
{
	double place = 0;
	bool digits = false;

	*number = 0;
	for (;; text++) {
		if (*text == '.' && place == 0) {
			place = 1;
		} else if (*text >= '0' && *text <= '9') {
			*number = *number * 10 + (*text - '0');
			place *= 10;
			digits = true;
		} else {
			break;
		}
	}
	if (place > 0)
		*number /= place;
	return digits ? text : NULL;
}

bool options_parse_duration(const char *text, int *ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	double number;
	const char *unit = read_decimal(text, &number);

	for (size_t i = 0; unit && i < sizeof units / sizeof *units; i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (!(number * units[i].ms >= 1 && number * units[i].ms <= 2000000000.0))
			return false;
		*ms = (int)(number * units[i].ms);
		return true;
	}
	return false;
}

/* Digits alone: no sign, no space, as strtol would take them. */
static bool parse_number(const char *text, int max, int *value)
{
	long number = strtol(text, NULL, 10);

	if (text[0] == '\0' || text[strspn(text, "0123456789")] || number < 1 || number > max)
		return false;
	*value = (int)number;
	return true;
}

bool options_is_choice(const struct option *option, const char *text)
{
	size_t len = strlen(text);

	for (const char *word = option->argument; len > 0; word += strcspn(word, "|") + 1) {
		size_t word_len = strcspn(word, "|");
		if (word_len == len && memcmp(word, text, len) == 0)
			return true;
		if (!word[word_len])
			break;
	}
	return false;
}

static bool store(const struct option *option, void *values, const char *argument, struct error *err)
{
	void *at = (char *)values + option->offset;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_COUNT:
		++*(int *)at;
		return true;
	case OPTION_TEXT:
		*(const char **)at = argument;
		return true;
	case OPTION_LIST: {
		struct option_list *list = at;
		if (list->count == OPTION_LIST_MAX)
			return error_set(err, ERROR_USAGE, "--%s: more than %d of them", option->name, OPTION_LIST_MAX);
		list->values[list->count++] = argument;
		return true;
	}
	case OPTION_PORT:
		if (!parse_number(argument, 65535, at))
			return error_set(err, ERROR_USAGE, "--%s: “%s” is not a port (1 to 65535)", option->name,
					 argument);
		return true;
	case OPTION_NUMBER:
		if (!parse_number(argument, OPTION_NUMBER_MAX, at))
			return error_set(err, ERROR_USAGE, "--%s: “%s” is not a number (1 to %d)", option->name,
					 argument, OPTION_NUMBER_MAX);
		return true;
	case OPTION_DURATION:
		if (!options_parse_duration(argument, at))
			return error_set(err, ERROR_USAGE, "--%s: “%s” is not a time such as 500ms, 5s, 2m",
					 option->name, argument);
		return true;
	case OPTION_CHOICE:
		if (!options_is_choice(option, argument))
			return error_set(err, ERROR_USAGE, "--%s: “%s” is not one of %s", option->name, argument,
					 option->argument);
		*(const char **)at = argument;
		return true;
	}
	return false;
}

bool options_takes_argument(const struct option *option)
{
	return option->kind != OPTION_FLAG && option->kind != OPTION_COUNT;
}

struct parse {
	const struct option *table;
	size_t count;
	int argc;
	char **argv;
	int at; /* the next argument */
	void *values;
	bool *given;
};

/* One option found: its argument is what follows “=” or stuck to the letter, or else the next word. */
static bool take(struct parse *p, size_t i, const char *attached, struct error *err)
{
	const struct option *option = &p->table[i];

	if (options_takes_argument(option) && !attached) {
		if (p->at >= p->argc)
			return error_set(err, ERROR_USAGE, "--%s needs an argument: %s", option->name,
					 option->argument);
		attached = p->argv[p->at++];
	}
	p->given[i] = true;
	return store(option, p->values, attached, err);
}

static bool take_long(struct parse *p, const char *text, struct error *err)
{
	size_t len = strcspn(text, "=");
	const char *names[128];
	size_t known = 0;

	for (size_t i = 0; i < p->count; i++) {
		const char *name = p->table[i].name;
		if (!p->table[i].groups)
			continue;
		if (strlen(name) == len && memcmp(name, text, len) == 0) {
			if (text[len] == '=' && !options_takes_argument(&p->table[i]))
				return error_set(err, ERROR_USAGE, "--%s takes no argument", name);
			return take(p, i, text[len] == '=' ? text + len + 1 : NULL, err);
		}
		if (known < sizeof names / sizeof *names)
			names[known++] = name;
	}
	char *word = xstrndup(text, len);
	const char *nearest = options_nearest(word, names, known);
	error_set(err, ERROR_USAGE, "there is no option --%s", word);
	if (nearest)
		error_cure(err, "did you mean --%s?", nearest);
	else
		error_cure(err, "beamline COMMAND --help lists a command's options");
	free(word);
	return false;
}

static bool take_letters(struct parse *p, const char *letters, struct error *err)
{
	for (; *letters; letters++) {
		size_t i = 0;
		while (i < p->count && p->table[i].letter != *letters)
			i++;
		if (i == p->count) {
			error_set(err, ERROR_USAGE, "there is no option -%c", *letters);
			return error_cure(err, "what begins with a dash and is no option stands behind --");
		}
		if (options_takes_argument(&p->table[i]))
			return take(p, i, letters[1] ? letters + 1 : NULL, err);
		if (!take(p, i, NULL, err))
			return false;
	}
	return true;
}

bool options_parse(const struct option *table, size_t count, int argc, char **argv, void *values, bool *given,
		   const char **words, int max_words, int *word_count, struct error *err)
{
	struct parse p = {
		.table = table, .count = count, .argc = argc, .argv = argv, .at = 1, .values = values, .given = given
	};
	bool options_end = false;

	*word_count = 0;
	while (p.at < p.argc) {
		const char *argument = p.argv[p.at++];
		if (!options_end && strcmp(argument, "--") == 0) {
			options_end = true;
		} else if (!options_end && argument[0] == '-' && argument[1] == '-') {
			if (!take_long(&p, argument + 2, err))
				return false;
		} else if (!options_end && argument[0] == '-' && argument[1]) {
			if (!take_letters(&p, argument + 1, err))
				return false;
		} else if (*word_count == max_words) {
			return error_set(err, ERROR_USAGE, "too many arguments, from “%s” on", argument);
		} else {
			words[(*word_count)++] = argument;
		}
	}
	return true;
}

bool options_check(const struct option *table, size_t count, const bool *given, unsigned groups, const char *command,
		   struct error *err)
{
	const struct option *one = NULL;

	for (size_t i = 0; i < count; i++) {
		if (given[i] && table[i].keys & OPTION_ONE_OF) {
			if (one)
				return error_set(err, ERROR_USAGE, "--%s and --%s exclude each other", one->name,
						 table[i].name);
			one = &table[i];
		}
		if (given[i] && !(table[i].groups & groups)) {
			error_set(err, ERROR_USAGE, "%s has no option --%s", command, table[i].name);
			return error_cure(err, "beamline %s --help lists its options", command);
		}
	}
	return true;
}

/* Breaks the help text at 78 columns, the first line beginning behind what is already printed. */
static void print_wrapped(const char *text, int indent, FILE *out)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");
		if (column > indent && column + 1 + len > 78) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	putc('\n', out);
}

void options_help(const struct option *table, size_t count, unsigned groups, FILE *out)
{
	enum { INDENT = 29 };

	for (size_t i = 0; i < count; i++) {
		if (!(table[i].groups & groups))
			continue;
		char head[NAME_MAX_LEN];
		char letter[8] = "    ";
		if (table[i].letter)
			snprintf(letter, sizeof letter, "-%c, ", table[i].letter);
		snprintf(head, sizeof head, "  %s--%s%s%s", letter, table[i].name, table[i].argument ? " " : "",
			 table[i].argument ? table[i].argument : "");
		fprintf(out, "%-*s", INDENT, head);
		if (strlen(head) >= INDENT)
			fprintf(out, "\n%*s", INDENT, "");
		print_wrapped(table[i].help, INDENT, out);
	}
}
