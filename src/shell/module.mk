# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/shell/history.c src/shell/history.h \
	src/shell/input.c src/shell/input.h \
	src/shell/prompt.c src/shell/prompt.h \
	src/shell/shell.c src/shell/shell.h
