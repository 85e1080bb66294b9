/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal: one chain whoever writes it and however he ends, and no change to it that would not be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include "base/alloc.h"
#include "journal/file.h"
#include "journal/journal.h"
#include "journal/walk.h"

enum { WHOLE_MAX = 64 * 1024 * 1024 };

static char folder[] = "/tmp/journal-test-XXXXXX";
static char path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/journal", folder);
	unlink(path);
	return 0;
}

static struct buf read_whole(void)
{
	struct buf whole;
	int fd = open(path, O_RDONLY);

	buf_init(&whole, WHOLE_MAX);
	assert_true(fd >= 0);
	for (ssize_t n = 1; n > 0;) {
		uint8_t *room = buf_reserve(&whole, 65536);
		n = read(fd, room, 65536);
		whole.len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return whole;
}

static void write_whole(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void walk_bytes(const void *data, size_t len, size_t step, struct journal_walk *walk)
{
	struct error err = { 0 };

	assert_true(journal_walk_init(walk, &err));
	for (size_t at = 0; at < len; at += step)
		assert_true(journal_walk_feed(walk, (const char *)data + at, len - at < step ? len - at : step, &err));
	assert_true(journal_walk_end(walk, &err));
	journal_walk_clear(walk);
}

static void walk_path(struct journal_walk *walk)
{
	struct error err = { 0 };

	assert_true(journal_walk_init(walk, &err));
	if (!journal_walk_file(walk, path, &err))
		fail_msg("%s", err.message);
	journal_walk_clear(walk);
}

static void open_journal(struct journal *journal)
{
	struct error err = { 0 };

	if (!journal_open(journal, path, &err))
		fail_msg("%s", err.message);
}

static const struct journal_begun begun = { .target = "web-1:shop",
					    .node = "shop@web-1",
					    .connection = "deploy@192.0.2.7",
					    .reason = "ticket 7",
					    .read_only = true };

static void put_input(struct journal *journal, const void *text, size_t len)
{
	struct error err = { 0 };
	uint64_t number;

	if (!journal_input(journal, text, len, &number, &err))
		fail_msg("%s", err.message);
}

/* Five lines. */
static void write_small(void)
{
	struct journal journal;
	struct error err = { 0 };
	struct journal_outcome outcome = {
		.number = 1, .result = JOURNAL_ERROR, .text = "** badarith", .len = 11, .ms = 3
	};

	open_journal(&journal);
	assert_true(journal_begin(&journal, &begun, &err));
	put_input(&journal, "1/0", 3);
	assert_true(journal_outcome(&journal, &outcome, &err));
	put_input(&journal, "ok.", 3);
	assert_true(journal_end(&journal, "left", &err));
	journal_close(&journal);
}

static void a_session_is_a_chain_of_entries(void **state)
{
	(void)state;
	struct journal_walk walk;
	struct json_object *line, *value;
	char *at, *next, hash[JOURNAL_HASH_MAX];

	write_small();
	walk_path(&walk);
	assert_int_equal(walk.lines, 5);
	assert_int_equal(walk.breaks + walk.incomplete, 0);
	assert_string_not_equal(walk.first_time, "");
	struct buf whole = read_whole();
	at = (char *)(uintptr_t)buf_text(&whole);
	memset(hash, '0', JOURNAL_HASH_LEN);
	hash[JOURNAL_HASH_LEN] = '\0';
	for (int i = 0; i < 5; i++, at = next + 1) {
		next = strchr(at, '\n');
		*next = '\0';
		line = json_tokener_parse(at);
		assert_true(json_object_object_get_ex(line, "prev", &value));
		assert_string_equal(json_object_get_string(value), hash);
		assert_true(json_object_object_get_ex(line, "session", &value));
		assert_int_equal(json_object_get_string_len(value), JOURNAL_SESSION_LEN);
		assert_int_equal(json_object_object_get_ex(line, "read_only", &value), i == 0);
		assert_int_equal(json_object_object_get_ex(line, "result", &value), i == 2);
		json_object_put(line);
		assert_true(journal_hash(at, strlen(at), hash));
	}
	assert_string_equal(walk.hash, hash);
	buf_clear(&whole);
}

static void entries_belong_to_a_session(void **state)
{
	(void)state;
	struct journal journal;
	struct error err = { 0 };
	uint64_t number;

	open_journal(&journal);
	assert_false(journal_input(&journal, "1", 1, &number, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_true(journal_begin(&journal, &begun, &err) && journal_input(&journal, "1", 1, &number, &err));
	assert_int_equal(number, 1);
	assert_true(journal_input(&journal, NULL, 0, &number, &err));
	assert_int_equal(number, 2);
	char *first = xstrdup(journal.session);
	assert_true(journal_end(&journal, "left", &err) && journal_begin(&journal, &begun, &err));
	assert_string_not_equal(journal.session, first);
	assert_int_equal(journal.inputs, 0);
	free(first);
	journal_close(&journal);
}

/* The first line of the kind, its text read back. */
static void read_back(struct buf *text, uint64_t *cut)
{
	struct journal_entry entry;
	struct buf whole = read_whole();
	const char *line = strchr(buf_text(&whole), '\n') + 1;

	assert_true(strcspn(line, "\n") < JOURNAL_LINE_MAX);
	for (const char *p = line; *p && *p != '\n'; p++)
		assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
	assert_int_equal(journal_entry_parse(line, strcspn(line, "\n"), &entry), JOURNAL_LINE_ENTRY);
	text->len = 0;
	assert_true(journal_entry_text(&entry, "text", text, cut));
	journal_entry_clear(&entry);
	buf_clear(&whole);
}

static void write_text(const void *data, size_t len)
{
	struct journal journal;
	struct error err = { 0 };

	set_up(NULL);
	open_journal(&journal);
	assert_true(journal_begin(&journal, &begun, &err));
	put_input(&journal, data, len);
	put_input(&journal, "after", 5);
	journal_close(&journal);
}

#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		text, sizeof text - 1                                                                                  \
	}

static void any_bytes_come_back(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
	} texts[] = {
		BYTES(""),
		BYTES("io:format(\"~p~n\", [x]),\n\tok."),
		BYTES("gr\xc3\xbcn \xe2\x80\xae \xf0\x9f\x98\x80 \xc2\x9b"),
		BYTES("a\0b\x1b[2J\r\x7f\\"),
		BYTES("\xff"),
		BYTES("\xff\xfe"),
		BYTES("a\xc3"),
		BYTES("abc\xed\xa0\x80"),
	};
	char all[256];
	struct buf text;
	uint64_t cut;

	buf_init(&text, JOURNAL_LINE_MAX);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_text(texts[i].text, texts[i].len);
		read_back(&text, &cut);
		assert_int_equal(cut, 0);
		assert_int_equal(text.len, texts[i].len);
		assert_memory_equal(buf_text(&text), texts[i].text, texts[i].len);
	}
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	write_text(all, sizeof all);
	read_back(&text, &cut);
	assert_int_equal(text.len, sizeof all);
	assert_memory_equal(text.data, all, sizeof all);
	buf_clear(&text);
}

/* Text of one repeated character, too long for a line. */
static void check_cut(const char *piece, size_t piece_len)
{
	size_t len = 3000000 / piece_len * piece_len;
	char *data = xmalloc(len), hash[JOURNAL_HASH_MAX], *wanted;
	struct buf text, whole;
	uint64_t cut;

	for (size_t i = 0; i < len; i += piece_len)
		memcpy(data + i, piece, piece_len);
	write_text(data, len);
	buf_init(&text, JOURNAL_LINE_MAX);
	read_back(&text, &cut);
	assert_true(text.len > 40000 && text.len < JOURNAL_LINE_MAX);
	assert_int_equal(text.len + cut, len);
	assert_memory_equal(text.data, data, text.len);
	assert_true(journal_hash(data, len, hash));
	wanted = xasprintf("\"text_cut\":{\"bytes\":%zu,\"sha256\":\"%s\"}", (size_t)cut, hash);
	whole = read_whole();
	assert_non_null(strstr(buf_text(&whole), wanted));
	buf_clear(&whole);
	struct journal_walk walk;
	walk_path(&walk);
	assert_int_equal(walk.lines, 3);
	assert_int_equal(walk.breaks + walk.incomplete, 0);
	free(wanted);
	free(data);
	buf_clear(&text);
}

static void long_texts_are_cut_and_say_so(void **state)
{
	(void)state;
	struct journal journal;
	struct journal_walk walk;
	struct error err = { 0 };
	char *word = xmalloc(100001);

	check_cut("a", 1);
	check_cut("\n", 1);
	check_cut("\x1b", 1);
	check_cut("\xf0\x9f\x98\x80", 4);
	check_cut("\xff", 1);
	/* All texts of a session's beginning at their longest. */
	memset(word, 1, 100000);
	word[100000] = '\0';
	const struct journal_begun longest = { word, word, word, word, word, false };
	set_up(NULL);
	open_journal(&journal);
	assert_true(journal_begin(&journal, &longest, &err) && journal_end(&journal, word, &err));
	journal_close(&journal);
	walk_path(&walk);
	assert_int_equal(walk.lines, 2);
	assert_int_equal(walk.breaks + walk.incomplete, 0);
	free(word);
}

static void many_processes_make_one_chain(void **state)
{
	(void)state;
	enum { PROCESSES = 8, ENTRIES = 50 };
	struct journal_walk walk;
	pid_t pids[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] > 0)
			continue;
		struct journal journal;
		struct error err;
		uint64_t number;
		char text[3000];
		bool ok = journal_open(&journal, path, &err) && journal_begin(&journal, &begun, &err);
		memset(text, 'a' + i, sizeof text);
		for (int k = 0; ok && k < ENTRIES - 2; k++)
			ok = journal_input(&journal, text, (size_t)k * 60, &number, &err);
		_exit(ok && journal_end(&journal, "left", &err) ? 0 : 1);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	walk_path(&walk);
	assert_int_equal(walk.lines, PROCESSES * ENTRIES);
	assert_int_equal(walk.breaks + walk.incomplete, 0);
}

static void refused(enum error_code code, const char *part)
{
	struct journal journal;
	struct error err = { 0 };

	assert_false(journal_open(&journal, path, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("“%s” is not in: %s", part, err.message);
	journal_close(&journal);
}

static void a_file_that_others_could_have_written_is_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = { 0620, 0602, 0666 };
	char other[160];

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		write_whole("", 0);
		chmod(path, modes[i]);
		refused(ERROR_JOURNAL, "may be written by others");
	}
	unlink(path);
	snprintf(other, sizeof other, "%s.other", path);
	assert_int_equal(symlink(other, path), 0);
	refused(ERROR_JOURNAL, "symbolic link");
	assert_int_equal(access(other, F_OK), -1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(ERROR_JOURNAL, "not a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(ERROR_JOURNAL, "cannot be opened");
	rmdir(path);
	if (geteuid() != 0)
		return;
	write_whole("", 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	refused(ERROR_JOURNAL, "belongs to another user (uid 65534)");
}

static void folders_and_file_are_private(void **state)
{
	(void)state;
	struct journal journal;
	struct error err = { 0 };
	struct stat st;
	char *deep = xasprintf("%s/a/b/journal", folder), *upper = xasprintf("%s/a", folder),
	     *lower = xasprintf("%s/a/b", folder);
	mode_t before = umask(0);

	assert_true(journal_open(&journal, deep, &err));
	umask(before);
	journal_close(&journal);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(lower, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(upper, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	unlink(deep);
	rmdir(lower);
	rmdir(upper);
	write_whole("", 0);
	char *under = xasprintf("%s/journal", path);
	assert_false(journal_open(&journal, under, &err));
	assert_int_equal(err.code, ERROR_JOURNAL);
	free(under);
	free(deep);
	free(lower);
	free(upper);
}

static void the_usual_path_follows_the_environment(void **state)
{
	(void)state;
	static const struct {
		const char *folder, *path;
	} cases[] = { { "/var/x", "/var/x/beamline/journal" },
		      { "relative", "/home/x/.local/state/beamline/journal" },
		      { "", "/home/x/.local/state/beamline/journal" } };

	setenv("HOME", "/home/x", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setenv("XDG_STATE_HOME", cases[i].folder, 1);
		char *usual = journal_default_path();
		assert_string_equal(usual, cases[i].path);
		free(usual);
	}
}

static void what_becomes_of_an_open_file_is_noticed(void **state)
{
	(void)state;
	struct journal journal;
	struct error err = { 0 };
	uint64_t number;

	open_journal(&journal);
	assert_true(journal_begin(&journal, &begun, &err));
	chmod(path, 0622);
	assert_false(journal_input(&journal, "1", 1, &number, &err));
	assert_int_equal(err.code, ERROR_JOURNAL);
	chmod(path, 0600);
	unlink(path);
	assert_false(journal_input(&journal, "1", 1, &number, &err));
	assert_int_equal(err.code, ERROR_JOURNAL);
	assert_non_null(strstr(err.message, "removed"));
	journal_close(&journal);
}

/* Each change of each byte is a break, or in the last line another digest. */
static void a_changed_byte_is_found(void **state)
{
	(void)state;
	static const uint8_t changes[] = { 0x01, 0x20, 0x80 };
	struct journal_walk good, bad;
	struct buf whole;

	write_small();
	whole = read_whole();
	walk_bytes(whole.data, whole.len, whole.len, &good);
	assert_int_equal(good.breaks, 0);
	size_t last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	for (size_t i = 0; i < whole.len; i++) {
		for (size_t k = 0; k < sizeof changes; k++) {
			whole.data[i] ^= changes[k];
			walk_bytes(whole.data, whole.len, whole.len, &bad);
			whole.data[i] ^= changes[k];
			/* The newline before the last line joins the two. */
			bool found = bad.breaks > 0 || (i >= last - 1 && strcmp(bad.hash, good.hash) != 0);
			if (!found && !(i == whole.len - 1 && bad.hash[0]))
				fail_msg("byte %zu of %zu, change %02x", i, whole.len, changes[k]);
		}
	}
	buf_clear(&whole);
}

/* Lines by their numbers, as a text. */
static void arrange(const struct buf *whole, const char *order, struct journal_walk *walk)
{
	struct buf out;

	buf_init(&out, WHOLE_MAX);
	for (; *order; order++) {
		const char *line = (const char *)whole->data;
		for (int n = *order - '1'; n > 0; n--)
			line = strchr(line, '\n') + 1;
		buf_put(&out, line, strcspn(line, "\n") + 1);
	}
	walk_bytes(out.data, out.len, 1000, walk);
	buf_clear(&out);
}

static void moved_lines_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *order;
		uint64_t breaks, first;
	} cases[] = {
		{ "12345", 0, 0 },
		{ "2345", 1, 1 },
		{ "1345", 1, 2 },
		{ "1245", 1, 3 },
		{ "1235", 1, 4 },
		{ "13245", 3, 2 },
		{ "21345", 3, 1 },
		{ "112345", 1, 2 },
		{ "12335", 2, 4 },
		{ "12354", 2, 4 },
		{ "54321", 5, 1 },
		{ "123451", 1, 6 },
		/* What the chain alone cannot find. */
		{ "1234", 0, 0 },
	};
	struct journal_walk walk;
	struct buf whole;

	write_small();
	whole = read_whole();
	buf_text(&whole);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		arrange(&whole, cases[i].order, &walk);
		assert_int_equal(walk.lines, strlen(cases[i].order));
		assert_int_equal(walk.breaks, cases[i].breaks);
		assert_int_equal(walk.first_break.line, cases[i].first);
		if (walk.breaks) {
			assert_int_equal(walk.first_break.kind, JOURNAL_BREAK_PREV);
			assert_string_not_equal(walk.first_break.expected, walk.first_break.found);
		}
	}
	buf_clear(&whole);
}

static void what_is_no_journal_is_told(void **state)
{
	(void)state;
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	static const struct {
		const char *before, *after; /* of the digest that is expected */
		bool breaks;
	} cases[] = {
		{ "hello\n", NULL, true },
		{ "{\"prev\": \"", "\"}\n", true },
		{ "{\"prev\":\"", "\"}\n", true },
		{ "{\"prev\":\"", "\",\"kind\":\"x\"}\n", true },
		{ "{\"prev\":\"", "\",\"kind\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}\n", true },
		{ "{\"prev\":\"", "\",\"kind\":\"x\",\"time\":\"2026-01-01T00:00:00.000Z\"}\n", false },
		{ "{\"prev\":\"", "\",\"kind\":\"x\",\"time\":\"2026-01-01T00:00:00.000Z\"} x\n", true },
		{ "{\"prev\":\"", "\",\"kind\":\"x\",\"time\":\"2026-01-01T00:00:00.000Z\"}}\n", true },
		{ "{\"prev\":\"", "\",\"kind\":\"\xff\",\"time\":\"2026-01-01T00:00:00.000Z\"}\n", true },
		{ "{\"prev\":\"",
		  "\",\"kind\":\"x\",\"a\":[[[[[[[[[[1]]]]]]]]]],\"time\":\"2026-01-01T00:00:00.000Z\"}\n", true },
		{ "\n", NULL, false },
		{ "{\"pr", NULL, false },
		{ "{\"prew", NULL, true },
	};
	struct journal_walk walk;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = xasprintf("%s%s%s", cases[i].before, cases[i].after ? zeros : "",
				       cases[i].after ? cases[i].after : "");
		walk_bytes(text, strlen(text), 7, &walk);
		if ((walk.breaks > 0) != cases[i].breaks)
			fail_msg("case %zu: %s", i, text);
		if (walk.breaks)
			assert_int_equal(walk.first_break.kind, JOURNAL_BREAK_FOREIGN);
		free(text);
	}
	walk_bytes("", 0, 1, &walk);
	assert_int_equal(walk.lines, 0);
	assert_string_equal(walk.hash, zeros);
	/* NULs within a line, which json-c takes for its end. */
	walk_bytes("{\"prev\0\0x", 9, 9, &walk);
	assert_int_equal(walk.breaks, 1);
	walk_bytes("{\"prev\0\0", 8, 8, &walk);
	assert_int_equal(walk.breaks, 0);
	assert_int_equal(walk.incomplete, 1);
	/* Blocks that were given to the file and never written. */
	write_small();
	struct buf whole = read_whole();
	whole.len--;
	buf_put(&whole, "\0\0\0", 3);
	write_whole(whole.data, whole.len);
	buf_clear(&whole);
	write_small();
	walk_path(&walk);
	assert_int_equal(walk.lines, 10);
	assert_int_equal(walk.breaks, 0);
	assert_int_equal(walk.first_incomplete, 5);
}

static void a_line_that_is_too_long_is_walked_over(void **state)
{
	(void)state;
	struct journal_walk walk, whole_walk;
	struct journal journal;
	struct error err = { 0 };
	char *data = xmalloc(1000000);

	memset(data, 'x', 1000000);
	data[999999] = '\n';
	walk_bytes(data, 1000000, 4096, &walk);
	assert_int_equal(walk.first_break.kind, JOURNAL_BREAK_LONG);
	assert_int_equal(walk.lines, 1);
	walk_bytes(data, 1000000, 1000000, &whole_walk);
	assert_string_equal(walk.hash, whole_walk.hash);
	/* Nothing is chained to it. */
	write_whole(data, 1000000);
	open_journal(&journal);
	assert_false(journal_begin(&journal, &begun, &err));
	assert_int_equal(err.code, ERROR_JOURNAL);
	journal_close(&journal);
	free(data);
}

/* Cut after each byte of its last line, the file is gone on with: nothing is a break, and the line is counted unless it is whole. */
static void what_a_crash_cut_off_is_chained(void **state)
{
	(void)state;
	struct journal_walk walk;
	struct journal journal;
	struct error err = { 0 };
	struct buf whole;

	write_small();
	whole = read_whole();
	size_t last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	for (size_t len = last; len < whole.len; len++) {
		write_whole(whole.data, len);
		walk_path(&walk);
		bool is_cut = len > last && len < whole.len - 1;
		assert_int_equal(walk.breaks, 0);
		assert_int_equal(walk.incomplete, is_cut);
		open_journal(&journal);
		assert_true(journal_begin(&journal, &begun, &err) && journal_end(&journal, "left", &err));
		journal_close(&journal);
		walk_path(&walk);
		assert_int_equal(walk.breaks, 0);
		assert_int_equal(walk.lines, len == last ? 6 : 7);
		assert_int_equal(walk.incomplete, is_cut);
		assert_int_equal(walk.first_incomplete, is_cut ? 5 : 0);
	}
	buf_clear(&whole);
}

static void a_full_disk_is_told_and_leaves_nothing(void **state)
{
	(void)state;
	struct journal_walk before, after;
	int status;

	write_small();
	walk_path(&before);
	pid_t pid = fork();
	if (pid == 0) {
		struct stat st;
		struct journal journal;
		struct error err = { 0 };
		uint64_t number;
		signal(SIGXFSZ, SIG_IGN);
		stat(path, &st);
		/* The beginning of the session fits, and of the input a part. */
		struct rlimit limit = { (rlim_t)st.st_size + 1000, (rlim_t)st.st_size + 1000 };
		bool ok = setrlimit(RLIMIT_FSIZE, &limit) == 0 && journal_open(&journal, path, &err) &&
			  journal_begin(&journal, &begun, &err);
		char text[2000];
		memset(text, 'x', sizeof text);
		ok = ok && !journal_input(&journal, text, sizeof text, &number, &err) &&
		     err.code == ERROR_OUTPUT_LOST && err.cure[0];
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	walk_path(&after);
	assert_int_equal(after.lines, before.lines + 1);
	assert_int_equal(after.breaks + after.incomplete, 0);
}

/* SIGXFSZ, where it is not ignored, ends the process between two parts of a line. */
static void a_writer_killed_within_a_line_leaves_a_part(void **state)
{
	(void)state;
	struct journal_walk walk;

	for (int i = 1; i <= 5; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct journal journal;
			struct error err = { 0 };
			struct stat st;
			uint64_t number;
			char text[4000];
			memset(text, 'x', sizeof text);
			bool ok = journal_open(&journal, path, &err) && journal_begin(&journal, &begun, &err) &&
				  stat(path, &st) == 0;
			const struct rlimit limit = { (rlim_t)(st.st_size + 700 * i), (rlim_t)(st.st_size + 700 * i) };
			ok = ok && setrlimit(RLIMIT_FSIZE, &limit) == 0;
			_exit(ok && journal_input(&journal, text, sizeof text, &number, &err));
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
		walk_path(&walk);
		assert_int_equal(walk.lines, 2 * i);
		assert_int_equal(walk.incomplete, i);
		assert_int_equal(walk.breaks, 0);
	}
	write_small();
	walk_path(&walk);
	assert_int_equal(walk.lines, 15);
	assert_int_equal(walk.incomplete, 5);
	assert_int_equal(walk.breaks, 0);
}

/* Appends lines of all sizes until it is killed. */
static void append_for_ever(void)
{
	struct journal journal;
	struct error err;
	uint64_t number;
	char *text = xmalloc(300000);

	memset(text, 'x', 300000);
	bool ok = journal_open(&journal, path, &err) && journal_begin(&journal, &begun, &err);
	for (size_t i = 1; ok; i++)
		ok = journal_input(&journal, text, i * 7919 % 300000, &number, &err);
	_exit(1);
}

static void killed_writers_leave_a_chain(void **state)
{
	(void)state;
	enum { ROUNDS = 40, WRITERS = 3 };
	struct journal_walk walk;

	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[WRITERS];
		for (int i = 0; i < WRITERS; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				append_for_ever();
		}
		nanosleep(&(struct timespec){ .tv_nsec = 1000000L * (5 + rand() % 60) }, NULL);
		for (int i = 0; i < WRITERS; i++) {
			int status;
			kill(pids[i], SIGKILL);
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFSIGNALED(status));
		}
		walk_path(&walk);
		if (walk.breaks)
			fail_msg("round %d: line %llu of %llu", round, (unsigned long long)walk.first_break.line,
				 (unsigned long long)walk.lines);
		struct stat st;
		if (stat(path, &st) == 0 && st.st_size > WHOLE_MAX)
			unlink(path);
	}
	write_small();
	walk_path(&walk);
	assert_int_equal(walk.breaks, 0);
	print_message("# %llu lines, %llu of them incomplete\n", (unsigned long long)walk.lines,
		      (unsigned long long)walk.incomplete);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_session_is_a_chain_of_entries),
		T(entries_belong_to_a_session),
		T(any_bytes_come_back),
		T(long_texts_are_cut_and_say_so),
		T(many_processes_make_one_chain),
		T(a_file_that_others_could_have_written_is_refused),
		T(folders_and_file_are_private),
		T(the_usual_path_follows_the_environment),
		T(what_becomes_of_an_open_file_is_noticed),
		T(a_changed_byte_is_found),
		T(moved_lines_are_found),
		T(what_is_no_journal_is_told),
		T(a_line_that_is_too_long_is_walked_over),
		T(what_a_crash_cut_off_is_chained),
		T(a_full_disk_is_told_and_leaves_nothing),
		T(a_writer_killed_within_a_line_leaves_a_part),
		T(killed_writers_leave_a_chain),
	};
	return cmocka_run_group_tests_name("journal", tests, make_folder, remove_folder);
}
