# SPDX-License-Identifier: GPL-3.0-or-later
"""
`make bench`: all comparisons in one run, as docs/performance.md explains them. Environment:

  BEAMLINE        the program to measure (build/beamline)
  BENCH_ONLY      some of the comparisons only, separated by commas: cold, warm, many, rtt, lines, shell, calls, bulk, memory,
                  startup, instructions
  BENCH_RUNS      how many turns count (15)
  BENCH_GOAL      if set, a goal that is not met is status 1
  BENCH_JSON      a file for all figures
  BENCH_MARKDOWN  a file for the tables, as they stand in docs/performance.md
  BENCH_PROGRAMS  more builds to measure beside the first in the cold runs, separated by colons
  BUILDDIR        where the drivers are (the folder of BEAMLINE)
"""

import os
import signal
import sys

sys.dont_write_bytecode = True

from rig import Rig, RigError  # noqa: E402

from . import bulk, calls, cold, instructions, lines, many, memory, rtt, shell, startup, warm  # noqa: E402
from .report import Report  # noqa: E402
from .timing import progress  # noqa: E402
from .world import World  # noqa: E402

COMPARISONS = {
    "cold": cold, "warm": warm, "many": many, "rtt": rtt, "lines": lines, "shell": shell, "calls": calls, "bulk": bulk, "memory": memory, "startup": startup,
    "instructions": instructions,
}


def chosen():
    names = [name.strip() for name in os.environ.get("BENCH_ONLY", "").split(",") if name.strip()] or list(COMPARISONS)
    for name in names:
        if name not in COMPARISONS:
            raise RigError(f"BENCH_ONLY: no comparison {name}; there are {', '.join(COMPARISONS)}")
    return [name for name in COMPARISONS if name in names]


def turns():
    text = os.environ.get("BENCH_RUNS", "15")
    if not text.isdigit() or int(text) < 1:
        raise RigError(f"BENCH_RUNS: {text!r} is no number of turns")
    return int(text)


def main():
    def ended(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    names = chosen()
    own = os.environ.get("BEAMLINE") or os.path.join("build", "beamline")
    builds = [os.path.abspath(path) for path in [own, *os.environ.get("BENCH_PROGRAMS", "").split(":")] if path]
    for build in builds:
        if not os.access(build, os.X_OK):
            raise RigError(f"{build} is missing: make it first")
    # What is missing is said before anything is measured.
    for name in names:
        getattr(COMPARISONS[name], "check", lambda: None)()
    with Rig() as rig:
        world = World(rig, builds, turns(), os.environ.get("BUILDDIR") or os.path.dirname(builds[0]))
        report = Report(world.conditions())
        for name in names:
            COMPARISONS[name].measure(world, report)
    print(report.text())
    if os.environ.get("BENCH_JSON"):
        report.write_json(os.environ["BENCH_JSON"])
    if os.environ.get("BENCH_MARKDOWN"):
        with open(os.environ["BENCH_MARKDOWN"], "w", encoding="utf-8") as file:
            file.write(report.markdown())
    missed = [goal for goal in report.goals if not goal.met]
    print(f"{len(report.goals) - len(missed)} of {len(report.goals)} goals met")
    return 1 if missed and os.environ.get("BENCH_GOAL") else 0


if __name__ == "__main__":
    try:
        status = main()
    except RigError as problem:
        progress("")
        print(problem, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        progress("")
        status = 130
    sys.exit(status)
