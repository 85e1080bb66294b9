#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make check-long`: every test on every release and in every build, as a table. docs/compatibility.md holds what it printed last.

A cell is a command with a log and a time limit; what came of it is kept under $BUILDDIR/check-long, so that a run which was ended goes on
where it was. What is tested is the revision that is committed, or the tree as it lies where there is no git. Root only: it works in roots of
other Debian suites, which are built under $BEAMLINE_CACHE, else under the build folder.

In the environment: BEAMLINE_FUZZ_SECONDS (60, for each target), BEAMLINE_VISITS (2000).
"""

import argparse
import concurrent.futures
import datetime
import glob
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cells import TOP, Build, Cell, Run  # noqa: E402
from rig.core import RigError  # noqa: E402
from rig.roots import root_for  # noqa: E402

DOCUMENT = os.path.join(TOP, "docs", "compatibility.md")
BEGIN, END = "<!-- make check-long printed what follows -->", "<!-- until here -->"
SUITES = {"bullseye": "23", "bookworm": "25", "trixie": "27", "sid": "29"}
VISITS = os.environ.get("BEAMLINE_VISITS", "2000")
FUZZ_SECONDS = int(os.environ.get("BEAMLINE_FUZZ_SECONDS", "60"))

GCC = Build("gcc", "gcc", "--enable-werror")
FUZZING = Build("fuzzing", "libFuzzer", "CC=clang", "--enable-fuzzing")
BUILDS = [
    GCC,
    Build("clang", "clang", "--enable-werror", "CC=clang"),
    Build("portable", "gcc, `--disable-linux-features`", "--enable-werror", "--disable-linux-features"),
    Build("sanitized", "gcc, ASan and UBSan", "--enable-werror", "--enable-sanitizers"),
    *[Build(f"{suite}-{compiler}", f"{compiler} of {suite}", "--enable-werror", f"CC={compiler}", suite=suite)
      for suite in ("trixie", "sid") for compiler in ("gcc", "clang")],
]


def own_suite():
    with open("/etc/os-release", encoding="utf-8") as file:
        return dict(re.findall(r'^(\w+)="?([^"\n]*)', file.read(), re.M)).get("VERSION_CODENAME")


def release_of(suite):
    """What a node of this suite is called."""
    return "system" if suite == own_suite() else suite


def by_release():
    """Columns are the releases of the nodes that this machine's gcc build works on."""
    for suite, column in SUITES.items():
        release = release_of(suite)
        tests = f'"$SRCDIR"/tests/tools/on_release.sh {release}'
        visits = f'cd "$SRCDIR"/tests/e2e && RIG_RELEASE={release} /usr/bin/python3 run.py test_promises.py -k hundreds_of_visits'
        yield Cell("every end-to-end test", column, GCC, f"{tests} full", 40)
        yield Cell("what works on nodes, over TLS distribution", column, GCC, f"{tests} nodes", 40, RIG_TLS="1")
        yield Cell(f"{VISITS} visits leave nothing on the node", column, GCC, visits, 40, BEAMLINE_VISITS=VISITS)


def by_build():
    """Each build's own `make check`; the nodes are those of where it was built."""
    for build in BUILDS:
        for column, tests in (("units, fuzz seeds", "$(check_PROGRAMS)"), ("end to end", "$(dist_check_SCRIPTS)")):
            yield Cell(build.title, column, build, f"make -k check TESTS='{tests}'", 60)


def by_locale():
    """`RIG_LOCALE` is the rig's and beamline's; the third is made here (package locales)."""
    tests = 'cd "$SRCDIR"/tests/e2e && /usr/bin/python3 run.py test_cli.py test_eval.py test_errors.py test_guard.py test_shell_text.py'
    for name in ("C", "C.UTF-8", "de_DE.ISO-8859-1"):
        prepare = ""
        if name.startswith("de"):
            prepare = f"mkdir -p locales && localedef -i de_DE -f ISO-8859-1 locales/{name} && export LOCPATH=$PWD/locales && "
        yield Cell(f"`LANG={name}`", "command line and nodes", GCC, prepare + tests, RIG_LOCALE=name)


def by_transport():
    """OpenSSH makes the connection: a private master of it, or one of the user's own. What is left out there is marked own_ssh, with the reason."""
    tests = ('cd "$SRCDIR"/tests/e2e && /usr/bin/python3 run.py test_shell_text.py test_eval.py test_guard.py test_errors.py test_promises.py test_hosts.py '
             'test_many.py test_forward.py')
    for title, name in (("`--transport openssh`", "openssh"), ("a ControlMaster of the user's own", "master")):
        yield Cell(title, "what works on nodes", GCC, tests, RIG_TRANSPORT=name)


def by_fuzzing():
    yield Cell(f"each fuzz target for {FUZZ_SECONDS} seconds", "targets", FUZZING, f"make fuzz FUZZ_SECONDS={FUZZ_SECONDS}", 10 + FUZZ_SECONDS,
               counting="fuzz")


TABLES = {"": list(by_release()), "Built with": list(by_build()), "Locale": list(by_locale()), "Transport": list(by_transport()), "Fuzzing": list(by_fuzzing())}


def versions_of_nodes():
    """A dict of column -> what it is in full."""
    full = {}
    for suite, column in SUITES.items():
        root = "" if release_of(suite) == "system" else root_for(suite)
        with open(glob.glob(f"{root}/usr/lib/erlang/releases/*/OTP_VERSION")[0], encoding="ascii") as file:
            otp = file.read().strip()
        with open(f"{root}/usr/lib/elixir/lib/elixir/ebin/elixir.app", encoding="utf-8") as file:
            elixir = re.search(r'{vsn,\s*"([^"]+)"}', file.read())[1]
        full[column] = f"OTP {otp}, Elixir {elixir}"
    return full


def shown(cell):
    result = cell.result()
    if result is None:
        return "not run"
    return f"{result['passed']} / {result['failed']}"


def table_of(title, cells, names):
    columns = list(dict.fromkeys(cell.column for cell in cells))
    rows = list(dict.fromkeys(cell.row for cell in cells))
    of = {(cell.row, cell.column): shown(cell) for cell in cells}
    yield "| " + " | ".join([title, *[names.get(column, column) for column in columns]]) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for row in rows:
        yield "| " + " | ".join([names.get(row, row), *[of[row, column] for column in columns]]) + " |"
    yield ""


def report(run):
    """The text of all tables, and how many cells are empty or failed."""
    cells = [cell for table in TABLES.values() for cell in table]
    results = [cell.result() for cell in cells]
    revisions = sorted({result["revision"] for result in results if result})
    names = versions_of_nodes()
    names.update({build.title: f"{build.title} ({build.versions(run)})" for build in BUILDS})
    lines = [f"`make check-long`, {datetime.date.today()}, revision {', '.join(revisions)}; passed / failed.", ""]
    for title, table in TABLES.items():
        lines += table_of(title, table, names)
    bad = sum(result is None or result["failed"] > 0 for result in results)
    lines.append(f"{len(cells)} cells, {bad} of them empty or with a failure.")
    return "\n".join(lines) + "\n", bad


def write(text):
    with open(DOCUMENT, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n\n" + text + "\n" + END + rest.partition(END)[2])


def wanted(given, run):
    """The cells to run: those asked for that have no result of this revision."""
    for table in TABLES.values():
        for cell in table:
            result = cell.result()
            there = result is not None and (given.keep or result["revision"] == run.revision) and not given.again
            if not there and (not given.only or any(word in cell.name for word in given.only)):
                yield cell


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="WORD", help="cells whose name holds it (several times: any of them)")
    parser.add_argument("--again", action="store_true", help="run also what has a result of this revision")
    parser.add_argument("--keep", action="store_true", help="leave what has a result of any revision")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time; tests that watch the clock may fail with more than there are processors")
    parser.add_argument("--list", action="store_true", help="only say what would be run")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/compatibility.md")
    given = parser.parse_args()
    if os.getuid() != 0:
        sys.exit("check-long works in roots of other Debian suites: run it as root")
    # Tests look at what signals do; a shell starts what is in the background with these ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    run = Run()
    todo = list(wanted(given, run))
    if given.list:
        print("\n".join(cell.name for cell in todo))
        return 0
    run.prepare()
    if not given.table:
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            running = {pool.submit(cell.run, run): cell for cell in todo}
            try:
                for done in concurrent.futures.as_completed(running):
                    result = done.result()
                    print(f"{running[done].name}: {result['passed']} passed, {result['failed']} failed, {result['seconds']} s", flush=True)
            except KeyboardInterrupt:
                run.end()
                pool.shutdown(cancel_futures=True)
                sys.exit("check-long: ended; --keep goes on where it was")
    text, bad = report(run)
    print(text, end="")
    if given.write:
        write(text)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RigError as problem:
        sys.exit(f"check-long: {problem}")
