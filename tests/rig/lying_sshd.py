# SPDX-License-Identifier: GPL-3.0-or-later
"""
An sshd that lies. It speaks the real protocol (RFC 4253, 4252, 4254) with one algorithm of each kind: curve25519-sha256, ssh-ed25519,
aes128-gcm@openssh.com, and zlib@openssh.com where that is wanted. Every stage is a method of Peer that a test calls, leaves out, or replaces by
bytes of its own; every packet can be sent malformed.

    def act(peer):
        peer.begin()                 # version, key exchange, service, and any key is good enough
        peer.serve(on=lie)           # forwards as an sshd does; lie(peer, message) sees each message first

    with LyingSshd(rig, act) as liar:
        beamline("eval", "liar", "1", config=liar.config)
"""

import hashlib
import os
import select
import socket
import struct
import zlib

from .core import RigError
from .liar import Gone, Service, Wire
from .sshd import make_key, user

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError:
    raise RigError("Python's cryptography is missing: apt-get install python3-cryptography") from None

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT = 1, 2, 3, 4, 5, 6
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
AUTH_REQUEST, AUTH_FAILURE, AUTH_SUCCESS, AUTH_BANNER, AUTH_INFO_REQUEST, AUTH_INFO_RESPONSE = 50, 51, 52, 53, 60, 61
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
OPEN, CONFIRMED, REFUSED, WINDOW, DATA, EXTENDED, EOF, CLOSE, REQUEST, SUCCESS, FAILURE = range(90, 101)

WINDOW_SIZE = 1 << 21  # what we let the other side send on a channel


def u32(value):
    return struct.pack(">I", value)


def string(data):
    return u32(len(data)) + (data if isinstance(data, bytes) else data.encode())


def mpint(data):
    data = data.lstrip(b"\0")
    return string(b"\0" + data if data and data[0] & 0x80 else data)


class Reader:
    """The fields of a message, in their order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def u32(self):
        return struct.unpack(">I", self.bytes(4))[0]

    def string(self):
        return self.bytes(self.u32())


class Keys:
    """One direction's cipher: aes128-gcm as in RFC 5647, the length in the clear."""

    def __init__(self, key, nonce):
        self.cipher, self.fixed, self.counter = AESGCM(key), nonce[:4], int.from_bytes(nonce[4:], "big")

    def nonce(self):
        self.counter += 1
        return self.fixed + ((self.counter - 1) & (2**64 - 1)).to_bytes(8, "big")


class Channel:
    """One of the client's, spliced with a socket, or answered by the test."""

    def __init__(self, number, theirs, window):
        self.number, self.theirs, self.window = number, theirs, window
        self.socket = None
        self.taken = 0


class Peer(Wire):
    """One connection of a beamline to the lying sshd."""

    def __init__(self, liar, sock):
        super().__init__(liar, sock)
        self.host_key = liar.host_key
        self.theirs = self.ours = None           # Keys
        self.deflate = self.inflate = None
        self.session = None
        self.held = []                           # messages that came while keys were exchanged
        self.channels = {}
        self.requests = []                       # names of the methods that the client has asked for
        self.exec = lambda command: None         # what a program prints, or None: it cannot be run

    # Packets

    def sealed(self, payload, length=None):
        """The bytes of a packet; `length` is what it claims to have."""
        if self.deflate:
            payload = self.deflate.compress(payload) + self.deflate.flush(zlib.Z_PARTIAL_FLUSH)
        block = 16 if self.ours else 8
        padding = block - (len(payload) + (1 if self.ours else 5)) % block
        padding += block if padding < 4 else 0
        body = bytes([padding]) + payload + os.urandom(padding)
        head = u32(len(body) if length is None else length)
        return head + (self.ours.cipher.encrypt(self.ours.nonce(), body, head) if self.ours else body)

    def send(self, kind, *parts):
        self.raw(self.sealed(bytes([kind]) + b"".join(parts)))

    def for_ever(self, kind, *parts):
        while True:
            self.raw(b"".join(self.sealed(bytes([kind]) + b"".join(parts)) for _ in range(64)))

    def receive(self):
        head = self.take(4)
        length = struct.unpack(">I", head)[0]
        if self.theirs:
            body = self.theirs.cipher.decrypt(self.theirs.nonce(), self.take(length + 16), head)
        else:
            body = self.take(length)
        payload = body[1:len(body) - body[0]]
        return self.inflate.decompress(payload) if self.inflate else payload

    def next(self, *kinds):
        """The next message that is not about nothing; of these kinds, if any are named: others are held."""
        for at, message in enumerate(self.held):
            if not kinds or message[0] in kinds:
                return self.held.pop(at)
        while True:
            message = self.arrived()
            if message and (not kinds or message[0] in kinds):
                return message
            if message:
                self.held.append(message)

    def arrived(self):
        """The message that comes next, or None for one about nothing."""
        message = self.receive()
        if message[0] == DISCONNECT:
            raise Gone
        return None if message[0] in (IGNORE, UNIMPLEMENTED, DEBUG) else message

    # Stages

    def version(self, line=b"SSH-2.0-liar", end=b"\r\n"):
        self.liar_version = line
        self.raw(line + end)
        self.client_version = b""
        while not self.client_version.endswith(b"\n"):
            self.client_version += self.take(1)
        self.client_version = self.client_version.strip()

    def kexinit(self, **lists):
        """The payload of a KEXINIT; a list by its name replaces ours: kex, key, cipher, mac, compression."""
        names = {"kex": b"curve25519-sha256,kex-strict-s-v00@openssh.com", "key": b"ssh-ed25519", "cipher": b"aes128-gcm@openssh.com",
                 "mac": b"hmac-sha2-256", "compression": b"zlib@openssh.com" if self.liar.compression else b"none", **lists}
        both = [names[what] for what in ("cipher", "cipher", "mac", "mac", "compression", "compression")]
        return (bytes([KEXINIT]) + os.urandom(16) + b"".join(string(text) for text in (names["kex"], names["key"], *both, b"", b""))
                + b"\0" + u32(0))

    def keys(self, before_reply=None, wrong_signature=False, blob=None, **lists):
        """A key exchange, the first or a further one. `before_reply` runs before our half of it; `blob` is the key that we show instead of ours."""
        ours = self.kexinit(**lists)
        self.raw(self.sealed(ours))
        theirs = self.next(KEXINIT)
        point = Reader(self.next(ECDH_INIT)[1:]).string()
        if before_reply:
            before_reply()
        own = X25519PrivateKey.generate()
        secret = mpint(own.exchange(X25519PublicKey.from_public_bytes(point)))
        mine = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        shown = blob or key_blob(self.host_key)
        digest = hashlib.sha256(b"".join(map(string, (self.client_version, self.liar_version, theirs, ours, shown, point, mine))) + secret).digest()
        signature = self.host_key.sign(digest + (b"!" if wrong_signature else b""))
        self.send(ECDH_REPLY, string(shown), string(mine), string(string(b"ssh-ed25519") + string(signature)))
        self.send(NEWKEYS)
        self.session = self.session or digest
        made = {letter: hashlib.sha256(secret + digest + letter + self.session).digest() for letter in (b"A", b"B", b"C", b"D")}
        self.ours = Keys(made[b"D"][:16], made[b"B"][:12])
        self.next(NEWKEYS)
        self.theirs = Keys(made[b"C"][:16], made[b"A"][:12])

    def service(self):
        self.send(SERVICE_ACCEPT, string(Reader(self.next(SERVICE_REQUEST)[1:]).string()))

    def auth_request(self):
        """The next request: its method, and what follows."""
        fields = Reader(self.next(AUTH_REQUEST)[1:])
        fields.string(), fields.string()
        method = fields.string().decode()
        self.requests.append(method)
        return method, fields

    def fail(self, methods=b"publickey", partial=False):
        self.send(AUTH_FAILURE, string(methods), bytes([partial]))

    def accept(self):
        self.send(AUTH_SUCCESS)
        if self.liar.compression:
            self.deflate, self.inflate = zlib.compressobj(), zlib.decompressobj()

    def ask(self, *prompts, name=b"", instruction=b""):
        """keyboard-interactive: prompts are (text, echo); returns the answers."""
        self.send(AUTH_INFO_REQUEST, string(name), string(instruction), string(b""), u32(len(prompts)),
                  *[string(text) + bytes([echo]) for text, echo in prompts])
        fields = Reader(self.next(AUTH_INFO_RESPONSE)[1:])
        return [fields.string().decode() for _ in range(fields.u32())]

    def encrypted(self):
        self.version()
        self.keys()
        self.service()

    def begin(self):
        self.encrypted()
        while self.auth_request()[0] != "publickey":
            self.fail()
        self.accept()

    # Channels

    def next_open(self):
        """The next channel that the client asks for, not answered yet."""
        return self.opening(self.next(OPEN))

    def opening(self, message):
        fields = Reader(message[1:])
        kind = fields.string()
        channel = Channel(len(self.channels), fields.u32(), fields.u32())
        fields.u32()
        channel.kind = kind.decode()
        if kind == b"direct-tcpip":
            channel.to = (fields.string().decode(), fields.u32())
        self.channels[channel.number] = channel
        return channel

    def confirm(self, channel):
        self.send(CONFIRMED, u32(channel.theirs), u32(channel.number), u32(WINDOW_SIZE), u32(32768))

    def data(self, channel, data):
        self.send(DATA, u32(channel.theirs), string(data))

    def connect(self, channel):
        try:
            channel.socket = socket.create_connection(channel.to, 5)
        except OSError:
            self.send(REFUSED, u32(channel.theirs), u32(2), string(b"Connection refused"), string(b""))
            return
        self.confirm(channel)

    def run(self, channel, message):
        fields = Reader(message[5:])
        what, wants = fields.string(), fields.bytes(1) == b"\1"
        output = self.exec(fields.string().decode()) if what == b"exec" else None
        if wants:
            self.send(FAILURE if output is None else SUCCESS, u32(channel.theirs))
        if output is not None:
            self.data(channel, output)
            self.send(REQUEST, u32(channel.theirs), string(b"exit-status"), b"\0", u32(0))
            self.send(EOF, u32(channel.theirs))
            self.send(CLOSE, u32(channel.theirs))

    def drop(self, channel):
        if channel.socket:
            channel.socket.close()
            channel.socket = None

    def handle(self, message):
        kind = message[0]
        channel = self.channels.get(struct.unpack(">I", message[1:5])[0]) if WINDOW <= kind <= FAILURE else None
        if kind == OPEN:
            channel = self.opening(message)
            self.connect(channel) if channel.kind == "direct-tcpip" else self.confirm(channel)
        elif kind == GLOBAL_REQUEST:
            self.send(REQUEST_FAILURE)
        elif kind == WINDOW:
            channel.window += struct.unpack(">I", message[5:9])[0]
        elif kind == DATA and channel.socket:
            data = Reader(message[5:]).string()
            channel.socket.sendall(data)
            self.send(WINDOW, u32(channel.theirs), u32(len(data)))
        elif kind == EOF and channel.socket:
            channel.socket.shutdown(socket.SHUT_WR)
        elif kind == CLOSE:
            self.drop(channel)
            self.send(CLOSE, u32(channel.theirs))
        elif kind == REQUEST:
            self.run(channel, message)

    def forward(self, channel):
        try:
            data = channel.socket.recv(min(32768, channel.window))
        except OSError:
            data = b""
        if data:
            channel.window -= len(data)
            self.data(channel, data)
        else:
            self.send(EOF, u32(channel.theirs))
            self.send(CLOSE, u32(channel.theirs))
            self.drop(channel)

    def serve(self, on=None):
        """What an sshd does, for ever. on(peer, message) sees each message first; what it returns true for is done."""
        while True:
            sockets = {channel.socket: channel for channel in self.channels.values() if channel.socket and channel.window > 0}
            ready = [self.sock] if self.held else select.select([self.sock, *sockets], [], [])[0]
            if self.sock in ready:
                message = self.held.pop(0) if self.held else self.arrived()
                if message and not (on and on(self, message)):
                    self.handle(message)
            for ended in ready:
                if ended in sockets and sockets[ended].socket is ended:
                    self.forward(sockets[ended])

    def close(self):
        for channel in self.channels.values():
            self.drop(channel)
        super().close()


def key_blob(key):
    return string(b"ssh-ed25519") + string(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


class LyingSshd(Service):
    """
    Serves on a port of 127.0.0.1; act(peer) is each connection's life. `config` is an ssh_config that reaches it as `liar`, with keywords as
    Sshd.client_config has them.
    """

    def __init__(self, rig, act, compression=False, key=None, **keywords):
        self.act, self.compression = act, compression
        self.host_key = Ed25519PrivateKey.generate()
        self.peers = []
        super().__init__()
        self.host_line = f"[127.0.0.1]:{self.port} " + public_line(self.host_key)
        name = f"liar.{rig.count()}"
        self.known_hosts = rig.write(f"{name}.known_hosts", self.host_line + "\n")
        options = {
            "HostName": "127.0.0.1", "Port": self.port, "User": user(), "IdentityFile": key or make_key(rig, f"{name}.key"),
            "IdentitiesOnly": "yes", "IdentityAgent": "none", "UserKnownHostsFile": self.known_hosts, "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes", "BatchMode": "yes", "ControlPath": "none", "UpdateHostKeys": "no", "ConnectTimeout": 3,
            # The one that we speak.
            "Ciphers": "aes128-gcm@openssh.com", "Compression": "yes" if compression else "no", **keywords,
        }
        lines = [f"\t{word} {value}" for word, value in options.items() if value is not None]
        self.config = rig.write(f"{name}.config", "\n".join(["Host liar", *lines]) + "\n")

    def live(self, connection):
        peer = Peer(self, connection)
        self.peers.append(peer)
        try:
            self.act(peer)
            peer.linger()
        finally:
            peer.close()


def public_line(key):
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
