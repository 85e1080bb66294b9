/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/many.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "cmd/many_private.h"
#include "cmd/report.h"
#include "platform/platform.h"

enum { OUT, ERR, REPORT, STREAMS, FORKS = 32, FORKS_MAX = 256, READ_SIZE = 64 * 1024 };

_Static_assert(STREAMS *FORKS_MAX <= IO_WAIT_MAX, "io_wait takes fewer");
_Static_assert(sizeof(struct error) < 4096, "written to a pipe in one piece");

/* In the target's process */

static void NORETURN become_worker(const struct many *m, const char *target, int *fds)
{
	struct error outcome = { .code = ERROR_NONE };
	int null = open("/dev/null", O_RDONLY);

	/* The progress is not its business. */
	io_call_at(0, NULL);
	/* Away from the terminal: what it sends, Ctrl-C above all, is for the process that counts it. */
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(fds[OUT], STDOUT_FILENO);
	dup2(fds[ERR], STDERR_FILENO);
	io_release_signals();
	platform_close_others(&fds[REPORT], 1);
	io_catch_signals();
	platform_die_with_parent(SIGTERM);
	bool ok = m->work(m->context, target, &outcome);
	if (!ok && m->show == MANY_OBJECTS && !outcome.shown) {
		struct error lost;
		report_json(many_failure_json(target, &outcome), &lost);
	}
	if (ok)
		outcome = (struct error){ .code = ERROR_NONE };
	io_write_all(fds[REPORT], &outcome, sizeof outcome);
	_exit(0);
}

struct json_object *many_failure_json(const char *target, const struct error *failure)
{
	struct json_object *object = json_object_new_object();

	report_add_text(object, "target", target);
	json_object_object_add(object, "ok", json_object_new_boolean(false));
	json_object_object_add(object, "error", report_error_json(failure));
	return object;
}

/* Here */

static void close_pipes(int pipes[STREAMS][2])
{
	for (int i = 0; i < STREAMS; i++) {
		io_close(&pipes[i][0]);
		io_close(&pipes[i][1]);
	}
}

static bool make_pipes(int pipes[STREAMS][2])
{
	for (int i = 0; i < STREAMS; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < STREAMS; i++) {
		if (pipe(pipes[i]) < 0)
			return false;
		io_set_cloexec(pipes[i][0]);
		io_set_cloexec(pipes[i][1]);
		io_set_nonblocking(pipes[i][0]);
	}
	return true;
}

static void end_unstarted(struct many_host *h, const char *why)
{
	h->state = MANY_ENDED;
	error_set(&h->outcome, ERROR_NO_RESOURCES, "it was not started: %s", why);
}

static void start(struct many *m, struct many_host *h)
{
	int pipes[STREAMS][2], theirs[STREAMS];

	m->started++;
	if (!make_pipes(pipes)) {
		end_unstarted(h, strerror(errno));
		close_pipes(pipes);
		return;
	}
	for (int i = 0; i < STREAMS; i++)
		theirs[i] = pipes[i][1];
	log_make_room();
	h->pid = fork();
	if (h->pid == 0)
		become_worker(m, h->target, theirs);
	if (h->pid < 0) {
		end_unstarted(h, strerror(errno));
		close_pipes(pipes);
		return;
	}
	for (int i = 0; i < STREAMS; i++) {
		h->fds[i] = pipes[i][0];
		close(theirs[i]);
	}
	h->state = MANY_RUNS;
	m->running++;
}

/* --forks, or what the configuration's defaults say. */
static size_t most_at_once(const struct command_options *typed)
{
	struct command_options options = *typed;

	settings_apply(typed->settings, typed->given, "", NULL, &options);
	if (options.forks == 0)
		return FORKS;
	return options.forks < FORKS_MAX ? (size_t)options.forks : FORKS_MAX;
}

/* What a process that has ended says that it came to; it had the node's bytes in its hands. */
static void take_outcome(struct many_host *h, int status)
{
	struct error *e = &h->outcome;

	if (h->report.len == sizeof *e) {
		memcpy(e, h->report.data, sizeof *e);
		e->message[sizeof e->message - 1] = e->cure[sizeof e->cure - 1] = '\0';
		if ((unsigned)e->code < ERROR_CODE_COUNT && e->signal >= 0 && e->signal < NSIG)
			return;
	}
	*e = (struct error){ .code = ERROR_NONE };
	if (WIFSIGNALED(status))
		error_set(e, ERROR_INTERNAL, "the process for it was ended by signal %d", WTERMSIG(status));
	else
		error_set(e, ERROR_INTERNAL, "the process for it ended without a word");
}

static void finish(struct many *m, struct many_host *h)
{
	int status = 0;

	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	h->state = MANY_ENDED;
	m->running--;
	take_outcome(h, status);
}

static bool count_ended(struct many *m, struct many_host *h)
{
	m->ended++;
	m->failed += h->outcome.code != ERROR_NONE;
	return many_show_ended(m, h);
}

static struct buf *buffer_of(struct many_host *h, int which)
{
	return which == OUT ? &h->out : which == ERR ? &h->err : &h->report;
}

/* Takes what is there; closes it at its end. True: something was. */
static bool read_stream(struct many_host *h, int which)
{
	struct buf *into = buffer_of(h, which);
	uint8_t *room = buf_reserve(into, READ_SIZE);
	ssize_t n = room ? io_read(h->fds[which], room, READ_SIZE) : 0;

	if (n > 0)
		into->len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		/* Its end, or it says more than there may be: a result has its own limit below this one. */
		io_close(&h->fds[which]);
	return n > 0;
}

static bool serve(struct many *m, struct many_host *h, const short *revents)
{
	bool came = false;

	for (int i = 0; i < STREAMS; i++) {
		if (h->fds[i] >= 0 && revents[i])
			came |= read_stream(h, i) && i != REPORT;
	}
	if (came && !many_show_more(m, h))
		return false;
	/* Others that it started may hold its standard error for a while longer: they are not waited for. */
	if (h->fds[REPORT] >= 0)
		return true;
	for (int i = OUT; i <= ERR; i++) {
		while (h->fds[i] >= 0 && read_stream(h, i)) {
			if (!many_show_more(m, h))
				return false;
		}
		io_close(&h->fds[i]);
	}
	finish(m, h);
	return count_ended(m, h);
}

static void signal_all(struct many *m, int signal)
{
	for (size_t i = 0; i < m->targets.list.count; i++) {
		if (m->hosts[i].state == MANY_RUNS)
			kill(m->hosts[i].pid, signal);
	}
}

void many_take_signal(struct many *m, int signal)
{
	bool first = !m->stopped;

	m->stopped = true;
	m->signal = signal;
	if (!first || signal != SIGINT || m->running == 0) {
		signal_all(m, signal);
		return;
	}
	log_make_room();
	log_notice("%zu running go on, %zu are not started; Ctrl-C once more ends those that run", m->running,
		   m->targets.list.count - m->started);
}

/* One turn. False: m->fatal is set. */
static bool turn(struct many *m)
{
	struct pollfd fds[STREAMS * FORKS_MAX];
	struct many_host *of[FORKS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < m->started; i++) {
		struct many_host *h = &m->hosts[i];
		if (h->state != MANY_RUNS)
			continue;
		of[count] = h;
		for (int k = 0; k < STREAMS; k++)
			fds[STREAMS * count + (size_t)k] = (struct pollfd){ .fd = h->fds[k], .events = POLLIN };
		count++;
	}
	switch (io_wait(fds, STREAMS * count, IO_NO_DEADLINE)) {
	case IO_READY:
		break;
	case IO_SIGNAL:
		many_take_signal(m, io_take_signal());
		return true;
	case IO_TIMEOUT:
	case IO_FAILED:
		return error_set(&m->fatal, ERROR_NO_RESOURCES, "poll: %s", strerror(errno));
	}
	for (size_t i = 0; i < count; i++) {
		const struct pollfd *f = &fds[STREAMS * i];
		if (!serve(m, of[i], (short[STREAMS]){ f[OUT].revents, f[ERR].revents, f[REPORT].revents }))
			return false;
	}
	return true;
}

static bool start_more(struct many *m)
{
	while (!m->stopped && m->started < m->targets.list.count && m->running < m->at_once) {
		struct many_host *h = &m->hosts[m->started];
		start(m, h);
		if (h->state == MANY_ENDED && !count_ended(m, h))
			return false;
	}
	return true;
}

/* Nobody reads what they write any more. */
static void end_all(struct many *m)
{
	signal_all(m, SIGTERM);
	for (size_t i = 0; i < m->started; i++) {
		struct many_host *h = &m->hosts[i];
		for (int k = 0; k < STREAMS; k++)
			io_close(&h->fds[k]);
		if (h->state == MANY_RUNS)
			finish(m, h);
	}
}

bool many_outcome(const struct many *m, struct error *err)
{
	size_t count = m->targets.list.count, unstarted = count - m->started;

	if (m->fatal.code != ERROR_NONE) {
		*err = m->fatal;
		return false;
	}
	if (m->stopped) {
		error_interrupted(err, m->signal);
		error_append(err, ": %zu of %zu targets are done, %zu failed, %zu were not started",
			     m->ended - m->failed, count, m->failed, unstarted);
	} else if (m->failed > 0) {
		error_set(err, ERROR_SOME_FAILED, "%zu of %zu targets failed", m->failed, count);
	} else {
		return true;
	}
	err->shown = m->show == MANY_OBJECTS || m->tells_failures;
	return false;
}

bool many_run(struct many *m, struct error *err)
{
	m->at_once = most_at_once(m->options);
	many_show_begin(m);
	bool ok = start_more(m);
	while (ok && m->running > 0) {
		many_show_progress(m);
		ok = turn(m) && start_more(m);
	}
	log_waited();
	if (ok)
		ok = many_show_end(m);
	else
		end_all(m);
	output_clear(&m->out);
	output_clear(&m->err_out);
	return many_outcome(m, err);
}

bool many_init(struct many *m, const struct command_options *options, const char *const *words, size_t count,
	       bool input_taken, struct error *err)
{
	const struct targets_request request = { .settings = options->settings,
						 .ssh_config = options->ssh_config,
						 .words = words,
						 .count = count,
						 .input_taken = input_taken,
						 .except = options->except.values,
						 .limit = (size_t)options->limit };

	*m = (struct many){ .options = options };
	if (!targets_expand(&request, &m->targets, err))
		return false;
	m->targets.many |= options->except.count > 0 || options->limit > 0;
	m->hosts = xcalloc(m->targets.list.count, sizeof *m->hosts);
	for (size_t i = 0; i < m->targets.list.count; i++) {
		struct many_host *h = &m->hosts[i];
		*h = (struct many_host){ .target = m->targets.list.items[i], .fds = { -1, -1, -1 } };
		buf_init(&h->out, MANY_KEPT_MAX);
		buf_init(&h->err, MANY_KEPT_MAX);
		buf_init(&h->report, sizeof(struct error) + READ_SIZE);
	}
	return true;
}

void many_clear(struct many *m)
{
	for (size_t i = 0; m->hosts && i < m->targets.list.count; i++) {
		buf_clear(&m->hosts[i].out);
		buf_clear(&m->hosts[i].err);
		buf_clear(&m->hosts[i].report);
	}
	free(m->hosts);
	targets_clear(&m->targets);
}

enum many_show many_wanted_show(const struct command_options *options)
{
	if (options->json)
		return MANY_OBJECTS;
	return options->gather || (!options->lines && terminal_is(STDOUT_FILENO)) ? MANY_GATHER : MANY_LINES;
}
