# SPDX-License-Identifier: GPL-3.0-or-later
"""
Memory: the PSS of all our processes while an evaluation waits, beside the peers' at the same; and whether it stays flat while 1 GiB streams
through `eval --raw`.
"""

import signal
import subprocess
import time

from rig import RigError, wait_for

from . import peers
from .report import mebibytes
from .timing import Contender, family, progress, proportional_memory, run, take_turns

RUNS = 5
WAIT = "timer:sleep(infinity)"
BINARY = 64 << 20
COPIES = 16
FLAT = 2  # MiB from the first tenth of the bytes on
LIBRARIES = "Pages that others map too count in part (PSS)."


def waiting(world, argv, env, is_up):
    """The PSS of the process and all below it once `is_up(pid)` and a moment has passed; then all of them are ended."""
    child = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_for(" ".join(argv[:2]), 20, lambda: is_up(child.pid))
        time.sleep(0.3)
        if child.poll() is not None:
            raise RigError(f"{' '.join(argv)} ended with status {child.returncode}")
        return proportional_memory(family(child.pid))
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        for pipe in (child.stdin, child.stdout):
            pipe.close()
        world.settle()


def connections(world):
    return int(world.node.eval("length(nodes(connected))"))


def at_rest(world, report):
    config = world.config("default")
    with peers.Forward(world, config, world.node.dist_port) as forward:
        ours = peers.ours(world, config, "eval", "eval", f"rig:{world.node.name}", WAIT)
        erl = peers.erl(world, forward.port, "rpc:call(Node,timer,sleep,[infinity])")
        stdio = peers.ssh_forward_stdio(world, config, world.epmd.port)
        marker = len(world.sshd.log())

        def forwarded(_):
            return "Accepted publickey" in world.sshd.log()[marker:]

        def measured(argv, env, is_up):
            def measure():
                nonlocal marker
                world.node.at_rest()
                marker = len(world.sshd.log())
                return waiting(world, argv, env, is_up)
            return measure
        found = {
            "ours": Contender("`eval` that waits: front and broker", measured(ours, world.environment(), lambda _: connections(world) == 1)),
            "stdio": Contender("`ssh -W`", measured(stdio, world.environment(), forwarded)),
            "forward": Contender("`ssh -N -L`", lambda: proportional_memory(family(forward.pid))),
            "erl": Contender("`erl … rpc:call` that waits, without its `ssh -L`", measured(erl, world.peer_environment(), lambda _: connections(world) == 1)),
        }
        take_turns("memory", list(found.values()), RUNS, warm=0)
    whole = found["ours"].median
    report.goal("PSS of all our processes while connected", whole / 1e6, "under", 5, unit="MB", digits=1)
    report.table("Memory while connected", ["", "PSS, MB", "/ ours"],
                 [[contender.name, f"{contender.median / 1e6:.1f}", f"{contender.median / whole:.2f}"] for contender in found.values()], LIBRARIES)
    report.keep("memory", "connected", [contender.facts() for contender in found.values()])


class Samples:
    """PSS by how many bytes have passed."""

    INTERVAL = 0.1

    def __init__(self):
        self.due = time.monotonic()
        self.taken = []

    def __call__(self, pid, count):
        if time.monotonic() >= self.due:
            self.taken.append((count, proportional_memory(family(pid))))
            self.due = time.monotonic() + self.INTERVAL


def streaming(world, report):
    progress("memory: 1 GiB")
    world.node.eval(f"persistent_term:put(beamline_bench, crypto:strong_rand_bytes({BINARY})), ok")
    text = f"B=persistent_term:get(beamline_bench),lists:duplicate({COPIES},B)"
    samples = Samples()
    done = run(peers.ours(world, world.config("default"), "eval", "eval", "--raw", f"rig:{world.node.name}", text), world.environment(),
               block=1 << 20, during=samples)
    world.node.eval("persistent_term:erase(beamline_bench), ok")
    world.settle()
    if done.count != BINARY * COPIES:
        raise RigError(f"eval --raw gave {done.count} bytes, not {BINARY * COPIES}")
    later = [size for count, size in samples.taken if count >= done.count / 10]
    growth = (max(later) - later[0]) / (1 << 20)
    report.goal("1 GiB through `--raw`: growth of PSS after the first tenth", growth, "under", FLAT, unit="MiB", digits=2)
    sizes = [size for _, size in samples.taken]
    report.table("1 GiB through `eval --raw`", ["PSS, MB", "first", "at a tenth", "last", "peak", "samples"],
                 [["front and broker", *(f"{size / 1e6:.1f}" for size in (sizes[0], later[0], sizes[-1], max(sizes))), str(len(sizes))]],
                 f"{mebibytes(done.count / done.seconds, 0)} MiB/s while sampled.")
    report.keep("memory", "streaming", {"bytes": done.count, "seconds": done.seconds, "samples": samples.taken})


def measure(world, report):
    if not world.root:
        return  # the report's head says so
    at_rest(world, report)
    streaming(world, report)
