# SPDX-License-Identifier: GPL-3.0-or-later
# Unit tests are listed by their floors' module.mk (check_PROGRAMS); each is tests/unit/NAME_test.c with cmocka and speaks TAP.

LDADD += $(CMOCKA_LIBS)
TESTS = $(check_PROGRAMS) $(dist_check_SCRIPTS)
TEST_EXTENSIONS = .sh .py
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = /usr/bin/python3
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	BEAMLINE=$(abs_builddir)/beamline; export BEAMLINE; \
	SRCDIR=$(abs_top_srcdir); export SRCDIR; \
	BUILDDIR=$(abs_builddir); export BUILDDIR;
