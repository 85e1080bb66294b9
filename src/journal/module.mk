# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/journal/entry.c src/journal/entry.h \
	src/journal/file.c src/journal/file.h \
	src/journal/journal.c src/journal/journal.h \
	src/journal/text.c src/journal/text.h \
	src/journal/walk.c src/journal/walk.h

check_PROGRAMS += tests/unit/journal_test
EXTRA_DIST += tests/e2e/test_journal.py
FUZZ_TARGETS += tests/fuzz/fuzz_journal
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
