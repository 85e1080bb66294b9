/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"

static void put_visible(uint8_t byte, struct buf *out)
{
	if (byte < 0x20)
		buf_printf(out, "^%c", byte + '@');
	else if (byte == 0x7f)
		buf_put_text(out, "^?");
	else
		buf_printf(out, "\\x%02x", byte);
}

/* Length that a UTF-8 sequence beginning with this byte should have; 0: it begins none. */
static size_t utf8_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

/*
 * Characters that a terminal or a reader's eye may obey rather than show: C1 controls, bidirectional overrides and isolates,
 * line and paragraph separators, and what has no meaning in UTF-8 (surrogates, beyond U+10FFFF).
 */
bool terminal_shows(uint32_t c)
{
	return !((c >= 0x80 && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
		 (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || (c >= 0xd800 && c < 0xe000) ||
		 c == 0xfeff || c > 0x10ffff);
}

enum piece { PIECE_WHOLE, PIECE_CUT, PIECE_BAD };

/* Looks at one UTF-8 sequence of *len bytes at p. PIECE_CUT: it could go on beyond the end. */
static enum piece utf8_piece(const uint8_t *p, size_t have, size_t *len)
{
	static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t want = utf8_length(p[0]);

	*len = 1;
	if (want == 0)
		return PIECE_BAD;
	uint32_t c = p[0] & masks[want];
	for (size_t i = 1; i < want; i++) {
		if (i == have)
			return PIECE_CUT;
		if ((p[i] & 0xc0) != 0x80)
			return PIECE_BAD;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[want])
		return PIECE_BAD;
	*len = want;
	return terminal_shows(c) ? PIECE_WHOLE : PIECE_BAD;
}

/* ESC [ digits and ; or : m. PIECE_BAD: another sequence; only its ESC is judged, the rest is plain text then. */
static enum piece sgr_piece(const uint8_t *p, size_t have, size_t *len)
{
	const size_t longest = sizeof(((struct terminal_filter *)0)->held);

	*len = 1;
	if (have == 1)
		return PIECE_CUT;
	if (p[1] != '[')
		return PIECE_BAD;
	for (size_t i = 2; i < have && i < longest; i++) {
		if (p[i] == 'm') {
			*len = i + 1;
			return PIECE_WHOLE;
		}
		if (!((p[i] >= '0' && p[i] <= '9') || p[i] == ';' || p[i] == ':'))
			return PIECE_BAD;
	}
	return have < longest ? PIECE_CUT : PIECE_BAD;
}

static bool is_reset(const uint8_t *p, size_t len)
{
	return len == 3 || (len == 4 && p[2] == '0');
}

/* Filters the beginning of the text, which plain_run has left; returns how much of it is done with. 0: it is cut. */
static size_t filter_piece(struct terminal_filter *f, const uint8_t *p, size_t have, struct buf *out)
{
	size_t len = 1;

	if (p[0] == '\x1b') {
		enum piece piece = sgr_piece(p, have, &len);
		if (piece == PIECE_CUT)
			return 0;
		if (piece == PIECE_BAD) {
			put_visible(p[0], out);
		} else if (f->colours) {
			f->coloured = !is_reset(p, len);
			buf_put(out, p, len);
		}
		return len;
	}
	if (p[0] == '\r' && have > 1 && p[1] == '\n')
		return 1;
	if (p[0] == '\r' && have == 1)
		return 0;
	if (p[0] < 0x20 || p[0] == 0x7f) {
		put_visible(p[0], out);
		return 1;
	}
	enum piece piece = utf8_piece(p, have, &len);
	if (piece == PIECE_CUT)
		return 0;
	if (piece == PIECE_WHOLE) {
		buf_put(out, p, len);
	} else {
		for (size_t i = 0; i < len; i++)
			put_visible(p[i], out);
	}
	return len;
}

/* A run of plain ASCII is by far the most common text: passed on whole. */
static size_t plain_run(const uint8_t *p, size_t have)
{
	size_t n = 0;

	while (n < have && ((p[n] >= 0x20 && p[n] < 0x7f) || p[n] == '\n' || p[n] == '\t'))
		n++;
	return n;
}

static size_t filter_all(struct terminal_filter *f, const uint8_t *p, size_t have, struct buf *out)
{
	size_t at = 0;

	while (at < have) {
		size_t run = plain_run(p + at, have - at);
		buf_put(out, p + at, run);
		at += run;
		if (at == have)
			break;
		size_t len = filter_piece(f, p + at, have - at, out);
		if (len == 0)
			break;
		at += len;
	}
	return at;
}

void terminal_filter(struct terminal_filter *f, const void *text, size_t len, struct buf *out)
{
	const uint8_t *p = text;

	/* First what was held, byte by byte, until it is whole. */
	while (f->held_len > 0 && len > 0) {
		f->held[f->held_len++] = *p++;
		len--;
		size_t done = filter_all(f, f->held, f->held_len, out);
		memmove(f->held, f->held + done, f->held_len - done);
		f->held_len -= done;
	}
	if (len == 0)
		return;
	size_t done = filter_all(f, p, len, out);
	f->held_len = len - done;
	memcpy(f->held, p + done, f->held_len);
}

void terminal_filter_end(struct terminal_filter *f, struct buf *out)
{
	for (size_t i = 0; i < f->held_len; i++) {
		if (f->held[i] >= 0x20 && f->held[i] < 0x7f)
			buf_put_u8(out, f->held[i]);
		else
			put_visible(f->held[i], out);
	}
	f->held_len = 0;
	if (f->coloured)
		buf_put_text(out, "\x1b[0m");
	f->coloured = false;
}

void terminal_print_line(int fd, const char *head, const char *text)
{
	struct terminal_filter filter = { 0 };
	struct buf line;

	buf_init(&line, strlen(head) + strlen(text) * 5 + 256);
	buf_put_text(&line, head);
	for (;;) {
		size_t len = strcspn(text, "\n");
		terminal_filter(&filter, text, len, &line);
		terminal_filter_end(&filter, &line);
		text += len;
		if (!*text)
			break;
		text++;
		buf_put_text(&line, *text ? "\n    " : "");
	}
	buf_put_u8(&line, '\n');
	io_write_all(fd, line.data, line.len);
	buf_clear(&line);
}

bool terminal_is(int fd)
{
	return isatty(fd) == 1;
}

bool terminal_wants_colours(int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return terminal_is(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

int terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

bool terminal_can_ask(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void show(int fd, const char *text)
{
	struct terminal_filter filter = { 0 };
	struct buf out;

	buf_init(&out, strlen(text) * 4 + 256);
	terminal_filter(&filter, text, strlen(text), &out);
	terminal_filter_end(&filter, &out);
	io_write_all(fd, out.data, out.len);
	buf_clear(&out);
}

/* A question under way. */
struct asking {
	int fd;
	const char *question;
	bool modes; /* the terminal has modes, and these are they */
	struct termios before, during;
	bool line_ended; /* the cursor is at the beginning of a line again */
};

static void put_question(struct asking *a)
{
	if (a->modes)
		tcsetattr(a->fd, TCSAFLUSH, &a->during);
	show(a->fd, a->question);
}

/*
 * The shell sets the modes that it wants once we are stopped; in the foreground they are put back before, and never under it:
 * the process that started us, stopped at the same time, may have woken it already.
 */
static void stop(struct asking *a)
{
	sigset_t output, held;

	sigemptyset(&output);
	sigaddset(&output, SIGTTOU);
	sigprocmask(SIG_BLOCK, &output, &held);
	if (a->modes && tcgetpgrp(a->fd) == getpgrp())
		tcsetattr(a->fd, TCSADRAIN, &a->before);
	sigprocmask(SIG_SETMASK, &held, NULL);
	raise(SIGSTOP);
	put_question(a);
}

static bool read_line(struct asking *a, struct buf *answer, struct error *err)
{
	for (;;) {
		struct pollfd waiting = { .fd = a->fd, .events = POLLIN };
		if (io_wait(&waiting, 1, IO_NO_DEADLINE) == IO_SIGNAL) {
			int signal = io_take_signal();
			if (signal != SIGTSTP)
				return error_interrupted(err, signal);
			answer->len = 0;
			stop(a);
			continue;
		}
		uint8_t c;
		ssize_t n = io_read(a->fd, &c, 1);
		if (n < 0 || (n == 0 && (waiting.revents & POLLHUP)))
			return error_interrupted(err, SIGHUP);
		if (n == 0 || c == '\n') {
			a->line_ended = n > 0 && (!a->modes || (a->during.c_lflag & ECHO));
			answer->len = n == 0 ? 0 : answer->len;
			return true;
		}
		if (!buf_put_u8(answer, c))
			return error_set(err, ERROR_USAGE, "the answer is too long");
	}
}

static void (*tell_question)(void *context, bool asking);
static void *tell_context;

void terminal_on_question(void (*tell)(void *context, bool asking), void *context)
{
	tell_question = tell;
	tell_context = context;
}

bool terminal_ask(const char *question, bool hidden, struct buf *answer, struct error *err)
{
	struct asking a = { .fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), .question = question };

	if (a.fd < 0)
		return error_set(err, ERROR_USAGE, "there is no terminal to ask on");
	a.modes = tcgetattr(a.fd, &a.before) == 0;
	a.during = a.before;
	a.during.c_lflag |= ICANON | ISIG | ECHO;
	if (hidden)
		a.during.c_lflag &= (tcflag_t)~ECHO;
	if (tell_question)
		tell_question(tell_context, true);
	bool told = io_tell_stop(true);
	put_question(&a);
	bool ok = read_line(&a, answer, err);
	if (a.modes)
		tcsetattr(a.fd, TCSAFLUSH, &a.before);
	if (!a.line_ended)
		io_write_all(a.fd, "\n", 1);
	close(a.fd);
	io_tell_stop(told);
	if (tell_question)
		tell_question(tell_context, false);
	return ok;
}
