# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/ssh/agent.c src/ssh/agent.h src/ssh/auth.c src/ssh/auth.h src/ssh/auth_ask.c src/ssh/auth_keys.c src/ssh/auth_methods.h \
	src/ssh/auth_request.c src/ssh/host_key.c src/ssh/host_key.h src/ssh/host_key_algorithms.c src/ssh/key_file.c src/ssh/key_file.h \
	src/ssh/known_hosts.c src/ssh/known_hosts.h src/ssh/known_hosts_files.c src/ssh/known_hosts_files.h \
	src/ssh/resolve.c src/ssh/resolve.h src/ssh/ssh_config.c src/ssh/ssh_tokens.c src/ssh/ssh_tokens.h \
	src/ssh/algorithms.c src/ssh/algorithms.h src/ssh/beyond.c src/ssh/beyond.h \
	src/ssh/broker.c src/ssh/broker.h src/ssh/broker_client.c src/ssh/broker_client.h \
	src/ssh/broker_clients.c src/ssh/broker_greet.c src/ssh/broker_greet.h src/ssh/broker_private.h \
	src/ssh/broker_process.c src/ssh/broker_process.h src/ssh/broker_stay.c src/ssh/kept.c src/ssh/kept.h \
	src/ssh/master.c src/ssh/master.h \
	src/ssh/channel_open.c src/ssh/channel_open.h src/ssh/connect.c src/ssh/connect.h src/ssh/mux.c src/ssh/mux.h \
	src/ssh/mux_client.c src/ssh/mux_client.h src/ssh/mux_text.c src/ssh/pollset.c src/ssh/pollset.h src/ssh/proxy.c \
	src/ssh/session.c src/ssh/session.h src/ssh/socket_folder.c src/ssh/socket_folder.h src/ssh/splice.c src/ssh/splice.h \
	src/ssh/splice_move.c src/ssh/splice_private.h \
	src/ssh/stream.c src/ssh/tunnel.c src/ssh/tunnel.h src/ssh/tunnel_ask.c src/ssh/tunnel_private.h

# Driven by the end-to-end tests, which build it when they need it.
EXTRA_PROGRAMS += tests/tools/tunnel_driver
CLEANFILES += tests/tools/tunnel_driver$(EXEEXT)
check_PROGRAMS += tests/unit/known_hosts_test tests/unit/resolve_test
EXTRA_DIST += tests/e2e/test_kept.py tests/e2e/test_ssh_auth.py tests/e2e/test_ssh_config.py tests/e2e/test_transport.py tests/e2e/test_tunnel.py
check_PROGRAMS += tests/unit/mux_test
FUZZ_TARGETS += tests/fuzz/fuzz_known_hosts tests/fuzz/fuzz_mux tests/fuzz/fuzz_ssh_config tests/fuzz/fuzz_agent tests/fuzz/fuzz_broker tests/fuzz/fuzz_foreign_text
tests_fuzz_fuzz_known_hosts_SOURCES = tests/fuzz/fuzz_known_hosts.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
tests_fuzz_fuzz_mux_SOURCES = tests/fuzz/fuzz_mux.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
tests_fuzz_fuzz_ssh_config_SOURCES = tests/fuzz/fuzz_ssh_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_agent_SOURCES = tests/fuzz/fuzz_agent.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_server.c tests/fuzz/fuzz_server.h $(FUZZ_MAIN)
tests_fuzz_fuzz_agent_LDADD = $(LDADD) -lpthread
tests_fuzz_fuzz_broker_SOURCES = tests/fuzz/fuzz_broker.c tests/fuzz/fuzz_must.h tests/fuzz/fake_libssh.c tests/fuzz/fake_libssh.h $(FUZZ_MAIN)
tests_fuzz_fuzz_foreign_text_SOURCES = tests/fuzz/fuzz_foreign_text.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
