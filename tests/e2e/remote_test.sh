#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The program that is sent to nodes: whether it is what its sources give, and all that it does (remote_test.escript).
srcdir=${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
if ! command -v escript >/dev/null; then
	echo "1..1"
	echo "not ok 1 - escript is missing: apt-get install erlang-base"
	exit 1
fi
# Elixir's applications need not be on Erlang's own path.
if command -v elixir >/dev/null; then
	lib=$(dirname "$(dirname "$(readlink -f "$(command -v elixir)")")")/lib
	[ -d "$lib/elixir/ebin" ] && ERL_LIBS=$lib${ERL_LIBS:+:$ERL_LIBS} && export ERL_LIBS
fi
LC_ALL=C.UTF-8
export LC_ALL
exec escript "$srcdir/tests/e2e/remote_test.escript" "$srcdir" "$@"
