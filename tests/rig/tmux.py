# SPDX-License-Identifier: GPL-3.0-or-later
"""A program in a real terminal emulator: keys go in as a person types them, what is judged is the screen."""

import os
import re
import shlex
import signal
import subprocess
import time

from .core import RigError, program


def is_running(pid):
    """A zombie is not: whose child it has become may reap it later."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Tmux:
    """
    A program in a window of a tmux server of its own. `line` types text and Enter, `keys` sends keys by tmux's names ("C-c", "Tab"),
    `paste` pastes as a mouse does; `expect` waits for a regular expression on the screen below what the last one found. `screen` is
    what is there, with what has scrolled away above it.
    """

    def __init__(self, rig, argv, env, size=(100, 40), limit=15.0):
        self.socket = os.path.join(rig.folder, f"tmux.{rig.count()}")
        self.limit = limit
        self.seen = 0
        self.env = {"TERM": "screen-256color", **env}
        self.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "exec sleep 1000000000")
        self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.tmux("set-option", "-g", "history-limit", "50000")
        # tmux may lose a status.
        self.tmux("respawn-pane", "-k", f"trap : INT; {shlex.join(argv)}; echo $? >'{self.socket}.status'")

    def tmux(self, *words):
        done = subprocess.run([program("tmux"), "-S", self.socket, *words], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RigError(f"tmux {' '.join(words)}: {done.stderr}")
        return done.stdout

    @property
    def screen(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n")

    @property
    def coloured(self):
        return self.tmux("capture-pane", "-p", "-e", "-J", "-S", "-")

    @property
    def pid(self):
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True, check=True).stdout)

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def line(self, text):
        self.type(text)
        self.keys("Enter")

    def paste(self, text):
        subprocess.run([program("tmux"), "-S", self.socket, "load-buffer", "-"], input=text, env=self.env, text=True, check=True)
        self.tmux("paste-buffer", "-p")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def expect(self, pattern, limit=None):
        end = time.monotonic() + (limit or self.limit)
        while True:
            screen = self.screen
            match = re.compile(pattern, re.MULTILINE).search(screen, min(self.seen, len(screen)))
            if match:
                self.seen = match.end()
                return match
            if time.monotonic() > end:
                raise RigError(f"no {pattern!r} behind {screen[:self.seen][-60:]!r} on the screen:\n{screen}")
            time.sleep(0.02)

    def status(self, limit=None):
        """Waits for the program's end; its exit status, or 128 plus a signal's number."""
        end = time.monotonic() + (limit or self.limit)
        while True:
            try:
                with open(self.socket + ".status", encoding="ascii") as file:
                    if text := file.read().strip():
                        return int(text)
            except FileNotFoundError:
                pass
            if time.monotonic() > end:
                raise RigError(f"it does not end:\n{self.screen}")
            time.sleep(0.02)

    def close(self):
        """
        Ends the program, then its terminal. In this order: with the terminal two SIGHUPs come, one of them while a leak checker may hold the
        program still, which that does not survive.
        """
        try:
            pid = self.pid
        except (RigError, ValueError, subprocess.CalledProcessError):
            pid = None
        if pid and is_running(pid):
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 2  # a shell does not obey
        while pid and is_running(pid) and time.monotonic() < end:
            time.sleep(0.01)
        subprocess.run([program("tmux"), "-S", self.socket, "kill-server"], env=self.env, capture_output=True, check=False)
        end = time.monotonic() + self.limit
        while pid and is_running(pid) and time.monotonic() < end:
            time.sleep(0.01)
        for path in (self.socket, self.socket + ".status"):
            if os.path.exists(path):
                os.unlink(path)
