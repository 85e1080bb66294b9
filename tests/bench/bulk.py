# SPDX-License-Identifier: GPL-3.0-or-later
"""
A binary of 256 MiB from the node, by `eval --raw`, against what `ssh -L` moves from a plain server that has nothing else to do, and against
`erl` that fetches the same binary by rpc over `ssh -L`; and our broker alone with that plain server, which tells its share from the
node's and the front's. The connections are made beforehand, or what an empty binary takes is deducted, so that the rate is left. Then where the time
goes: processor time of each process, and the system calls.
"""

import os
import re
import socket
import time

from rig import RigError, free_port

from . import peers
from .timing import Contender, processor_time, progress, run, take_turns
from .trace import system_calls
from .world import ALGORITHMS, need

SIZE = 256 << 20
BLOCK = 1 << 20
KEY = "beamline_bench"  # where the node keeps the binary
TRACED = 64 << 20
OURS, TUNNEL = "`eval --raw`", "our broker, a plain server"
FORWARD, ERL = "`ssh -L`, a plain server", "`erl … rpc:call` over `ssh -L`"


def expect(count, size):
    if count != size:
        raise RigError(f"{count} bytes came, not {size}")


class Serving:
    """A plain server on the host."""

    def __init__(self, world, count):
        self.port = free_port()
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "serve.py")
        self.server = world.rig.spawn(["/usr/bin/python3", "-I", "-S", path, str(self.port), str(count)], name="serve")
        self.server.wait_until("listening", 20, lambda: "listening" in self.server.output())
        self.stop = self.server.stop


class Broker:
    """Our broker alone, as tests/tools/tunnel_driver holds it: the tunnel without the node and without our front."""

    def __init__(self, world, config):
        driver = os.path.join(world.build_folder, "tests", "tools", "tunnel_driver")
        self.server = world.rig.spawn(["/bin/sh", "-c", 'sleep 3600 | "$@"', "sh", driver, "-F", config, "rig", "hold"], name="broker")
        told = self.server.wait_until("connected", 20, lambda: re.search(r"(\d+)\s+(/\S+)", self.server.output()))
        self.pid, self.socket = int(told[1]), told[2]
        self.stop = self.server.stop


class Bulk:
    """
    One choice of algorithms: its contenders, and the processor time that their sides took in all counted and uncounted turns. `serving` has
    the same number of bytes, `serving_nothing` next to none.
    """

    def __init__(self, world, algorithms, serving, serving_nothing):
        self.world = world
        self.config = world.config(algorithms)
        self.pump = peers.Forward(world, self.config, serving.port)
        self.rpc = peers.Forward(world, self.config, world.node.dist_port)
        self.broker = Broker(world, self.config)
        self.serving = serving
        self.serving_nothing = serving_nothing
        self.buffer = bytearray(BLOCK)
        self.client_time = 0
        self.processor = {name: [0, 0, 0] for name in (OURS, TUNNEL, FORWARD)}  # client, sshd, what serves
        self.runs = {name: 0 for name in self.processor}
        self.full = {
            OURS: Contender(OURS, lambda: self.accounted(OURS, lambda: self.ours(SIZE))),
            TUNNEL: Contender(TUNNEL, lambda: self.accounted(TUNNEL, lambda: self.tunnel(serving, SIZE))),
            FORWARD: Contender(FORWARD, lambda: self.accounted(FORWARD, self.pumped)),
            ERL: Contender(ERL, lambda: self.erl(SIZE)),
        }
        self.empty = {
            OURS: Contender(f"{OURS}, nothing", lambda: self.ours(0)),
            TUNNEL: Contender(f"{TUNNEL}, nothing", lambda: self.tunnel(serving_nothing, 1)),
            ERL: Contender(f"{ERL}, nothing", lambda: self.erl(0)),
        }

    def contenders(self):
        return [*self.empty.values(), *self.full.values()]

    def ours(self, size):
        text = f"persistent_term:get({KEY})" if size else "<<>>"
        argv = peers.ours(self.world, self.config, peers.KNOWN, "eval", "--raw", f"rig:{self.world.node.name}", text)
        done = run(argv, self.world.environment(), block=BLOCK)
        expect(done.count, size)
        self.client_time = done.processor
        return done.seconds

    def tunnel(self, serving, size):
        """OpenSSH's client only passes its descriptors on: the broker writes to the pipe that is read here."""
        before = processor_time(self.broker.pid)
        argv = [self.world.ssh, "-F", self.config, "-S", self.broker.socket, "-W", f"127.0.0.1:{serving.port}", "rig"]
        done = run(argv, self.world.environment(), block=BLOCK)
        expect(done.count, size)
        self.client_time = processor_time(self.broker.pid) - before
        return done.seconds

    def pumped(self):
        """Read as our output is: by this process."""
        before = processor_time(self.pump.pid)
        begin, count = time.perf_counter(), 0
        with socket.create_connection(("127.0.0.1", self.pump.port)) as sock:
            while got := sock.recv_into(self.buffer):
                count += got
        spent = time.perf_counter() - begin
        expect(count, SIZE)
        self.client_time = processor_time(self.pump.pid) - before
        return spent

    def erl(self, size):
        fetch = f"B=rpc:call(Node,persistent_term,get,[{KEY}])" if size else "B=rpc:call(Node,erlang,list_to_binary,[[]])"
        argv = peers.erl(self.world, self.rpc.port, f"{fetch},io:format(\"~p\",[byte_size(B)])")
        return run(argv, self.world.peer_environment(), expected=str(size).encode()).seconds

    def accounted(self, name, measure):
        servers = [self.world.sshd.server.pid, self.world.node.server.pid if name == OURS else self.serving.server.pid]
        before = [processor_time(pid) for pid in servers]
        spent = measure()
        self.world.settle()
        after = [processor_time(pid) for pid in servers]
        for index, used in enumerate([self.client_time, *(late - early for early, late in zip(before, after))]):
            self.processor[name][index] += used
        self.runs[name] += 1
        return spent

    def rates(self):
        """MiB a second, without what nothing takes."""
        return {name: (SIZE >> 20) / (full.median - (self.empty[name].median if name in self.empty else 0)) for name, full in self.full.items()}

    def stop(self):
        for server in (self.pump, self.rpc, self.broker):
            server.stop()


def more_calls(full, empty):
    return {name: number - empty.get(name, 0) for name, number in full.items()}


def profile(world, report):
    """The system calls that 64 MiB cost, less those that nothing costs."""
    progress("bulk: system calls")
    config = world.config("same")
    world.node.eval(f"persistent_term:put({KEY}_traced, binary:part(persistent_term:get({KEY}), 0, {TRACED})), ok")
    serving, serving_nothing = Serving(world, TRACED), Serving(world, 1)

    def ours(text):
        return system_calls(world, peers.ours(world, config, peers.KNOWN, "eval", "--raw", f"rig:{world.node.name}", text), world.environment())

    def forward(server):
        return system_calls(world, peers.ssh_forward_stdio(world, config, server.port), world.environment())
    found = {
        OURS: more_calls(ours(f"persistent_term:get({KEY}_traced)"), ours("<<>>")),
        "`ssh -W`, a plain server": more_calls(forward(serving), forward(serving_nothing)),
    }
    rows = []
    for name, calls in found.items():
        most = sorted(calls, key=calls.get, reverse=True)[:6]
        reads = max(1, sum(calls.get(call, 0) for call in ("recvfrom", "read", "recvmsg")))
        rows.append([name, str(sum(calls.values())), ", ".join(f"{call} {calls[call]}" for call in most), f"{TRACED / reads:.0f}"])
        report.keep("bulk", f"system calls, {name}", calls)
    report.table(f"System calls that {TRACED >> 20} MiB take", ["", "in all", "most of them", "bytes a read"], rows,
                 "Of both processes of ours: each byte is read twice, from SSH by the broker (recvfrom) and from its socket by the front (read).")
    serving.stop()
    serving_nothing.stop()


def check():
    need("strace")


def measure(world, report):
    progress("bulk: the binary")
    world.node.eval(f"persistent_term:put({KEY}, crypto:strong_rand_bytes({SIZE})), ok")
    serving, serving_nothing = Serving(world, SIZE), Serving(world, 1)
    groups = {algorithms: Bulk(world, algorithms, serving, serving_nothing) for algorithms in ALGORITHMS}
    take_turns("bulk", [contender for bulk in groups.values() for contender in bulk.contenders()], world.turns, warm=1)
    for algorithms, bulk in groups.items():
        rates = bulk.rates()
        report.goal(f"{SIZE >> 20} MiB fetched, rate / `ssh -L`'s; {algorithms} algorithms", rates[OURS] / rates[FORWARD], "at least", 0.9)
        rows = []
        for name, rate in rates.items():
            used = [f"{total / bulk.runs[name] * 1000:.0f}" for total in bulk.processor[name]] if name in bulk.runs else ["", "", ""]
            rows.append([name, f"{rate:.0f}", f"{rate / rates[FORWARD]:.2f}", *used])
        report.table(f"{SIZE >> 20} MiB: {algorithms} algorithms", ["", "MiB/s", f"/ {FORWARD}", "client, CPU ms", "sshd, CPU ms", "node or server, CPU ms"], rows)
        report.keep("bulk", algorithms, {"rates": rates, "processor": bulk.processor, "turns": [c.facts() for c in bulk.contenders()]})
        bulk.stop()
    serving.stop()
    serving_nothing.stop()
    profile(world, report)
    world.node.eval(f"[persistent_term:erase(K) || K <- [{KEY},{KEY}_traced]], ok")
