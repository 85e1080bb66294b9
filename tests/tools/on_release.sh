#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the tests in which nodes take part with nodes of another OTP release: on_release.sh SUITE WHAT. SUITE is a Debian suite
# (tests/rig/roots.py; root only) or `system`. WHAT: `full` is every end-to-end test of a file that has nodes at all, and every script
# that asks one; `nodes` those whose business nodes are; `smoke` what shows soonest that a release is different.
# BEAMLINE, SRCDIR and BUILDDIR as `make check` sets them. Output: TAP, one plan a program.
set -u
usage() { echo "usage: on_release.sh SUITE full|nodes|smoke" >&2; exit 64; }
[ $# = 2 ] || usage
RIG_RELEASE=$1
export RIG_RELEASE

cd "$SRCDIR/tests/e2e" || exit 99
smoke="test_shell_text.py test_eval.py"
nodes="$smoke test_guard.py test_errors.py test_promises.py test_hosts.py"
case $2 in
full) files=$(grep -lE '\<node\>|Node\(' test_*.py | grep -v test_shell_hostile) ;; # whose nodes are all lies
nodes) files=$nodes ;;
smoke) files=$smoke ;;
*) usage ;;
esac

status=0
# shellcheck disable=SC2086  # a list of words
/usr/bin/python3 run.py $files || status=1
# These speak to no node over distribution, so that kinds of it make no difference to them.
if [ -z "${RIG_TLS:-}" ]; then
	make -s -C "$BUILDDIR" tests/tools/print_compare tests/tools/etf_differential || status=1
	for script in ./remote_test.sh ./print.sh ./etf_differential.sh; do
		TERMS=20000 $script || status=1
	done
fi
exit $status
