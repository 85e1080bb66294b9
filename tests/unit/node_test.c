/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/options.h"
#include "etf/scan.h"
#include "node/cookie.h"
#include "node/guard.h"
#include "node/target.h"

static void targets_come_apart(void **state)
{
	(void)state;
	static const struct {
		const char *text, *destination, *node;
	} good[] = {
		{ "web-1", "web-1", NULL },
		{ "web-1:shop", "web-1", "shop" },
		{ "deploy@web-1", "deploy@web-1", NULL },
		{ "deploy@web-1:shop@web-1.example", "deploy@web-1", "shop@web-1.example" },
		{ "web-1:shop@10.0.0.1", "web-1", "shop@10.0.0.1" },
		{ "[::1]:shop", "::1", "shop" },
		{ "me@[fe80::1]:shop", "me@fe80::1", "shop" },
		{ "[::1]", "::1", NULL },
	};
	static const char *const bad[] = {
		"",     ":shop", "web-1:", "web-1:@x", "-oProxyCommand=x",        "me@",        "me@:shop",
		"[::1", "a\nb",  "[::1]x", "[]",       "[-oProxyCommand=x]:shop", "me@[]:shop", "me@-x"
	};
	struct target target;
	struct error err;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(target_parse(good[i].text, &target, &err));
		assert_string_equal(target.destination, good[i].destination);
		if (good[i].node)
			assert_string_equal(target.node, good[i].node);
		else
			assert_null(target.node);
		target_clear(&target);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(target_parse(bad[i], &target, &err));
		assert_int_equal(err.code, ERROR_USAGE);
		target_clear(&target);
	}
}

static void a_node_has_two_names(void **state)
{
	(void)state;
	assert_true(target_names_node("shop", "shop@web-1"));
	assert_true(target_names_node("shop@web-1", "shop@web-1"));
	assert_false(target_names_node("sho", "shop@web-1"));
	assert_false(target_names_node("shop@web-2", "shop@web-1"));
	assert_false(target_names_node("", "shop@web-1"));
}

static enum error_code cookie_of(const char *text, size_t len, mode_t mode, struct cookie *cookie)
{
	char path[] = "/tmp/beamline-test-XXXXXX";
	struct error err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	bool ok = cookie_from_file(path, cookie, &err);
	unlink(path);
	return ok ? ERROR_NONE : err.code;
}

static void cookies_are_read_as_otp_reads_them(void **state)
{
	(void)state;
	struct cookie cookie;
	char longest[300];

	assert_int_equal(cookie_of("a+/b=\n", 6, 0400, &cookie), ERROR_NONE);
	assert_int_equal(cookie.len, 5);
	assert_memory_equal(cookie.bytes, "a+/b=", 5);
	assert_int_equal(cookie_of("secret\n", 7, 0640, &cookie), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_of("secret\n", 7, 0604, &cookie), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_of("", 0, 0600, &cookie), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_of("\n\n", 2, 0600, &cookie), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_of("a\nb", 3, 0600, &cookie), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_of("a\xff", 2, 0600, &cookie), ERROR_COOKIE_UNSAFE);
	memset(longest, 'x', sizeof longest);
	assert_int_equal(cookie_of(longest, 255, 0600, &cookie), ERROR_NONE);
	assert_int_equal(cookie_of(longest, 256, 0600, &cookie), ERROR_COOKIE_UNSAFE);
}

static void confirm_must_name_this_node(void **state)
{
	(void)state;
	struct error err;
	bool confirmed = true;

	assert_true(guard_check_confirm(NULL, "shop@web-1", NULL, &confirmed, &err));
	assert_false(confirmed);
	assert_true(guard_check_confirm("shop", "shop@web-1", NULL, &confirmed, &err));
	assert_true(confirmed);
	assert_false(guard_check_confirm("shop@web-2", "shop@web-1", NULL, &confirmed, &err));
	assert_int_equal(err.code, ERROR_GUARD);
	/* The environment's name confirms the environment, and not that the node may be stopped. */
	assert_true(guard_check_confirm("production", "shop@web-1", "production", &confirmed, &err));
	assert_false(confirmed);
	assert_true(guard_check_confirm("shop@web-1", "shop@web-1", "production", &confirmed, &err));
	assert_true(confirmed);
	assert_false(guard_check_confirm("staging", "shop@web-1", "production", &confirmed, &err));
	assert_non_null(strstr(err.message, "production"));
	assert_false(guard_ask("init:stop/0", "shop@web-1", false, &err));
	assert_non_null(strstr(err.cure, "--confirm shop@web-1"));
	assert_false(guard_ask_environment("production", "web-1:shop", false, &err));
	assert_int_equal(err.code, ERROR_GUARD);
	assert_non_null(strstr(err.cure, "--confirm production"));
}

static enum error_code cookie_by(const char *command, struct cookie *cookie, struct error *err)
{
	*err = (struct error){ 0 };
	return cookie_from_command(command, cookie, err) ? ERROR_NONE : err->code;
}

static void a_command_prints_the_cookie(void **state)
{
	(void)state;
	struct cookie cookie;
	struct error err;

	assert_int_equal(cookie_by("printf 'a b\\n' | tr -d ' '", &cookie, &err), ERROR_NONE);
	assert_int_equal(cookie.len, 2);
	assert_memory_equal(cookie.bytes, "ab", 2);
	assert_int_equal(cookie_by("echo no; echo such >&2; echo entry >&2; exit 3", &cookie, &err),
			 ERROR_COOKIE_MISSING);
	assert_non_null(strstr(err.message, "status 3: entry"));
	assert_int_equal(cookie_by("true", &cookie, &err), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_by("printf 'two\\nlines'", &cookie, &err), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_by("yes", &cookie, &err), ERROR_COOKIE_UNSAFE);
	assert_int_equal(cookie_by("exec /nowhere/at/all", &cookie, &err), ERROR_COOKIE_MISSING);
	/* It cannot read what we are sent. */
	assert_int_equal(cookie_by("cat; echo end", &cookie, &err), ERROR_NONE);
	assert_memory_equal(cookie.bytes, "end", 3);
}

static void a_remote_path_means_itself_to_any_shell(void **state)
{
	(void)state;
	static const struct {
		const char *path, *quoted;
	} cases[] = {
		{ "/var/lib/rabbitmq/.erlang.cookie", "/var/lib/rabbitmq/.erlang.cookie" },
		{ "~/.erlang.cookie", "~/.erlang.cookie" },
		{ "~rabbitmq/x", "~rabbitmq/x" },
		{ "/a b", "/a\\ b" },
		{ "/$(id);'\"!~#&|", "/\\$\\(id\\)\\;\\'\\\"\\!\\~\\#\\&\\|" },
		{ "/gr\xc3\xbcn", "/gr\xc3\xbcn" },
	};
	struct buf out;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_init(&out, 256);
		assert_true(cookie_quote_path(cases[i].path, &out));
		assert_string_equal(buf_text(&out), cases[i].quoted);
		buf_clear(&out);
	}
	buf_init(&out, 256);
	assert_false(cookie_quote_path("/a\nb", &out));
	buf_clear(&out);
}

static bool call_concerns(const char *module, const char *function, const char *text)
{
	const struct term *arguments;
	struct arena arena;
	struct error err;

	arena_init(&arena, 1 << 20);
	assert_true(etf_scan(&arena, text, strlen(text), &arguments, &err));
	bool concerns = guard_concerns_call(module, function, arguments);
	arena_clear(&arena);
	return concerns;
}

static void the_guard_looks_at_what_could_name_it(void **state)
{
	static const char *const yes[] = {
		"init:stop()",
		"halt().",
		"System.halt",
		"list_to_atom(X)",
		"q().",
		"x,q",
		"c:q()",
		"apply(M, stop, [])",
		"\"ha\\x6ct\"",
		"exit(P, kill)",
		"binary_to_term(B)",
		"lists:concat(L)",
		"heart:set_cmd(X)",
		"application:stop(kernel)",
	};
	static const char *const no[] = {
		"",       "1 + 1", "lists:seq(1, 3)",      "queue:new()",       "sq",
		"q1 + 1", "_q",    "process_info(self())", "Enum.map(a, & &1)", "hal",
	};

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(guard_concerns_text(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(guard_concerns_text(no[i], strlen(no[i])));
	/* Also at the very end, and never beyond it. */
	assert_false(guard_concerns_text("halt", 3));
	assert_true(guard_concerns_text("q", 1));
	assert_true(call_concerns("init", "restart", "[]"));
	assert_true(call_concerns("erlang", "apply", "[erlang, halt, []]"));
	assert_true(call_concerns("m", "f", "[#{a => {\"stop\"}}]"));
	/* "halt" as numbers, which the node makes a string of. */
	assert_true(call_concerns("m", "f", "[[104, 97, 108, 116]]"));
	assert_true(call_concerns("m", "f", "[#{a => {[x, 104 | y]}}]"));
	assert_false(call_concerns("lists", "reverse", "[[a, b, c]]"));
	assert_false(call_concerns("erlang", "node", "[]"));
}

static void durations_have_units(void **state)
{
	(void)state;
	int ms = 0;

	assert_true(options_parse_duration("5s", &ms) && ms == 5000);
	assert_true(options_parse_duration("250ms", &ms) && ms == 250);
	assert_true(options_parse_duration("1.5m", &ms) && ms == 90000);
	assert_true(options_parse_duration("2", &ms) && ms == 2000);
	assert_true(options_parse_duration("1h", &ms) && ms == 3600000);
	static const char *const bad[] = { "", "s", "-1s", "5x", "0", "1e99h", "nan", "inf", "5 s" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(options_parse_duration(bad[i], &ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_come_apart),
		cmocka_unit_test(a_node_has_two_names),
		cmocka_unit_test(cookies_are_read_as_otp_reads_them),
		cmocka_unit_test(confirm_must_name_this_node),
		cmocka_unit_test(a_command_prints_the_cookie),
		cmocka_unit_test(a_remote_path_means_itself_to_any_shell),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(the_guard_looks_at_what_could_name_it),
	};
	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
