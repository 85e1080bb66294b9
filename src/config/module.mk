# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/config/names.c src/config/names.h \
	src/config/pattern.c src/config/pattern.h \
	src/config/settings.c src/config/settings.h src/config/settings_private.h \
	src/config/settings_load.c \
	src/config/settings_read.c \
	src/config/settings_scan.c \
	src/config/settings_value.c \
	src/config/targets.c src/config/targets.h \
	src/config/targets_fold.c

check_PROGRAMS += tests/unit/settings_test tests/unit/targets_test
# Files that are wrong, each with what is to be said of it.
EXTRA_DIST += tests/config tests/e2e/test_config.py tests/e2e/test_completion.py tests/e2e/test_many.py
FUZZ_TARGETS += tests/fuzz/fuzz_settings tests/fuzz/fuzz_names tests/fuzz/fuzz_targets
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c $(FUZZ_MAIN)
tests_fuzz_fuzz_names_SOURCES = tests/fuzz/fuzz_names.c $(FUZZ_MAIN)
tests_fuzz_fuzz_targets_SOURCES = tests/fuzz/fuzz_targets.c $(FUZZ_MAIN)
