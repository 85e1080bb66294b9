#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Terms are printed exactly as OTP and Elixir print them, this machine's or, with RIG_RELEASE, those of a root: chosen and random ones,
# at many widths. What a release prints otherwise on purpose of its own is left out by the generators.
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
dir=$(mktemp -d /tmp/beamline-print.XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
cp "$SRCDIR/tests/tools/print_terms.escript" "$SRCDIR/tests/tools/print_terms.exs" "$dir" || exit 99

there() { "$SRCDIR/tests/rig/rig" release "$dir" "$@"; }

there escript "$dir/print_terms.escript" "$dir/erlang" "$TERMS" "$SEED" || exit 99
ERL_FLAGS="+pc unicode" there escript "$dir/print_terms.escript" "$dir/unicode" "$TERMS" "$SEED" || exit 99
there elixir "$dir/print_terms.exs" "$dir/elixir" "$TERMS" "$SEED" 2>"$dir/log" || { cat "$dir/log"; exit 99; }
"$BUILDDIR/tests/tools/print_compare" "$dir/erlang" "$dir/unicode" "$dir/elixir"
