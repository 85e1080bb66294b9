# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/node/call.c src/node/call.h \
	src/node/connect.c src/node/connect.h src/node/connect_find.c src/node/connect_private.h src/node/connect_secrets.c \
	src/node/cookie.c src/node/cookie.h src/node/cookie_remote.c \
	src/node/guard.c src/node/guard.h \
	src/node/host_beams.c src/node/host_beams.h src/node/host_beams_parse.c \
	src/node/keeper.c src/node/keeper.h \
	src/node/link.c src/node/link.h src/node/link_open.c \
	src/node/link_refuse.c src/node/link_refuse.h \
	src/node/locate.c src/node/locate.h \
	src/node/program.c src/node/program.h \
	src/node/release.c src/node/release.h \
	src/node/remsh.c src/node/remsh.h \
	src/node/session.c src/node/session.h \
	src/node/session_message.c src/node/session_message.h \
	src/node/target.c src/node/target.h \
	src/node/tls_files.c src/node/tls_files.h \
	src/node/tls_probe.c src/node/tls_probe.h \
	src/node/transport.c src/node/transport.h

check_PROGRAMS += tests/unit/node_test tests/unit/host_beams_test tests/unit/call_test tests/unit/cut_test tests/unit/remsh_test
check_PROGRAMS += tests/unit/transport_test
tests_unit_transport_test_SOURCES = tests/unit/transport_test.c tests/unit/tls_server.c tests/unit/tls_server.h
# Many calls over one connection, for the bench.
EXTRA_PROGRAMS += tests/bench/call_bench
CLEANFILES += tests/bench/call_bench$(EXEEXT)
FUZZ_TARGETS += tests/fuzz/fuzz_link tests/fuzz/fuzz_session tests/fuzz/fuzz_host_beams tests/fuzz/fuzz_call tests/fuzz/fuzz_stream tests/fuzz/fuzz_target
tests_fuzz_fuzz_link_SOURCES = tests/fuzz/fuzz_link.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_peer.c tests/fuzz/fuzz_peer.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_peer.c tests/fuzz/fuzz_peer.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_host_beams_SOURCES = tests/fuzz/fuzz_host_beams.c $(FUZZ_MAIN)
tests_fuzz_fuzz_call_SOURCES = tests/fuzz/fuzz_call.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_peer.c tests/fuzz/fuzz_peer.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_server.c tests/fuzz/fuzz_server.h $(FUZZ_MAIN)
tests_fuzz_fuzz_stream_LDADD = $(LDADD) -lpthread
tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
