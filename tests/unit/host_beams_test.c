/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/host_beams.h"

#define BEAM "/usr/lib/erlang/erts-13.1/bin/beam.smp -- -root /usr/lib/erlang -bindir /x -progname erl -- -home /h -- "

static void parse(const char *text, struct host_beams *found)
{
	host_beams_parse(text, strlen(text), found);
}

static const struct host_beam *only(const char *text)
{
	static struct host_beams found;

	parse(text, &found);
	assert_int_equal(found.count, 1);
	return &found.beams[0];
}

static void a_beam_is_known_by_its_program(void **state)
{
	struct host_beams found;

	(void)state;
	parse("  12  1 app " BEAM
	      "-noshell\n 13 1 app vim beam.smp\n 14 1 app beamline eval x\n15 1 app beam -x\n x y z beam.smp\n16\n\n"
	      "0 1 a beam.smp\n99999999999 1 a beam.smp\nseen\n",
	      &found);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.beams[0].pid, 12);
	assert_string_equal(found.beams[0].user, "app");
	assert_string_equal(found.beams[0].node, "");
	assert_int_equal(found.beams[1].pid, 15);
	assert_true(found.whole);
	parse("12 1 app " BEAM, &found);
	assert_false(found.whole);
}

static void its_arguments_tell_how_it_was_started(void **state)
{
	const struct host_beam *beam = only("12 1 app " BEAM "-sname shop -start_epmd false -erl_epmd_port 4711\n");

	(void)state;
	assert_string_equal(beam->node, "shop");
	assert_true(beam->no_epmd);
	assert_int_equal(beam->dist_port, 4711);
	beam = only("12 1 app " BEAM "-name shop@10.0.0.1 -kernel x y inet_dist_listen_min 9100 inet_dist_listen_max "
		    "9100 -epmd_port 4370\n");
	assert_string_equal(beam->node, "shop@10.0.0.1");
	assert_int_equal(beam->dist_port, 9100);
	assert_int_equal(beam->epmd_port, 4370);
	assert_false(beam->no_epmd);
	beam = only("12 1 app " BEAM "-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9200 -epmd_port 4369\n");
	assert_int_equal(beam->dist_port, 0);
	assert_int_equal(beam->epmd_port, 0);
	beam = only("12 1 app " BEAM "-erl_epmd_port 70000 -extra -sname x\n");
	assert_int_equal(beam->dist_port, 0);
	assert_false(beam->no_epmd);
	assert_string_equal(beam->node, "");
}

static void run_erl_and_ports_belong_to_their_beam(void **state)
{
	struct host_beams found;

	(void)state;
	parse("10 1 app /x/bin/run_erl -daemon /p /l exec erl\n12 10 app " BEAM "-sname a\n13 1 app " BEAM "\nseen\n"
	      "LISTEN 0 128 127.0.0.1:9100 0.0.0.0:* users:((\"beam.smp\",pid=12,fd=18))\n"
	      "LISTEN 0 128 *:4000 *:* users:((\"beam.smp\",pid=12,fd=18),(\"beam.smp\",pid=13,fd=3))\n"
	      "LISTEN 0 128 [::1]:9100 [::]:* users:((\"beam.smp\",pid=12,fd=18))\nLISTEN 0 1 nothing pid=\nLISTEN\n",
	      &found);
	assert_true(found.beams[0].console);
	assert_false(found.beams[1].console);
	assert_int_equal(found.beams[0].port_count, 2);
	assert_int_equal(found.beams[0].ports[0], 9100);
	assert_int_equal(found.beams[0].ports[1], 4000);
	assert_int_equal(found.beams[1].port_count, 1);
}

static void there_is_a_bound(void **state)
{
	char text[HOST_BEAMS_MAX * 40 + 800];
	size_t len = 0;
	struct host_beams found;

	(void)state;
	for (int i = 0; i < HOST_BEAMS_MAX + 10; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%d 1 app beam.smp\n", i + 1);
	host_beams_parse(text, len, &found);
	assert_int_equal(found.count, HOST_BEAMS_MAX);
	memset(text, 'x', 700);
	memcpy(text, "1 1 ", 4);
	memcpy(text + 300, " beam.smp -sname ", 17);
	host_beams_parse(text, 700, &found);
	assert_int_equal(strlen(found.beams[0].user), sizeof found.beams[0].user - 1);
	assert_int_equal(strlen(found.beams[0].node), sizeof found.beams[0].node - 1);
}

static void they_explain_the_failure(void **state)
{
	static const struct {
		const char *text;
		enum host_beams_view view;
		const char *wanted;
		enum error_code code;
		const char *message, *cure;
	} cases[] = {
		{ "1 0 root init\nseen\n", HOST_BEAMS_NO_EPMD, "shop", ERROR_EPMD_ABSENT, "no BEAM runs there",
		  "start the node" },
		{ "", HOST_BEAMS_NO_EPMD, "shop", ERROR_EPMD_ABSENT, "as it was", "as it was" },
		{ "5 1 app beam.smp -noshell\nseen\n", HOST_BEAMS_NO_EPMD, NULL, ERROR_NO_DISTRIBUTION,
		  "user app, pid 5, started without", "nothing can attach" },
		{ "5 1 a beam.smp\n6 7 b beam.smp\n7 1 b run_erl\n", HOST_BEAMS_NO_NODES, "shop", ERROR_NO_DISTRIBUTION,
		  "no node shop is registered; a BEAM runs there as user b, pid 6, and 1 more", "to_erl" },
		{ "5 1 app beam.smp\nseen\n", HOST_BEAMS_OTHER_NODES, "shop", ERROR_EPMD_ABSENT, "as it was",
		  "as it was" },
		{ "5 1 app beam.smp -name shop@h\nseen\n", HOST_BEAMS_OTHER_NODES, "shop", ERROR_EPMD_ABSENT,
		  "it runs there, though, as shop@h", "ss -ltnp" },
		{ "5 1 app beam.smp -sname shop -epmd_port 4370\n", HOST_BEAMS_NO_NODES, "shop", ERROR_EPMD_ABSENT,
		  "is not registered", "--epmd-port 4370" },
		{ "5 1 app beam.smp -sname shop -erl_epmd_port 9100\n", HOST_BEAMS_NO_EPMD, NULL, ERROR_EPMD_ABSENT,
		  "without EPMD", "--dist-port 9100" },
		{ "5 1 app beam.smp -sname shop\nLISTEN 0 1 127.0.0.1:9100 * pid=5,\n", HOST_BEAMS_NO_EPMD, "shop",
		  ERROR_EPMD_ABSENT, "shop", "listens on 9100" },
		{ "5 1 app beam.smp -sname shop2\n", HOST_BEAMS_NO_EPMD, "shop", ERROR_EPMD_ABSENT,
		  "runs there as shop2", "as it was" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct host_beams found;
		struct error err;
		error_set(&err, ERROR_EPMD_ABSENT, "as it was");
		error_cure(&err, "as it was");
		parse(cases[i].text, &found);
		host_beams_explain(&found, cases[i].view, cases[i].wanted, &err);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.message, cases[i].message));
		assert_non_null(strstr(err.cure, cases[i].cure));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_beam_is_known_by_its_program),
		cmocka_unit_test(its_arguments_tell_how_it_was_started),
		cmocka_unit_test(run_erl_and_ports_belong_to_their_beam),
		cmocka_unit_test(there_is_a_bound),
		cmocka_unit_test(they_explain_the_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
