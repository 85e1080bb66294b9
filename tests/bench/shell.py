# SPDX-License-Identifier: GPL-3.0-or-later
"""
The interactive shell: cold to its first prompt, and its memory, beside `ssh -t HOST erl -remsh`; and at a round trip of 200 ms how long a key
takes to be seen, and a line to its result.
"""

import os
import re
import shlex
import statistics
import subprocess
import time

from rig import Terminal

from . import peers
from .report import mebibytes, milliseconds
from .timing import Contender, family, progress, proportional_memory, take_turns

OURS, ERL = "`beamline shell`", "`ssh -t HOST erl -remsh`"
PROMPT = r"\(demo@[^)]+\)1> "
ROUND_TRIP = 200  # ms
KEYS = 40
LINES = 10


def remsh(world, config):
    """As an operator types it who has a shell there; a name of its own for each, as two may not have the same."""
    name = f"remsh{world.rig.count()}"
    host = world.node.full_name
    with open(world.node.cookie_file, encoding="ascii") as file:
        cookie = file.read().strip()
    command = (f"ERL_EPMD_PORT={world.epmd.port} ERL_EPMD_ADDRESS=127.0.0.1 exec {shlex.quote(world.erl)} -hidden -sname {name} "
               f"-setcookie {shlex.quote(cookie)} -remsh {shlex.quote(host)}")
    return [world.ssh, "-t", "-F", config, "rig", command]


def environment(world):
    return {**world.environment(), "XDG_STATE_HOME": os.path.join(world.rig.folder, "state"), "INPUTRC": "/dev/null"}


def opened(argv, env):
    terminal = Terminal(argv, env, limit=60)
    terminal.expect(PROMPT)
    return terminal


def closed(world, terminal):
    subprocess.run(["kill", "-HUP", str(terminal.pid)], check=False)
    terminal.close()
    world.settle()


def cold(world, argv, env):
    begin = time.perf_counter()
    terminal = opened(argv(), env)
    seconds = time.perf_counter() - begin
    closed(world, terminal)
    return seconds


def peak(argv, env, pids):
    """The most PSS that the processes had until the prompt, and a moment after it, in bytes."""
    terminal = Terminal(argv, env, limit=60)
    most, at_prompt = 0, None
    while at_prompt is None or time.perf_counter() < at_prompt + 0.5:
        terminal.read(0.002)
        most = max(most, proportional_memory(pids(terminal)))
        if at_prompt is None and re.search(PROMPT, terminal.screen):
            at_prompt = time.perf_counter()
    return terminal, most


def remsh_beam(_):
    """Without what it is reached by."""
    found = subprocess.run(["pgrep", "-f", "beam.smp.*-remsh"], capture_output=True, text=True, check=False).stdout.split()
    return [int(pid) for pid in found]


def memory(world, config, env):
    terminal, ours = peak(shell(world, config), env, lambda terminal: family(terminal.pid))
    closed(world, terminal)
    terminal, theirs = peak(remsh(world, config), env, remsh_beam)
    closed(world, terminal)
    return ours, theirs


def shell(world, config):
    return peers.ours(world, config, "eval", "shell", f"rig:{world.node.name}")


def seen(terminal, text, pattern):
    begin = time.perf_counter()
    terminal.type(text)
    terminal.expect(pattern)
    return time.perf_counter() - begin


def far(world, env):
    proxy = world.proxy(ROUND_TRIP)
    terminal = opened(shell(world, world.config("default", port=proxy.port)), env)
    keys = [seen(terminal, "x", "x") for _ in range(KEYS)]
    terminal.type("\x15")
    lines = [seen(terminal, f"{number}+1.\n", rf"[\r\n]{number + 1}\r\n") for number in range(1000, 1000 + LINES)]
    closed(world, terminal)
    proxy.stop()
    return keys, lines


def measure(world, report):
    config, env = world.config("default"), environment(world)
    found = [Contender(OURS, lambda: cold(world, lambda: shell(world, config), env)), Contender(ERL, lambda: cold(world, lambda: remsh(world, config), env))]
    take_turns("shell", found, min(world.turns, 7))
    report.goal("shell to its first prompt, cold / `ssh -t HOST erl -remsh`", found[0].ratio(found[1]), "under", 0.2, digits=3)
    progress("shell: memory")
    ours, theirs = memory(world, config, env)
    report.goal("peak PSS of the shell / of `erl -remsh`'s BEAM", ours / theirs, "under", 0.25, digits=3)
    progress(f"shell: at {ROUND_TRIP} ms")
    keys, lines = far(world, env)
    key, line = statistics.median(keys) * 1000, statistics.median(lines) * 1000 - ROUND_TRIP
    report.goal(f"a key at {ROUND_TRIP} ms of round trip, ms until it is seen", key, "under", 5, digits=2)
    report.goal(f"a line at {ROUND_TRIP} ms of round trip, ms beyond it until its result", line, "under", 10, digits=1)
    rows = [[contender.name, milliseconds(contender.median), f"{contender.ratio(found[1]):.3f}", mebibytes(size)]
            for contender, size in zip(found, (ours, theirs))]
    report.table("The shell", ["", "ms to the first prompt, cold", f"/ {ERL}", "peak PSS, MiB"], rows)
    report.keep("shell", "default", [contender.facts() for contender in found])
