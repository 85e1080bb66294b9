# SPDX-License-Identifier: GPL-3.0-or-later
"""Times one command, has contenders take turns, and adds up processor time and memory of processes."""

import os
import select
import signal
import statistics
import sys
import threading
import time
from dataclasses import dataclass

from rig import RigError

LIMIT = 120.0  # seconds for one run of one command
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """One run: seconds from before the process's start to its end (or to the first byte, where that was asked for), and what it said."""
    seconds: float
    output: bytes  # the beginning of it
    count: int     # bytes of output in all
    processor: float  # seconds of processor time of the process and of those of its children that it waited for


def said(argv, problem):
    return RigError(f"{' '.join(argv)}: {problem}")


def run(argv, env, expected=b"", send=b"", first_byte=False, block=65536, during=None, quiet=False, status=0):
    """
    Runs it with standard output into a pipe that is read here, as its user's would be, with as little of Python in between as can be.
    `expected`: how the output begins; anything else, or another `status`, is an error. `send`: its standard input, which then stays open.
    `first_byte`: timed to that, then it is killed. `during(pid, count)` is called after each read. `quiet`: its standard error is not shown.
    """
    out, out_child = os.pipe()
    in_child, stdin = os.pipe()
    if send:
        os.write(stdin, send)
    else:
        os.close(stdin)
    actions = [(os.POSIX_SPAWN_DUP2, in_child, 0), (os.POSIX_SPAWN_DUP2, out_child, 1)]
    if quiet:
        actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
    begin = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    finished = False
    try:
        os.close(out_child)
        os.close(in_child)
        output, count, end = b"", 0, time.monotonic() + LIMIT
        while True:
            if not select.select([out], [], [], max(0, end - time.monotonic()))[0]:
                raise said(argv, f"not within {LIMIT:.0f} s")
            chunk = os.read(out, block)
            if count < 4096:
                output += chunk[:4096]
            count += len(chunk)
            if not chunk or first_byte:
                break
            if during:
                during(pid, count)
        if first_byte:
            spent = time.perf_counter() - begin
            os.kill(pid, signal.SIGKILL)
        _, ended, usage = os.wait4(pid, 0)
        finished = True
        if not first_byte:
            spent = time.perf_counter() - begin
    finally:
        os.close(out)
        if send:
            os.close(stdin)
        if not finished:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    ended = os.waitstatus_to_exitcode(ended)
    if not output.startswith(expected) or (ended != status and not first_byte):
        raise said(argv, f"status {ended}, {output[:200]!r}")
    return Run(spent, output, count, usage.ru_utime + usage.ru_stime)


class Contender:
    """One who takes turns: a name, and what runs it once and returns the figure (seconds, calls a second)."""

    def __init__(self, name, measure):
        self.name = name
        self.measure = measure
        self.figures = []

    @property
    def median(self):
        return statistics.median(self.figures)

    def ratio(self, other):
        """Of the medians; both took the same turns."""
        return self.median / other.median

    def spread(self):
        """The quartiles."""
        if len(self.figures) < 2:
            return [self.median, self.median]
        quartiles = statistics.quantiles(self.figures, n=4, method="inclusive")
        return [quartiles[0], quartiles[2]]

    def facts(self):
        return {"name": self.name, "median": self.median, "quartiles": self.spread(), "least": min(self.figures), "figures": self.figures}


def progress(text):
    """Says on a terminal how far it is; the line is overwritten by the next."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


stopped = threading.Event()  # set when a lane of `side_by_side` has failed, or all are to end


def side_by_side(lanes):
    """Runs the functions at once, for where all do nothing but wait for a far host. Raises what one of them raised; the others stop then."""
    problems = []

    def guarded(lane):
        try:
            lane()
        except Exception as problem:  # told to the thread that started us
            problems.append(problem)
            stopped.set()
    threads = [threading.Thread(target=guarded, args=(lane,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        stopped.set()
        raise
    if problems:
        raise problems[0]


def take_turns(title, contenders, turns, warm=2, between=lambda: None):
    """
    A B C …, A B C …: a machine that is busy for a while is busy for all of them. The first `warm` turns do not count. `between` is called
    after each run, so that what it left to end by itself is not in the next one's time.
    """
    for turn in range(-warm, turns):
        progress(f"{title}: turn {turn + 1} of {turns}" if turn >= 0 else f"{title}: warming up")
        for contender in contenders:
            if stopped.is_set():
                return
            figure = contender.measure()
            between()
            if turn >= 0:
                contender.figures.append(figure)
    progress("")


def stat_fields(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def family(root):
    """The process and all that live below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(stat_fields(name)[1])
            except OSError:
                continue
    found, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found


def processor_time(root):
    """Seconds that the process, all below it and those of them that have been waited for have used. In steps of the kernel's clock tick."""
    total = 0
    for pid in family(root):
        try:
            total += sum(int(field) for field in stat_fields(pid)[11:15])
        except OSError:
            continue
    return total / TICK


def proportional_memory(pids):
    """PSS in bytes: each page counts once, shared among those who map it. Our processes hide theirs from all but root."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
