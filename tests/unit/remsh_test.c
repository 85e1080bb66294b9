/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The node's shell over a link, whose other end the tests play: what may come, in which order, and what may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "dist/flags.h"
#include "etf/encode.h"
#include "etf/scan.h"
#include "node/remsh.h"

static struct link link_;
static struct remsh remsh;
static int peer;

/* What the handler was told. */
static struct {
	int prompts, questions, helps, interrupts;
	size_t output;
	enum remsh_prompt_kind kind;
	bool more;
	char text[REMSH_PROMPT_MAX];
	bool yes;     /* what to answer */
	bool answers; /* at once */
} told;

static bool on_output(void *context, const uint8_t *data, size_t len, struct error *err)
{
	(void)context;
	(void)data;
	(void)err;
	told.output += len;
	return true;
}

static bool on_prompt(void *context, enum remsh_prompt_kind kind, bool more, const char *text, struct error *err)
{
	(void)context;
	(void)err;
	told.prompts++;
	told.kind = kind;
	told.more = more;
	snprintf(told.text, sizeof told.text, "%s", text);
	return true;
}

static bool on_question(void *context, const char *what, struct error *err)
{
	(void)context;
	told.questions++;
	snprintf(told.text, sizeof told.text, "%s", what);
	return !told.answers || remsh_answer(&remsh, told.yes, err);
}

static bool on_started(void *context, const char *release, struct error *err)
{
	(void)context;
	(void)err;
	assert_string_equal(release, "25");
	return true;
}

static bool on_help(void *context, const struct term *insert, const struct term *names, int64_t count,
		    struct error *err)
{
	(void)context;
	(void)insert;
	(void)names;
	(void)count;
	(void)err;
	told.helps++;
	return true;
}

static bool on_interrupted(void *context, struct error *err)
{
	(void)context;
	(void)err;
	told.interrupts++;
	return true;
}

static const struct remsh_handler handler = { on_started, on_output,      on_prompt, on_question,
					      on_help,    on_interrupted, NULL };

static int begin(void **state)
{
	const struct remsh_options options = { .language = "erlang", .columns = 80, .rows = 24 };
	struct error err;
	int ends[2];

	(void)state;
	memset(&told, 0, sizeof told);
	link_ = (struct link){ .transport.stream = STREAM_NONE,
			       .self = { .node = "us@lent", .creation = 7, .id = 1 },
			       .node = "node@host" };
	if (!io_socketpair(ends) || !io_set_nonblocking(ends[0]) || !io_set_nonblocking(ends[1]))
		return -1;
	link_.transport.stream.fd = ends[0];
	link_.node_flags = dist_flags_ours();
	peer = ends[1];
	frame_reader_init(&link_.frames, LINK_FRAME_MAX);
	buf_init(&link_.out, LINK_OUT_MAX);
	return remsh_start(&remsh, &link_, &options, &handler, &err) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	remsh_clear(&remsh);
	io_close(&peer);
	link_close(&link_);
	return 0;
}

/* What has been sent to the peer since the last call, in bytes. */
static size_t came(void)
{
	static uint8_t block[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = io_read(peer, block, sizeof block)) > 0)
		len += (size_t)n;
	return len;
}

/* {Tag, …} of the elements of a list as Erlang writes it; the atom pid stands for one. */
static void put_message(struct buf *out, const char *parts)
{
	const struct term *list;
	struct arena arena;
	struct error err;

	arena_init(&arena, 1 << 20);
	assert_true(etf_scan(&arena, parts, strlen(parts), &list, &err));
	size_t count = 0;
	assert_true(etf_is_proper_list(list, &count));
	size_t begun = dist_begin(out);
	etf_put_tuple(out, 3);
	etf_put_integer(out, DIST_SEND);
	etf_put_atom(out, "");
	dist_put_self(out, &link_.self);
	dist_payload(out);
	etf_put_tuple(out, 1 + (uint32_t)count);
	etf_put_reference(out, link_.self.node, link_.self.creation, remsh.tag.ids, 3);
	for (uint32_t i = 0; i < count; i++) {
		struct term scratch;
		const struct term *part = etf_list_element(list, i, &scratch);
		if (etf_is_atom(part, "pid"))
			etf_put_pid(out, "node@host", 99 + i, 0, 3);
		else
			etf_put_term(out, part);
	}
	dist_end(out, begun);
	arena_clear(&arena);
}

/* The messages come in one piece, separated by ;. */
static bool hear(const char *messages, struct error *err)
{
	char one[1024];
	struct buf out;

	buf_init(&out, 1 << 20);
	while (*messages) {
		size_t len = strcspn(messages, ";");
		snprintf(one, sizeof one, "%.*s", (int)len, messages);
		put_message(&out, one);
		messages += len + (messages[len] == ';');
	}
	*err = (struct error){ .code = ERROR_NONE };
	assert_true(io_write_all(peer, out.data, out.len));
	buf_clear(&out);
	return remsh_serve(&remsh, err);
}

static void hears(const char *messages)
{
	struct error err;

	assert_true(hear(messages, &err));
}

static void refuses(const char *messages)
{
	struct error err;

	assert_false(hear(messages, &err));
	assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void type(const char *text)
{
	struct error err;

	assert_true(remsh_lines(&remsh, text, strlen(text), &err));
}

static void a_conversation(void **state)
{
	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang];[1, <<\"Eshell\">>];[2, 1, false, <<\"1> \">>]");
	assert_int_equal(told.output, 6);
	assert_int_equal(told.kind, REMSH_FOR_SHELL);
	assert_string_equal(told.text, "1> ");
	came();
	type("1.");
	assert_true(came() > 0);
	hears("[2, 2, true, <<\"more\">>];[2, 0, false, <<>>];[7];[5, 7, <<\"killed\">>, -1, 0]");
	assert_int_equal(told.prompts, 3);
	assert_int_equal(told.interrupts, 1);
	assert_true(remsh.ended);
	assert_int_equal(remsh.outcome.code, ERROR_EXCEPTION);
	type("nobody hears it");
	assert_int_equal(came(), 0);
}

static void each_wrong_shape_is_an_error(void **state)
{
	static const char *const wrong[] = {
		"[]",
		"[x]",
		"[-1, <<>>]",
		"[8]",
		"[4, <<>>]",
		"[18446744073709551616, <<>>]",
		"[72057594037927937, <<>>]",
		"[0, 1, pid]",
		"[0, pid, x, <<\"25\">>, erlang]",
		"[0, pid]",
		"[1, x]",
		"[1, \"text\"]",
		"[1]",
		"[1, <<>>, <<>>]",
		"[2, 3, true, <<>>]",
		"[2, -1, true, <<>>]",
		"[2, x, true, <<>>]",
		"[2, 1, true]",
		"[3]",
		"[5, x, <<>>, 0, 0]",
		"[5, 0, <<>>, 0, 0]",
		"[5, 4, <<>>, 0]",
		"[6, x, <<>>, [], 0]",
		"[6, 0, \"a\", [], 0]",
		"[6, 0, <<>>, x, 0]",
		"[6, 0, <<>>, [a | b], 0]",
		"[6, 0, <<>>, [], 1.5]",
		"[7, 7]",
		"[3, <<\"nothing was sent\">>]",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error err;
		if (i > 0) {
			end(state);
			begin(state);
		}
		bool ok = hear(wrong[i], &err);
		/* Not ours at all, then: dropped, as the tag stands alone. */
		if (strcmp(wrong[i], "[]") == 0)
			assert_true(ok);
		else if (ok || err.code != ERROR_PROTOCOL)
			fail_msg("%s is taken", wrong[i]);
	}
}

static void a_tuple_of_hundreds_is_not_another_message(void **state)
{
	char parts[1024] = "[0, <<>>";

	(void)state;
	/* 259 parts of kind 0 are not three of kind 1. */
	for (int i = 0; i < 256; i++)
		strncat(parts, ",0", sizeof parts - strlen(parts) - 1);
	strncat(parts, "]", 2);
	refuses(parts);
	assert_int_equal(told.output, 0);
}

static void what_is_not_text_is_empty(void **state)
{
	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang];[2, 1, maybe, 17]");
	assert_string_equal(told.text, "");
	assert_false(told.more);
}

static void a_long_prompt_is_cut(void **state)
{
	char message[1024] = "[2, 2, false, <<\"";

	(void)state;
	memset(message + strlen(message), 'x', 900);
	strncat(message, "\">>]", 5);
	hears(message);
	assert_int_equal(strlen(told.text), 900);
}

static void the_window_holds(void **state)
{
	static uint8_t block[240 * 1024];
	struct error err = { .code = ERROR_NONE };
	struct buf out;
	bool ok = true;

	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	for (int i = 0; ok && i < 40; i++) {
		buf_init(&out, 1 << 20);
		size_t begun = dist_begin(&out);
		etf_put_tuple(&out, 3);
		etf_put_integer(&out, DIST_SEND);
		etf_put_atom(&out, "");
		dist_put_self(&out, &link_.self);
		dist_payload(&out);
		etf_put_tuple(&out, 3);
		etf_put_reference(&out, link_.self.node, link_.self.creation, remsh.tag.ids, 3);
		etf_put_integer(&out, REMSH_OUTPUT);
		etf_put_binary(&out, block, sizeof block);
		dist_end(&out, begun);
		size_t sent = 0;
		while (ok && sent < out.len) {
			ssize_t n = io_write(peer, out.data + sent, out.len - sent);
			sent += n > 0 ? (size_t)n : 0;
			ok = remsh_serve(&remsh, &err);
		}
		buf_clear(&out);
	}
	assert_false(ok);
	assert_int_equal(err.code, ERROR_PROTOCOL);
	assert_true(told.output <= 2 * REMSH_WINDOW);
}

static void what_is_shown_is_acknowledged(void **state)
{
	struct error err;

	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	came();
	assert_true(remsh_acknowledge(&remsh, &err));
	assert_int_equal(came(), 0);
	remsh.unacknowledged = REMSH_WINDOW / 2;
	assert_true(remsh_acknowledge(&remsh, &err));
	assert_true(came() > 0);
	assert_int_equal(remsh.unacknowledged, 0);
}

static void a_second_question_before_the_answer(void **state)
{
	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	type("halt(), init:stop().");
	hears("[3, <<\"erlang:halt/0\">>]");
	assert_string_equal(told.text, "erlang:halt/0");
	refuses("[3, <<\"init:stop/0\">>]");
	assert_int_equal(told.questions, 1);
}

static void questions_are_about_what_was_sent(void **state)
{
	(void)state;
	told.answers = told.yes = true;
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	type("a.");
	/* One for each byte, at most, and its line's end. */
	hears("[3, <<\"x\">>];[3, <<\"x\">>];[3, <<\"x\">>]");
	refuses("[3, <<\"x\">>]");
	assert_int_equal(told.questions, 3);
}

static void after_a_refusal_nothing_is_left_to_ask_about(void **state)
{
	(void)state;
	told.answers = true;
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	type("init:stop().\ninit:stop().");
	hears("[3, <<\"a\\nb\\e[2J\">>]");
	assert_string_equal(told.text, "a b [2J");
	type("init:stop().");
	hears("[3, <<\"x\">>]");
	refuses("[3, <<\"x\">>]");
}

static void help_with_stale_numbers(void **state)
{
	struct error err;

	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang];[6, 1, <<>>, [], 0];[6, -1, <<>>, [], 0]");
	assert_int_equal(told.helps, 0);
	assert_true(remsh_ask(&remsh, REMSH_COMPLETE, "lis", &err) && remsh_ask(&remsh, REMSH_COMPLETE, "list", &err));
	hears("[6, 1, <<\"x\">>, [], 0];[6, 3, <<>>, [], 0];[6, 4294967298, <<>>, [], 0]");
	assert_int_equal(told.helps, 0);
	hears("[6, 2, <<\"x\">>, [<<\"a\">>], 1]");
	assert_int_equal(told.helps, 1);
}

static void after_the_end_nothing_counts(void **state)
{
	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang];[5, 6, <<>>, -1, 99999999999];[5, 7, <<>>, 0, 0];[1, x];[2, 1, false, "
	      "<<>>];[3, <<>>];[]");
	assert_true(remsh.ended);
	assert_int_equal(remsh.detached, -1);
	assert_int_equal(remsh.outcome.code, ERROR_NO_ELIXIR);
	assert_int_equal(told.prompts + told.questions, 0);
}

static void an_end_that_nobody_asked_for_is_told(void **state)
{
	struct error err;

	(void)state;
	hears("[0, pid, pid, <<\"25\">>, erlang];[5, 4, <<\"so\">>, 0, 0]");
	assert_int_equal(remsh.outcome.code, ERROR_EXCEPTION);
	end(state);
	begin(state);
	/* Asked for before anybody could be told: it is sent when there is somebody. */
	assert_true(remsh_end(&remsh, &err));
	came();
	hears("[0, pid, pid, <<\"25\">>, erlang]");
	assert_true(came() > 0);
	hears("[5, 7, <<\"killed\">>, 0, 3]");
	assert_int_equal(remsh.outcome.code, ERROR_NONE);
	assert_int_equal(remsh.detached, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_conversation, begin, end),
		cmocka_unit_test_setup_teardown(each_wrong_shape_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(a_tuple_of_hundreds_is_not_another_message, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_text_is_empty, begin, end),
		cmocka_unit_test_setup_teardown(a_long_prompt_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(the_window_holds, begin, end),
		cmocka_unit_test_setup_teardown(what_is_shown_is_acknowledged, begin, end),
		cmocka_unit_test_setup_teardown(a_second_question_before_the_answer, begin, end),
		cmocka_unit_test_setup_teardown(questions_are_about_what_was_sent, begin, end),
		cmocka_unit_test_setup_teardown(after_a_refusal_nothing_is_left_to_ask_about, begin, end),
		cmocka_unit_test_setup_teardown(help_with_stale_numbers, begin, end),
		cmocka_unit_test_setup_teardown(after_the_end_nothing_counts, begin, end),
		cmocka_unit_test_setup_teardown(an_end_that_nobody_asked_for_is_told, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
