/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, programs, waits and signals: base/host and base/io. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "platform/platform.h"

static void a_file_is_read_whole(void **state)
{
	(void)state;
	char path[] = "/tmp/beamline-test-XXXXXX";
	struct error err = { .code = ERROR_NONE };
	mode_t mode;
	uid_t owner;
	struct buf text;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(io_write_all(fd, "a\0b\n", 4));
	assert_int_equal(fchmod(fd, 0640), 0);
	close(fd);
	buf_init(&text, 4);
	assert_true(host_read_file(path, &text, &mode, &owner, &err));
	assert_int_equal(text.len, 4);
	assert_memory_equal(text.data, "a\0b\n", 4);
	assert_int_equal(mode & 0777, 0640);
	assert_int_equal(owner, geteuid());
	buf_clear(&text);

	/* One byte more than there is room for. */
	buf_init(&text, 3);
	assert_false(host_read_file(path, &text, NULL, NULL, &err));
	assert_int_equal(err.code, ERROR_INPUT_MISSING);
	assert_non_null(strstr(err.message, "larger than 3 bytes"));
	buf_clear(&text);
	unlink(path);
}

static void what_is_no_file_is_not_read(void **state)
{
	(void)state;
	char folder[] = "/tmp/beamline-test-XXXXXX";
	struct error err = { .code = ERROR_NONE };
	struct buf text;

	buf_init(&text, 100);
	assert_non_null(mkdtemp(folder));
	char *pipe_path = xasprintf("%s/pipe", folder), *missing = xasprintf("%s/missing", folder);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	const char *const bad[] = { folder, pipe_path, missing, "/dev/null", "" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.code = ERROR_NONE;
		assert_false(host_read_file(bad[i], &text, NULL, NULL, &err));
		assert_int_equal(err.code, ERROR_INPUT_MISSING);
	}
	assert_non_null(strstr(err.message, strerror(ENOENT)));
	unlink(pipe_path);
	rmdir(folder);
	free(pipe_path);
	free(missing);
	buf_clear(&text);
}

struct run {
	bool ok;
	int status;
	struct buf out, err_out;
	struct error err;
	int64_t took;
};

/* A shell's command; the buffers take up to 100 bytes. */
static struct run run_shell(const char *command, int64_t milliseconds)
{
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct run run = { .status = -1 };
	struct host_child child;
	int64_t begin = clock_ms();

	buf_init(&run.out, 100);
	buf_init(&run.err_out, 100);
	assert_true(host_start(&child, argv, &run.err));
	run.ok = host_finish(&child, &run.out, &run.err_out,
			     milliseconds == IO_NO_DEADLINE ? IO_NO_DEADLINE : begin + milliseconds, &run.status,
			     &run.err);
	run.took = clock_ms() - begin;
	return run;
}

static void end_run(struct run *run)
{
	buf_clear(&run->out);
	buf_clear(&run->err_out);
}

static void a_program_gives_output_and_status(void **state)
{
	(void)state;
	struct run run = run_shell("echo out; echo error >&2; cat; exit 3", IO_NO_DEADLINE);

	assert_true(run.ok);
	assert_int_equal(run.status, 3);
	assert_string_equal(buf_text(&run.out), "out\n");
	assert_string_equal(buf_text(&run.err_out), "error\n");
	end_run(&run);

	run = run_shell("kill -TERM $$", IO_NO_DEADLINE);
	assert_true(run.ok);
	assert_int_equal(run.status, 128 + SIGTERM);
	end_run(&run);
}

static void output_beyond_the_maximum_is_dropped(void **state)
{
	(void)state;
	struct run run = run_shell("head -c 300000 /dev/zero; echo end >&2", 10000);

	assert_true(run.ok);
	assert_int_equal(run.status, 0);
	assert_true(run.out.overflow && run.out.len <= 100);
	assert_string_equal(buf_text(&run.err_out), "end\n");
	end_run(&run);
}

static void a_missing_program_is_an_error(void **state)
{
	(void)state;
	char path[] = "/tmp/beamline-test-XXXXXX";
	struct error err = { .code = ERROR_NONE };
	struct host_child child;
	int fd = mkstemp(path);
	const char *const missing[] = { "beamline-no-such-program", NULL }, *const no_program[] = { path, NULL };

	assert_false(host_start(&child, missing, &err));
	assert_int_equal(err.code, ERROR_INPUT_MISSING);
	err.code = ERROR_NONE;
	assert_false(host_start(&child, no_program, &err));
	assert_int_equal(err.code, ERROR_INPUT_MISSING);
	close(fd);
	unlink(path);
}

static void a_deadline_ends_a_program(void **state)
{
	(void)state;
	/* One that keeps its output open, and one that has closed it. */
	static const char *const commands[] = { "echo begun; exec sleep 60", "echo begun; exec sleep 60 >&- 2>&-" };

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run run = run_shell(commands[i], 200);
		assert_false(run.ok);
		assert_int_equal(run.err.code, ERROR_INTERNAL);
		assert_int_equal(run.status, 128 + SIGKILL);
		assert_string_equal(buf_text(&run.out), "begun\n");
		assert_true(run.took >= 190 && run.took <= 10000);
		end_run(&run);
	}
}

static void a_signal_ends_a_program(void **state)
{
	(void)state;
	static const char *const commands[] = { "exec sleep 60", "exec sleep 60 >&- 2>&-" };

	io_catch_signals();
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		raise(SIGTERM);
		struct run run = run_shell(commands[i], 10000);
		assert_false(run.ok);
		assert_int_equal(run.err.code, ERROR_INTERRUPTED);
		assert_int_equal(run.err.signal, SIGTERM);
		assert_true(run.took <= 5000);
		end_run(&run);
	}
	io_release_signals();
}

static void a_wait_ends_at_its_deadline(void **state)
{
	(void)state;
	int ends[2];
	int64_t begin = clock_ms();

	assert_true(io_socketpair(ends));
	assert_true(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	struct pollfd one = { .fd = ends[0], .events = POLLIN };
	assert_int_equal(io_wait(&one, 1, begin + 50), IO_TIMEOUT);
	int64_t took = clock_ms() - begin;
	assert_true(took >= 50 && took <= 5000);
	/* A deadline that is past: what is ready is told all the same. */
	assert_int_equal(io_wait(&one, 1, 0), IO_TIMEOUT);
	assert_true(io_write_all(ends[1], "x", 1));
	assert_int_equal(io_wait(&one, 1, 0), IO_READY);
	assert_int_equal(one.revents, POLLIN);
	static struct pollfd many[IO_WAIT_MAX + 1];
	assert_int_equal(io_wait(many, IO_WAIT_MAX + 1, 0), IO_FAILED);
	assert_int_equal(io_wait(NULL, 0, 0), IO_TIMEOUT);
	io_close(&ends[0]);
	io_close(&ends[1]);
	assert_int_equal(ends[0], -1);
	io_close(&ends[0]);
}

/* What it does in a child, as a bit each of what was not as it should be. */
static int confined(int fd, const char *path)
{
	char byte = 'x';
	int wrong = 0;

	if (!platform_confine())
		return 64;
	wrong |= (open("/dev/null", O_RDONLY) >= 0 || errno != EPERM) << 0;
	wrong |= (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM) << 1;
	wrong |= (execl("/bin/true", "true", (char *)NULL) == -1 && errno != EPERM) << 2;
	wrong |= (fork() >= 0 || errno != EPERM) << 3;
	wrong |= (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) << 4;
	wrong |= (unlink(path) != 0) << 5;
	return wrong;
}

static void a_confined_process_keeps_what_it_has(void **state)
{
	(void)state;
	char path[] = "/tmp/beamline-unit-XXXXXX";
	int file = mkstemp(path), ends[2], status = 0;

	assert_true(file >= 0 && io_socketpair(ends));
	assert_int_equal(write(ends[1], "y", 1), 1);
	pid_t child = fork();
	if (child == 0)
		_exit(confined(ends[0], path));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	/* 64: this system, or this build, cannot. */
	if (WEXITSTATUS(status) != 64)
		assert_int_equal(WEXITSTATUS(status), 0);
	unlink(path);
	close(file);
	io_close(&ends[0]);
	io_close(&ends[1]);
}

static void signals_end_waits_and_are_told_once(void **state)
{
	(void)state;
	int ends[2];

	/* In the background of a script, or under nohup, they would be ignored, and stay so. */
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	assert_true(io_socketpair(ends));
	struct pollfd one = { .fd = ends[0], .events = POLLIN };
	io_catch_signals();
	assert_int_equal(io_take_signal(), 0);
	raise(SIGINT);
	raise(SIGINT);
	raise(SIGHUP);
	/* Told until it is taken, even before what is ready. */
	assert_true(io_write_all(ends[1], "x", 1));
	assert_int_equal(io_wait(&one, 1, IO_NO_DEADLINE), IO_SIGNAL);
	assert_int_equal(io_wait(&one, 1, IO_NO_DEADLINE), IO_SIGNAL);
	assert_int_equal(io_take_signal(), SIGINT);
	assert_int_equal(io_wait(&one, 1, IO_NO_DEADLINE), IO_SIGNAL);
	assert_int_equal(io_take_signal(), SIGHUP);
	assert_int_equal(io_take_signal(), 0);
	assert_int_equal(io_wait(&one, 1, IO_NO_DEADLINE), IO_READY);

	/* One that comes while nothing is ready: the wait does not go on. */
	assert_int_equal(io_read(ends[0], (char[1]){ 0 }, 1), 1);
	pid_t child = fork();
	if (child == 0) {
		usleep(50000);
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	assert_int_equal(io_wait(&one, 1, clock_ms() + 10000), IO_SIGNAL);
	assert_int_equal(io_take_signal(), SIGTERM);
	io_release_signals();
	io_close(&ends[0]);
	io_close(&ends[1]);
}

static void what_was_ignored_stays_ignored(void **state)
{
	(void)state;
	struct sigaction action;

	signal(SIGHUP, SIG_IGN);
	io_catch_signals();
	raise(SIGHUP);
	assert_int_equal(io_take_signal(), 0);
	io_release_signals();
	sigaction(SIGHUP, NULL, &action);
	assert_true(action.sa_handler == SIG_IGN);
	sigaction(SIGINT, NULL, &action);
	assert_true(action.sa_handler == SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

int main(void)
{
	/* What a shell runs in the background begins with this one ignored. */
	signal(SIGINT, SIG_DFL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(what_is_no_file_is_not_read),
		cmocka_unit_test(a_program_gives_output_and_status),
		cmocka_unit_test(output_beyond_the_maximum_is_dropped),
		cmocka_unit_test(a_missing_program_is_an_error),
		cmocka_unit_test(a_deadline_ends_a_program),
		cmocka_unit_test(a_signal_ends_a_program),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(a_confined_process_keeps_what_it_has),
		cmocka_unit_test(signals_end_waits_and_are_told_once),
		cmocka_unit_test(what_was_ignored_stays_ignored),
	};
	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
