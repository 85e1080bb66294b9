# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += \
	src/shell/commands.c \
	src/shell/complete.c src/shell/complete.h \
	src/shell/history.c src/shell/history.h \
	src/shell/input.c src/shell/input.h \
	src/shell/node_side.c \
	src/shell/offline.c \
	src/shell/person_side.c \
	src/shell/plain.c src/shell/plain.h \
	src/shell/programs.c \
	src/shell/prompt.c src/shell/prompt.h \
	src/shell/record.c src/shell/record.h \
	src/shell/shell.c src/shell/shell.h src/shell/shell_private.h \
	src/shell/turn.c src/shell/turn.h

check_PROGRAMS += tests/unit/shell_test
FUZZ_TARGETS += tests/fuzz/fuzz_remsh
tests_fuzz_fuzz_remsh_SOURCES = tests/fuzz/fuzz_remsh.c tests/fuzz/fuzz_must.h tests/fuzz/fuzz_peer.c tests/fuzz/fuzz_peer.h $(FUZZ_TERMS) $(FUZZ_MAIN)

# What a terminal would have done, for tests; libvterm is theirs only.
EXTRA_PROGRAMS += tests/tools/vterm_judge
tests_tools_vterm_judge_LDADD = -lvterm
CLEANFILES += tests/tools/vterm_judge$(EXEEXT)
