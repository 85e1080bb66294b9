# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of this machine's loopback that leads to a node: `beamline forward`."""

import glob
import json
import os
import signal
import socket
import socketserver
import struct
import subprocess
import threading
import time

import pytest

from rig import RigError, free_port, wait_for
from rig.liar import FLAGS

# What a node would say first; another one answers with its status.
NAME_ME = 1 << 33
PEER = b"x@elsewhere"
NAME = b"N" + struct.pack(">QIH", FLAGS & ~NAME_ME, 1, len(PEER)) + PEER
CONNECT = ("import os, socket; s = socket.create_connection(('127.0.0.1', int(os.environ['BEAMLINE_PORT'])), 5); "
           f"n = {NAME!r}; s.sendall(len(n).to_bytes(2, 'big') + n); print(s.recv(100))")


def greets(port):
    """What a node there says to a name, or b"" if the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.settimeout(5)
        client.sendall(len(NAME).to_bytes(2, "big") + NAME)
        try:
            return client.recv(100)
        except ConnectionResetError:
            return b""


@pytest.fixture(scope="module")
def erl_call():
    root = subprocess.run(["erl", "-noshell", "-eval", "io:put_chars(code:root_dir()), halt()."], capture_output=True, text=True, check=True).stdout
    found = sorted(glob.glob(f"{root}/lib/erl_interface-*/bin/erl_call"))
    if not found:
        raise RigError("erl_call is missing: apt-get install erlang-base")
    return found[-1]


class Forward:
    """A running one, and what it told."""

    def __init__(self, argv, env):
        self.child = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.told = json.loads(self.child.stdout.readline() or "{}")
        self.port = self.told.get("port")

    def end(self, number=signal.SIGINT):
        self.child.send_signal(number)
        return self.child.wait(10), self.child.stderr.read()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))


@pytest.fixture
def forward(beamline, rig, sshd, epmd, node):
    made = []

    def call(*words, config=None, target="rig:demo"):
        argv = [beamline.path, "forward", "--json", "--ssh-config", config or sshd.config, "--epmd-port", str(epmd.port), *words, target]
        made.append(Forward(argv, {**rig.base_env(), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}))
        return made[-1]
    yield call
    for one in made:
        if one.child.poll() is None:
            one.end(signal.SIGTERM)
        one.child.communicate()


def test_a_tool_reaches_the_node(forward, erl_call, node, sshd):
    way = forward()
    assert way.told == {"ok": True, "target": "rig:demo", "node": node.full_name, "address": f"127.0.0.1:{way.port}", "port": way.port}
    with open(os.path.join(sshd.home, ".erlang.cookie"), encoding="latin-1") as file:
        cookie = file.read()
    for _ in range(3):
        done = subprocess.run([erl_call, "-c", cookie, "-address", way.told["address"], "-a", "erlang node"], capture_output=True, text=True, timeout=20)
        assert done.stdout.strip() == node.full_name, done
    assert way.end() == (0, "")


class Echo(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 512

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while data := self.request.recv(65536):
                self.request.sendall(data)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def test_many_connections_and_what_is_left_of_them(forward):
    with Echo(("127.0.0.1", 0), Echo.Handler) as echo:
        way = forward("--dist-port", str(echo.server_address[1]))
        before = way.descriptors()
        # More than the 256 that have room at once: the others wait for their turn.
        clients = [socket.create_connection(("127.0.0.1", way.port), 20) for _ in range(300)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        for number, client in enumerate(clients):
            assert client.recv(100) == b"%d" % number
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
            client.close()
        wait_for("closed descriptors", 10, lambda: way.descriptors() <= before)
        with socket.create_connection(("127.0.0.1", way.port), 20) as client:
            data = os.urandom(1 << 20)
            threading.Thread(target=client.sendall, args=(data,), daemon=True).start()
            came = b""
            while len(came) < len(data):
                came += client.recv(1 << 16)
            assert came == data
    assert way.end()[0] == 0


@pytest.mark.root
def test_another_user_does_not_get_in(forward):
    way = forward()
    code = f"import socket; s = socket.create_connection(('127.0.0.1', {way.port}), 5); n = {NAME!r}; s.sendall(n)\ntry: print(s.recv(9))\nexcept ConnectionResetError: print(b'')"
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", "-I", "-S", "-c", code], capture_output=True, text=True,
                          timeout=20)
    assert done.stdout == "b''\n", done
    assert greets(way.port)[2:3] == b"s"
    status, said = way.end()
    assert status == 0 and "by another user was refused" in said, said


def test_it_listens_on_loopback_only_and_where_it_is_told(forward, beamline):
    port = free_port()
    way = forward("--listen", port := str(port))
    with open("/proc/net/tcp", encoding="ascii") as file:
        listening = [line.split()[1] for line in file if line.split()[3] == "0A" and line.split()[1].endswith(f":{int(port):04X}")]
    assert listening == [f"0100007F:{int(port):04X}"]
    done = beamline("forward", "--listen", port, "rig:demo", "--", "true")
    assert done.status == 71 and "listen_refused" in done.stderr, done
    way.end()


def test_a_command_has_it_in_its_environment(beamline, node):
    done = beamline("forward", "rig:demo", "--", "python3", "-I", "-c", CONNECT)
    assert done.status == 0 and b"sok" in done.out, done
    done = beamline("forward", "rig:demo", "--", "sh", "-c", 'echo "$BEAMLINE_NODE $BEAMLINE_ADDRESS"; cat; exit 7', stdin=b"input")
    assert done.status == 7 and done.stdout.startswith(f"{node.full_name} 127.0.0.1:") and done.stdout.endswith("input") and not done.stderr, done
    assert beamline("forward", "rig:demo", "--", "sh", "-c", "kill -9 $$").status == 137
    done = beamline("forward", "rig:demo", "--", "no-such-command")
    assert done.status == 127 and "No such file" in done.stderr, done
    done = beamline("forward", "rig:no_such_node", "--", "echo", "run")
    assert done.status == 69 and "node_unknown" in done.stderr and not done.stdout, done
    assert beamline("forward", "--json", "rig:demo", "--", "true").status == 64


def test_signals_are_the_commands(beamline, node):
    with beamline("forward", "rig:demo", "--", "sh", "-c", 'trap "kill \\$!; echo caught; exit 3" INT; sleep 30 & echo ready; wait', terminal=True) as terminal:
        terminal.expect("ready")
        terminal.type("\x03")
        terminal.expect("caught")
        assert terminal.finish().status == 3


def test_what_is_printed_for_a_shell(beamline, rig, sshd, epmd, node):
    argv = [beamline.path, "forward", "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "rig:demo"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.base_env(), text=True) as child:
        lines = [child.stdout.readline() for _ in range(3)]
        shown = subprocess.run(["sh", "-c", "".join(lines) + 'echo "$BEAMLINE_ADDRESS $BEAMLINE_NODE"'], capture_output=True, text=True, check=True).stdout.split()
        assert shown == [f"127.0.0.1:{lines[1].split(chr(39))[1]}", node.full_name]
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0 and "leads to" in child.stderr.read()


def test_without_the_cookie_the_way_is_there(forward, rig):
    wrong = rig.write(f"cookie.{rig.count()}", "WRONG", 0o400)
    way = forward("--cookie-file", wrong)
    assert way.told["node"] == "demo" and greets(way.port)[2:3] == b"s"


def test_the_connection_is_lost_behind_a_command(beamline, make, node):
    """Nobody takes the terminal from it."""
    far = make.sshd(home=node.home)
    with beamline("forward", f"{far.alias}:demo", "--", "sh", "-c", "echo ready; read x; echo done", config=far.config, terminal=True) as terminal:
        terminal.expect("ready")
        far.stop()
        terminal.expect("the command goes on without it", limit=30)
        terminal.type("x\n")
        terminal.expect("done")
        assert terminal.finish().status == 75


def test_the_connection_is_lost(forward, make, rig, node):
    far = make.sshd(home=node.home)
    way = forward(config=far.config, target=f"{far.alias}:demo")
    assert greets(way.port)[2:3] == b"s"
    far.stop()
    begun = time.monotonic()
    while way.child.poll() is None and time.monotonic() - begun < 20:
        try:
            greets(way.port)
        except OSError:
            pass
        time.sleep(0.1)
    assert way.child.wait(1) == 75 and "ssh_lost" in way.child.stderr.read() + way.child.stdout.read()
