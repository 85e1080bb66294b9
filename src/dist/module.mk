# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/dist/control.c src/dist/control.h \
	src/dist/epmd.c src/dist/epmd.h \
	src/dist/flags.c src/dist/flags.h \
	src/dist/frame.c src/dist/frame.h \
	src/dist/handshake.c src/dist/handshake.h \
	src/dist/handshake_accept.c src/dist/handshake_packet.c src/dist/handshake_packet.h \
	src/dist/tls.c src/dist/tls.h src/dist/tls_context.c src/dist/tls_error.c src/dist/tls_private.h

check_PROGRAMS += tests/unit/dist_test tests/unit/handshake_test tests/unit/recorded_test tests/unit/tls_test
tests_unit_tls_test_SOURCES = tests/unit/tls_test.c tests/unit/tls_server.c tests/unit/tls_server.h

# What they are seeded with was recorded by tests/tools/record_frames.py.
FUZZ_TARGETS += tests/fuzz/fuzz_epmd tests/fuzz/fuzz_handshake tests/fuzz/fuzz_frames tests/fuzz/fuzz_tls
tests_fuzz_fuzz_epmd_SOURCES = tests/fuzz/fuzz_epmd.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
tests_fuzz_fuzz_handshake_SOURCES = tests/fuzz/fuzz_handshake.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
tests_fuzz_fuzz_frames_SOURCES = tests/fuzz/fuzz_frames.c tests/fuzz/fuzz_must.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_tls_SOURCES = tests/fuzz/fuzz_tls.c tests/unit/tls_server.c tests/unit/tls_server.h $(FUZZ_MAIN)
EXTRA_DIST += tests/tools/record_frames.py
