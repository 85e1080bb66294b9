#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the end-to-end tests with pytest and tells the results as TAP, one line a test, for automake's driver.

Arguments go to pytest as they are (`run.py -k cookie`, `run.py tests/e2e/test_eval.py`). Tests marked `root` run only as root; a
plain user is told so in one SKIP line. Nothing else is ever skipped: what the machine lacks is a failure that names the package.
"""

import os
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))


class Tap:
    """A pytest plugin that turns reports into TAP, which it writes to `out`."""

    def __init__(self, out):
        self.out = out
        self.number = 0
        self.failed = 0

    def say(self, text):
        print(text, file=self.out, flush=True)

    def line(self, good, name, text=""):
        self.number += 1
        self.failed += not good
        self.say(f"{'ok' if good else 'not ok'} {self.number} - {name}")
        for line in text.splitlines():
            self.say(f"# {line}")

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.replace("#", "")
        if report.when == "call" or report.outcome != "passed":
            detail = report.longreprtext if report.failed else ""
            if report.failed:
                detail += "".join(f"\n{title}\n{text}" for title, text in report.sections if text.strip())
            if report.skipped:
                detail = f"skipped, which no test here may do: {report.longrepr}"
            when = "" if report.when == "call" else f" ({report.when})"
            self.line(report.outcome == "passed", name + when, detail)
            if report.duration > 5:
                self.say(f"# took {report.duration:.1f} s")

    def pytest_collectreport(self, report):
        if report.failed:
            self.line(False, f"collect {report.nodeid}", report.longreprtext)

    def pytest_deselected(self, items):
        away = [item for item in items if item.get_closest_marker("root") and os.getuid() != 0]
        if away:
            self.number += 1
            self.say(f"ok {self.number} - {len(away)} tests # SKIP need root")


def main():
    # Tests look at what these do; a shell starts what is in the background with them ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    try:
        import pytest
    except ImportError:
        print("1..1\nnot ok 1 - pytest is missing: apt-get install python3-pytest")
        return 1
    # pytest's own report would read as TAP in places, and it makes no details of failures without one.
    tap = Tap(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    given = sys.argv[1:]
    if not any(os.path.exists(word.partition("::")[0]) for word in given):
        given.append(HERE)
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        with open(os.path.join(folder, "report"), "w+", encoding="utf-8", errors="replace") as report:
            os.dup2(report.fileno(), 1)
            status = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", HERE, "-c", "/dev/null",
                                  "--basetemp", os.path.join(folder, "tests"), *given], plugins=[tap])
            report.seek(0)
            if status not in (0, 1):
                tap.line(False, f"pytest ended with status {int(status)}", report.read())
    tap.say(f"1..{tap.number}")
    return 1 if tap.failed or status else 0


if __name__ == "__main__":
    sys.exit(main())
