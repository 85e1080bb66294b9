# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/base/alloc.c src/base/alloc.h \
	src/base/arena.c src/base/arena.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/crypto.c src/base/crypto.h \
	src/base/error.c src/base/error.h \
	src/base/host.c src/base/host.h \
	src/base/io.c src/base/io.h \
	src/base/log.c src/base/log.h \
	src/base/options.c src/base/options.h \
	src/base/output.c src/base/output.h \
	src/base/secret.c src/base/secret.h \
	src/base/terminal.c src/base/terminal.h

check_PROGRAMS += tests/unit/base_test tests/unit/host_test tests/unit/options_test tests/unit/output_test
FUZZ_TARGETS += tests/fuzz/fuzz_terminal
tests_fuzz_fuzz_terminal_SOURCES = tests/fuzz/fuzz_terminal.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
