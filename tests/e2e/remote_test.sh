#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The program that is sent to nodes: whether it is what its sources give, and all that it does (remote_test.escript), on this machine's
# release or, with RIG_RELEASE, on that of a root.
set -u
srcdir=${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
if ! command -v escript >/dev/null; then
	echo "1..1"
	echo "not ok 1 - escript is missing: apt-get install erlang-base"
	exit 1
fi
LC_ALL=C.UTF-8
export LC_ALL
folder=$(mktemp -d /tmp/beamline-remote.XXXXXX) || exit 99
trap 'rm -rf "$folder"' EXIT
trap 'exit 99' HUP INT TERM
mkdir -p "$folder/src" "$folder/tests/e2e"
cp -R "$srcdir/src/remote" "$folder/src" && cp "$srcdir"/tests/e2e/remote_* "$folder/tests/e2e" || exit 99
# Elixir's applications need not be on Erlang's own path.
# shellcheck disable=SC2016  # expanded there
"$srcdir/tests/rig/rig" release "$folder" sh -c '
	elixir=$(dirname "$(dirname "$(readlink -f "$(command -v elixir)")")")/lib
	[ -d "$elixir/elixir/ebin" ] && ERL_LIBS=$elixir${ERL_LIBS:+:$ERL_LIBS} && export ERL_LIBS
	exec escript "$@"' sh "$folder/tests/e2e/remote_test.escript" "$folder" "$@"
