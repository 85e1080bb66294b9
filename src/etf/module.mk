# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/etf/compare.c \
	src/etf/decode.c src/etf/decode.h \
	src/etf/encode.c src/etf/encode.h \
	src/etf/number.c src/etf/number.h \
	src/etf/term.c src/etf/term.h \
	src/etf/utf8.c src/etf/utf8.h
