# SPDX-License-Identifier: GPL-3.0-or-later
"""Warm `eval`: over an SSH connection that is there already, ours or a ControlMaster of OpenSSH's, against a script over such a one."""

import os
import shlex
import subprocess
import time

from rig import free_port, wait_for

from . import peers
from .report import milliseconds
from .timing import Contender, run, take_turns

MASTER = "`eval --cookie-file` over a ControlMaster"
SCRIPT = "ControlMaster: `-O forward` + `erl_call` + `-O cancel`"
OURS = "eval --cookie-file"
AT_ONCE = 50
TEXT = """#!/bin/sh
{ssh} -F {config} -O forward -L {port}:127.0.0.1:{dist} rig >/dev/null 2>&1 || exit 1
{call}
status=$?
{ssh} -F {config} -O cancel -L {port}:127.0.0.1:{dist} rig >/dev/null 2>&1
exit $status
"""


def together(argv, env):
    """So many of them, started one after the other as fast as can be: seconds until the last has ended."""
    begin = time.perf_counter()
    children = [subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(AT_ONCE)]
    if any([child.wait() for child in children]):
        raise RuntimeError(f"{argv}: failed")
    return time.perf_counter() - begin


def measure(world, report):
    config = world.config("default")
    path = os.path.join(world.rig.folder, f"warm.{world.rig.count()}")
    with open(config, encoding="utf-8") as file:
        master_config = world.rig.write(f"warm.{world.rig.count()}.config", file.read().replace("ControlPath none", f"ControlPath {path}"))
    master = world.rig.spawn([world.ssh, "-F", master_config, "-M", "-N", "rig"], name="master")
    wait_for("the ControlMaster", 20, lambda: os.path.exists(path))
    env = world.environment()
    run([world.program, "--ssh-config", config, "open", "rig"], env, quiet=True)
    port = free_port()
    script = world.rig.write(f"warm.{world.rig.count()}.sh", TEXT.format(ssh=world.ssh, config=master_config, port=port, dist=world.node.dist_port,
                                                                         call=shlex.join(peers.erl_call(world, port))), 0o700)
    commands = {name: peers.ours(world, config, name) for name in ("eval", OURS, peers.KNOWN)}
    commands[MASTER] = peers.ours(world, master_config, OURS)
    try:
        found = {name: Contender(name, lambda argv=argv: run(argv, env, expected=b"2\n").seconds) for name, argv in commands.items()}
        found[SCRIPT] = Contender(SCRIPT, lambda: run([script], world.peer_environment(), expected=b"2").seconds)
        many = f"{AT_ONCE} × `{peers.KNOWN}` at once"
        found[many] = Contender(many, lambda: together(commands[peers.KNOWN], env))
        take_turns("warm", list(found.values()), world.turns, between=lambda: time.sleep(0.02))
    finally:
        run([world.program, "close", "--all"], env, quiet=True)
        master.stop()
    report.goal(f"warm `{peers.KNOWN}` / {SCRIPT}", found[peers.KNOWN].ratio(found[SCRIPT]), "under", 0.35, digits=3)
    rows = [[name if "`" in name else f"`{name}`", milliseconds(contender.median), " to ".join(milliseconds(end) for end in contender.spread()),
             f"{contender.ratio(found[SCRIPT]):.3f}"] for name, contender in found.items()]
    report.table("Warm: an SSH connection is there", ["", "ms", "quartiles", "/ the script"], rows)
    report.keep("warm", "default", [contender.facts() for contender in found.values()])
