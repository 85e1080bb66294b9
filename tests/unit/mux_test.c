/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ssh/algorithms.h"
#include "ssh/mux.h"

static struct mux_packet only_packet(const struct buf *b)
{
	struct mux_packet packet;

	assert_int_equal(mux_next_packet(b->data, b->len, MUX_REQUEST_MAX, &packet), MUX_PACKET);
	assert_int_equal(packet.size, b->len);
	return packet;
}

static void assert_text(struct mux_text text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.p, expected, text.len);
}

static void forward_is_what_openssh_reads(void **state)
{
	(void)state;
	/* Taken down from `ssh -S … -W 127.0.0.1:7900`: the port is a number. */
	static const uint8_t wire[] = "\0\0\0\x1d\x10\0\0\x08\0\0\0\x07\0\0\0\0\0\0\0\x09"
				      "127.0.0.1\0\0\x1e\xdc";
	struct buf b;
	struct mux_request request;

	buf_init(&b, 100);
	mux_put_forward(&b, 7, "127.0.0.1", 7900);
	assert_int_equal(b.len, sizeof wire - 1);
	assert_memory_equal(b.data, wire, b.len);
	struct mux_packet packet = only_packet(&b);
	assert_true(mux_decode_request(&packet, &request));
	assert_int_equal(request.type, MUX_C_NEW_STDIO_FWD);
	assert_int_equal(request.id, 7);
	assert_int_equal(request.descriptors, 2);
	assert_int_equal(request.port, 7900);
	assert_text(request.host, "127.0.0.1");
	buf_clear(&b);
}

static void session_with_everything_is_read(void **state)
{
	(void)state;
	struct buf b;
	struct mux_request request;
	static const char *const texts[] = { "xterm", "top", "LANG=C", "LC_ALL=de_DE.UTF-8" };
	static const uint32_t numbers[] = { 1, 1, 1, 0, 0x7e };

	buf_init(&b, 1000);
	buf_put_u32(&b, 0);
	buf_put_u32(&b, MUX_C_NEW_SESSION);
	buf_put_u32(&b, 3);
	buf_put_u32(&b, 0); /* reserved */
	for (size_t i = 0; i < 5; i++)
		buf_put_u32(&b, numbers[i]);
	for (size_t i = 0; i < 4; i++) {
		buf_put_u32(&b, (uint32_t)strlen(texts[i]));
		buf_put_text(&b, texts[i]);
	}
	mux_end_packet(&b, 0);
	struct mux_packet packet = only_packet(&b);
	assert_true(mux_decode_request(&packet, &request));
	assert_int_equal(request.descriptors, 3);
	assert_true(request.want_tty);
	assert_false(request.subsystem);
	assert_text(request.term, "xterm");
	assert_text(request.command, "top");
	assert_int_equal(request.environment_count, 2);
	assert_text(request.environment[1], "LC_ALL=de_DE.UTF-8");
	/* Cut anywhere but between two variables it is malformed. */
	for (size_t cut = 8; cut < b.len; cut++) {
		put_be32(b.data, (uint32_t)(cut - 4));
		assert_int_equal(mux_next_packet(b.data, cut, MUX_REQUEST_MAX, &packet), MUX_PACKET);
		bool whole = mux_decode_request(&packet, &request);
		bool between =
			cut == b.len - 4 - strlen(texts[3]) || cut == b.len - 8 - strlen(texts[3]) - strlen(texts[2]);
		assert_int_equal(whole, between);
	}
	buf_clear(&b);
}

static void exec_is_a_session_without_terminal(void **state)
{
	(void)state;
	struct buf b;
	struct mux_request request;

	buf_init(&b, 1000);
	mux_put_exec(&b, 1, "cat .erlang.cookie");
	struct mux_packet packet = only_packet(&b);
	assert_true(mux_decode_request(&packet, &request));
	assert_int_equal(request.type, MUX_C_NEW_SESSION);
	assert_false(request.want_tty);
	assert_text(request.command, "cat .erlang.cookie");
	buf_clear(&b);
}

static void lengths_are_bounded_before_they_are_believed(void **state)
{
	(void)state;
	struct mux_packet packet;

	assert_int_equal(mux_next_packet((const uint8_t *)"\0\0\0", 3, 100, &packet), MUX_INCOMPLETE);
	assert_int_equal(mux_next_packet((const uint8_t *)"\0\0\0\3\0\0\0", 7, 100, &packet), MUX_BAD);
	assert_int_equal(mux_next_packet((const uint8_t *)"\0\0\0\x65", 4, 100, &packet), MUX_BAD);
	assert_int_equal(mux_next_packet((const uint8_t *)"\xff\xff\xff\xff\0\0\0\0", 8, 100, &packet), MUX_BAD);
	assert_int_equal(mux_next_packet((const uint8_t *)"\0\0\0\x64\0\0\0\0", 8, 100, &packet), MUX_INCOMPLETE);
	assert_int_equal(mux_next_packet((const uint8_t *)"\0\0\0\4\0\0\0\1", 8, 100, &packet), MUX_PACKET);
}

static void text_with_a_nul_is_refused(void **state)
{
	(void)state;
	struct buf b;
	struct mux_request request;
	struct mux_reply reply;

	buf_init(&b, 1000);
	mux_put_failure(&b, MUX_S_FAILURE, 1, "a\0b", 3);
	struct mux_packet packet = only_packet(&b);
	assert_false(mux_decode_reply(&packet, &reply));
	b.len = 0;
	mux_put_forward(&b, 1, "abc", 1);
	b.data[21] = '\0';
	packet = only_packet(&b);
	assert_false(mux_decode_request(&packet, &request));
	buf_clear(&b);
}

static void replies_come_back(void **state)
{
	(void)state;
	struct buf b;
	struct mux_reply reply;

	buf_init(&b, 1000);
	mux_put_numbers(&b, MUX_S_EXIT_MESSAGE, 2, 255);
	struct mux_packet packet = only_packet(&b);
	assert_true(mux_decode_reply(&packet, &reply));
	assert_int_equal(reply.id, 2);
	assert_int_equal(reply.value, 255);
	b.len = 0;
	mux_put_number(&b, MUX_S_EXIT_MESSAGE, 2);
	packet = only_packet(&b);
	assert_false(mux_decode_reply(&packet, &reply));
	b.len = 0;
	mux_put_failure(&b, MUX_S_PERMISSION_DENIED, 9, "no", 2);
	packet = only_packet(&b);
	assert_true(mux_decode_reply(&packet, &reply));
	assert_text(reply.text, "no");
	buf_clear(&b);
}

static void hello_carries_extensions(void **state)
{
	(void)state;
	struct buf b;
	struct mux_hello hello;

	buf_init(&b, 1000);
	size_t begun = mux_begin_hello(&b);
	for (int i = 0; i < MUX_EXTENSIONS_MAX; i++)
		mux_put_extension(&b, i == 1 ? MUX_EXTENSION_INFO : "other@example", "va\0ue", 5);
	mux_put_extension(&b, "one-too-many", "", 0);
	mux_end_packet(&b, begun);
	struct mux_packet packet = only_packet(&b);
	assert_true(mux_decode_hello(&packet, &hello));
	assert_int_equal(hello.version, MUX_VERSION);
	assert_ptr_equal(mux_find_extension(&hello, MUX_EXTENSION_INFO), &hello.extensions[1]);
	assert_int_equal(hello.extensions[1].value_len, 5);
	assert_null(mux_find_extension(&hello, "one-too-many"));
	put_be32(b.data, get_be32(b.data) - 1);
	assert_int_equal(mux_next_packet(b.data, b.len, MUX_REQUEST_MAX, &packet), MUX_PACKET);
	assert_false(mux_decode_hello(&packet, &hello));
	buf_clear(&b);
}

static void assert_error_survives(const struct error *sent)
{
	struct buf text;
	struct error got;

	buf_init(&text, 4096);
	mux_put_error(&text, sent);
	assert_true(mux_parse_error(buf_text(&text), text.len, &got));
	assert_int_equal(got.code, sent->code);
	assert_int_equal(got.signal, sent->signal);
	assert_string_equal(got.message, sent->message);
	assert_string_equal(got.cure, sent->cure);
	buf_clear(&text);
}

static void errors_survive_the_way(void **state)
{
	(void)state;
	struct error err;

	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
		error_set(&err, (enum error_code)code, "the key is\nnot the one in /x:3 [yes]");
		assert_error_survives(&err);
		error_cure(&err, "look, then\nremove it");
		assert_error_survives(&err);
	}
	error_interrupted(&err, 2);
	assert_error_survives(&err);
	err.message[0] = '\0';
	assert_error_survives(&err);
}

static void foreign_failure_texts_are_known_as_such(void **state)
{
	(void)state;
	static const char *const texts[] = { "Session open refused by peer",
					     "",
					     "\n",
					     "\n[",
					     "\n[]",
					     "x\n[ssh_lost",
					     "x\n[no_such_code]",
					     "x\n[ssh_lost]y",
					     "[ssh_lost]" };
	struct error err;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(mux_parse_error(texts[i], strlen(texts[i]), &err));
}

static void info_survives_the_way(void **state)
{
	(void)state;
	struct tunnel_info sent = {
		.user = "root", .hostname = "::1", .port = 65535, .server = "SSH-2.0-x", .kex = "curve25519-sha256"
	};
	struct tunnel_info got;
	struct buf b;

	sent.keyed_ms = 12.345;
	sent.authenticated_ms = 1e6;
	memset(sent.auth, 'a', sizeof sent.auth - 1);
	buf_init(&b, 4096);
	mux_put_info(&b, &sent);
	assert_true(mux_parse_info(b.data, b.len, &got));
	assert_string_equal(got.hostname, "::1");
	assert_int_equal(got.port, 65535);
	assert_string_equal(got.auth, sent.auth);
	assert_string_equal(got.mac, "");
	assert_true(got.keyed_ms > 12.34 && got.keyed_ms < 12.35);
	assert_true(got.authenticated_ms == 1e6);
	for (size_t cut = 1; cut < b.len; cut++)
		mux_parse_info(b.data, cut, &got);
	buf_clear(&b);
}

static void assert_persist(const char *text, int ms)
{
	assert_int_equal(mux_parse_persist((const uint8_t *)text, strlen(text)), ms);
}

static void a_time_to_persist_is_a_number(void **state)
{
	(void)state;
	assert_persist("3600000", 3600000);
	assert_persist("2147483647", 2147483647);
	assert_persist("2147483648", 0);
	assert_persist("99999999999999999999999", 0);
	assert_persist("", 0);
	assert_persist("-1", 0);
	assert_persist("10m", 0);
	assert_persist("1 ", 0);
}

static void our_cipher_goes_first_only_where_nobody_chose(void **state)
{
	(void)state;
	static const char chosen[] = "aes256-ctr,aes128-gcm@openssh.com";
	static const char usual[] = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
				    "aes128-gcm@openssh.com,aes256-gcm@openssh.com";

	for (int checked = 0; checked < 2; checked++) {
		char *list = algorithms_ciphers(chosen, checked);
		assert_string_equal(list, chosen);
		free(list);
	}
	char *list = algorithms_ciphers(usual, true);
	assert_int_equal(strncmp(list, "aes128-gcm@openssh.com,chacha20", 31), 0);
	free(list);
	/* A libssh that may not look at its tags is not offered to use it. */
	list = algorithms_ciphers(usual, false);
	assert_null(strstr(list, "gcm"));
	assert_int_equal(strncmp(list, "chacha20", 8), 0);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_is_what_openssh_reads),
		cmocka_unit_test(session_with_everything_is_read),
		cmocka_unit_test(exec_is_a_session_without_terminal),
		cmocka_unit_test(lengths_are_bounded_before_they_are_believed),
		cmocka_unit_test(text_with_a_nul_is_refused),
		cmocka_unit_test(replies_come_back),
		cmocka_unit_test(hello_carries_extensions),
		cmocka_unit_test(errors_survive_the_way),
		cmocka_unit_test(foreign_failure_texts_are_known_as_such),
		cmocka_unit_test(info_survives_the_way),
		cmocka_unit_test(a_time_to_persist_is_a_number),
		cmocka_unit_test(our_cipher_goes_first_only_where_nobody_chose),
	};

	return cmocka_run_group_tests_name("mux", tests, NULL, NULL);
}
