/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ssh/resolve.h"

static struct ssh_config config;
static struct error err;

static int clear(void **state)
{
	(void)state;
	ssh_config_clear(&config);
	err = (struct error){ 0 };
	return 0;
}

static int set_home(void **state)
{
	setenv("HOME", "/home/op", 1);
	return clear(state);
}

#define HEAD "host web\nuser joe\nhostname 10.0.0.7\nport 2222\n"

static bool parse(const char *text)
{
	return ssh_config_parse(text, strlen(text), &config, &err);
}

static void values_are_taken(void **state)
{
	(void)state;
	assert_true(parse(HEAD "addressfamily inet\nbatchmode yes\nidentitiesonly true\npubkeyauthentication unbound\n"
			       "passwordauthentication no\nkbdinteractiveauthentication false\nconnecttimeout 7\n"
			       "serveraliveinterval 60\nserveralivecountmax 5\nnumberofpasswordprompts 1\n"
			       "ciphers a,b\nhostkeyalias al\nproxyjump x@y:22,z\nhashknownhosts yes\n"
			       "stricthostkeychecking accept-new\npreferredauthentications password\nsomething new\n"));
	assert_string_equal(config.host, "web");
	assert_string_equal(config.user, "joe");
	assert_string_equal(config.hostname, "10.0.0.7");
	assert_int_equal(config.port, 2222);
	assert_string_equal(config.address_family, "inet");
	assert_true(config.batch_mode && config.identities_only && config.pubkey_auth && config.hash_known_hosts);
	assert_false(config.password_auth || config.keyboard_interactive_auth);
	assert_int_equal(config.connect_timeout_s, 7);
	assert_int_equal(config.alive_interval_s, 60);
	assert_int_equal(config.alive_count, 5);
	assert_int_equal(config.password_prompts, 1);
	assert_string_equal(config.ciphers, "a,b");
	assert_string_equal(config.host_key_alias, "al");
	assert_string_equal(config.proxy_jump, "x@y:22,z");
	assert_string_equal(config.preferred_auth, "password");
	assert_int_equal(config.strict_host_key, SSH_STRICT_ACCEPT_NEW);
}

static void none_is_nothing(void **state)
{
	(void)state;
	assert_true(parse(HEAD "connecttimeout none\nproxyjump none\nproxycommand none\nuserknownhostsfile none\n"
			       "globalknownhostsfile none\nidentityfile none\nrevokedhostkeys none\ncontrolpath none\n"
			       "identityagent none\n"));
	assert_int_equal(config.connect_timeout_s, 0);
	assert_null(config.proxy_jump);
	assert_null(config.proxy_command);
	assert_null(config.user_known_hosts[0]);
	assert_null(config.global_known_hosts[0]);
	assert_null(config.identity_files[0]);
	assert_null(config.revoked_host_keys);
	assert_null(config.control_path);
	assert_string_equal(config.identity_agent, "none");
}

static void files_are_found_and_expanded(void **state)
{
	(void)state;
	setenv("BEAMLINE_TEST_FOLDER", "/keys", 1);
	assert_true(parse(
		HEAD "identityfile ~/.ssh/id_%h\nidentityfile /a b/k%%\nidentityfile ${BEAMLINE_TEST_FOLDER}/%r-%n-%p\n"
		     "identityfile %d/%q ${NOT_SET_AT_ALL}\n"
		     "userknownhostsfile /a b/kh ~/kh2\nglobalknownhostsfile /etc/1 /etc/2\n"));
	assert_string_equal(config.identity_files[0], "/home/op/.ssh/id_10.0.0.7");
	assert_string_equal(config.identity_files[1], "/a b/k%");
	assert_string_equal(config.identity_files[2], "/keys/joe-web-2222");
	assert_string_equal(config.identity_files[3], "/home/op/%q ${NOT_SET_AT_ALL}");
	assert_null(config.identity_files[4]);
	assert_string_equal(config.user_known_hosts[0], "/a b/kh");
	assert_string_equal(config.user_known_hosts[1], "/home/op/kh2");
	assert_null(config.user_known_hosts[2]);
	assert_string_equal(config.global_known_hosts[1], "/etc/2");
}

static void relative_files_are_parted_by_spaces(void **state)
{
	(void)state;
	assert_true(parse(HEAD "userknownhostsfile kh1 kh2\n"));
	assert_string_equal(config.user_known_hosts[0], "kh1");
	assert_string_equal(config.user_known_hosts[1], "kh2");
}

static void agent_is_found(void **state)
{
	(void)state;
	setenv("BEAMLINE_TEST_AGENT", "/run/agent", 1);
	assert_true(parse(HEAD "identityagent $BEAMLINE_TEST_AGENT\n"));
	assert_string_equal(config.identity_agent, "/run/agent");
	clear(NULL);
	assert_true(parse(HEAD "identityagent $NOT_SET_AT_ALL\n"));
	assert_string_equal(config.identity_agent, "none");
	clear(NULL);
	assert_true(parse(HEAD "identityagent SSH_AUTH_SOCK\n"));
	assert_null(config.identity_agent);
	clear(NULL);
	assert_true(parse(HEAD "identityagent ~/agent\n"));
	assert_string_equal(config.identity_agent, "/home/op/agent");
}

static void defaults_are_those_of_openssh(void **state)
{
	(void)state;
	assert_true(parse("hostname h\nuser u\n"));
	assert_int_equal(config.port, 22);
	assert_int_equal(config.password_prompts, 3);
	assert_int_equal(config.strict_host_key, SSH_STRICT_ASK);
	assert_true(config.pubkey_auth && config.password_auth && config.keyboard_interactive_auth &&
		    config.tcp_keep_alive);
	assert_false(config.batch_mode || config.identities_only);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"port 22\n",
		HEAD "port 0\n",
		HEAD "port 65536\n",
		HEAD "port 22x\n",
		HEAD "port \n",
		HEAD "batchmode perhaps\n",
		HEAD "stricthostkeychecking maybe\n",
		HEAD "connecttimeout -1\n",
		HEAD "connecttimeout 99999999999999999999\n",
		HEAD "hostname a\x1b[2J\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(parse(bad[i]));
		assert_int_equal(err.code, ERROR_CONFIG);
		clear(NULL);
	}
}

static void every_cut_of_the_text_ends_well(void **state)
{
	static const char text[] = HEAD "identityfile ~/%h${HOME}\nuserknownhostsfile a b\nstricthostkeychecking no\n";

	(void)state;
	for (size_t len = 0; len < sizeof text; len++) {
		char *cut = malloc(len ? len : 1);
		memcpy(cut, text, len);
		ssh_config_parse(cut, len, &config, &err);
		free(cut);
		clear(NULL);
	}
}

/* None is left out silently: a file of known_hosts may hold a revoked key. */
static void more_files_than_room_are_refused(void **state)
{
	static const char *const keywords[] = { "userknownhostsfile", "identityfile" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		char text[16384] = HEAD;
		for (int i = 0; i < SSH_CONFIG_LIST_MAX; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s /f\n", keywords[k]);
		assert_true(parse(text));
		clear(NULL);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s /f\n", keywords[k]);
		assert_false(parse(text));
		clear(NULL);
	}
}

static void destination_is_checked(void **state)
{
	static const char *const bad[] = { "", "-oProxyCommand=x", "a b", "a\nb", "a\x1b" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct tunnel_options options = { .destination = bad[i] };
		assert_false(ssh_resolve(&options, &config, &err));
		assert_int_equal(err.code, ERROR_USAGE);
	}
}

static void ssh_itself_is_asked(void **state)
{
	const char *const ssh_options[] = { "Port=2200", "StrictHostKeyChecking=yes", NULL };
	const char *const wrong[] = { "NoSuchThing=1", NULL };
	struct tunnel_options options = {
		.destination = "joe@some.host", .ssh_config = "/dev/null", .ssh_options = ssh_options, .may_ask = true
	};

	(void)state;
	assert_true(ssh_resolve(&options, &config, &err));
	assert_string_equal(config.user, "joe");
	assert_string_equal(config.host, "some.host");
	assert_string_equal(config.hostname, "some.host");
	assert_int_equal(config.port, 2200);
	assert_int_equal(config.strict_host_key, SSH_STRICT_YES);
	assert_true(config.may_ask);
	assert_non_null(config.identity_files[0]);
	assert_non_null(config.kex_algorithms);
	clear(NULL);
	options.ssh_options = wrong;
	assert_false(ssh_resolve(&options, &config, &err));
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.message, "nosuchthing"));
	assert_non_null(strstr(err.cure, "--ssh-option"));
}

static void missing_ssh_is_said(void **state)
{
	const struct tunnel_options options = { .destination = "h", .ssh_config = "/dev/null" };
	char *path = strdup(getenv("PATH"));

	(void)state;
	setenv("PATH", "/nowhere", 1);
	assert_false(ssh_resolve(&options, &config, &err));
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(err.code, ERROR_CONFIG);
	assert_non_null(strstr(err.cure, "openssh-client"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_taken, set_home, clear),
		cmocka_unit_test_setup_teardown(none_is_nothing, set_home, clear),
		cmocka_unit_test_setup_teardown(files_are_found_and_expanded, set_home, clear),
		cmocka_unit_test_setup_teardown(relative_files_are_parted_by_spaces, set_home, clear),
		cmocka_unit_test_setup_teardown(agent_is_found, set_home, clear),
		cmocka_unit_test_setup_teardown(defaults_are_those_of_openssh, set_home, clear),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, set_home, clear),
		cmocka_unit_test_setup_teardown(every_cut_of_the_text_ends_well, set_home, clear),
		cmocka_unit_test_setup_teardown(more_files_than_room_are_refused, set_home, clear),
		cmocka_unit_test_setup_teardown(destination_is_checked, set_home, clear),
		cmocka_unit_test_setup_teardown(ssh_itself_is_asked, set_home, clear),
		cmocka_unit_test_setup_teardown(missing_ssh_is_said, set_home, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
