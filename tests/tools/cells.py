# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of check_long.py: builds of the program, on this machine and in roots of other Debian suites, and commands run in them.

A cell's result and log lie in FOLDER, whatever the revision was; sources and builds in a folder of their revision.
"""

import concurrent.futures
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from rig.core import RigError
from rig.roots import build_root_for, cache_folder, work_in

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(os.environ.get("BUILDDIR") or os.path.join(TOP, "build"), "check-long")
MINUTE = 60
BUILD_MINUTES = 20
# A root's own autotools are tried too, on a copy, since the source is not to be written to; what has come to be needed since the root was
# made is installed first.
BUILD = 'cd "$BUILDDIR" && "$SRCDIR"/configure -q "$@" && make -j2 && make -j2 check TESTS='
BUILD_INSIDE = 'flock /var/lib/dpkg/tools-setup /source/tools/setup && rm -rf "$SRCDIR" && cp -R /source "$SRCDIR" && cd "$SRCDIR" && autoreconf -fi && ' + BUILD


class Run:
    """What all cells share: the revision and its source."""

    def __init__(self):
        self.lock = threading.Lock()
        self.revision = self.git("rev-parse", "--short", "HEAD").strip() or "tree"
        self.folder = os.path.join(FOLDER, self.revision)
        self.source = os.path.join(self.folder, "source")
        self.alone = None
        self.children = []
        self.ended = False

    def end(self):
        """Ends every cell that runs; none of them has a result then."""
        self.ended = True
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)

    @staticmethod
    def git(*words):
        done = subprocess.run(["git", "-C", TOP, *words], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    def prepare(self):
        """Copies the source, what is committed or (without git) what lies there, and drops those of other revisions."""
        os.makedirs(FOLDER, exist_ok=True)
        self.alone = open(os.path.join(FOLDER, "lock"), "w", encoding="ascii")  # pylint: disable=consider-using-with  # until we end
        try:
            fcntl.flock(self.alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RigError(f"another check-long is at work in {FOLDER}") from None
        for name in os.listdir(FOLDER):
            path = os.path.join(FOLDER, name)
            if os.path.isdir(path) and (name != self.revision or self.revision == "tree"):
                shutil.rmtree(path)
        if os.path.isdir(self.source):
            return
        partial = f"{self.source}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        pack = f"git -C '{TOP}' archive HEAD" if self.revision != "tree" else f"tar -C '{TOP}' --exclude='./build*' -c ."
        subprocess.run(["sh", "-c", f"{pack} | tar -x -C '{partial}' && cd '{partial}' && autoreconf -fi"], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
        os.rename(partial, self.source)


class Build:
    """One configuration of the program, built when the first cell asks for it. `suite`: inside that suite's build root."""

    def __init__(self, name, title, *arguments, suite=None):
        self.name = name
        self.title = title
        self.arguments = arguments
        self.suite = suite
        self.outcome = None

    def folder(self, run):
        return os.path.join(run.folder, self.name)

    def start(self, run, script, arguments=(), log=None, variables=None):
        """Starts shell text in a session of its own, with no more of our environment than it needs."""
        prefix, source, folder = [], run.source, self.folder(run)
        os.makedirs(folder, exist_ok=True)
        if self.suite:
            prefix = work_in(build_root_for(self.suite), source, folder)
            source, folder = "/build/source", "/build"
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": "/root", "TERM": "dumb",
            "BEAMLINE": f"{folder}/beamline", "SRCDIR": source, "BUILDDIR": folder, "BEAMLINE_CACHE": cache_folder(), **(variables or {}),
        }
        child = subprocess.Popen([*prefix, "sh", "-c", script, "sh", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                 env=environment, start_new_session=True)
        run.children.append(child)
        return child

    def make(self, run):
        """Configures, builds the program and the test programs; a build that is there already is brought up to date."""
        script = BUILD
        if self.suite and not os.path.exists(os.path.join(self.folder(run), "config.status")):
            script = BUILD_INSIDE
        os.makedirs(self.folder(run), exist_ok=True)
        with open(os.path.join(self.folder(run), "build.log"), "wb") as log:
            status = limited(self.start(run, script, self.arguments, log), BUILD_MINUTES)
        if status != 0:
            raise RigError(f"{self.title} does not build ({status}): see {self.folder(run)}/build.log")

    def ready(self, run):
        """Builds it if no other cell has; the others wait. Raises RigError if it cannot be built."""
        with run.lock:
            mine = self.outcome is None
            if mine:
                self.outcome = concurrent.futures.Future()
        if mine:
            try:
                self.outcome.set_result(self.make(run))
            except Exception as problem:  # pylint: disable=broad-except  # whoever waits gets it
                self.outcome.set_exception(problem)
        self.outcome.result()

    def versions(self, run):
        """Its compiler's version, and what it is built with and tested against."""
        compiler = "clang" if "CC=clang" in self.arguments else "gcc"
        script = (f"{compiler} --version | head -n 1; pkg-config --modversion libssh openssl; ssh -V 2>&1; "
                  "cat /usr/lib/erlang/releases/*/OTP_VERSION")
        with self.start(run, script, log=subprocess.PIPE) as child:
            lines = child.communicate()[0].decode().splitlines()
        words = [lines[0].split()[-1] if compiler == "gcc" else re.search(r"version ([\d.]+)", lines[0])[1], lines[1], lines[2],
                 re.match(r"OpenSSH_([\w.]+)", lines[3])[1], lines[4]]
        return "{}, libssh {}, OpenSSL {}, OpenSSH {}, OTP {}".format(*words)


def limited(child, minutes):
    """Its exit status, or a text that says that it did not end in time; then it is ended, with all that it started."""
    try:
        return child.wait(minutes * MINUTE)
    except subprocess.TimeoutExpired:
        return f"not within {minutes} minutes"
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if child.poll() is None:
                os.killpg(child.pid, number)
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    pass


class Cell:
    """One run: `command` is shell text, which is run in the build's folder. `counting`: what its output is."""

    def __init__(self, row, column, build, command, minutes=30, counting="tests", **variables):
        self.row = row
        self.column = column
        self.build = build
        self.command = command
        self.minutes = minutes
        self.counting = counting
        self.variables = variables
        self.name = re.sub(r"[^a-z0-9]+", "-", f"{row} {column}".lower()).strip("-")
        self.log = os.path.join(FOLDER, f"{self.name}.log")
        self.file = os.path.join(FOLDER, f"{self.name}.json")

    def result(self):
        """A dict, or None: passed, failed, status, revision, seconds, command, variables."""
        try:
            with open(self.file, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def run(self, run):
        """Runs it and keeps what came of it, unless the run was ended meanwhile. What counts nothing, or does not end in time, has failed."""
        began = time.monotonic()
        try:
            self.build.ready(run)
            with open(self.log, "wb") as log:
                status = limited(self.build.start(run, f'cd "$BUILDDIR" && {self.command}', log=log, variables=self.variables), self.minutes)
        except RigError as problem:
            status = str(problem)
        if run.ended:
            return None
        with open(self.log, "a+", encoding="utf-8", errors="replace") as log:
            log.write(f"\n# ended with {status}\n")
            log.seek(0)
            passed, failed = count(log.read(), self.counting)
        if not failed and (status != 0 or not passed):
            failed = 1
        result = {"passed": passed, "failed": failed, "status": status, "revision": run.revision, "seconds": round(time.monotonic() - began),
                  "command": self.command, "variables": self.variables}
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
        return result


def count(text, how):
    """How many passed and failed: TAP, or what automake's driver makes of it; or targets of a fuzzer."""
    if how == "fuzz":
        return len(re.findall(r"^stat::number_of_executed_units", text, re.M)), len(re.findall(r"^SUMMARY: ", text, re.M))
    passed = [line for line in re.findall(r"^(?:PASS:|ok\b).*", text, re.M) if "# SKIP" not in line]
    return len(passed), len(re.findall(r"^(?:FAIL:|XPASS:|ERROR:|not ok\b)", text, re.M))
