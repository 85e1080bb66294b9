# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/dist/control.c src/dist/control.h \
	src/dist/epmd.c src/dist/epmd.h \
	src/dist/flags.c src/dist/flags.h \
	src/dist/frame.c src/dist/frame.h \
	src/dist/handshake.c src/dist/handshake.h \
	src/dist/handshake_accept.c src/dist/handshake_packet.c src/dist/handshake_packet.h

check_PROGRAMS += tests/unit/dist_test tests/unit/handshake_test
