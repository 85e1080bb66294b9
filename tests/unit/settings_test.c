/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which value counts. That wrong files are told with line and cure is tests/e2e/test_config.py's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/names.h"
#include "config/pattern.h"
#include "config/settings.h"

struct values {
	int port;
	int timeout;
	bool flag;
	const char *text;
	const char *language;
	const char *source_a;
	const char *source_b;
};

enum { PORT, TIMEOUT, FLAG, TEXT, LANGUAGE, SOURCE_A, SOURCE_B, COUNT };

#define V(field) offsetof(struct values, field)
static const struct option table[COUNT] = {
	{ "a-port", 0, OPTION_PORT, V(port), 1, "PORT", "", OPTION_IN_ALL, NULL },
	{ "timeout", 0, OPTION_DURATION, V(timeout), 1, "TIME", "", OPTION_IN_ALL, NULL },
	{ "flag", 0, OPTION_FLAG, V(flag), 1, NULL, "", OPTION_IN_HOST, NULL },
	{ "text", 0, OPTION_TEXT, V(text), 0, "NAME", "", OPTION_IN_ALL, NULL },
	{ "language", 0, OPTION_CHOICE, V(language), 1, "erlang|elixir", "", OPTION_IN_ALL, NULL },
	{ "source-a", 0, OPTION_TEXT, V(source_a), 1, "COMMAND", "", OPTION_IN_ALL | OPTION_ONE_OF, NULL },
	{ "source-b", 0, OPTION_TEXT, V(source_b), 1, "COMMAND", "", OPTION_IN_ALL | OPTION_ONE_OF, NULL },
};

static void load(struct settings *settings, const char *text)
{
	struct error err = { 0 };

	if (!settings_parse(settings, table, COUNT, text, strlen(text), &err))
		fail_msg("%s (%s)", err.message, err.cure);
}

static void patterns_fit_as_those_of_ssh_config(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{ "web-1", "web-1", true },
		{ "web-1", "web-12", false },
		{ "web-*", "web-", true },
		{ "web-*", "Web-1", false },
		{ "*", "", true },
		{ "?", "", false },
		{ "?", "x", true },
		{ "*.de", "a.b.de", true },
		{ "*.de", "a.de.fr", false },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "aXcYb", false },
		{ "**", "x", true },
		{ "*a", "ba", true },
		{ "*ab", "aab", true },
		{ "", "", true },
		{ "", "x", false },
	};
	char long_pattern[512], long_text[4096];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(pattern_fits(cases[i].pattern, cases[i].text), cases[i].fits);
	/* What makes matchers that try every way go on for ever. */
	for (size_t i = 0; i + 2 < sizeof long_pattern; i += 2)
		memcpy(long_pattern + i, "*a", 3);
	memset(long_text, 'a', sizeof long_text - 2);
	memcpy(long_text + sizeof long_text - 2, "b", 2);
	assert_false(pattern_fits(long_pattern, long_text));
}

static const char precedence[] = "defaults = { a_port = 1; timeout = 1; text = \"defaults\"; };\n"
				 "hosts = (\n"
				 "  { match = [ \"web-*\", \"!web-9\" ]; text = \"web\"; flag = true;\n"
				 "    nodes = ( { match = \"shop*\"; text = \"shop\"; } ); },\n"
				 "  { match = \"*\"; text = \"any\"; timeout = \"2m\"; a_port = 2;\n"
				 "    nodes = ( { match = \"*\"; a_port = 4; } ); }\n"
				 ");\n"
				 "nodes = ( { match = \"shop\"; text = \"global\"; a_port = 3; } );\n";

/* port, timeout, text */
static void expect(const struct settings *settings, const char *host, const char *node, int port, int timeout,
		   const char *text)
{
	static const bool given[COUNT];
	struct values values = { 0 };

	settings_apply(settings, given, host, node, &values);
	assert_int_equal(values.port, port);
	assert_int_equal(values.timeout, timeout);
	assert_string_equal(values.text, text);
}

static void the_strongest_place_counts_and_there_the_first(void **state)
{
	(void)state;
	struct settings settings;

	load(&settings, precedence);
	expect(&settings, "web-1", NULL, 2, 120000, "web");
	expect(&settings, "web-1", "shop", 4, 120000, "shop");
	expect(&settings, "web-1", "other", 4, 120000, "web");
	expect(&settings, "web-9", NULL, 2, 120000, "any");
	expect(&settings, "web-9", "shop", 4, 120000, "global");
	const struct settings_value *value = settings_find(&settings, &table[TEXT], "web-9", "shop");
	assert_int_equal(value->line, 8);
	assert_null(settings_find(&settings, &table[FLAG], "web-9", NULL));
	assert_true(settings_find(&settings, &table[FLAG], "web-1", NULL)->flag);
	settings_clear(&settings);
}

static void what_the_command_line_gave_stays(void **state)
{
	(void)state;
	struct values values = { .text = "typed", .source_b = "typed" };
	bool given[COUNT] = { [TEXT] = true, [SOURCE_B] = true };
	struct settings settings;

	load(&settings, "defaults = { text = \"x\"; source_a = \"x\"; language = \"elixir\"; };");
	settings_apply(&settings, given, "h", NULL, &values);
	assert_string_equal(values.text, "typed");
	assert_string_equal(values.source_b, "typed");
	assert_null(values.source_a);
	assert_string_equal(values.language, "elixir");
	settings_clear(&settings);
}

static void one_source_hides_the_other(void **state)
{
	(void)state;
	struct settings settings;

	load(&settings, "defaults = { source_a = \"x\"; };\n"
			"hosts = ( { match = \"w\"; source_b = \"y\"; }, { match = \"*\"; source_a = \"z\"; } );");
	assert_null(settings_find(&settings, &table[SOURCE_A], "w", NULL));
	assert_string_equal(settings_find(&settings, &table[SOURCE_B], "w", NULL)->text, "y");
	assert_string_equal(settings_find(&settings, &table[SOURCE_A], "v", NULL)->text, "z");
	assert_null(settings_find(&settings, &table[SOURCE_B], "v", NULL));
	settings_clear(&settings);
}

static void groups_stand_for_their_members(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		bool in;
	} cases[] = { { "web-1", true },  { "web-8", false }, { "web-9", false }, { "db", true },
		      { "web-7", false }, { "other", false }, { "@all", false } };
	struct settings settings;

	load(&settings,
	     "groups = { web = [ \"web-*\", \"!web-9\" ]; all = [ \"@web\", \"db\", \"!web-8\" ]; few = \"web-7\"; };\n"
	     "hosts = ( { match = [ \"@all\", \"!@few\" ]; text = \"in\"; } );");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(settings_find(&settings, &table[TEXT], cases[i].host, NULL) != NULL, cases[i].in);
	settings_clear(&settings);
}

/* Groups that share their members: a matcher that went down every way would take 2^60 steps. */
static void groups_that_share_members_cost_no_more(void **state)
{
	(void)state;
	char text[8192] = "groups = { g0 = \"x\";", name[64];
	struct settings settings;

	for (int i = 1; i < 60; i++) {
		snprintf(name, sizeof name, " g%d = [ \"@g%d\", \"@g%d\", \"y\" ];", i, i - 1, i - 1);
		strncat(text, name, sizeof text - strlen(text) - 1);
	}
	strncat(text, " }; hosts = ( { match = \"@g59\"; text = \"in\"; } );", sizeof text - strlen(text) - 1);
	load(&settings, text);
	assert_non_null(settings_find(&settings, &table[TEXT], "x", NULL));
	assert_null(settings_find(&settings, &table[TEXT], "z", NULL));
	settings_clear(&settings);
}

static void ssh_config_has_names(void **state)
{
	(void)state;
	static const char text[] =
		"# Host no\nHost web-1 web-2 *.example !not\n\tHostName x\n  host=eq\nHOST \"quoted\" $(id) -o\n"
		"Include ~/a \"b c\" d*\nMatch host never\nHostname never\nHost\nHost end # comment";
	static const char *const hosts[] = { "web-1", "web-2", "eq", "quoted", "end" }, *const includes[] = { "~/a",
													      "b c",
													      "d*" };
	struct settings_list found = { 0 }, files = { 0 };

	names_parse_ssh_config(text, sizeof text - 1, &found, &files);
	assert_int_equal(found.count, sizeof hosts / sizeof *hosts);
	for (size_t i = 0; i < found.count; i++)
		assert_string_equal(found.items[i], hosts[i]);
	assert_int_equal(files.count, 3);
	for (size_t i = 0; i < files.count; i++)
		assert_string_equal(files.items[i], includes[i]);
	settings_list_clear(&found);
	settings_list_clear(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_fit_as_those_of_ssh_config),
		cmocka_unit_test(the_strongest_place_counts_and_there_the_first),
		cmocka_unit_test(what_the_command_line_gave_stays),
		cmocka_unit_test(one_source_hides_the_other),
		cmocka_unit_test(groups_stand_for_their_members),
		cmocka_unit_test(groups_that_share_members_cost_no_more),
		cmocka_unit_test(ssh_config_has_names),
	};
	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
