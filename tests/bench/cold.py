# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold `eval`: from the start of the process to its end, nothing running before it and nothing after it, against every peer."""

import json
import time

from . import peers
from .report import milliseconds
from .timing import Contender, run, take_turns
from .world import ALGORITHMS

OURS = ("eval", "eval --cookie-file", peers.KNOWN)
TRUE, STDIO, CALL = "`ssh HOST true`", "`ssh -W`, EPMD's first byte", "`ssh -f -L` + `erl_call`"
ERL, ERL_STOP = "`ssh -f -L` + `erl … rpc:call`, `halt()`", "`ssh -f -L` + `erl … rpc:call`, `init:stop()`"
SSHD_ALONE = "sshd until it has authenticated us"


def contenders(world, config, builds, stop=True):
    """name -> Contender, all of one sshd and one choice of algorithms. `stop`: with the slow end of `erl`, a second of it, too."""
    env, peer_env = world.environment(), world.peer_environment()
    found = {}

    def add(name, argv, **options):
        environment = options.pop("env", env)
        found[name] = Contender(name, lambda: run(argv, environment, **options).seconds)

    add(TRUE, peers.ssh_true(world, config))
    for number, build in enumerate(builds):
        for what in OURS:
            add(what + (f" [{number}]" if number else ""), peers.ours(world, config, what, build=build), expected=b"2\n")
    add(STDIO, peers.ssh_forward_stdio(world, config, world.epmd.port), expected=b"\0", send=peers.EPMD_QUESTION, first_byte=True)
    add(CALL, peers.script(world, config, "erl_call", lambda port: peers.erl_call(world, port)), expected=b"2", env=peer_env)
    add(ERL, peers.script(world, config, "erl", lambda port: peers.erl(world, port, peers.ERL_MAX)), expected=b"2", env=peer_env)
    if stop:
        add(ERL_STOP, peers.script(world, config, "erl", lambda port: peers.erl(world, port, peers.ERL_MAX, "init:stop()")), expected=b"2", env=peer_env)
    return found


def authenticated(world, config):
    """How long sshd takes until it has authenticated us, which nobody can shorten: what `ping` says of these steps."""
    argv = peers.ours(world, config, "eval --cookie-file", "--json", "ping", f"rig:{world.node.name}")

    def measure():
        told = json.loads(run(argv, world.environment(), expected=b"{").output)["ms"]
        return sum(told[step] for step in ("connect", "key exchange", "auth")) / 1000
    return Contender(SSHD_ALONE, measure)


def rest(world):
    world.settle()
    time.sleep(0.01)


def judge(report, where, algorithms, found):
    known = found[peers.KNOWN]
    plain = found["eval"]
    bounds = ((plain, TRUE, 0.10 if algorithms == "default" else 0.15), (plain, STDIO, 0.25), (known, CALL, 0.15), (known, ERL, 0.08),
              (known, ERL_STOP, 0.08))
    for ours, peer, bound in bounds:
        if peer in found:
            report.goal(f"cold `{ours.name}` / {peer}; {where}, {algorithms} algorithms", ours.ratio(found[peer]), "under", bound, digits=3)


def table(report, where, algorithms, found):
    mine = [name for name in found if name.startswith("eval")]
    rows = []
    for name, contender in found.items():
        low, high = contender.spread()
        ratios = [f"{found[own].ratio(contender):.3f}" if name not in mine else "" for own in mine]
        rows.append([f"**`{name}`**" if name in mine else name, milliseconds(contender.median), f"{milliseconds(low)} to {milliseconds(high)}",
                     f"{contender.ratio(found[TRUE]):.3f}", *ratios])
    report.table(f"Cold: {where}, {algorithms} algorithms", ["", "ms", "quartiles", f"it / {TRUE}", *(f"`{own}` / it" for own in mine)], rows)


def measure(world, report):
    places = {"the rig's sshd": world.sshd}
    if world.debian_sshd:
        places["Debian's sshd_config"] = world.debian_sshd
    groups = {}
    for where, sshd in places.items():
        for algorithms in ALGORITHMS:
            config = world.config(algorithms, sshd)
            found = contenders(world, config, world.builds, stop=sshd is world.sshd)
            found[SSHD_ALONE] = authenticated(world, config)
            groups[where, algorithms] = found
    everyone = [contender for found in groups.values() for contender in found.values()]
    take_turns("cold", everyone, world.turns, between=lambda: rest(world))
    for (where, algorithms), found in groups.items():
        judge(report, where, algorithms, found)
        table(report, where, algorithms, found)
        report.keep("cold", f"{where}, {algorithms}", [contender.facts() for contender in found.values()])
