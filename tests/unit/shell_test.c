/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the interactive shell makes of foreign text for prompt and line, and where it keeps what was typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>

#include "etf/scan.h"
#include "shell/complete.h"
#include "shell/history.h"
#include "shell/plain.h"
#include "shell/prompt.h"

enum { ROOM = 1024 * 1024 };

#define RED_HOST "\001\x1b[1;31m\002web-1|prod\001\x1b[0m\002"

static const struct prompt_look plain_look = { .host = "web-1" };
static const struct prompt_look red_look = { .host = "web-1", .environment = "prod", .colour = 31 };

/* Prompts. */

static void expect_prompt(const struct prompt_look *look, enum remsh_prompt_kind kind, bool more, const char *text,
			  const char *wanted_above, const char *wanted)
{
	struct buf above, out;

	buf_init(&above, ROOM);
	buf_init(&out, ROOM);
	prompt_compose(look, kind, more, text, 80, &above, &out);
	assert_string_equal(buf_text(&above), wanted_above);
	assert_string_equal(buf_text(&out), wanted);
	buf_clear(&above);
	buf_clear(&out);
}

static void prompts_stand_behind_the_host(void **state)
{
	(void)state;
	expect_prompt(&plain_look, REMSH_FOR_SHELL, false, "1> ", "", "web-1 1> ");
	expect_prompt(&red_look, REMSH_FOR_SHELL, false, "1> ", "", RED_HOST " 1> ");
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, "name: ", "", "web-1 reads| name: ");
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, "", "", "web-1 reads| ");
	expect_prompt(&red_look, REMSH_FOR_CODE, false, "web-1|prod 1> ", "", RED_HOST " reads| web-1|prod 1> ");
}

static void prompts_of_several_lines(void **state)
{
	(void)state;
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, "What is\nyour name? ", "What is\n",
		      "web-1 reads| your name? ");
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, "a\n\nb\n", "a\n\nb\n", "web-1 reads| ");
	expect_prompt(&plain_look, REMSH_FOR_SHELL, true, "x\n1> ", "x\n", "web-1 .. ");
}

static void prompts_that_would_drive_a_terminal(void **state)
{
	(void)state;
	expect_prompt(&plain_look, REMSH_FOR_SHELL, false, "\x1b]0;t\x07\x1b[31m\001\002\x9b\t\r>", "",
		      "web-1 ^[]0;t^G^A^B\\x9b ^M>");
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, "\x1b[2J\001\n>", "^[[2J^A\n", "web-1 reads| >");
}

static void what_is_unfinished_is_as_wide_as_the_prompt(void **state)
{
	(void)state;
	expect_prompt(&plain_look, REMSH_FOR_SHELL, true, "(demo@vm)1> ", "", "web-1          .. ");
	expect_prompt(&plain_look, REMSH_FOR_SHELL, true, "\xc3\xa4\xe6\x97\xa5> ", "", "web-1   .. ");
	expect_prompt(&plain_look, REMSH_FOR_SHELL, true, "", "", "web-1 .. ");
	expect_prompt(&red_look, REMSH_FOR_SHELL, true, "\x1b[31m12> ", "", RED_HOST "  .. ");
}

/* In a second row of the screen it would stand where our own messages begin. */
static void a_prompt_that_would_wrap_goes_above(void **state)
{
	char text[200], above[256];

	(void)state;
	memset(text, ' ', 100);
	snprintf(text + 67, sizeof text - 67, "beamline: password: ");
	snprintf(above, sizeof above, "%s\n", text);
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, text, above, "web-1 reads| ");
	expect_prompt(&plain_look, REMSH_FOR_SHELL, true, text, above, "web-1 .. ");
	/* 66 columns and 13 of ours are one less than the terminal has. */
	memset(text, 'x', 66);
	text[66] = '\0';
	snprintf(above, sizeof above, "web-1 reads| %s", text);
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, text, "", above);
	/* Wide characters. */
	text[0] = '\0';
	for (int i = 0; i < 40; i++)
		strncat(text, "\xe6\x97\xa5", sizeof text - strlen(text) - 1);
	snprintf(above, sizeof above, "%s\n", text);
	expect_prompt(&plain_look, REMSH_FOR_CODE, false, text, above, "web-1 reads| ");
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(plain_width("abc", 3), 3);
	assert_int_equal(plain_width("\xc3\xa4o\xcc\x88", 5), 2);
	assert_int_equal(plain_width("\xe6\x97\xa5\xf0\x9f\x98\x80", 7), 4);
	assert_int_equal(plain_width("\xe2\x80\xa6\xff", 4), 2);
}

/* Completion. */

static void with_term(const char *text, void (*then)(const struct term *t, struct buf *out), struct buf *out)
{
	const struct term *t;
	struct arena arena;
	struct error err;

	arena_init(&arena, ROOM);
	buf_init(out, ROOM);
	assert_true(etf_scan(&arena, text, strlen(text), &t, &err));
	then(t, out);
	arena_clear(&arena);
}

static int columns = 80;
static int64_t count;

static void list_names(const struct term *t, struct buf *out)
{
	complete_list(t, count, columns, out);
}

static void expect_list(const char *names, const char *wanted)
{
	struct buf out;

	with_term(names, list_names, &out);
	assert_string_equal(buf_text(&out), wanted);
	buf_clear(&out);
}

static void expect_insertion(const char *insert, const char *wanted)
{
	struct buf out;

	with_term(insert, complete_insertion, &out);
	assert_string_equal(buf_text(&out), wanted);
	buf_clear(&out);
}

static void names_in_columns(void **state)
{
	(void)state;
	columns = 20;
	count = 0;
	expect_list("[]", "");
	expect_list("[<<\"a\">>]", "a\n");
	expect_list("[<<\"seq/2\">>,<<\"seq/3\">>,<<\"b\">>]", "seq/2  b\nseq/3\n");
	columns = 3;
	expect_list("[<<\"seq/2\">>,<<\"seq/3\">>]", "seq/2\nseq/3\n");
	columns = 0;
	expect_list("[<<\"x\">>,<<\"y\">>]", "x\ny\n");
}

static void names_that_are_wide_or_none(void **state)
{
	(void)state;
	columns = 14;
	expect_list("[<<\"日本\"/utf8>>,<<\"abcd\">>,<<\"ä\"/utf8>>]", "日本  ä\nabcd\n");
	expect_list("[<<\"a\">>, b, [99], <<>>]", "a        \n");
	expect_list("[a | b]", "");
}

static void hostile_names(void **state)
{
	(void)state;
	columns = 80;
	expect_list("[<<\"a\\nbeamline: b\\tc\\e[2J\\001\">>]", "a beamline: b c^[[2J^A\n");
	expect_list("[<<16#9b, \"2J\", 226, 128, 174>>]", "\\x9b2J\\xe2\\x80\\xae\n");
}

static void counts(void **state)
{
	(void)state;
	columns = 80;
	count = 12;
	expect_list("[<<\"a\">>,<<\"b\">>]", "a  b\n… and 10 more\n");
	count = INT64_MAX;
	expect_list("[<<\"a\">>]", "a\n… and 9223372036854775806 more\n");
	count = INT64_MIN;
	expect_list("[<<\"a\">>]", "a\n");
	count = 0;
}

static void no_more_names_than_one_may_read(void **state)
{
	struct buf text, out;

	(void)state;
	buf_init(&text, ROOM);
	buf_put_text(&text, "[<<\"a\">>");
	for (int i = 0; i < 5000; i++)
		buf_put_text(&text, ",<<\"a\">>");
	buf_put_text(&text, "]");
	columns = 1;
	count = 5001;
	with_term(buf_text(&text), list_names, &out);
	assert_int_equal(out.len, 400 * 2 + strlen("… and 4601 more\n"));
	count = 0;
	buf_clear(&text);
	buf_clear(&out);
}

static void an_insertion_is_what_is_printable_of_its_first_line(void **state)
{
	(void)state;
	expect_insertion("<<\"seq(\">>", "seq(");
	expect_insertion("<<\"größe(\"/utf8>>", "größe(");
	expect_insertion("<<\"halt().\\n\">>", "halt().");
	expect_insertion("<<\"halt().\\r\">>", "halt().");
	expect_insertion("<<\"\\nhalt().\">>", "");
	expect_insertion("<<\"a\\tb\">>", "a");
	expect_insertion("<<\"a\\eb\">>", "a");
	expect_insertion("<<\"a\", 127, \"b\">>", "a");
	expect_insertion("<<\"a\", 16#9b, \"b\">>", "a");
	expect_insertion("<<\"a\", 194, 155, \"b\">>", "a");
	expect_insertion("<<\"a\", 226, 128, 174, \"b\">>", "a");
	expect_insertion("<<\"a\", 0, \"b\">>", "a");
}

/* History. */

static char folder[] = "/tmp/shell-test-XXXXXX";

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/beamline/history/%s", folder, name);
}

static int begin_history(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return mkdtemp(folder) && setenv("XDG_STATE_HOME", folder, 1) == 0 ? 0 : -1;
}

static int end_history(void **state)
{
	static const char *const names[] = { "t", "web-1:demo", ".._.._etc_passwd", "_._.._t", "_", "__hidden", "x" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		path_of(names[i], path, sizeof path);
		unlink(path);
	}
	path_of("", path, sizeof path);
	rmdir(path);
	snprintf(path, sizeof path, "%s/beamline", folder);
	rmdir(path);
	return rmdir(folder);
}

static mode_t mode_of(const char *name)
{
	char path[256];
	struct stat st;

	path_of(name, path, sizeof path);
	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void lines_are_kept_for_the_next_time(void **state)
{
	(void)state;
	umask(0);
	shell_history_start("t");
	assert_int_equal(mode_of("t"), 0600);
	shell_history_keep("one.");
	shell_history_keep("one.");
	shell_history_keep("");
	shell_history_keep(" secret.");
	shell_history_keep("case x of\n  x -> #{}\nend.");
	shell_history_keep("one.");
	shell_history_stop();
	assert_int_equal(mode_of("t"), 0600);
	assert_int_equal(history_length, 0);
	shell_history_start("t");
	assert_int_equal(history_length, 3);
	assert_string_equal(history_get(history_base)->line, "one.");
	assert_string_equal(history_get(history_base + 1)->line, "case x of\n  x -> #{}\nend.");
	shell_history_stop();
}

static void each_target_has_its_own(void **state)
{
	(void)state;
	shell_history_start("t");
	shell_history_keep("one.");
	shell_history_stop();
	shell_history_start("web-1:demo");
	assert_int_equal(history_length, 0);
	shell_history_stop();
	assert_int_equal(mode_of("web-1:demo"), 0600);
}

static void no_target_leads_elsewhere(void **state)
{
	static const char *const targets[][2] = {
		{ "../../etc/passwd", "_._.._etc_passwd" },
		{ ".hidden", "_hidden" },
		{ "..", "_." },
		{ "/", "_" },
		{ "a\nb", "a_b" },
		{ "x", "x" },
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		shell_history_start(targets[i][0]);
		shell_history_keep("one.");
		shell_history_stop();
		if (mode_of(targets[i][1]) != 0600)
			fail_msg("%s has no file %s", targets[i][0], targets[i][1]);
		path_of(targets[i][1], path, sizeof path);
		unlink(path);
	}
}

/* What is not a file of ours stays as it is, and the shell runs on. */
static void a_link_instead(void **state)
{
	char path[256], target[256];

	(void)state;
	shell_history_start("t");
	shell_history_stop();
	path_of("t", path, sizeof path);
	snprintf(target, sizeof target, "%s/elsewhere", folder);
	unlink(path);
	int fd = open(target, O_CREAT | O_WRONLY, 0644);
	assert_int_equal(write(fd, "keep", 4), 4);
	close(fd);
	assert_int_equal(symlink(target, path), 0);
	shell_history_start("t");
	shell_history_keep("one.");
	shell_history_stop();
	struct stat st;
	assert_int_equal(stat(target, &st), 0);
	assert_true(st.st_size == 4 && (st.st_mode & 07777) == 0644);
	unlink(target);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	shell_history_start("t");
	shell_history_keep("one.");
	shell_history_stop();
}

static void a_file_that_others_may_read_is_closed_to_them(void **state)
{
	char path[256];

	(void)state;
	shell_history_start("t");
	shell_history_stop();
	path_of("t", path, sizeof path);
	chmod(path, 0644);
	shell_history_start("t");
	shell_history_stop();
	assert_int_equal(mode_of("t"), 0600);
}

static void thousands_of_lines(void **state)
{
	(void)state;
	shell_history_start("t");
	for (int i = 0; i < 12000; i++) {
		char line[32];
		snprintf(line, sizeof line, "line_%d.", i);
		shell_history_keep(line);
	}
	shell_history_stop();
	shell_history_start("t");
	assert_int_equal(history_length, 10000);
	assert_string_equal(history_get(history_base + history_length - 1)->line, "line_11999.");
	shell_history_stop();
	assert_int_equal(mode_of("t"), 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompts_stand_behind_the_host),
		cmocka_unit_test(prompts_of_several_lines),
		cmocka_unit_test(prompts_that_would_drive_a_terminal),
		cmocka_unit_test(what_is_unfinished_is_as_wide_as_the_prompt),
		cmocka_unit_test(a_prompt_that_would_wrap_goes_above),
		cmocka_unit_test(widths),
		cmocka_unit_test(names_in_columns),
		cmocka_unit_test(names_that_are_wide_or_none),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(counts),
		cmocka_unit_test(no_more_names_than_one_may_read),
		cmocka_unit_test(an_insertion_is_what_is_printable_of_its_first_line),
		cmocka_unit_test_setup_teardown(lines_are_kept_for_the_next_time, begin_history, end_history),
		cmocka_unit_test_setup_teardown(each_target_has_its_own, begin_history, end_history),
		cmocka_unit_test_setup_teardown(no_target_leads_elsewhere, begin_history, end_history),
		cmocka_unit_test_setup_teardown(a_link_instead, begin_history, end_history),
		cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_closed_to_them, begin_history,
						end_history),
		cmocka_unit_test_setup_teardown(thousands_of_lines, begin_history, end_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
