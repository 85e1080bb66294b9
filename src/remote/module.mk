# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += src/remote/program.h src/remote/remsh.h src/remote/remsh_program.c src/remote/session.h \
	src/remote/session_program.c

# The first one is where the program starts; the others in any fixed order.
remote_session = src/remote/session.erl src/remote/session_elixir.erl src/remote/session_evaluator.erl \
	src/remote/session_guard.erl src/remote/session_guard_elixir.erl src/remote/session_harmless.erl \
	src/remote/session_io.erl src/remote/session_lib.erl src/remote/session_readonly.erl src/remote/session_records.erl \
	src/remote/session_relay.erl src/remote/session_shell.erl src/remote/session_tree.erl
remote_remsh = src/remote/remsh.erl src/remote/remsh_elixir.erl src/remote/remsh_evaluator.erl src/remote/remsh_helper.erl \
	src/remote/remsh_relay.erl src/remote/session_elixir.erl src/remote/session_evaluator.erl src/remote/session_guard.erl \
	src/remote/session_guard_elixir.erl src/remote/session_harmless.erl src/remote/session_io.erl src/remote/session_lib.erl \
	src/remote/session_readonly.erl src/remote/session_records.erl src/remote/session_shell.erl src/remote/session_tree.erl

EXTRA_DIST += src/remote/generate.escript $(remote_session) src/remote/remsh.erl src/remote/remsh_elixir.erl \
	src/remote/remsh_evaluator.erl src/remote/remsh_helper.erl src/remote/remsh_relay.erl tests/e2e/remote_test.escript tests/e2e/remote_cases.eterm \
	tests/e2e/remote_canary.erl tests/e2e/remote_read_only.eterm
dist_check_SCRIPTS += tests/e2e/remote_test.sh

# Needs Erlang; the ordinary build does not. tests/e2e/remote_test.sh says when it is due.
regenerate:
	cd $(top_srcdir) && escript src/remote/generate.escript --write src/remote/session_program.c $(remote_session)
	cd $(top_srcdir) && escript src/remote/generate.escript --write src/remote/remsh_program.c $(remote_remsh)
.PHONY: regenerate
