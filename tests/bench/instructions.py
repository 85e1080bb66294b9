# SPDX-License-Identifier: GPL-3.0-or-later
"""
Instructions by callgrind: of a call and of a cold `eval`, in our own code and in all. They hardly depend on the machine, so a change that
costs shows here first; the bound is generous, for compilers differ.
"""

import os

from . import peers
from .timing import progress
from .trace import instructions
from .world import need

CALLS = 500
IN_FLIGHT = 64
# In our own code, as built by configure's defaults (gcc 12, -O2, x86-64). Renew them when something is meant to cost more.
REFERENCE = {"call": 6950, "pipelined": 6360, "eval": 203000}
BOUND = 1.5


def check():
    need("valgrind")


def per_call(world, in_flight):
    """(own, all) instructions a call: straight to the node, without SSH."""
    driver = os.path.join(world.build_folder, "tests", "bench", "call_bench")
    argv = [driver, "-d", "-n", str(CALLS), "-i", str(in_flight), "-c", world.node.cookie_file, "-p", str(world.node.dist_port), "rig"]
    costs = instructions(world, argv, world.environment(), "--collect-atstart=no", "--toggle-collect=measured_calls")
    return costs.get("call_bench", 0) / CALLS, sum(costs.values()) / CALLS


def cold_eval(world):
    """Of front and broker; what they execute anew (`ssh -G`) is not followed."""
    argv = peers.ours(world, world.config("same"), peers.KNOWN)
    costs = instructions(world, argv, world.environment(), expected=b"2\n")
    return costs.get(os.path.basename(world.program), 0), sum(costs.values())


def measure(world, report):
    progress("instructions")
    found = {
        "call": (f"a call, in sequence (of {CALLS})", per_call(world, 1)),
        "pipelined": (f"a call, {IN_FLIGHT} in flight", per_call(world, IN_FLIGHT)),
        "eval": (f"a cold `{peers.KNOWN}`, both processes", cold_eval(world)),
    }
    world.settle()
    progress("")
    for key, (name, (own, _)) in found.items():
        report.goal(f"instructions of {name} / reference", own / REFERENCE[key], "under", BOUND)
    report.table("Instructions", ["", "in our own code", "in all", "reference, own code"],
                 [[name, f"{own:.0f}", f"{whole:.0f}", str(REFERENCE[key])] for key, (name, (own, whole)) in found.items()],
                 "The rest is the C library, OpenSSL, libssh and the dynamic linker.")
    report.keep("instructions", "own and all", {key: costs for key, (_, costs) in found.items()})
