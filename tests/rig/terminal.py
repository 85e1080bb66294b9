# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program with a hard time limit: plainly, or on a pseudo-terminal where answers can be typed."""

import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from fcntl import ioctl

from .core import RigError


@dataclass
class Finished:
    """What a run came to. status: the exit status, or 128 plus a signal's number."""
    argv: list
    status: int
    out: bytes
    err: bytes
    seconds: float

    @property
    def stdout(self):
        return self.out.decode("utf-8", "replace")

    @property
    def stderr(self):
        return self.err.decode("utf-8", "replace")

    def __repr__(self):
        return f"{' '.join(self.argv)}\nstatus {self.status} after {self.seconds:.2f} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run(argv, env, limit=30.0, stdin=None, cwd=None, stdout=subprocess.PIPE):
    """Runs to the end. Past the limit the whole process group is killed and RigError raised, with what it had said."""
    begin = time.monotonic()
    child = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                             stdout=stdout, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = child.communicate(stdin, timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        finished = Finished(argv, 128 + signal.SIGKILL, out or b"", err or b"", time.monotonic() - begin)
        raise RigError(f"not done within {limit} s: {finished}") from None
    status = child.returncode if child.returncode >= 0 else 128 - child.returncode
    return Finished(argv, status, out or b"", err or b"", time.monotonic() - begin)


class Terminal:
    """
    A program on a pseudo-terminal of its own session. `expect` waits for a text (a regular expression) in what it shows, `type`
    types, `finish` waits for its end. All that was shown is in `screen`, as bytes in `raw`.
    """

    def __init__(self, argv, env, limit=30.0, size=(24, 80), cwd=None, stdout=None):
        self.argv = argv
        self.limit = limit
        self.begin = time.monotonic()
        self.raw = b""
        self.at = 0
        self.master, slave = os.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))

        def prepare():
            # A terminal's end means something to what it starts, whatever started the tests (nohup).
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(argv, env={"TERM": "xterm-256color", **env}, cwd=cwd, stdin=slave,
                                      stdout=slave if stdout is None else stdout, stderr=slave, start_new_session=True,
                                      preexec_fn=prepare)
        os.close(slave)

    @property
    def pid(self):
        return self.child.pid

    @property
    def screen(self):
        return self.raw.decode("utf-8", "replace").replace("\r\n", "\n")

    def read(self, wait):
        """Reads what is there within so many seconds; False at the end."""
        ready, _, _ = select.select([self.master], [], [], wait)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.raw += data
        return bool(data)

    def expect(self, pattern, limit=None):
        """Waits until the pattern appears after what the last `expect` found; returns the match."""
        end = time.monotonic() + (limit or self.limit)
        open_still = True
        while True:
            text = self.raw.decode("utf-8", "replace")
            match = re.compile(pattern).search(text, self.at)
            if match:
                self.at = match.end()
                return match
            if not open_still or time.monotonic() > end:
                raise RigError(f"{' '.join(self.argv)}: no {pattern!r} in\n{self.screen}")
            open_still = self.read(0.1)

    def type(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def line(self, text):
        self.type(text + "\n")

    def resize(self, rows, columns):
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def finish(self):
        """Waits for its end; a Finished, whose `out` is all that the terminal was sent."""
        end = self.begin + self.limit
        open_still = True
        while self.child.poll() is None or open_still:
            if time.monotonic() > end:
                self.close()
                raise RigError(f"{' '.join(self.argv)}: not done within {self.limit} s:\n{self.screen}")
            open_still = self.read(0.05) and (self.child.poll() is None or self.more())
        os.close(self.master)
        self.master = -1
        status = self.child.returncode if self.child.returncode >= 0 else 128 - self.child.returncode
        return Finished(self.argv, status, self.raw, b"", time.monotonic() - self.begin)

    def more(self):
        return bool(select.select([self.master], [], [], 0)[0])

    def close(self):
        """Ends it, whatever state it is in."""
        if self.child.poll() is None:
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.child.wait()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
