#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# 100,000 random terms of a real node through decode and encode; order, text and numbers likewise; damaged terms.
# TERMS and SEED may be set to look for more; RIG_RELEASE names the root whose node it is.
set -eu
if ! command -v escript >/dev/null 2>&1; then
	echo "1..1"
	echo "not ok 1 - escript is not installed: apt install erlang-base"
	exit 1
fi
folder=$(mktemp -d /tmp/beamline-terms.XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP INT TERM
cp "$SRCDIR/tests/tools/terms.escript" "$folder"
"$SRCDIR/tests/rig/rig" release "$folder" escript "$folder/terms.escript" "${TERMS:-100000}" "${SEED:-1}" "$folder/terms" >"$folder/log" 2>&1 || {
	echo "1..1"
	echo "not ok 1 - terms.escript failed"
	sed 's/^/# /' "$folder/log"
	exit 1
}
"$BUILDDIR/tests/tools/etf_differential" "$folder/terms"
