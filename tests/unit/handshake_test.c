/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dist/flags.h"
#include "dist/handshake.h"

static const struct handshake_options client_options = {
	.name = "beamline.invalid",
	.challenge = 0x11223344,
	.version = 6,
	.length_bytes = 2,
};
static const struct handshake_options server_options = {
	.name = "example@host",
	.creation = 77,
	.challenge = 0x55667788,
	.version = 6,
	.length_bytes = 2,
	.lent_name = "LENT@beamline.invalid",
	.lent_creation = 99,
};

struct outcome {
	enum handshake_event client, server;
	struct error client_err, server_err;
};

/* Gives one side what the other has to send, in pieces of `step` bytes. */
static enum handshake_event deliver(struct handshake *from, struct handshake *to, size_t step, const char *cookie,
				    struct error *err)
{
	enum handshake_event event = HANDSHAKE_MORE;
	struct buf bytes = from->out;

	buf_init(&from->out, bytes.max);
	for (size_t at = 0; at < bytes.len && event != HANDSHAKE_DONE && event != HANDSHAKE_FAILED;) {
		size_t used, len = bytes.len - at < step ? bytes.len - at : step;
		event = handshake_feed(to, bytes.data + at, len, &used, err);
		at += used;
		if (event == HANDSHAKE_WANTS_COOKIE)
			event = handshake_cookie(to, cookie, strlen(cookie), err);
	}
	buf_clear(&bytes);
	return event;
}

static struct outcome run(struct handshake *client, struct handshake *server, size_t step, const char *client_cookie,
			  const char *server_cookie)
{
	struct outcome o = { 0 };

	for (int round = 0; round < 8; round++) {
		if (o.server != HANDSHAKE_DONE && o.server != HANDSHAKE_FAILED)
			o.server = deliver(client, server, step, server_cookie, &o.server_err);
		if (o.client != HANDSHAKE_DONE && o.client != HANDSHAKE_FAILED)
			o.client = deliver(server, client, step, client_cookie, &o.client_err);
	}
	return o;
}

static void check_pair(uint64_t client_flags, int version, int length_bytes, size_t step)
{
	struct handshake_options ours = client_options, theirs = server_options;
	struct handshake client, server;

	ours.flags = client_flags;
	ours.version = version;
	ours.name = client_flags & DIST_FLAG_NAME_ME ? "beamline.invalid" : "fixed@beamline.invalid";
	theirs.flags = dist_flags_ours() | DIST_FLAG_NAME_ME;
	ours.length_bytes = theirs.length_bytes = length_bytes;
	handshake_connect(&client, &ours);
	handshake_accept(&server, &theirs);
	struct outcome o = run(&client, &server, step, "secret", "secret");
	assert_int_equal(o.client, HANDSHAKE_DONE);
	assert_int_equal(o.server, HANDSHAKE_DONE);
	assert_string_equal(client.peer_name, "example@host");
	assert_string_equal(server.peer_name, client.our_name);
	assert_true((client.peer_flags & dist_flags_mandatory()) == dist_flags_mandatory() || version == 5);
	if (client_flags & DIST_FLAG_NAME_ME) {
		assert_string_equal(client.our_name, "LENT@beamline.invalid");
		assert_int_equal(client.our_creation, 99);
	}
	handshake_clear(&client);
	handshake_clear(&server);
}

static void both_sides_agree(void **state)
{
	(void)state;
	for (size_t step = 1; step < 200; step = step * 3 + 1) {
		check_pair(dist_flags_ours() | DIST_FLAG_NAME_ME, 6, 2, step);
		check_pair(dist_flags_ours() | DIST_FLAG_NAME_ME, 6, 4, step);
		check_pair(dist_flags_ours(), 6, 2, step);
		check_pair(dist_flags_ours(), 5, 2, step);
		check_pair(dist_flags_ours() & ~DIST_FLAG_HANDSHAKE_23, 5, 2, step);
	}
}

static void a_wrong_cookie_is_refused_by_either_side(void **state)
{
	(void)state;
	struct handshake_options ours = client_options, theirs = server_options;
	struct handshake client, server;

	ours.flags = theirs.flags = dist_flags_ours() | DIST_FLAG_NAME_ME;
	handshake_connect(&client, &ours);
	handshake_accept(&server, &theirs);
	struct outcome o = run(&client, &server, 1000, "wrong", "secret");
	assert_int_equal(o.server, HANDSHAKE_FAILED);
	assert_int_equal(o.server_err.code, ERROR_COOKIE_MISMATCH);
	assert_int_equal(o.client, HANDSHAKE_MORE);
	assert_false(handshake_closed(&client, &o.client_err));
	assert_int_equal(o.client_err.code, ERROR_COOKIE_MISMATCH);
	handshake_clear(&client);
	handshake_clear(&server);
}

/* Feeds the connecting side these bytes; returns the code of its error, or ERROR_NONE. */
static enum error_code answer_of(const char *bytes, size_t len, uint64_t flags)
{
	struct handshake_options ours = client_options;
	struct handshake h;
	struct error err = { 0 };
	size_t used;

	ours.flags = flags;
	handshake_connect(&h, &ours);
	enum handshake_event event = handshake_feed(&h, (const uint8_t *)bytes, len, &used, &err);
	handshake_clear(&h);
	return event == HANDSHAKE_FAILED ? err.code : ERROR_NONE;
}
#define answer(bytes) answer_of(bytes, sizeof(bytes) - 1, dist_flags_ours())

static void each_status_has_its_error(void **state)
{
	(void)state;
	assert_int_equal(answer("\0\3sok"), ERROR_NONE);
	assert_int_equal(answer("\0\x10sok_simultaneous"), ERROR_NONE);
	assert_int_equal(answer("\0\4snok"), ERROR_HANDSHAKE_REFUSED);
	assert_int_equal(answer("\0\6salive"), ERROR_NAME_TAKEN);
	assert_int_equal(answer("\0\14snot_allowed"), ERROR_NOT_ALLOWED);
	assert_int_equal(answer("\0\5swhat"), ERROR_NOT_ERLANG);
	/* A name lent although we did not ask for one. */
	assert_int_equal(answer("\0\21snamed:\0\4a@bc\0\0\0\1"), ERROR_NOT_ERLANG);
	assert_int_equal(answer("HTTP/1.1 400 Bad Request\r\n"), ERROR_NOT_ERLANG);
	assert_int_equal(answer("SSH-2.0-OpenSSH\r\n"), ERROR_NOT_ERLANG);
	assert_int_equal(answer("\x15\x03\x03\0\2\2\x0a"), ERROR_TLS_EXPECTED);
	assert_int_equal(answer("\0\0"), ERROR_NOT_ERLANG);
	assert_int_equal(answer("\xff\xffs"), ERROR_NOT_ERLANG);
	assert_int_equal(answer_of("\0\3sok", 5, dist_flags_ours() | DIST_FLAG_NAME_ME), ERROR_NOT_ALLOWED);
}

static void a_missing_capability_is_named(void **state)
{
	(void)state;
	struct handshake_options ours = client_options;
	struct handshake h;
	struct error err = { 0 };
	size_t used;

	ours.flags = dist_flags_ours() & ~DIST_FLAG_UNLINK_ID;
	handshake_connect(&h, &ours);
	assert_int_equal(handshake_feed(&h, (const uint8_t *)"\0\14snot_allowed", 14, &used, &err), HANDSHAKE_FAILED);
	assert_non_null(strstr(err.message, "UNLINK_ID"));
	handshake_clear(&h);
}

static void an_impostor_is_noticed(void **state)
{
	(void)state;
	static const char bytes[] = "\0\3sok"
				    "\0\x1eN\0\0\0\0\0\0\0\0"
				    "\1\2\3\4"
				    "\0\0\0\1"
				    "\0\013example@hst";
	struct handshake_options ours = client_options;
	struct handshake h;
	struct error err = { 0 };
	size_t used;

	ours.flags = dist_flags_ours();
	handshake_connect(&h, &ours);
	assert_int_equal(handshake_feed(&h, (const uint8_t *)bytes, sizeof bytes - 1, &used, &err),
			 HANDSHAKE_WANTS_COOKIE);
	assert_int_equal(used, sizeof bytes - 1);
	assert_int_equal(handshake_cookie(&h, "secret", 6, &err), HANDSHAKE_MORE);
	assert_int_equal(handshake_feed(&h,
					(const uint8_t *)"\0\x11"
							 "a0123456789abcdef",
					19, &used, &err),
			 HANDSHAKE_FAILED);
	assert_int_equal(err.code, ERROR_NODE_UNPROVEN);
	handshake_clear(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_agree),          cmocka_unit_test(a_wrong_cookie_is_refused_by_either_side),
		cmocka_unit_test(each_status_has_its_error), cmocka_unit_test(a_missing_capability_is_named),
		cmocka_unit_test(an_impostor_is_noticed),
	};
	return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
