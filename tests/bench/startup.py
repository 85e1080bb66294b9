# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up without network: `--version` beside what the peers' programs take to say as little, in time and in system calls."""

import shutil

from .report import milliseconds
from .timing import Contender, run, take_turns
from .trace import system_calls
from .world import need

TIMES = 10  # runs a turn: they are short
OURS = "`beamline --version`"


def check():
    need("strace")


def measure(world, report):
    env = world.environment()
    commands = {  # name -> command line, its status
        OURS: ([world.program, "--version"], 0),
        "`ssh -V`": ([world.ssh, "-V"], 0),
        "`erl_call` without arguments": ([world.erl_call], 0),
        "`true`": ([shutil.which("true")], 0),
    }

    def timed(argv, status):
        return lambda: sum(run(argv, env, quiet=True, status=status).seconds for _ in range(TIMES)) / TIMES
    found = [Contender(name, timed(*command)) for name, command in commands.items()]
    take_turns("startup", found, world.turns)
    calls = {name: sum(system_calls(world, argv, env, quiet=True, status=status).values()) for name, (argv, status) in commands.items()}
    report.goal(f"{OURS}", found[0].median * 1000, "under", 5, unit="ms", digits=1)
    report.table("Start-up", ["", "ms", "/ ours", "system calls"],
                 [[contender.name, milliseconds(contender.median), f"{contender.ratio(found[0]):.2f}", str(calls[contender.name])] for contender in found],
                 f"From the program's start to its end, spawned by the bench, {TIMES} times a turn.")
    report.keep("startup", "turns", [contender.facts() for contender in found])
    report.keep("startup", "system calls", calls)
