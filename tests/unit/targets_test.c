/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/targets.h"

enum { NAMES_MAX = 64 };

/* Names with commas between them, folded. */
static void assert_folded(const char *names, const char *expected)
{
	char *text = xstrdup(names), *at = text;
	const char *list[NAMES_MAX];
	struct buf folded;
	size_t count = 0;

	while (at && count < NAMES_MAX)
		list[count++] = strsep(&at, ",");
	buf_init(&folded, TARGETS_TEXT_MAX);
	targets_fold(list, count, &folded);
	assert_string_equal(buf_text(&folded), expected);
	buf_clear(&folded);
	free(text);
}

static void names_that_differ_in_a_number_are_folded(void **state)
{
	(void)state;
	assert_folded("web-1", "web-1");
	assert_folded("web-1,web-2", "web-[1,2]");
	assert_folded("web-1,web-2,web-3,web-5", "web-[1-3,5]");
	assert_folded("web-10,web-9,web-8", "web-[8-10]");
	assert_folded("a,b", "a,b");
	assert_folded("web-1,db-1,web-2", "web-[1,2],db-1");
	assert_folded("web-1.example.com,web-2.example.com", "web-[1,2].example.com");
	assert_folded("rack1-web1,rack1-web2,rack2-web1", "rack1-web[1,2],rack2-web1");
	assert_folded("web-1:shop,web-2:shop,web-3:cart", "web-[1,2]:shop,web-3:cart");
	assert_folded("x1234567890123,x1234567890124", "x1234567890123,x1234567890124");
	assert_folded("[::1],[::2]", "[::1],[::2]");
}

static void zeros_before_a_number_count(void **state)
{
	(void)state;
	assert_folded("web-01,web-02,web-03", "web-[01-03]");
	assert_folded("web-10,web-09,web-08", "web-[08-10]");
	assert_folded("web-09,web-9,web-10", "web-[09,10],web-9");
	assert_folded("web-9,web-10,web-09", "web-[9,10],web-09");
	assert_folded("web-098,web-99,web-100", "web-[098,100],web-99");
	assert_folded("web-0,web-1", "web-[0,1]");
	assert_folded("web-00,web-0", "web-00,web-0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_differ_in_a_number_are_folded),
		cmocka_unit_test(zeros_before_a_number_count),
	};
	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
