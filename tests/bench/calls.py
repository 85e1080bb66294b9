# SPDX-License-Identifier: GPL-3.0-or-later
"""
Calls per second over one connection that stands: ours (call_bench.c: src/node/call.h through our own tunnel) against OTP's libei
(libei_calls.c) through `ssh -L`. In sequence, and with many requests ahead of their answers, which libei has no function for: by hand.
"""

import os

from . import peers
from .timing import Contender, run, take_turns
from .world import ALGORITHMS

IN_FLIGHT = 64
COUNTS = {1: 2000, IN_FLIGHT: 10000}
OURS, LIBEI = "beamline", "libei over `ssh -L`"


def contender(world, name, argv, in_flight):
    argv = [argv[0], "-n", str(COUNTS[in_flight]), "-i", str(in_flight), "-c", world.node.cookie_file, *argv[1:]]
    how = "in sequence" if in_flight == 1 else f"{in_flight} in flight"
    return Contender(f"{name}, {how}", lambda: float(run(argv, world.peer_environment()).output))


def contenders(world, config, forward):
    """(who, in flight) -> Contender"""
    folder = os.path.join(world.build_folder, "tests", "bench")
    ours = [os.path.join(folder, "call_bench"), "-F", config, "-p", str(world.node.dist_port), "rig"]
    libei = [os.path.join(folder, "libei_calls"), "-p", str(forward.port)]
    return {(who, in_flight): contender(world, who, argv, in_flight) for who, argv in ((OURS, ours), (LIBEI, libei)) for in_flight in COUNTS}


def measure(world, report):
    configs = {algorithms: world.config(algorithms) for algorithms in ALGORITHMS}
    with peers.Forward(world, configs["default"], world.node.dist_port) as default, peers.Forward(world, configs["same"], world.node.dist_port) as same:
        groups = {"default": contenders(world, configs["default"], default), "same": contenders(world, configs["same"], same)}
        take_turns("calls", [contender for found in groups.values() for contender in found.values()], world.turns, between=world.settle)
    for algorithms, found in groups.items():
        judge(report, algorithms, found)


def judge(report, algorithms, found):
    sequence = found[LIBEI, 1]
    report.goal(f"calls a second in sequence / libei over `ssh -L`; {algorithms} algorithms", found[OURS, 1].ratio(sequence), "over", 1.4)
    report.goal(f"calls a second, {IN_FLIGHT} in flight / libei's in sequence; {algorithms} algorithms", found[OURS, IN_FLIGHT].ratio(sequence), "over", 5)
    rows = []
    for contender in found.values():
        low, high = contender.spread()
        rows.append([contender.name, f"{contender.median:.0f}", f"{low:.0f} to {high:.0f}", f"{contender.ratio(sequence):.2f}"])
    report.table(f"Calls over one connection: {algorithms} algorithms", ["", "calls a second", "quartiles", "/ libei in sequence"], rows)
    report.keep("calls", algorithms, [contender.facts() for contender in found.values()])
