# SPDX-License-Identifier: GPL-3.0-or-later
"""
The tunnel, by tests/tools/tunnel_driver: our client against our broker and against OpenSSH's master, OpenSSH's client against our broker,
and clients that do not keep to the protocol.
"""

import array
import ctypes
import hashlib
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from rig import answers, free_port, wait_for
from rig.lying_sshd import IGNORE, REFUSED, LyingSshd, string, u32


@pytest.fixture(scope="session")
def driver():
    build = os.environ.get("BUILDDIR") or os.path.dirname(os.environ["BEAMLINE"])
    subprocess.run(["make", "-s", "-C", build, "tests/tools/tunnel_driver"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(build, "tests/tools/tunnel_driver")


@pytest.fixture(scope="module")
def echo(rig, sshd):
    code = ("import socketserver\n"
            "class Echo(socketserver.BaseRequestHandler):\n"
            "  def handle(self):\n"
            "    while d := self.request.recv(65536): self.request.sendall(d)\n"
            "class Server(socketserver.ThreadingTCPServer):\n"
            "  allow_reuse_address = daemon_threads = True; request_queue_size = 512\n"
            "Server(('127.0.0.1', int(__import__('sys').argv[1])), Echo).serve_forever()\n")
    port = free_port()
    server = rig.spawn(["/usr/bin/python3", "-I", "-S", "-c", code, str(port)], name="echo")
    server.wait_until("listening", 10, lambda: answers(port))
    yield port
    server.stop()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


class Held:
    """A front that holds its tunnel open, as the driver's `hold` does."""

    def __init__(self, argv, env):
        self.child = subprocess.Popen(argv + ["hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        words = self.child.stdout.readline().decode().split()
        self.broker, self.socket = int(words[0]), words[1]
        self.env = env

    def ssh(self, *words, program="ssh", **options):
        return subprocess.run([program, "-F", "/dev/null", "-S", self.socket, *words], capture_output=True, timeout=30, env=self.env,
                              **({"stdin": subprocess.DEVNULL} | options if "input" not in options else options))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.broker}/fd"))

    def gone(self):
        return not is_alive(self.broker) and not os.path.exists(os.path.dirname(self.socket))

    def close(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            self.child.wait(10)
        for file in (self.child.stdout, self.child.stderr):
            file.close()


class Driver:
    def __init__(self, rig, sshd, path):
        self.rig, self.sshd, self.path = rig, sshd, path
        self.held = []

    def argv(self, options=(), sshd=None, **keywords):
        sshd = sshd or self.sshd
        config = sshd.client_config(f"tunnel.{self.rig.count()}", **keywords)
        return [self.path, "-F", config, *options, sshd.alias]

    def __call__(self, *words, sshd=None, data=b"", limit=60, **keywords):
        return self.run(self.argv(sshd=sshd, **keywords), words, data, limit)

    def run(self, argv, words, data=b"", limit=60):
        return subprocess.run([*argv, *map(str, words)], input=data, capture_output=True, timeout=limit, env=self.rig.base_env())

    def start(self, *words, **keywords):
        return subprocess.Popen([*self.argv(**keywords), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.rig.base_env())

    def hold(self, **keywords):
        self.held.append(Held(self.argv(**keywords), self.rig.base_env()))
        return self.held[-1]


@pytest.fixture
def tunnel(rig, sshd, driver):
    made = Driver(rig, sshd, driver)
    yield made
    for held in made.held:
        held.close()


def refused(done, code, status):
    assert done.returncode == status and done.stderr.startswith(f"{code}: ".encode()), (done.returncode, done.stderr)


def first_byte(child):
    child.stdin.write(b"x")
    child.stdin.flush()
    assert child.stdout.read(1) == b"x"


# Our client, our broker

def test_bytes_come_back_and_the_end_is_passed_on(tunnel, echo):
    done = tunnel("forward", echo, data=b"hello\n")
    assert (done.stdout, done.returncode) == (b"hello\n", 0), done


def test_the_connection_tells_what_it_came_to(tunnel):
    lines = dict(line.split(" ", 1) for line in tunnel("info").stdout.decode().splitlines())
    # CVE-2026-59847: AES-GCM only with a libssh that checks its tags.
    library = ctypes.CDLL("libssh.so.4")
    library.ssh_version.restype = ctypes.c_char_p
    safe = library.ssh_version((0 << 16) | (12 << 8) | 1) or (library.ssh_version(11 << 8 | 5) and not library.ssh_version(12 << 8))
    assert lines["cipher"] == ("aes128-gcm@openssh.com" if safe else "chacha20-poly1305@openssh.com"), lines
    assert lines["server"].startswith("SSH-2.0-OpenSSH"), lines
    times = [float(lines[name]) for name in ("resolved", "connected", "keyed", "authenticated")]
    assert times == sorted(times) and times[0] > 0, lines


def test_the_users_own_algorithms_are_kept(tunnel):
    done = tunnel("info", Ciphers="aes256-ctr,aes128-gcm@openssh.com", MACs="hmac-sha2-512")
    assert b"cipher aes256-ctr\nmac hmac-sha2-512\n" in done.stdout, done
    # One that no libssh has.
    refused(tunnel("info", Ciphers="aes256-ctr", MACs="umac-64@openssh.com"), "ssh_unsupported", 78)


def test_a_program_runs_with_its_exit_status(tunnel):
    done = tunnel("exec", "cat; echo dropped >&2; exit 3", data=b"abc")
    assert (done.stdout, done.returncode, done.stderr) == (b"abc", 3, b""), done


def test_64_mib_both_ways(tunnel, echo):
    data = os.urandom(1 << 20) * 64
    done = tunnel("forward", echo, data=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def brokers_of(pid):
    return [int(word) for word in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=True).stdout.split()]


def test_a_slow_reader_costs_bounded_memory(tunnel):
    with open(tunnel.path, "rb") as file:
        most = 300000 if b"__asan_init" in file.read() else 20000
    child = tunnel.start("exec", "head -c 67108864 /dev/zero")
    time.sleep(1.5)
    peak = peak_memory(brokers_of(child.pid)[0])
    assert len(child.communicate()[0]) == 67108864
    assert peak < most, f"{peak} KiB"


def test_200_streams_at_once(tunnel, echo):
    assert tunnel("many", 200, echo).stdout == b"200 streams, 0 bad\n"


def test_refusals_have_their_own_reasons(tunnel, make, echo):
    refused(tunnel("forward", free_port()), "channel_refused", 69)
    refused(tunnel("forward", echo, sshd=make.sshd(extra=["AllowTcpForwarding no"])), "forwarding_prohibited", 77)
    permitting = make.sshd(extra=[f"PermitOpen 127.0.0.1:{echo}"])
    refused(tunnel("forward", echo + 1, sshd=permitting), "forwarding_prohibited", 77)
    assert tunnel("forward", echo, sshd=permitting, data=b"ok").stdout == b"ok"
    refused(tunnel("exec", "true", sshd=make.sshd(extra=["MaxSessions 0"])), "session_refused", 77)


def test_many_refusals_at_once_keep_their_reasons(tunnel, make, echo):
    done = tunnel("many", 30, echo, sshd=make.sshd(extra=["AllowTcpForwarding no"]))
    assert done.stderr.count(b"forwarding_prohibited: ") == 30, done


def test_a_refusal_that_is_asked_for_again_waits_for_no_other_event(rig, tunnel):
    """A race: without the wake-up this fails about every second time."""
    def refuse(peer, *channels):
        """In one piece: libssh keeps only the last reason."""
        reason = u32(1) + string(b"no") + string(b"")
        peer.raw(b"".join(peer.sealed(bytes([REFUSED]) + u32(channel.theirs) + reason) for channel in channels))

    def act(peer):
        peer.begin()
        channels = [peer.next_open() for _ in range(30)]
        for _ in range(30):
            peer.send(IGNORE, string(b""))
        # Some are read while the broker looks at one channel after the other: then those behind that place ask again before those ahead of it.
        for first in range(0, len(channels), 2):
            refuse(peer, *channels[first:first + 2])
        while True:
            refuse(peer, peer.next_open())

    with LyingSshd(rig, act, ConnectTimeout=10) as liar:
        liar.client_config, liar.alias = lambda name: liar.config, "liar"
        for _ in range(200):
            started = time.monotonic()
            done = tunnel("many", 30, 4369, sshd=liar, limit=10)
            assert done.stderr.count(b"forwarding_prohibited: ") == 30 and time.monotonic() - started < 5, done


def test_failures_of_the_connection(tunnel):
    refused(tunnel("info", HostName="no-such-host.invalid"), "host_unknown", 68)
    refused(tunnel("info", Port=free_port()), "tcp_refused", 69)
    refused(tunnel("info", ProxyCommand="false"), "tcp_refused", 69)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        refused(tunnel("info", Port=silent.getsockname()[1], ConnectTimeout=1), "ssh_lost", 75)
        assert 0.9 < time.monotonic() - started < 4
    # Every stream is told the same.
    assert tunnel("many", 3, 4369, Port=free_port()).stderr.count(b"tcp_refused: ") == 3


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(256)) * 20,
                                      b"SSH-2.0-x\r\n" + bytes(range(255, 0, -1)) * 20],
                         ids=["silence", "HTTP", "binary", "binary behind a version"])
def test_what_does_not_speak_ssh(tunnel, greeting):
    with socket.create_server(("127.0.0.1", 0)) as server:
        child = tunnel.start("info", Port=server.getsockname()[1])
        with server.accept()[0] as peer:
            peer.sendall(greeting)
            peer.shutdown(socket.SHUT_WR)
            _, said = child.communicate(timeout=20)
    assert child.returncode == 76 and said.startswith(b"not_ssh: "), said


def test_through_a_jump_and_a_proxy_command(tunnel, sshd, make, rig):
    config = sshd.client_config("tunnel.jump")
    through = subprocess.list2cmdline(["ssh", "-F", config, "-W", "%h:%p", sshd.alias])
    assert tunnel("exec", "echo there", ProxyCommand=through).stdout == b"there\n"
    with open(config, "a", encoding="ascii") as file:
        file.write(f"Host far\n\tHostName 127.0.0.1\n\tPort {sshd.port}\n\tProxyJump {sshd.alias}\n\tUser {tunnel_user(config)}\n"
                   f"\tIdentityFile {sshd.user_key}\n\tIdentitiesOnly yes\n\tIdentityAgent none\n\tStrictHostKeyChecking yes\n"
                   f"\tUserKnownHostsFile {known_of(config)}\n")
    done = tunnel.run([tunnel.path, "-F", config, "far"], ["exec", "echo there"])
    assert done.stdout == b"there\n", done
    assert not subprocess.run(["pgrep", "-f", f"ssh -F {config}"], capture_output=True, check=False).stdout


def keyword_of(config, name):
    with open(config, encoding="ascii") as file:
        return next(line.split(None, 1)[1].strip() for line in file if line.split()[0] == name)


def tunnel_user(config):
    return keyword_of(config, "User")


def known_of(config):
    return keyword_of(config, "UserKnownHostsFile")


def test_a_cut_connection_is_told_to_every_stream(tunnel, make, sshd, echo):
    proxy = make.proxy(sshd.port)
    known = known_of(sshd.client_config("tunnel.cut", port=proxy.port))
    child = tunnel.start("forward", echo, Port=proxy.port, UserKnownHostsFile=known)
    first_byte(child)
    proxy.cut()
    _, said = child.communicate(timeout=20)
    assert child.returncode == 75 and said.startswith(b"ssh_lost: "), said


def test_a_stalled_connection_is_found_by_keepalives(tunnel, make, sshd, echo):
    proxy = make.proxy(sshd.port)
    known = known_of(sshd.client_config("tunnel.stall", port=proxy.port))
    keywords = {"Port": proxy.port, "UserKnownHostsFile": known, "ServerAliveInterval": 1, "ServerAliveCountMax": 2}
    child = tunnel.start("forward", echo, **keywords)
    first_byte(child)
    time.sleep(4)
    first_byte(child)  # answered keepalives keep it
    proxy.stall()
    started = time.monotonic()
    _, said = child.communicate(timeout=20)
    assert child.returncode == 75 and b"does not answer" in said and time.monotonic() - started < 6, said


def test_a_client_that_left_early_runs_nothing(tunnel, rig, sshd):
    """Its channel was not open yet: what it asked for must not be run for nobody."""
    held = tunnel.hold()
    held.ssh("-O", "check", "x")
    mark = os.path.join(rig.folder, "mark")
    run = packet(0x10000002, struct.pack(">I", 1) + text(b"") + struct.pack(">IIIII", 0, 0, 0, 0, 0xffffffff) + text(b"") +
                 text(f"touch {mark}".encode()))
    os.kill(held.broker, signal.SIGSTOP)
    with connect(held) as sock, open("/dev/null", "rb+", buffering=0) as null:
        sock.sendall(HELLO + run)
        for _ in range(3):
            send_descriptors(sock, [null.fileno()])
    os.kill(held.broker, signal.SIGCONT)
    assert held.ssh("x", "true").returncode == 0
    time.sleep(0.2)
    assert not os.path.exists(mark)


# What is left behind

def test_the_front_ends_in_order(tunnel):
    held = tunnel.hold()
    folder = os.path.dirname(held.socket)
    assert os.stat(folder).st_mode & 0o777 == 0o700
    held.close()
    assert held.gone()


def test_the_front_is_killed(tunnel, echo):
    held = tunnel.hold()
    assert held.ssh("-O", "check", "x").returncode == 0
    held.child.kill()
    held.child.wait()
    wait_for("the broker's end", 3, held.gone)


def test_the_front_is_killed_while_the_broker_connects(tunnel):
    held = tunnel.hold(ProxyCommand="sleep 987")
    time.sleep(0.2)
    held.child.kill()
    held.child.wait()
    wait_for("the broker's end", 3, held.gone)
    wait_for("the proxy's end", 3, lambda: not subprocess.run(["pgrep", "-f", "^sleep 987$"], capture_output=True, check=False).stdout)


def test_the_broker_leaves_the_terminals_session(tunnel):
    held = tunnel.hold()
    held.ssh("-O", "check", "x")
    assert os.getsid(held.broker) == held.broker
    for name in ("0", "1"):
        assert os.readlink(f"/proc/{held.broker}/fd/{name}") == "/dev/null"


# OpenSSH's client, our broker

def test_openssh_checks_and_ends_the_broker(tunnel):
    held = tunnel.hold()
    assert f"pid={held.broker}".encode() in held.ssh("-O", "check", "x").stderr
    assert held.ssh("-O", "forward", "-L", f"{free_port()}:127.0.0.1:1", "x").returncode != 0
    assert held.ssh("-O", "exit", "x").returncode == 0
    wait_for("the broker's end", 3, held.gone)


def test_openssh_runs_programs_through_the_broker(tunnel, echo):
    held = tunnel.hold()
    done = held.ssh("x", "cat; echo err >&2; exit 5", input=b"out")
    assert (done.stdout, done.stderr, done.returncode) == (b"out", b"err\n", 5), done
    assert held.ssh("x", "kill -9 $$").returncode == 255
    assert held.ssh("-W", f"127.0.0.1:{echo}", "x", input=b"hey").stdout == b"hey"
    done = held.ssh("-W", f"127.0.0.1:{free_port()}", "x", input=b"")
    assert b"check that something listens" in done.stderr and done.returncode != 0, done
    pipes = f"ssh -F /dev/null -S {held.socket} x 'yes | head -c 3000000' | (sleep 1; wc -c)"
    assert subprocess.run(["sh", "-c", pipes], capture_output=True, timeout=30, env=held.env, check=True).stdout.strip() == b"3000000"
    broken = f"ssh -F /dev/null -S {held.socket} x yes | head -c 100000 | wc -c"
    assert subprocess.run(["sh", "-c", broken], capture_output=True, timeout=30, env=held.env, check=True).stdout.strip() == b"100000"


def test_openssh_gets_a_terminal_through_the_broker(tunnel):
    held = tunnel.hold()
    line = f"stty rows 33 cols 101; exec ssh -F /dev/null -S {held.socket} -tt x 'tty; stty size; echo $TERM'"
    done = subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, timeout=30, env={**held.env, "TERM": "vt220"},
                          stdin=subprocess.DEVNULL, check=False)
    assert b"/dev/pts/" in done.stdout and b"33 101\r\nvt220" in done.stdout, done


def test_sftp_through_the_broker(tunnel, make, rig):
    held = tunnel.hold(sshd=make.sshd(force_command=False))
    here, there = os.path.join(rig.folder, "sftp.here"), os.path.join(rig.folder, "sftp.there")
    with open(here, "wb") as file:
        file.write(os.urandom(2000000))
    done = subprocess.run(["sftp", "-F", "/dev/null", "-o", f"ControlPath={held.socket}", "-b", "-", "x"],
                          input=f"put {here} {there}\n".encode(), capture_output=True, timeout=30, env=held.env, check=False)
    assert done.returncode == 0, done
    with open(here, "rb") as one, open(there, "rb") as other:
        assert one.read() == other.read()


# Our client, OpenSSH's master

@pytest.fixture
def master(tunnel, sshd, rig):
    path = os.path.join(rig.folder, f"master.{rig.count()}")
    child = subprocess.Popen(["ssh", "-F", sshd.config, "-MN", "-S", path, sshd.alias], env=rig.base_env(), stdin=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    wait_for("the master", 10, lambda: os.path.exists(path))

    def call(*words, data=b""):
        return tunnel.run([tunnel.path, "-S", path, "x"], words, data)

    call.child = child
    yield call
    child.terminate()
    child.wait()


def test_an_openssh_master_serves_our_client(master, echo):
    assert master("info").returncode == 0
    done = master("exec", "cat; exit 6", data=b"abc")
    assert (done.stdout, done.returncode) == (b"abc", 6), done
    assert master("forward", echo, data=b"abc").stdout == b"abc"
    assert master("many", 100, echo).stdout == b"100 streams, 0 bad\n"
    refused(master("forward", free_port()), "channel_refused", 69)
    master.child.terminate()
    master.child.wait()
    refused(master("info"), "ssh_lost", 75)


# Clients that do not keep to the protocol

def packet(kind, body=b""):
    return struct.pack(">II", len(body) + 4, kind) + body


def text(data):
    return struct.pack(">I", len(data)) + data


HELLO = packet(1, struct.pack(">I", 4))


def forward(port, number=9):
    return packet(0x10000008, struct.pack(">I", number) + text(b"") + text(b"127.0.0.1") + struct.pack(">I", port))


def send_descriptors(sock, descriptors, data=b"\0"):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


def connect(held):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(held.socket)
    return sock


def serves(held, port):
    return held.ssh("-W", f"127.0.0.1:{port}", "x", input=b"hey").stdout == b"hey"


@pytest.fixture
def attacked(tunnel, echo):
    """A broker that must serve others all the while, and end with the descriptors that it began with."""
    held = tunnel.hold()
    assert serves(held, echo)
    before = held.descriptors()
    yield held
    assert serves(held, echo)
    wait_for("descriptors given back", 3, lambda: held.descriptors() == before)


def test_withheld_descriptors_cost_that_client_only(attacked, echo):
    waiting = []
    for count in [0] * 20 + [1] * 20:
        sock = connect(attacked)
        sock.sendall(HELLO + forward(echo))
        with socket.socketpair()[0] as end:
            for _ in range(count):
                send_descriptors(sock, [end.fileno()])
        waiting.append(sock)
    assert serves(attacked, echo)
    for sock in waiting:
        sock.close()


@pytest.mark.parametrize("name, data", [
    ("ones", b"\xff" * 100), ("zeros", b"\0" * 100), ("cut type", struct.pack(">I", 3) + b"abc"), ("no hello", forward(1)),
    ("old version", packet(1, struct.pack(">I", 3))), ("long string", HELLO + packet(0x10000002, b"\0\0\0\1" + b"\xff" * 4)),
    ("long packet", HELLO + struct.pack(">I", 1 << 20)), ("NUL in a name", HELLO + packet(0x10000008, b"\0\0\0\1" + text(b"") + text(b"a\0b") + b"\0\0\0\1")),
    ("byte without descriptor", HELLO + forward(1) + b"\0\0"), ("no byte", HELLO + forward(1) + b"xy"),
])
def test_garbage_costs_that_client_only(attacked, name, data):
    with connect(attacked) as sock:
        sock.sendall(data)
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass


def test_surplus_descriptors_are_closed(attacked, echo):
    with connect(attacked) as sock:
        sock.sendall(HELLO)
        ends = socket.socketpair()
        request = forward(echo)
        for at in range(len(request)):
            send_descriptors(sock, [end.fileno() for end in ends] * 4, request[at:at + 1])
        for end in ends:
            end.close()
        time.sleep(0.2)
        assert attacked.descriptors() < 20


def test_a_client_that_reads_nothing_is_dropped(attacked):
    with connect(attacked) as sock:
        sock.sendall(HELLO)
        sock.setblocking(False)
        with pytest.raises(OSError):
            for _ in range(100000):
                sock.send(packet(0x10000004, b"\0\0\0\1") * 100)


def test_descriptors_are_matched_however_the_bytes_arrive(attacked, echo):
    for way in ("bytewise", "merged"):
        with connect(attacked) as sock:
            mine, theirs = socket.socketpair()
            mine.settimeout(10)
            if way == "merged":
                send_descriptors(sock, [theirs.fileno()], HELLO + forward(echo) + b"\0")
            else:
                for byte in HELLO + forward(echo):
                    sock.sendall(bytes([byte]))
                send_descriptors(sock, [theirs.fileno()])
            send_descriptors(sock, [theirs.fileno()])
            theirs.close()
            mine.sendall(b"ping")
            assert mine.recv(10) == b"ping", way
            mine.shutdown(socket.SHUT_WR)
            assert mine.recv(10) == b"", way
            mine.close()


def test_one_stream_a_connection(attacked, echo):
    with connect(attacked) as sock:
        mine, theirs = socket.socketpair()
        for number in (1, 2):
            sock.sendall((HELLO if number == 1 else b"") + forward(echo, number))
            send_descriptors(sock, [theirs.fileno()])
            send_descriptors(sock, [theirs.fileno()])
        sock.sendall(packet(0x10000004, b"\0\0\0\3"))
        said = b""
        while struct.pack(">II", 0x80000005, 3) not in said:
            said += sock.recv(4096)
        assert b"Multiple sessions not supported" in said
        mine.close()
        theirs.close()


def test_what_a_client_wrote_before_it_closed_arrives(tunnel, rig, attacked):
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = connect(attacked)
        mine, theirs = socket.socketpair()
        sock.sendall(HELLO + forward(server.getsockname()[1]))
        send_descriptors(sock, [theirs.fileno()])
        send_descriptors(sock, [theirs.fileno()])
        theirs.close()
        with server.accept()[0] as peer:
            peer.settimeout(10)
            mine.sendall(b"a")
            assert peer.recv(1) == b"a"
            mine.sendall(b"last words")
            mine.close()
            sock.close()
            said = b""
            while data := peer.recv(100):
                said += data
            assert said == b"last words"
