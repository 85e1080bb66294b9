/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"

enum { ALL = 1, ONE = 2, OTHER = 4, WORDS_MAX = 3, ARGUMENTS_MAX = 80 };

struct values {
	bool quiet;
	int verbose;
	const char *file;
	struct option_list set;
	int port;
	int timeout;
};

static const struct option table[] = {
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct values, quiet), ALL, NULL, "Says less.", 0, NULL },
	{ "verbose", 'v', OPTION_COUNT, offsetof(struct values, verbose), ALL, NULL, "Says more.", 0, NULL },
	{ "file", 'f', OPTION_TEXT, offsetof(struct values, file), ONE, "FILE", "Reads the text from FILE.", 0, NULL },
	{ "set", 's', OPTION_LIST, offsetof(struct values, set), ONE | OTHER, "KEY=VALUE", "Sets KEY.", 0, NULL },
	{ "port", 0, OPTION_PORT, offsetof(struct values, port), OTHER, "PORT",
	  "Connects to PORT, which is told in so many words that they do not fit on one line of the help text.", 0,
	  NULL },
	{ "timeout", 't', OPTION_DURATION, offsetof(struct values, timeout), ALL, "TIME", "Gives up after TIME.", 0,
	  NULL },
};

enum { COUNT = sizeof table / sizeof *table };

/* What one command line gave. */
struct parsed {
	bool ok;
	struct values values;
	bool given[COUNT];
	const char *words[WORDS_MAX];
	int word_count;
	struct error err;
};

/* The arguments end with a NULL. */
static struct parsed parse(const char *first, ...)
{
	char *argv[ARGUMENTS_MAX] = { (char *)"beamline" };
	struct parsed p = { .ok = false };
	va_list args;
	int argc = 1;

	va_start(args, first);
	for (const char *text = first; text; text = va_arg(args, const char *)) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = (char *)text;
	}
	va_end(args);
	p.ok = options_parse(table, COUNT, argc, argv, &p.values, p.given, p.words, WORDS_MAX, &p.word_count, &p.err);
	return p;
}

static void options_stand_anywhere(void **state)
{
	(void)state;
	struct parsed p = parse("-v", "eval", "--file", "a.erl", "host", "-qv", "--verbose", "1 + 1.", NULL);

	assert_true(p.ok);
	assert_int_equal(p.word_count, 3);
	assert_string_equal(p.words[0], "eval");
	assert_string_equal(p.words[1], "host");
	assert_string_equal(p.words[2], "1 + 1.");
	assert_true(p.values.quiet);
	assert_int_equal(p.values.verbose, 3);
	assert_string_equal(p.values.file, "a.erl");
	assert_true(p.given[0] && p.given[1] && p.given[2] && !p.given[3] && !p.given[4]);
}

static void arguments_are_attached_or_follow(void **state)
{
	(void)state;
	static const char *const forms[][3] = {
		{ "--file=x", NULL }, { "--file", "x" }, { "-fx", NULL },
		{ "-f", "x" },        { "-vfx", NULL },  { "-vf", "x" },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct parsed p = parse(forms[i][0], forms[i][1], NULL);
		assert_true(p.ok);
		assert_string_equal(p.values.file, "x");
		assert_int_equal(p.word_count, 0);
	}
	struct parsed p = parse("--file=", NULL);
	assert_true(p.ok);
	assert_string_equal(p.values.file, "");
	p = parse("-f=x", NULL);
	assert_string_equal(p.values.file, "=x");
	p = parse("--file=a=b", NULL);
	assert_string_equal(p.values.file, "a=b");
	/* What looks like an option is an argument where one is due. */
	p = parse("--file", "--quiet", NULL);
	assert_true(p.ok && !p.values.quiet);
	assert_string_equal(p.values.file, "--quiet");
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	struct parsed p = parse("-q", "--", "-v", "--", "--nothing", NULL);

	assert_true(p.ok);
	assert_int_equal(p.word_count, 3);
	assert_string_equal(p.words[0], "-v");
	assert_string_equal(p.words[1], "--");
	assert_int_equal(p.values.verbose, 0);
	/* One dash alone is a word (standard input); so is nothing. */
	p = parse("-", "", NULL);
	assert_true(p.ok);
	assert_int_equal(p.word_count, 2);
}

static void lists_gather_and_end(void **state)
{
	(void)state;
	struct parsed p = parse("--set", "a=1", "-sb=2", "--set=c=3", NULL);

	assert_true(p.ok);
	assert_int_equal(p.values.set.count, 3);
	assert_string_equal(p.values.set.values[0], "a=1");
	assert_string_equal(p.values.set.values[1], "b=2");
	assert_string_equal(p.values.set.values[2], "c=3");
	assert_null(p.values.set.values[3]);

	char *argv[OPTION_LIST_MAX + 2] = { (char *)"beamline" };
	for (int i = 1; i <= OPTION_LIST_MAX + 1; i++)
		argv[i] = (char *)"-sx";
	struct values values = { 0 };
	bool given[COUNT] = { 0 };
	int words;
	assert_true(options_parse(table, COUNT, OPTION_LIST_MAX + 1, argv, &values, given, NULL, 0, &words, &p.err));
	assert_int_equal(values.set.count, OPTION_LIST_MAX);
	assert_null(values.set.values[OPTION_LIST_MAX]);
	values.set.count = 0;
	assert_false(options_parse(table, COUNT, OPTION_LIST_MAX + 2, argv, &values, given, NULL, 0, &words, &p.err));
	assert_int_equal(p.err.code, ERROR_USAGE);
}

static void wrong_command_lines_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *first, *second, *message, *cure;
	} wrong[] = {
		{ "--nothing-like-it", NULL, "there is no option --nothing-like-it",
		  "beamline COMMAND --help lists a command's options" },
		{ "--quite", NULL, "there is no option --quite", "did you mean --quiet?" },
		{ "--fil=x", NULL, "there is no option --fil", "did you mean --file?" },
		{ "--quiet=yes", NULL, "--quiet takes no argument", "" },
		{ "--file", NULL, "--file needs an argument: FILE", "" },
		{ "-vf", NULL, "--file needs an argument: FILE", "" },
		{ "-vx", NULL, "there is no option -x", "what begins with a dash and is no option stands behind --" },
		{ "--port", "0", "--port: “0” is not a port (1 to 65535)", "" },
		{ "--timeout", "soon", "--timeout: “soon” is not a time such as 500ms, 5s, 2m", "" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct parsed p = parse(wrong[i].first, wrong[i].second, NULL);
		assert_false(p.ok);
		assert_int_equal(p.err.code, ERROR_USAGE);
		assert_string_equal(p.err.message, wrong[i].message);
		assert_string_equal(p.err.cure, wrong[i].cure);
	}
	struct parsed p = parse("a", "b", "c", "d", NULL);
	assert_false(p.ok);
	assert_string_equal(p.err.message, "too many arguments, from “d” on");
}

static void ports_are_plain_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = { "",    "0",   "65536", "-1",   "+80",
					   " 80", "80 ", "0x50",  "80,5", "99999999999999999999" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(parse("--port", bad[i], NULL).ok);
	assert_int_equal(parse("--port", "1", NULL).values.port, 1);
	assert_int_equal(parse("--port=65535", NULL).values.port, 65535);
}

static void durations_are_plain_numbers_with_a_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int ms;
	} good[] = { { "5s", 5000 }, { "500ms", 500 }, { "2m", 120000 }, { "1h", 3600000 },     { "7", 7000 },
		     { "1ms", 1 },   { ".5s", 500 },   { "0.0015s", 1 }, { "555h", 1998000000 } };
	static const char *const bad[] = { "",  "0",   "0.5ms", "-1s",  "+1s", " 1s",  "1 s", "1S",       "s",
					   ".", "..5", "1.2.3", "0x5s", "1e3", "1e3s", "nan", "infinity", "1000h" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int ms = 0;
		assert_true(options_parse_duration(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int ms = 42;
		assert_false(options_parse_duration(bad[i], &ms));
		assert_int_equal(ms, 42);
	}
}

static void a_command_has_its_own_options(void **state)
{
	(void)state;
	struct parsed p = parse("--port", "1", "-v", NULL);
	struct error err = { .code = ERROR_NONE };

	assert_true(options_check(table, COUNT, p.given, OTHER | ALL, "nodes", &err));
	assert_false(options_check(table, COUNT, p.given, ONE | ALL, "eval", &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_string_equal(err.message, "eval has no option --port");
	assert_non_null(strstr(err.cure, "beamline eval --help"));
}

static void a_mistyped_word_finds_its_neighbour(void **state)
{
	(void)state;
	static const char *const names[] = { "nodes", "ping", "eval", "rpc", "help" };
	static const struct {
		const char *word, *nearest;
	} cases[] = { { "node", "nodes" }, { "nods", "nodes" }, { "pnig", "ping" },
		      { "eva", "eval" },   { "evall", "eval" }, { "RPC", NULL },
		      { "deploy", NULL },  { "eval", "eval" },  { "something", NULL } };
	char long_word[1000];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *found = options_nearest(cases[i].word, names, sizeof names / sizeof *names);
		if (cases[i].nearest) {
			assert_non_null(found);
			assert_string_equal(found, cases[i].nearest);
		} else {
			assert_null(found);
		}
	}
	/* Far beyond what the comparison looks at. */
	memset(long_word, 'x', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';
	assert_null(options_nearest(long_word, names, sizeof names / sizeof *names));
	assert_null(options_nearest("x", names, 0));
}

static void help_lists_what_a_command_takes(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	options_help(table, COUNT, OTHER, out);
	fclose(out);
	assert_non_null(strstr(text, "  -s, --set KEY=VALUE"));
	assert_non_null(strstr(text, "      --port PORT"));
	assert_null(strstr(text, "--file"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") >= 1 && strcspn(line, "\n") <= 78);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(arguments_are_attached_or_follow),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(lists_gather_and_end),
		cmocka_unit_test(wrong_command_lines_are_told),
		cmocka_unit_test(ports_are_plain_numbers),
		cmocka_unit_test(durations_are_plain_numbers_with_a_unit),
		cmocka_unit_test(a_command_has_its_own_options),
		cmocka_unit_test(a_mistyped_word_finds_its_neighbour),
		cmocka_unit_test(help_lists_what_a_command_takes),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
