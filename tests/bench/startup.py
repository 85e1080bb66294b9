# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up without network: `--version` beside what the peers' programs take to say as little, in time and in system calls."""

import shutil

from .timing import Contender, run, take_turns
from .trace import system_calls
from .world import need

TIMES = 10  # runs a turn: they are short


def commands(world):
    """name -> argv, output, statuses"""
    return {
        "`beamline --version`": [world.program, "--version"],
        "`ssh -V`": [world.ssh, "-V"],
        "`erl_call` with no arguments": ["/bin/sh", "-c", f"{world.erl_call} >/dev/null 2>&1; exit 0"],
        "`erl -noshell -eval halt()`": [world.erl, "-noshell", "-eval", "halt()."],
        "`true`": [shutil.which("true")],
    }


def check():
    need("strace")
