#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Terms are printed exactly as this machine's OTP and Elixir print them: chosen and random ones, at many widths.
set -u
SRCDIR=${SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILDDIR=${BUILDDIR:-$SRCDIR}
TERMS=${PRINT_TERMS:-5000}
SEED=${PRINT_SEED:-1}
LC_ALL=C.UTF-8
ERL_CRASH_DUMP=/dev/null
export LC_ALL ERL_CRASH_DUMP

for program in escript elixir; do
	if ! command -v $program >/dev/null 2>&1; then
		echo "not ok 1 - $program is there"
		echo "# apt install erlang elixir"
		echo "1..1"
		exit 1
	fi
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/beamline-print.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM

escript "$SRCDIR/tests/tools/print_terms.escript" "$dir/erlang" "$TERMS" "$SEED" || exit 99
ERL_FLAGS="+pc unicode" escript "$SRCDIR/tests/tools/print_terms.escript" "$dir/unicode" "$TERMS" "$SEED" || exit 99
elixir "$SRCDIR/tests/tools/print_terms.exs" "$dir/elixir" "$TERMS" "$SEED" || exit 99
"$BUILDDIR/tests/tools/print_compare" "$dir/erlang" "$dir/unicode" "$dir/elixir"
