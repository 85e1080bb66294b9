# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/cmd/command.h src/cmd/table.c \
	src/cmd/close.c \
	src/cmd/completion.c src/cmd/completion.h \
	src/cmd/config.c \
	src/cmd/environment.c src/cmd/environment.h \
	src/cmd/eval.c \
	src/cmd/evaluate.c src/cmd/evaluate.h \
	src/cmd/forward.c \
	src/cmd/help.c src/cmd/help.h \
	src/cmd/hosts.c \
	src/cmd/journal.c src/cmd/journal_show.c src/cmd/journal_show.h \
	src/cmd/list.c src/cmd/list.h \
	src/cmd/many.c src/cmd/many.h src/cmd/many_private.h \
	src/cmd/many_show.c \
	src/cmd/nodes.c \
	src/cmd/open.c \
	src/cmd/ping.c \
	src/cmd/report.c src/cmd/report.h \
	src/cmd/rpc.c \
	src/cmd/several.c src/cmd/several.h \
	src/cmd/shell.c \
	src/cmd/status.c \
	src/cmd/target_options.c src/cmd/target_options.h

EXTRA_DIST += tests/e2e/test_forward.py
