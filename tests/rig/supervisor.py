#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that owns everything a rig starts.

It is a parent, not a caretaker: all servers are its children, orphans of theirs come back to it (child subreaper), and when the
other end of its control socket closes, for whatever reason (kill -9 of the test runner is one), it kills them all,
removes the rig's folder and ends. Should it be killed itself, its children die by their parent-death signal.

Control protocol, one JSON object a line each way, on descriptor 0:
  {"op": "spawn", "argv": […], "env": {…}, "cwd": …, "log": PATH}   ->  {"pid": N}
  {"op": "stop", "pid": N, "signal": N}  kills the process and all its descendants, waits for them  ->  {}
  {"op": "signal", "pid": N, "signal": N}                           ->  {}
  {"op": "status", "pid": N}                                        ->  {"status": null | exit code | -signal}
  {"op": "processes"}  all below it, and all that carry the mark    ->  {"pids": […]}
  {"op": "strays", "watcher": PID}  marked, or children of the watcher, and not below it  ->  {"pids": […]}
"""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def parents():
    """pid -> parent's pid, of every process that is not a zombie."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            table[int(name)] = int(fields[1])
    return table


def descendants(root):
    """The living processes below root, root not included."""
    table = parents()
    found, grew = {root}, True
    while grew:
        more = {pid for pid, parent in table.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found - {root}


def marked(token):
    """Processes whose environment carries the rig's mark, wherever they have been reparented to."""
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:
                if token in environ.read().split(b"\0"):
                    found.add(int(name))
        except OSError:
            continue
    return found


class Supervisor:
    def __init__(self, folder):
        self.folder = folder
        self.mark = f"RIG_MARK={folder}".encode()
        self.status = {}

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.status[pid] = os.waitstatus_to_exitcode(status)

    def spawn(self, argv, env, cwd, log):
        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)

        with open(log, "ab") as out:
            child = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     start_new_session=True, preexec_fn=prepare)
        child.returncode = 0  # reaped here, not by Popen
        self.status.pop(child.pid, None)  # of an earlier process: the kernel gives numbers out again
        return child.pid

    def kill(self, find, first=signal.SIGKILL, limit=10.0):
        """Signals what `find` returns until nothing is left; true if it is all gone."""
        end, number = time.monotonic() + limit, first
        pids = find()
        while pids and time.monotonic() < end:
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
            self.reap()
            number = signal.SIGKILL if time.monotonic() > end - limit + 2 else number
            pids = find()
        return not pids

    def stop(self, pid, number):
        family = {pid} | descendants(pid)

        def living():
            table = parents()
            known = {member for member in family if member in table}
            for member in list(known):
                known |= descendants(member)
            family.update(known)
            return known

        if pid in descendants(os.getpid()):
            self.kill(living, number)

    def answer(self, request):
        op = request["op"]
        if op == "spawn":
            return {"pid": self.spawn(request["argv"], request["env"], request["cwd"], request["log"])}
        if op == "stop":
            self.stop(request["pid"], request.get("signal", signal.SIGKILL))
        elif op == "signal":
            if request["pid"] in descendants(os.getpid()):
                os.kill(request["pid"], request["signal"])
        elif op == "status":
            self.reap()
            return {"status": self.status.get(request["pid"])}
        elif op == "processes":
            self.reap()
            return {"pids": sorted(descendants(os.getpid()) | marked(self.mark))}
        elif op == "strays":
            own = descendants(os.getpid()) | {os.getpid()}
            children = {pid for pid, parent in parents().items() if parent == request["watcher"]}
            return {"pids": sorted((marked(self.mark) | children) - own)}
        else:
            raise ValueError(f"unknown operation {op}")
        return {}

    def serve(self, control):
        pending = b""
        while True:
            select.select([control], [], [], 1.0)
            self.reap()
            try:
                data = control.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError:
                return
            if not data:
                return
            pending += data
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                try:
                    reply = self.answer(json.loads(line))
                except Exception as problem:  # told to the other side, which raises it
                    reply = {"error": f"{type(problem).__name__}: {problem}"}
                try:
                    control.sendall(json.dumps(reply).encode() + b"\n")
                except OSError:
                    return

    def clean_up(self):
        self.kill(lambda: descendants(os.getpid()) | marked(self.mark))
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    folder = sys.argv[1]
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)

    def ended(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, ended)
    supervisor = Supervisor(folder)
    control = socket.socket(fileno=0)
    try:
        supervisor.serve(control)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.clean_up()


if __name__ == "__main__":
    main()
