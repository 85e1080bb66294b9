# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/etf/compare.c \
	src/etf/decode.c src/etf/decode.h src/etf/decode_leaf.c src/etf/decode_leaf.h \
	src/etf/encode.c src/etf/encode.h \
	src/etf/json.c src/etf/json.h \
	src/etf/integer_text.c src/etf/number.c src/etf/number.h \
	src/etf/print.h src/etf/print_text.c src/etf/print_text.h \
	src/etf/print_erlang.c src/etf/print_erlang_text.c src/etf/print_erlang_text.h \
	src/etf/print_elixir.c src/etf/print_elixir_atom.c src/etf/print_elixir_form.c src/etf/print_elixir_form.h \
	src/etf/print_elixir_items.c src/etf/print_elixir_struct.c src/etf/print_elixir_text.c src/etf/print_elixir_text.h \
	src/etf/scan.c src/etf/scan.h \
	src/etf/scan_bits.c \
	src/etf/scan_token.c src/etf/scan_token.h \
	src/etf/term.c src/etf/term.h \
	src/etf/utf8.c src/etf/utf8.h

# The printers: hand-made cases, then what real nodes print.
check_PROGRAMS += tests/unit/print_test
tests_unit_print_test_SOURCES = tests/unit/print_test.c
EXTRA_PROGRAMS += tests/tools/print_compare
tests_tools_print_compare_SOURCES = tests/tools/print_compare.c
CLEANFILES += tests/tools/print_compare$(EXEEXT)
dist_check_SCRIPTS += tests/e2e/print.sh
EXTRA_DIST += tests/tools/print_terms.escript tests/tools/print_terms.exs
tests/e2e/print.log: tests/tools/print_compare$(EXEEXT)

# Terms: hand-made cases, then what a real node says of random terms.
check_PROGRAMS += tests/unit/etf_test tests/unit/json_test tests/unit/scan_test
EXTRA_PROGRAMS += tests/tools/etf_differential
CLEANFILES += tests/tools/etf_differential$(EXEEXT)
dist_check_SCRIPTS += tests/e2e/etf_differential.sh
EXTRA_DIST += tests/tools/terms.escript docs/json.md
tests/e2e/etf_differential.log: tests/tools/etf_differential$(EXEEXT)

FUZZ_TARGETS += tests/fuzz/fuzz_decode tests/fuzz/fuzz_print tests/fuzz/fuzz_scan tests/fuzz/fuzz_compare
tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c tests/fuzz/fuzz_must.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_print_SOURCES = tests/fuzz/fuzz_print.c tests/fuzz/fuzz_must.h $(FUZZ_TERMS) $(FUZZ_MAIN)
tests_fuzz_fuzz_scan_SOURCES = tests/fuzz/fuzz_scan.c tests/fuzz/fuzz_must.h $(FUZZ_MAIN)
tests_fuzz_fuzz_compare_SOURCES = tests/fuzz/fuzz_compare.c tests/fuzz/fuzz_must.h $(FUZZ_TERMS) $(FUZZ_MAIN)
