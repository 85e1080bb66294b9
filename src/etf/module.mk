# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/etf/compare.c \
	src/etf/decode.c src/etf/decode.h \
	src/etf/encode.c src/etf/encode.h \
	src/etf/json.c src/etf/json.h \
	src/etf/number.c src/etf/number.h \
	src/etf/print.h src/etf/print_text.c src/etf/print_text.h \
	src/etf/print_erlang.c src/etf/print_erlang_text.c src/etf/print_erlang_text.h \
	src/etf/scan.c src/etf/scan.h \
	src/etf/scan_bits.c \
	src/etf/scan_token.c src/etf/scan_token.h \
	src/etf/term.c src/etf/term.h \
	src/etf/utf8.c src/etf/utf8.h
