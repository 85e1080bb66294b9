# SPDX-License-Identifier: GPL-3.0-or-later
"""
An evaluation that prints: 1,000 lines to a host 20 ms away, where `erl` pays a round trip for each; and 100 MB to a reader that pauses, in
memory that stays flat on the node and here.
"""

import time

from . import peers
from .report import mebibytes
from .timing import Contender, family, progress, proportional_memory, run, side_by_side, take_turns
from .world import ALGORITHMS

ROUND_TRIP = 20  # ms
LINES = 1000
RUNS = 3  # the peer takes 20 s
PRINT = f'lists:foreach(fun(I) -> io:format("line ~p~n",[I]) end, lists:seq(1,{LINES}))'
ERL_PRINT = (f'{{ok,T,_}}=erl_scan:string({{TEXT}}),{{ok,F}}=erl_parse:parse_exprs(T),{{value,ok,_}}=rpc:call(Node,erl_eval,exprs,[F,[]])'
             .replace("{TEXT}", '"' + PRINT.replace('"', '\\"') + '."'))

OURS, ERL = "`eval`, cold", "`erl … rpc:call` over a standing `ssh -L`"

BYTES = 100_000_000
PIECE = 10_000
FLOOD = f'B=binary:copy(<<"123456789\\n">>,{PIECE // 10}),lists:foreach(fun(_) -> io:put_chars(B) end, lists:seq(1,{BYTES // PIECE}))'
PAUSE = 1.0  # seconds in which the reader reads nothing
GROWTH = 16  # MiB that memory may vary by and be called flat


def thousand_lines(world, report):
    proxy = world.proxy(ROUND_TRIP)
    configs = {algorithms: world.config(algorithms, port=proxy.port) for algorithms in ALGORITHMS}
    expected = b"line 1\nline 2\n"
    groups = {}
    forwards = [peers.Forward(world, config, world.node.dist_port) for config in configs.values()]
    for (algorithms, config), forward in zip(configs.items(), forwards):
        ours = peers.ours(world, config, "eval", "eval", f"rig:{world.node.name}", PRINT)
        theirs = peers.erl(world, forward.port, ERL_PRINT)
        groups[algorithms] = [
            Contender(OURS, lambda argv=ours: run(argv, world.environment(), expected=expected).seconds),
            Contender(ERL, lambda argv=theirs: run(argv, world.peer_environment(), expected=expected).seconds),
        ]
    side_by_side([lambda found=found: take_turns("lines", found, RUNS, warm=0) for found in groups.values()])
    for server in (*forwards, proxy):
        server.stop()
    rows = []
    for algorithms, (ours, theirs) in groups.items():
        report.goal(f"{LINES} lines at {ROUND_TRIP} ms / the same by `erl … rpc:call`; {algorithms} algorithms", ours.ratio(theirs), "under", 0.05, digits=3)
        rows += [[f"{contender.name}; {algorithms} algorithms", f"{contender.median:.2f}", f"{contender.ratio(theirs):.3f}"]
                 for contender in (ours, theirs)]
        report.keep("lines", algorithms, [ours.facts(), theirs.facts()])
    report.table(f"{LINES} lines at {ROUND_TRIP} ms", ["", "s", "ratio"], rows, f"{RUNS} runs. The peer's forward stands already; ours is cold.")


def node_memory(world):
    return int(world.node.eval("erlang:memory(processes) + erlang:memory(binary)"))


class Watch:
    """Samples our PSS and the node's memory (asked over a unix socket of the rig's, not over this connection) while a run goes on."""

    INTERVAL = 0.1

    def __init__(self, world, pause_at):
        self.world = world
        self.pause_at = pause_at
        self.due = time.monotonic() + 0.05
        self.ours, self.node = [], []

    def __call__(self, pid, count):
        if self.pause_at is not None and count > self.pause_at:
            self.pause_at = None
            end = time.monotonic() + PAUSE
            while time.monotonic() < end:
                self.sample(pid)
                time.sleep(self.INTERVAL)
        elif time.monotonic() >= self.due:
            self.sample(pid)
            self.due = time.monotonic() + self.INTERVAL

    def sample(self, pid):
        if self.world.root:
            self.ours.append(proportional_memory(family(pid)))
        self.node.append(node_memory(self.world))

    def row(self, name, samples):
        return [name, mebibytes(samples[0]), mebibytes(samples[-1]), mebibytes(max(samples)), str(len(samples))]


def flood(world, report):
    """Half of the way in, the reader pauses: what is printed meanwhile must wait on the node, and not in anybody's memory."""
    progress(f"lines: {BYTES // 1_000_000} MB")
    world.node.eval("[erlang:garbage_collect(P) || P <- processes()], ok")
    watch = Watch(world, BYTES // 2)
    before = node_memory(world)
    argv = peers.ours(world, world.config("default"), "eval", "eval", f"rig:{world.node.name}", FLOOD)
    done = run(argv, world.environment(), expected=b"123456789\n", during=watch)
    world.settle()
    what = f"{BYTES // 1_000_000} MB printed"
    rows = [watch.row("the node's processes and binaries", watch.node)]
    report.goal(f"{what}: growth of the node's memory", (max(watch.node) - before) / (1 << 20), "under", GROWTH, unit="MiB", digits=1)
    if watch.ours:
        rows.append(watch.row("front and broker, PSS", watch.ours))
        report.goal(f"{what}: growth of our memory", (max(watch.ours) - watch.ours[0]) / (1 << 20), "under", GROWTH, unit="MiB", digits=1)
    report.table(what, ["MiB", "first", "last", "peak", "samples"], rows,
                 f"{done.count} bytes in {done.seconds:.1f} s, of which the reader paused {PAUSE:g}. The node had {mebibytes(before)} MiB before.")
    report.keep("lines", "flood", {"bytes": done.count, "seconds": done.seconds, "our_pss": watch.ours, "node": watch.node, "node_before": before})


def measure(world, report):
    thousand_lines(world, report)
    flood(world, report)
