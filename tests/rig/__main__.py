# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig as a command: starts a private sshd, EPMD and nodes, runs a program with them, and takes all of it away again.

  rig run [options] -- PROGRAM [ARGUMENT…]    runs it; ends with its status
  rig env [options]                           prints the environment as shell text and stays until its input ends or a signal comes
  rig release FOLDER PROGRAM [ARGUMENT…]      runs it in $RIG_RELEASE's root, or here without; it sees FOLDER, which is below /tmp

The environment: RIG_FOLDER, RIG_ALIAS, RIG_SSH_CONFIG, RIG_SSH_PORT, RIG_EPMD_PORT, RIG_NODE, RIG_NODE_NAME, RIG_DIST_PORT,
RIG_COOKIE_FILE, RIG_NODE_PID; and in PATH, with --beamline, a `beamline` that uses them.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys

from . import Epmd, Node, Proxy, Rig, RigError, Sshd
from .roots import here

WRAPPER = "#!/bin/sh\nexec {beamline} --ssh-config {config} --epmd-port {port} \"$@\"\n"


def options():
    parser = argparse.ArgumentParser(prog="rig", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "env"])
    parser.add_argument("--alias", default="rig", help="the host's name in the ssh_config (rig)")
    parser.add_argument("--node", action="append", help="a node's name; may be given several times (demo)")
    parser.add_argument("--cookie", default="rigcookie")
    parser.add_argument("--elixir", action="store_true", help="nodes with Elixir started")
    parser.add_argument("--release", default="system", help="a node of another suite: bullseye, bookworm, trixie, sid")
    parser.add_argument("--full-size", action="store_true", help="nodes with OTP's own scheduler settings")
    parser.add_argument("--delay", type=float, default=0, help="milliseconds, one way, between client and sshd")
    parser.add_argument("--sshd", action="append", default=[], metavar="LINE", help="a line of sshd_config")
    parser.add_argument("--plain", action="store_true", help="sessions without the rig's ForceCommand")
    parser.add_argument("--ssh", action="append", default=[], metavar="KEY=VALUE", help="a line of ssh_config")
    parser.add_argument("--beamline", help="the program that PATH's `beamline` runs against the rig")
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:cut])
    given.command = words[cut + 1:]
    if (given.action == "run") != bool(given.command):
        parser.error("run needs a program, env takes none")
    return given


def start(rig, given):
    """Starts what the options say and returns the environment that they add."""
    sshd = Sshd(rig, alias=given.alias, extra=given.sshd, force_command=not given.plain)
    epmd = Epmd(rig)
    nodes = [Node(rig, name, given.cookie, epmd, home=sshd.home, elixir=given.elixir, release=given.release,
                  small=not given.full_size) for name in given.node or ["demo"]]
    port = Proxy(rig, sshd.port, delay=given.delay).port if given.delay else sshd.port
    config = sshd.client_config("ssh_config", port=port, **dict(pair.split("=", 1) for pair in given.ssh))
    env = {
        "RIG_MARK": rig.folder, "RIG_FOLDER": rig.folder, "RIG_ALIAS": given.alias, "RIG_SSH_CONFIG": config, "RIG_SSH_PORT": port,
        "RIG_EPMD_PORT": epmd.port, "RIG_NODE": nodes[0].name, "RIG_NODE_NAME": nodes[0].full_name, "RIG_DIST_PORT": nodes[0].dist_port,
        "RIG_COOKIE_FILE": nodes[0].cookie_file, "RIG_NODE_PID": nodes[0].server.pid, "XDG_RUNTIME_DIR": rig.runtime,
    }
    if given.beamline:
        text = WRAPPER.format(beamline=shlex.quote(os.path.abspath(given.beamline)), config=shlex.quote(config), port=epmd.port)
        env["PATH"] = os.path.dirname(rig.write("bin/beamline", text, 0o700)) + ":" + os.environ.get("PATH", "/usr/bin:/bin")
    return {key: str(value) for key, value in env.items()}


def run(command, env):
    """Runs it on our terminal. Ctrl-C is its own business; a request to end is passed on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(command, env=env, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def ended(number, _):
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    status = child.wait()
    return status if status >= 0 else 128 - status


def release(folder, *command):
    words = here(folder) + list(command)
    os.execvpe(words[0], words, {**os.environ, "HOME": folder})


def main():
    if sys.argv[1:2] == ["release"] and len(sys.argv) > 3:
        return release(*sys.argv[2:])
    given = options()

    def ended(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, ended)
    try:
        with Rig() as rig:
            env = start(rig, given)
            if given.action == "run":
                return run(given.command, {**os.environ, **env})
            for key, value in env.items():
                print(f"export {key}={shlex.quote(value)}")
            sys.stdout.flush()
            sys.stdin.read()
            return 0
    except RigError as problem:
        print(f"rig: {problem}", file=sys.stderr)
        return 1
    except FileNotFoundError as problem:
        print(f"rig: {problem.filename}: {problem.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
