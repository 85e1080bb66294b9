# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of beamline whose calls fail as told, by the preloaded library of faults.c, and what was counted in them.

    faults = Faults(library, folder)
    faults.env(seed=7, short=50, eintr=10, eagain=10, wake=5, delay=1)   each call of its kind, by chance, in percent
    faults.env(at="broker:io:41")              the broker's 41st call on a socket fails: the connection is reset
    faults.env(at="front:alloc:7+")            the front's 7th allocation fails, and all after it
    faults.env(at="front:io:12:15")            at the front's 12th call on a socket it is sent signal 15
    counts = faults.read()                     after the run
    counts.calls("broker", "io")               how many such calls there were
    counts.injected("front", "short")          … and faults of that kind

Processes: front, broker, keeper. Calls: io (on sockets), fd (what makes a descriptor), process, alloc (our own), library (allocations of libraries),
poll (for signals only: it does not fail with so few descriptors), file (mkdir, mkdtemp, bind).
"""

import os
import struct
import tempfile

PROCESSES = ("front", "broker", "keeper")
CALLS = ("io", "fd", "process", "alloc", "library", "poll", "file")
KINDS = ("short", "eintr", "eagain", "wake", "delay", "fail")
SIZE = 8 * len(PROCESSES) * (len(CALLS) + len(KINDS))  # struct counts


class Counts:
    def __init__(self, values):
        self.values = values

    def number(self, start, process, names, name):
        return self.values[start + PROCESSES.index(process) * len(names) + names.index(name)]

    def calls(self, process, call):
        return self.number(0, process, CALLS, call)

    def injected(self, process, kind):
        return self.number(len(PROCESSES) * len(CALLS), process, KINDS, kind)


class Faults:
    def __init__(self, library, folder):
        self.library = library
        self.folder = folder
        self.counts = None

    def env(self, **words):
        """For one run; `read` after it."""
        handle, self.counts = tempfile.mkstemp(prefix="faults.", dir=self.folder)
        with open(handle, "wb") as file:
            file.write(bytes(SIZE))
        given = " ".join(f"{key}={value}" for key, value in {**words, "counts": self.counts}.items())
        # A sanitized program wants its own library to be the first.
        asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        return {"RIG_FAULTS": given, "LD_PRELOAD": self.library, "ASAN_OPTIONS": asan}

    def read(self):
        with open(self.counts, "rb") as file:
            values = struct.unpack(f"{SIZE // 8}Q", file.read(SIZE))
        os.unlink(self.counts)
        return Counts(values)
