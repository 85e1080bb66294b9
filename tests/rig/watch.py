# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of beamline whose memory is watched, its broker's too."""

import glob
import os
import signal
import subprocess
import threading
import time


def peak(number):
    """The most memory that a process has had resident, in MiB."""
    try:
        with open(f"/proc/{number}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) >> 10
    except (OSError, StopIteration):
        return 0


def children(number):
    try:
        return [int(child) for path in glob.glob(f"/proc/{number}/task/*/children") for child in open(path, encoding="ascii").read().split()]
    except OSError:
        return []


class Run:
    """A beamline that is watched: its memory and its broker's, and signals at given times."""

    def __init__(self, argv, env, limit, interrupt, stdout):
        self.out = open(stdout, "w+b") if isinstance(stdout, str) else None
        child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=self.out or stdout, stderr=subprocess.PIPE,
                                 start_new_session=True)
        begin, self.memory, late = time.monotonic(), 0, False
        reader = threading.Thread(target=self.read, args=(child.stderr,))
        reader.start()
        while child.poll() is None:
            self.memory = max([self.memory, peak(child.pid), *map(peak, children(child.pid))])
            if interrupt and time.monotonic() - begin > interrupt[0]:
                child.send_signal(signal.SIGINT)
                interrupt = interrupt[1:]
            if time.monotonic() - begin > limit:
                os.killpg(child.pid, signal.SIGKILL if late else signal.SIGTERM)
                late, limit = True, limit + 2
            time.sleep(0.01)
        reader.join()
        self.seconds = time.monotonic() - begin
        self.status = child.wait() if child.returncode >= 0 else 128 - child.returncode
        self.stdout = b""
        if self.out:
            self.out.seek(0)
            self.stdout = self.out.read(32 << 20)
            self.out.close()
        assert not late, f"still running after {limit} s: {self}"

    def read(self, pipe):
        self.stderr = pipe.read(1 << 20).decode("utf-8", "replace")
        while pipe.read(1 << 20):
            pass

    def __repr__(self):
        return f"status {self.status} after {self.seconds:.1f} s, {self.memory} MiB: {self.stdout[:300]} {self.stderr[:500]}"
