# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig itself: a temporary folder, the supervisor that owns every server, and what the servers share."""

import ctypes
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What a missing program is called in Debian, for the message.
PACKAGES = {
    "sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client", "epmd": "erlang-base", "erl": "erlang-base",
    "elixir": "elixir", "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "debootstrap": "debootstrap",
    "ssh-agent": "openssh-client",
}


class RigError(Exception):
    """What the rig could not do, and what to do about it."""


def program(name):
    """The full path of a program, or an error with the command that installs it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")
    if path is None:
        raise RigError(f"{name} is missing: apt-get install {PACKAGES.get(name, name)}")
    return path


def free_port():
    """A port of 127.0.0.1 and ::1 that nobody listens on, outside of the range that the kernel lends to outgoing connections."""
    for _ in range(200):
        port = random.randint(15000, 30000)
        try:
            with socket.socket() as four:
                four.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise RigError("no free port on 127.0.0.1")


def wait_for(what, limit, condition, interval=0.02):
    """Polls until the condition returns something true, and returns it."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RigError(f"{what}: not within {limit} s")
        time.sleep(interval)


def answers(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def adopt_orphans():
    """Makes this process the parent of orphaned descendants, so that what a run leaves behind cannot slip away."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


class Server:
    """A process of the rig. `stop` ends it and all that it started."""

    def __init__(self, rig, argv, env=None, cwd=None, name=None):
        self.rig = rig
        self.name = name or os.path.basename(argv[0])
        self.log = os.path.join(rig.folder, f"{self.name}.{rig.count()}.log")
        self.pid = rig.request(op="spawn", argv=argv, env={**rig.base_env(), **(env or {})}, cwd=cwd or rig.folder,
                               log=self.log)["pid"]

    def stop(self, number=9):
        self.rig.request(op="stop", pid=self.pid, signal=int(number))

    def signal(self, number):
        self.rig.request(op="signal", pid=self.pid, signal=int(number))

    def running(self):
        return self.rig.request(op="status", pid=self.pid)["status"] is None

    def output(self):
        with open(self.log, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def wait_until(self, what, limit, condition):
        """Waits for the condition; says the process's own words if it ends before that."""
        def ready():
            value = condition()
            if not value and not self.running():
                raise RigError(f"{self.name} ended: {self.output().strip() or '(no output)'}")
            return value
        try:
            return wait_for(f"{self.name}: {what}", limit, ready)
        except RigError as problem:
            if self.running():
                raise RigError(f"{problem}\n{self.output().strip()}") from None
            raise


class Rig:
    """Use it as a context: `with Rig() as rig: …`. Everything it started is gone afterwards, and its folder too."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="rig-", dir=os.environ.get("RIG_TMPDIR", "/tmp"))
        self.runtime = os.path.join(self.folder, "run")  # for what beamline itself creates
        os.mkdir(self.runtime, 0o700)
        self.configuration = "none"  # beamline's own configuration file, for all runs
        self.number = 0
        self.closers = []
        self.control, theirs = socket.socketpair()
        with theirs, open(os.path.join(self.folder, "supervisor.log"), "wb") as log:
            # -I -S: nothing of the caller's Python set-up reaches it, and it starts faster.
            self.supervisor = subprocess.Popen(
                ["/usr/bin/python3", "-I", "-S", os.path.join(HERE, "supervisor.py"), self.folder],
                stdin=theirs, stdout=log, stderr=log, start_new_session=True, env=self.base_env())
        self.replies = self.control.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def count(self):
        self.number += 1
        return self.number

    def base_env(self):
        """The environment of servers and of beamline's runs: little, and marked, so that leftovers are found."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": os.environ.get("RIG_LOCALE", "C.UTF-8"), "HOME": self.folder,
            "RIG_MARK": self.folder, "XDG_RUNTIME_DIR": self.runtime, "TMPDIR": self.runtime,
            "BEAMLINE_CONFIG": self.configuration, **({"LOCPATH": os.environ["LOCPATH"]} if "LOCPATH" in os.environ else {}),
        }

    def request(self, **request):
        self.control.sendall(json.dumps(request).encode() + b"\n")
        reply = self.replies.readline()
        if not reply:
            raise RigError("the rig's supervisor is gone")
        reply = json.loads(reply)
        if "error" in reply:
            raise RigError(reply["error"])
        return reply

    def spawn(self, argv, **options):
        return Server(self, argv, **options)

    def processes(self):
        """Pids of everything that this rig, or a beamline run in its environment, has left running."""
        return self.request(op="processes")["pids"]

    def strays(self):
        """
        Processes that a run in the rig's environment has left: marked and not a server's, or (where a process hides its
        environment) orphans that came back to us because `adopt_orphans` was called. A dict of pid -> command line.
        """
        pids = set(self.request(op="strays", watcher=os.getpid())["pids"])
        return {pid: line for pid in sorted(pids) if (line := command_line(pid))}

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.unlink(path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def close(self):
        if self.control is None:
            return
        for closer in self.closers:
            closer()
        self.replies.close()
        self.control.close()
        self.control = None
        try:
            self.supervisor.wait(30)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            raise RigError("the rig's supervisor did not end") from None
        if os.path.exists(self.folder):
            raise RigError(f"the rig's folder is still there: {self.folder}")
