/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints terms and compares with what real nodes print. The files come from print_terms.escript and print_terms.exs: records
 * of group, syntax ('e'rlang, also with '+pc 'u'nicode, or eli'x'ir), width, column, encoded term, expected text; each length 4 bytes, big-endian.
 * One TAP line a group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/host.h"
#include "etf/decode.h"
#include "etf/print.h"

enum { GROUPS = 16, GROUP_NAME = 32, SHOWN = 4 };

struct group {
	char name[GROUP_NAME];
	unsigned count, wrong;
};

static struct group groups[GROUPS];

static struct group *group_of(struct reader name, char syntax)
{
	char text[GROUP_NAME];

	snprintf(text, sizeof text, "%s %.*s",
		 syntax == 'e'   ? "erlang"
		 : syntax == 'u' ? "erlang +pc unicode"
				 : "elixir",
		 (int)reader_left(&name), (const char *)name.p);
	for (size_t i = 0; i < GROUPS; i++) {
		if (!groups[i].name[0])
			memcpy(groups[i].name, text, sizeof text);
		if (!strcmp(groups[i].name, text))
			return &groups[i];
	}
	fprintf(stderr, "too many groups\n");
	exit(99);
}

static void show(const char *title, const void *text, size_t len)
{
	const char *p = text;

	printf("# %s:\n# ", title);
	for (size_t i = 0; i < len && i < 3000; i++) {
		putchar(p[i]);
		if (p[i] == '\n')
			fputs("# ", stdout);
	}
	putchar('\n');
}

static void check(struct reader *r)
{
	struct reader name = read_view(r, read_u32(r));
	char syntax = (char)read_u8(r);
	struct etf_print_options options = { .width = (int)read_u32(r),
					     .column = (int)read_u32(r),
					     .local_node = "nonode@nohost",
					     .printable_unicode = syntax == 'u' };
	struct reader encoded = read_view(r, read_u32(r));
	struct reader expected = read_view(r, read_u32(r));
	struct group *group = group_of(name, syntax);
	struct arena arena;
	struct buf out;
	struct error err = { .code = ERROR_NONE };
	const struct term *t;
	size_t used;

	arena_init(&arena, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	bool ok = etf_decode(&arena, encoded.p, reader_left(&encoded), &ETF_LIMITS_DEFAULT, &t, &used, &err) &&
		  (syntax == 'x' ? etf_print_elixir : etf_print_erlang)(&out, t, &options) &&
		  out.len == reader_left(&expected) && !memcmp(out.data, expected.p, out.len);
	group->count++;
	if (!ok && group->wrong++ < SHOWN) {
		printf("# %s, width %d, column %d: %s\n", group->name, options.width, options.column, err.message);
		show("expected", expected.p, reader_left(&expected));
		show("printed", out.data, out.len);
	}
	buf_clear(&out);
	arena_clear(&arena);
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	struct error err;
	struct buf file;
	int number = 0;

	buf_init(&file, SIZE_MAX);
	for (int i = 1; i < argc; i++) {
		file.len = 0;
		if (!host_read_file(argv[i], &file, NULL, NULL, &err)) {
			printf("Bail out! %s\n", err.message);
			return 1;
		}
		struct reader r = reader_of(file.data, file.len);
		while (reader_left(&r) && !r.failed)
			check(&r);
	}
	buf_clear(&file);
	for (struct group *g = groups; g < groups + GROUPS && g->name[0]; g++) {
		good = good && !g->wrong;
		printf("%sok %d - %s: %u of %u terms print as on the node\n", g->wrong ? "not " : "", ++number, g->name,
		       g->count - g->wrong, g->count);
	}
	printf("1..%d\n", number);
	return good ? 0 : 1;
}
