# SPDX-License-Identifier: GPL-3.0-or-later
"""
A node that lies: it does the real handshake with the cookie, takes the evaluation that it is asked for, and then does to the operator
what a test wants. Terms are made by the small functions here, so that malformed ones can be made as well.

    with Liar(lambda peer: peer.flood(peer.message(OUTPUT, binary(b"x" * 60000)))) as liar:
        beamline("--dist-port", liar.port, "--cookie-file", cookie_file, "eval", "rig", "1")
"""

import hashlib
import socket
import struct
import threading

COOKIE = "rigcookie"
FLAGS = sum(1 << bit for bit in (2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16, 17, 18, 19, 20, 22, 24, 25, 26, 32, 33, 34, 35))
LENT = "lent@beamline.invalid"

LINK, SEND, UNLINK, REG_SEND, EXIT2, MONITOR, SPAWN_REQUEST, SPAWN_REPLY, DOWN, UNLINK_ID = 1, 2, 4, 6, 8, 19, 29, 31, 21, 35
# src/remote/session.h: what an evaluation's program sends.
STARTED, OUTPUT, VALUE, EXCEPTION, QUESTION, END = range(6)


def atom(name):
    data = name if isinstance(name, bytes) else name.encode()
    return b"w" + bytes([len(data)]) + data if len(data) < 256 else b"v" + struct.pack(">H", len(data)) + data


def integer(value):
    if -2**31 <= value < 2**31:
        return b"b" + struct.pack(">i", value)
    digits = abs(value).to_bytes((abs(value).bit_length() + 7) // 8, "little")
    return b"n" + bytes([len(digits), value < 0]) + digits


def binary(data):
    return b"m" + struct.pack(">I", len(data)) + data


def tup(*parts):
    return b"h" + bytes([len(parts)]) + b"".join(parts)


def lst(*parts):
    return b"l" + struct.pack(">I", len(parts)) + b"".join(parts) + b"j" if parts else b"j"


def pid(name, number, creation=1):
    return b"X" + atom(name) + struct.pack(">III", number, 0, creation)


def reference(name, number, creation=1):
    return b"Z" + struct.pack(">H", 3) + atom(name) + struct.pack(">IIII", creation, number, 0, 0)


def frame(body):
    return struct.pack(">I", len(body)) + body


def packet(body):
    return struct.pack(">H", len(body)) + body


class Gone(Exception):
    """The other side has closed."""


class Wire:
    """One connection, in bytes."""

    def __init__(self, liar, sock):
        self.liar = liar
        self.sock = sock

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise Gone
            data += piece
        return data

    def raw(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone from None

    def flood(self, data):
        """For ever: the operator's reading is all that bounds it."""
        block = data * max(1, (1 << 18) // len(data))
        while True:
            self.raw(block)

    def linger(self):
        """Says nothing more, reads all that comes."""
        while self.sock.recv(1 << 16):
            pass

    def close(self):
        self.sock.close()


class Service:
    """Serves on a port of 127.0.0.1, each connection in a thread; a subclass says what it does with one in live(connection)."""

    def __init__(self):
        self.problem = None
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            self.live(connection)
        except (Gone, OSError):
            pass
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem
        finally:
            connection.close()

    def close(self):
        # A close alone leaves it open as long as the thread waits for a connection.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        if self.problem:
            raise self.problem


class Peer(Wire):
    """One connection of a beamline to the lying node."""

    def __init__(self, liar, sock):
        super().__init__(liar, sock)
        self.me = pid(liar.name, 77)
        self.us = pid(LENT, 1)                   # beamline's process
        self.spawn = reference(LENT, 1)          # of its SPAWN_REQUEST
        self.tag = reference(LENT, 2)            # of its session's messages
        self.sent = 0                            # bytes of output, value and exception

    def send(self, control, payload=None):
        self.raw(frame(b"p\x83" + control + (b"" if payload is None else b"\x83" + payload)))

    def handshake(self):
        self.take(struct.unpack(">H", self.take(2))[0])
        lent = LENT.encode()
        self.raw(packet(b"snamed:" + struct.pack(">H", len(lent)) + lent + struct.pack(">I", 1)))
        name = self.liar.name.encode() if isinstance(self.liar.name, str) else self.liar.name
        self.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 4711, 1, len(name)) + name))
        reply = self.take(struct.unpack(">H", self.take(2))[0])
        self.raw(packet(b"a" + hashlib.md5((COOKIE + str(struct.unpack(">I", reply[1:5])[0])).encode()).digest()))

    def next_frame(self):
        """The next one that is no tick."""
        while True:
            length = struct.unpack(">I", self.take(4))[0]
            if length:
                return self.take(length)

    def reply(self, result=None):
        self.send(tup(integer(SPAWN_REPLY), self.spawn, self.us, integer(0), self.me if result is None else result))

    def message(self, kind, *parts):
        """The frame of {Tag, Kind, …}."""
        control = tup(integer(SEND), atom(""), self.us)
        return frame(b"p\x83" + control + b"\x83" + tup(self.tag, integer(kind), *parts))

    def started(self, *more):
        """more: what the shell's program tells of itself."""
        self.reply()
        self.raw(self.message(STARTED, self.me, self.me, *more))

    def say(self, kind, *parts):
        if kind in (OUTPUT, VALUE, EXCEPTION) and parts and parts[0][:1] == b"m":
            self.sent += len(parts[0]) - 5
        self.raw(self.message(kind, *parts))

    def end(self, outcome=0, detail=binary(b""), detached=integer(0), lost=0):
        """lost: bytes that are said to have been sent besides those that were."""
        self.say(END, integer(outcome), detail, integer(self.sent + lost), detached)


class Liar(Service):
    """
    Serves on a port of 127.0.0.1. `act(peer)` runs once the handshake is done and a request to spawn has come; with
    `raw=True` it runs at once, without handshake. When it returns, the connection stays until beamline closes it.
    """

    def __init__(self, act, name="liar@host", raw=False, stay=True):
        self.act, self.name, self.raw, self.stay = act, name, raw, stay
        super().__init__()

    def live(self, connection):
        peer = Peer(self, connection)
        if not self.raw:
            peer.handshake()
            peer.next_frame()
        self.act(peer)
        if self.stay:
            peer.linger()
