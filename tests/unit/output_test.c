/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outputs whose readers are slow, gone, or terminals; disks that are full. */
#undef _XOPEN_SOURCE      /* readline's flags have an older one */
#define _XOPEN_SOURCE 700 /* posix_openpt and its kin */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/output.h"

enum { LARGE = 1024 * 1024, SECONDS_MAX = 60 };

static uint8_t large[LARGE];

/* Reads what there is now. */
static size_t drain(int fd, uint8_t *data, size_t size)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < size && poll(&one, 1, 0) > 0 && one.revents & POLLIN) {
		ssize_t n = io_read(fd, data + len, size - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return len;
}

static void a_full_pipe_is_not_waited_for(void **state)
{
	(void)state;
	static uint8_t came[LARGE];
	struct output o;
	size_t len = 0;
	int ends[2];

	/* A blocking one, as standard output is. */
	assert_int_equal(pipe(ends), 0);
	output_init(&o, ends[1], "standard output", LARGE);
	assert_false(o.terminal);
	int64_t begin = clock_ms();
	assert_true(output_put(&o, large, LARGE));
	assert_true(clock_ms() - begin <= 1000);
	assert_true(output_pending(&o) > 0 && output_pending(&o) < LARGE);
	while (len < LARGE) {
		size_t n = drain(ends[0], came + len, LARGE - len);
		assert_true(n > 0);
		len += n;
		assert_true(output_flush_some(&o));
	}
	assert_int_equal(output_pending(&o), 0);
	assert_memory_equal(came, large, LARGE);
	output_clear(&o);
	close(ends[0]);
	close(ends[1]);
}

static void more_than_the_maximum_is_an_error(void **state)
{
	(void)state;
	struct output o;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	output_init(&o, ends[1], "standard output", LARGE / 8);
	bool ok = true;
	for (int i = 0; i < 16 && ok; i++)
		ok = output_put(&o, large, LARGE / 8);
	assert_false(ok);
	assert_int_equal(o.err.code, ERROR_LIMIT);
	assert_int_equal(output_pending(&o), 0);
	output_clear(&o);
	close(ends[0]);
	close(ends[1]);
}

/* The window that callers keep: never more than `max` waits. Whatever part was written already, there must be room for it. */
static void the_maximum_may_wait_at_any_time(void **state)
{
	(void)state;
	enum { MAX = 128 * 1024, STEP = 1000 };
	static uint8_t came[LARGE];
	size_t waits = 0;
	struct output o;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	output_init(&o, ends[1], "standard output", MAX);
	/* As on a terminal, where this text becomes 4 times as long. */
	o.terminal = true;
	o.filter.colours = false;
	memset(came, 0xff, STEP);
	for (int i = 0; i < 4000; i++) {
		while (waits + 4 * STEP <= 4 * MAX) {
			assert_true(output_put(&o, came, STEP));
			waits = output_pending(&o);
		}
		uint8_t some[5000];
		drain(ends[0], some, sizeof some);
		assert_true(output_flush_some(&o));
		waits = output_pending(&o);
	}
	output_clear(&o);
	close(ends[0]);
	close(ends[1]);
}

static void a_reader_that_goes_away_is_told(void **state)
{
	(void)state;
	struct error err = { .code = ERROR_NONE };
	struct output o;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	output_init(&o, ends[1], "standard output", LARGE);
	assert_true(output_put(&o, large, LARGE));
	close(ends[0]);
	assert_false(output_flush(&o, &err));
	assert_int_equal(err.code, ERROR_OUTPUT_CLOSED);
	assert_non_null(strstr(err.message, "standard output"));
	/* From then on nothing is taken, and nothing waits. */
	assert_int_equal(output_pending(&o), 0);
	assert_false(output_put(&o, "x", 1));
	output_clear(&o);
	close(ends[1]);
}

static void a_full_disk_is_told(void **state)
{
	(void)state;
	struct error err = { .code = ERROR_NONE };
	struct output o;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		skip();
	output_init(&o, fd, "standard output", 100);
	assert_false(output_put(&o, "text\n", 5) && output_flush(&o, &err));
	assert_false(output_flush(&o, &err));
	assert_int_equal(err.code, ERROR_OUTPUT_LOST);
	assert_non_null(strstr(err.message, strerror(ENOSPC)));
	assert_true(strlen(err.cure) > 0);
	output_clear(&o);
	close(fd);
}

static void a_closed_descriptor_is_told(void **state)
{
	(void)state;
	struct error err = { .code = ERROR_NONE };
	struct output o;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	close(ends[1]);
	output_init(&o, ends[1], "standard output", 100);
	assert_false(output_put(&o, "text\n", 5));
	assert_false(output_flush(&o, &err));
	assert_int_equal(err.code, ERROR_OUTPUT_LOST);
	output_clear(&o);
}

static void a_signal_ends_a_flush(void **state)
{
	(void)state;
	struct error err = { .code = ERROR_NONE };
	struct output o;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	io_catch_signals();
	output_init(&o, ends[1], "standard output", LARGE);
	assert_true(output_put(&o, large, LARGE));
	raise(SIGTERM);
	assert_false(output_flush(&o, &err));
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_int_equal(err.signal, SIGTERM);
	io_release_signals();
	output_clear(&o);
	close(ends[0]);
	close(ends[1]);
}

/* A terminal that passes bytes as they are: the master's end is returned. */
static int open_terminal(int *fd)
{
	struct termios modes;
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	*fd = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(*fd >= 0);
	assert_int_equal(tcgetattr(*fd, &modes), 0);
	modes.c_oflag &= (tcflag_t)~OPOST;
	assert_int_equal(tcsetattr(*fd, TCSANOW, &modes), 0);
	return master;
}

/* All that comes until it has been quiet for a moment. */
static const char *read_terminal(int master)
{
	static char text[1000];
	struct pollfd one = { .fd = master, .events = POLLIN };
	size_t len = 0;

	while (len < sizeof text - 1 && poll(&one, 1, 200) > 0) {
		ssize_t n = io_read(master, text + len, sizeof text - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static void text_on_a_terminal_is_filtered(void **state)
{
	(void)state;
	struct error err = { .code = ERROR_NONE };
	struct output o;
	int fd, master = open_terminal(&fd);

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	output_init(&o, fd, "standard output", 1000);
	assert_true(o.terminal);
	assert_true(output_put(&o, "a\x1b]0;title\a\x1b[3", 14));
	/* A sequence in two pieces; a character without its end. */
	assert_true(output_printf(&o, "%s%d\n\xe2\x82", "1mred\xc2", 5));
	assert_true(output_flush(&o, &err));
	assert_string_equal(read_terminal(master), "a^[]0;title^G\x1b[31mred\\xc25\n\\xe2\\x82\x1b[0m");
	output_clear(&o);

	setenv("NO_COLOR", "1", 1);
	output_init(&o, fd, "standard output", 1000);
	assert_true(output_put(&o, "\x1b[31mplain\x1b[0m\n", 15));
	assert_true(output_flush(&o, &err));
	assert_string_equal(read_terminal(master), "plain\n");
	output_clear(&o);
	unsetenv("NO_COLOR");
	close(fd);
	close(master);
}

static void no_colour_stays_on_where_the_text_pauses(void **state)
{
	(void)state;
	struct output o;
	int fd, master = open_terminal(&fd);

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	output_init(&o, fd, "standard output", 1000);
	assert_true(output_put(&o, "\x1b[8mhidden\x1b[3", 13));
	assert_true(output_pause(&o));
	assert_string_equal(read_terminal(master), "\x1b[8mhidden^[[3\x1b[0m");
	/* Once is enough, and what is held is not said again. */
	assert_true(output_pause(&o) && output_put(&o, "1m", 2));
	assert_string_equal(read_terminal(master), "1m");
	output_clear(&o);
	close(fd);
	close(master);
}

/* The half of a colour may be on the terminal, or its end among what is dropped. */
static void no_colour_stays_on_after_what_is_dropped(void **state)
{
	(void)state;
	static uint8_t block[LARGE];
	struct output o;
	int fd, master = open_terminal(&fd);
	size_t len = 0;

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	output_init(&o, fd, "standard output", 2 * LARGE);
	for (int i = 0; i < 20000; i++)
		assert_true(output_put(&o, "\x1b[31m\x1b[0m", 9));
	assert_true(output_pending(&o) > 0);
	output_drop(&o);
	assert_true(output_put(&o, "ours", 4));
	for (const char *text = read_terminal(master); *text; text = read_terminal(master)) {
		len += (size_t)snprintf((char *)block + len, LARGE - len, "%s", text);
		assert_true(len < LARGE && output_flush_some(&o));
	}
	assert_true(len > 8);
	assert_string_equal((char *)block + len - 8, "\x1b[0mours");
	output_clear(&o);
	close(fd);
	close(master);
}

static void a_terminal_that_nobody_reads_is_not_waited_for(void **state)
{
	(void)state;
	static uint8_t came[LARGE];
	struct output o;
	size_t len = 0;
	int fd, master = open_terminal(&fd);

	memset(large, 'x', LARGE);
	output_init(&o, fd, "standard output", LARGE);
	int64_t begin = clock_ms();
	assert_true(output_put(&o, large, LARGE));
	assert_true(clock_ms() - begin <= 1000);
	assert_true(output_pending(&o) > 0);
	/* Little by little: a write for which there is not room enough must not wait either. */
	while (len < LARGE) {
		struct pollfd one = { .fd = master, .events = POLLIN };
		assert_int_equal(poll(&one, 1, 5000), 1);
		ssize_t n = io_read(master, came + len, LARGE - len < 1000 ? LARGE - len : 1000);
		assert_true(n > 0);
		len += (size_t)n;
		begin = clock_ms();
		assert_true(output_flush_some(&o));
		assert_true(clock_ms() - begin <= 1000);
	}
	assert_memory_equal(came, large, LARGE);
	output_clear(&o);
	close(fd);
	close(master);
}

/* A write that waits for ever must fail the test, not hang it. */
static int set_up(void **state)
{
	(void)state;
	alarm(SECONDS_MAX);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_full_pipe_is_not_waited_for, set_up),
		cmocka_unit_test_setup(more_than_the_maximum_is_an_error, set_up),
		cmocka_unit_test_setup(the_maximum_may_wait_at_any_time, set_up),
		cmocka_unit_test_setup(a_reader_that_goes_away_is_told, set_up),
		cmocka_unit_test_setup(a_full_disk_is_told, set_up),
		cmocka_unit_test_setup(a_closed_descriptor_is_told, set_up),
		cmocka_unit_test_setup(a_signal_ends_a_flush, set_up),
		cmocka_unit_test_setup(text_on_a_terminal_is_filtered, set_up),
		cmocka_unit_test_setup(no_colour_stays_on_where_the_text_pauses, set_up),
		cmocka_unit_test_setup(no_colour_stays_on_after_what_is_dropped, set_up),
		cmocka_unit_test_setup(a_terminal_that_nobody_reads_is_not_waited_for, set_up),
	};
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (uint8_t)(i * 31 + i / 256);
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
