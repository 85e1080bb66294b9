# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/cmd/command.h src/cmd/table.c \
	src/cmd/eval.c \
	src/cmd/evaluate.c src/cmd/evaluate.h \
	src/cmd/help.c src/cmd/help.h \
	src/cmd/nodes.c \
	src/cmd/ping.c \
	src/cmd/report.c src/cmd/report.h \
	src/cmd/rpc.c
