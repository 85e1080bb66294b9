# SPDX-License-Identifier: GPL-3.0-or-later
"""
The cold runs again at 20 and 100 ms of round-trip delay, where only round trips count; and how many those are: what a delay of 300 ms adds
to the time, divided by what it is longer.
"""

import socket
import statistics
import time

from rig import Proxy

from . import cold, peers
from .report import milliseconds
from .timing import side_by_side, take_turns
from .world import ALGORITHMS

DELAYS = (20, 100)  # ms there and back
COUNTING = 300  # so long that a busy machine's noise does not pass for a round trip
COUNTING_TURNS = 2


def real_round_trip(world, delay):
    """What the proxy makes of a delay, in seconds: EPMD asked through it, less EPMD asked directly."""
    def ask(port):
        times = []
        for _ in range(15):
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                begin = time.perf_counter()
                sock.sendall(peers.EPMD_QUESTION)
                sock.recv(4)
                times.append(time.perf_counter() - begin)
        return statistics.median(times)
    proxy = Proxy(world.rig, world.epmd.port, delay=delay / 2)
    spent = ask(proxy.port) - ask(world.epmd.port)
    proxy.stop()
    return spent


def at_delay(world, delay, turns, warm):
    """algorithms -> name -> Contender, measured."""
    proxy = world.proxy(delay)
    groups = {algorithms: cold.contenders(world, world.config(algorithms, port=proxy.port), [world.program], stop=False)
              for algorithms in ALGORITHMS}
    side_by_side([lambda found=found: take_turns(f"rtt, {delay} ms", list(found.values()), turns, warm=warm, between=lambda: time.sleep(0.05))
                  for found in groups.values()])
    proxy.stop()
    world.settle()
    return groups


def round_trips(short, long, longer):
    """name -> round trips. The proxy itself answers TCP's own at once, so it is added."""
    return {name: 1 + (min(long[name].figures) - min(short[name].figures)) / longer for name in short}


def table(report, algorithms, found, trips, lengths):
    rows = []
    for name in trips:
        cells = [name if not name.startswith("eval") else f"**`{name}`**", f"{trips[name]:.1f}"]
        for group in found:
            cells += [milliseconds(group[name].median), f"{group[name].ratio(group[cold.TRUE]):.2f}"]
        rows.append(cells)
    columns = ["", "round trips"]
    for delay in DELAYS:
        columns += [f"ms at {delay} ms", f"/ {cold.TRUE}"]
    report.table(f"Far hosts: {algorithms} algorithms", columns, rows,
                 f"The delays were {lengths[0] * 1000:.1f}, {lengths[1] * 1000:.1f} and, for counting, {lengths[2] * 1000:.1f} ms, measured.")


def measure(world, report):
    lengths = [real_round_trip(world, delay) for delay in (*DELAYS, COUNTING)]
    delayed = [at_delay(world, delay, world.turns, 1) for delay in DELAYS]
    counting = at_delay(world, COUNTING, COUNTING_TURNS, 0)
    for algorithms in ALGORITHMS:
        found = [groups[algorithms] for groups in delayed]
        trips = round_trips(found[0], counting[algorithms], lengths[-1] - lengths[0])
        table(report, algorithms, found, trips, lengths)
        base = round(trips[cold.TRUE])
        report.goal(f"round trips of `{peers.KNOWN}` beyond those of {cold.TRUE} ({base}); {algorithms} algorithms",
                    round(trips[peers.KNOWN]) - base, "at most", 0, digits=0)
        report.goal(f"round trips of `eval`, which asks EPMD, beyond those of {cold.TRUE} ({base}); {algorithms} algorithms",
                    round(trips["eval"]) - base, "at most", 2, digits=0)
        for delay, group in (*zip(DELAYS, found), (COUNTING, counting[algorithms])):
            report.keep("rtt", f"{delay} ms, {algorithms}", [contender.facts() for contender in group.values()])
        report.keep("rtt", f"round trips, {algorithms}", trips)
