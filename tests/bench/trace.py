# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be timed but counted: system calls by strace, instructions by callgrind."""

import glob
import os
import re

from .timing import run
from .world import need

STRACE_LINE = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")


def system_calls(world, argv, env, **options):
    """name -> how often, by the program and its children."""
    path = os.path.join(world.rig.folder, f"strace.{world.rig.count()}")
    run([need("strace"), "-f", "-c", "-o", path, *argv], env, block=1 << 20, **options)
    with open(path, encoding="ascii") as file:
        found = {match[2]: int(match[1]) for line in file if (match := STRACE_LINE.match(line))}
    found.pop("total", None)
    return found


def cost_by_object(path):
    """
    object -> instructions, of a callgrind file: the lines of costs below the last `ob=`. The line after `calls=` is what the called
    functions took, which their own lines tell.
    """
    names, costs, current, called = {}, {}, "", False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("ob="):
                number, _, name = line[3:].strip().partition(" ")
                if name:
                    names[number] = name
                current = names.get(number, number)
            elif line.startswith("cob="):
                number, _, name = line[4:].strip().partition(" ")
                if name:
                    names[number] = name
            elif line.startswith("calls="):
                called = True
            elif re.match(r"[\d+*-]", line):
                if not called:
                    costs[current] = costs.get(current, 0) + int(line.split()[-1])
                called = False
    return costs


def instructions(world, argv, env, *options, **run_options):
    """object's file name -> instructions, of the program and the children that it forks."""
    folder = os.path.join(world.rig.folder, f"callgrind.{world.rig.count()}")
    os.mkdir(folder)
    run([need("valgrind"), "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/out.%p", *options, *argv], env, **run_options)
    total = {}
    for path in glob.glob(f"{folder}/out.*"):
        for name, cost in cost_by_object(path).items():
            name = os.path.basename(name)
            total[name] = total.get(name, 0) + cost
    return total
