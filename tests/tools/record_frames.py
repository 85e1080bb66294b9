#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what a real node and a real EPMD send, as seeds for the fuzz targets and for tests/unit/recorded_test.

    record_frames.py FOLDER        FOLDER: tests/fuzz/seeds

A peer with a fixed challenge connects to a node of the rig, which then does to it all that a node can: sends, links, monitors, spawns,
exits. Run it again when another release sends something new, and look at the difference before it is committed.
"""

import hashlib
import os
import socket
import struct
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, TESTS)

from rig import Epmd, Node, Rig  # noqa: E402

COOKIE = "rigcookie"
CHALLENGE = 0x01020304
# src/dist/flags.c: what we offer.
FLAGS = sum(1 << bit for bit in (2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16, 17, 18, 19, 20, 22, 24, 25, 26, 32, 34, 35))
NAME_ME = 1 << 33
NAME = "recorder@host"


def atom(name):
    return b"w" + bytes([len(name.encode())]) + name.encode()


def integer(value):
    return b"b" + struct.pack(">i", value)


def tup(*parts):
    return b"h" + bytes([len(parts)]) + b"".join(parts)


def pid(name, creation):
    return b"X" + atom(name) + struct.pack(">III", 1, 0, creation)


def reference(name, creation, number):
    return b"Z" + struct.pack(">H", 3) + atom(name) + struct.pack(">IIII", creation, number, 0, 0)


def message(control, payload=None):
    body = b"p\x83" + control + (b"" if payload is None else b"\x83" + payload)
    return struct.pack(">I", len(body)) + body


def digest(challenge):
    return hashlib.md5((COOKIE + str(challenge)).encode()).digest()


class Peer:
    """One connection; `came` holds every byte that the other side has sent."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(2)
        self.came = b""
        self.at = 0

    def take(self, count):
        while len(self.came) - self.at < count:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.came += data
        self.at += count
        return self.came[self.at - count:self.at]

    def packet(self):
        return self.take(struct.unpack(">H", self.take(2))[0])

    def put(self, packet):
        self.sock.sendall(struct.pack(">H", len(packet)) + packet)

    def prove(self, challenge):
        self.put(b"r" + struct.pack(">I", CHALLENGE) + digest(challenge))

    def drain(self):
        """All frames until the node is quiet."""
        start = self.at
        try:
            while True:
                self.take(struct.unpack(">I", self.take(4))[0])
        except (socket.timeout, EOFError):
            pass
        return self.came[start:]


def connect(node, name, flags=FLAGS):
    peer = Peer(socket.create_connection(("127.0.0.1", node.dist_port)))
    peer.put(b"N" + struct.pack(">QIH", flags, 7, len(name)) + name.encode())
    status = peer.packet()
    if status[:1] != b"s" or status[1:3] not in (b"ok", b"na"):
        return peer, None, None
    challenge = peer.packet()
    if status.startswith(b"snamed:"):
        length = struct.unpack(">H", status[7:9])[0]
        name = status[9:9 + length].decode()
    creation = struct.unpack(">I", status[-4:])[0] if status.startswith(b"snamed:") else 7
    peer.prove(struct.unpack(">I", challenge[9:13])[0])
    peer.packet()
    return peer, name, creation


# What the node does to the recorder once it has been sent {go, Pid}.
ACTS = """
register(rec, spawn(fun() ->
  receive {go, P} ->
    N = node(P),
    [P ! T || T <- [hello, 1, -1, 1 bsl 40, -(1 bsl 100), 1.5, "text", [1000, 2 | x], <<"bytes">>, <<5:3>>, #{a => 1, "b" => [c]},
      {self(), make_ref(), hd(erlang:ports())}, fun lists:map/2, fun(X) -> X + N end, list_to_tuple(lists:seq(1, 300)),
      lists:seq(1, 300), list_to_atom([1080, 1084, 1103]), <<0:8000>>]],
    link(P), unlink(P), M = monitor(process, P), demonitor(M), monitor(process, {shell, N}), {shell, N} ! hello,
    spawn_request(N, erlang, halt, [], [monitor]), catch group_leader(P, P),
    seq_trace:set_token(send, true), P ! traced, exit(P, traced), seq_trace:set_token([]),
    exit(P, {why, [1, 2, 3]}), link(P), A = alias(), P ! {alias, A},
    receive {rec, stop} -> exit({over, <<"reason">>}) end
  end end))
"""


def frames(node, seeds):
    """Everything after a handshake, then {rec, stop} so that links and monitors of the recorder's break."""
    for title, flags in (("frames", FLAGS), ("frames_without_exit_payload", FLAGS & ~(1 << 22 | 1 << 25 | 1 << 19)),
                         ("frames_lent_name", FLAGS | NAME_ME)):
        node.eval(ACTS)
        peer, name, creation = connect(node, NAME.split("@")[1] if flags & NAME_ME else NAME, flags)
        if name is None:
            print(title, "is refused by this release:", peer.came)
            node.eval("exit(whereis(rec), kill)")
            continue
        me = pid(name, creation)
        seeds["handshake"][title.replace("frames", "connect")] = peer.came[:peer.at]
        peer.sock.sendall(message(tup(integer(6), me, atom(""), atom("rec")), tup(atom("go"), me)))
        recorded = peer.drain()
        rec = reference(name, creation, 1)
        peer.sock.sendall(
            message(tup(integer(19), me, atom("rec"), rec)) +
            message(tup(integer(19), me, atom("nobody"), reference(name, creation, 2))) +
            message(tup(integer(29), reference(name, creation, 3), me, me, tup(atom("erlang"), atom("self"), integer(0)),
                        b"l" + struct.pack(">I", 1) + atom("monitor") + b"j"), b"j") +
            message(tup(integer(6), me, atom(""), atom("rec")), tup(atom("rec"), atom("stop"))) +
            message(tup(integer(6), me, atom(""), atom("rex")),
                    tup(me, tup(atom("call"), atom("erlang"), atom("memory"), b"j", atom("user")))))
        recorded += peer.drain()
        seeds["frames"][title] = seeds["link"][title] = recorded
        peer.sock.close()


def refusals(node, seeds):
    seeds["handshake"]["not_allowed"] = connect(node, NAME, 1 << 24)[0].came
    peer, _, _ = connect(node, NAME)
    seeds["handshake"]["alive"] = connect(node, NAME)[0].came
    peer.sock.close()


def accepted(node, epmd, seeds):
    """The other side: the node connects to us, who are registered at its EPMD as `callee`."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("127.0.0.1", epmd.port)) as registered:
        name = b"callee"
        body = b"x" + struct.pack(">HBBHHH", server.getsockname()[1], 77, 0, 6, 5, len(name)) + name + b"\0\0"
        registered.sendall(struct.pack(">H", len(body)) + body)
        registered.recv(6)
        node.eval("spawn(fun() -> net_kernel:connect_node(list_to_atom(\"callee@\" ++ tl(lists:dropwhile(fun(C) -> C =/= $@ end, "
                  "atom_to_list(node()))))) end)")
        peer = Peer(server.accept()[0])
        full = name + b"@" + node.full_name.split("@")[1].encode()
        peer.packet()
        peer.put(b"sok")
        peer.put(b"N" + struct.pack(">QIIH", FLAGS, CHALLENGE, 9, len(full)) + full)
        peer.packet()
        seeds["handshake"]["accept"] = peer.came
        peer.sock.close()
        seeds["epmd"]["names_two"] = ask(epmd, b"n")
        seeds["epmd"]["port_callee"] = ask(epmd, b"zcallee")


def packet(body):
    return struct.pack(">H", len(body)) + body


def composed(seeds):
    """What no node of this release sends any more, or only our own program: by hand, as docs/protocol.md has it."""
    old = struct.pack(">HI", 5, FLAGS & 0xffffff)
    seeds["handshake"]["connect_5"] = (packet(b"sok") + packet(b"n" + old + struct.pack(">I", 99) + b"old@host") +
                                       packet(b"a" + digest(CHALLENGE)))
    seeds["handshake"]["accept_5"] = packet(b"n" + old + b"old@host") + packet(b"r" + struct.pack(">I", 99) + digest(CHALLENGE))
    seeds["handshake"]["accept_lent_name"] = (packet(b"N" + struct.pack(">QIH", FLAGS | NAME_ME, 0, 4) + b"host") +
                                              packet(b"r" + struct.pack(">I", 99) + digest(CHALLENGE)))
    me, tag = pid(NAME, 7), reference(NAME, 7, 2)
    node = b"X" + atom("node@host") + struct.pack(">III", 80, 0, 5)

    def says(*parts):
        return message(tup(integer(22), node, me), tup(tag, *parts))

    def binary(data):
        return b"m" + struct.pack(">I", len(data)) + data

    started = message(tup(integer(31), reference(NAME, 7, 1), me, integer(1), node)) + says(integer(0), node)
    ends = {
        "done": (0, binary(b"")), "failed": (1, tup(binary(b"error"), binary(b"badarg"))),
        "syntax": (2, tup(integer(1), integer(4), binary(b"syntax error before: "))), "refused": (3, binary(b"init:stop/0")),
        "killed": (4, binary(b"")), "not_bytes": (5, binary(b"{}")), "no_elixir": (6, binary(b"")), "died": (7, binary(b"killed")),
    }
    for name, (outcome, detail) in ends.items():
        seeds["session"][name] = (started + says(integer(1), binary(b"output\n")) + says(integer(2), binary(b"value")) +
                                  says(integer(5), integer(outcome), detail, integer(12), integer(0)))
    for name, outcome, sent in (("lost", 0, 13), ("sender_killed", 0, -1)):
        seeds["session"][name] = (started + says(integer(1), binary(b"output\n")) + says(integer(2), binary(b"value")) +
                                  says(integer(5), integer(outcome), binary(b""), integer(sent), integer(0)))
    seeds["session"]["failed_and_lost"] = started + says(integer(5), integer(1), ends["failed"][1], integer(99), integer(0))
    seeds["session"]["question"] = started + says(integer(4), binary(b"init:stop/0")) + says(integer(5), integer(3), binary(b"x"), integer(0), integer(-1))
    seeds["session"]["down"] = started + message(tup(integer(28), node, me, reference(NAME, 7, 1)), tup(atom("noproc"), b"j"))
    seeds["session"]["not_spawned"] = message(tup(integer(31), reference(NAME, 7, 1), me, integer(0), atom("system_limit")))
    seeds["session"]["output"] = started + says(integer(1), binary(b"x" * 4096)) * 4 + b"\0\0\0\0"
    seeds["remsh"] = shells(message(tup(integer(31), reference(NAME, 7, 1), me, integer(1), node)), says, node)


def shells(spawned, says, node):
    """What src/remote/remsh*.erl send. The last byte: fuzz_remsh's MODE_ bits."""
    def binary(data):
        return b"m" + struct.pack(">I", len(data)) + data

    def prompt(kind, text, more=False):
        return says(integer(2), integer(kind), atom("true" if more else "false"), binary(text))

    def lst(*parts):
        return b"l" + struct.pack(">I", len(parts)) + b"".join(parts) + b"j"

    def help_of(number, insert, names, count):
        return says(integer(6), integer(number), binary(insert), lst(*map(binary, names)) if names else b"j", integer(count))

    def end(outcome, detail=b"", detached=0):
        return says(integer(5), integer(outcome), binary(detail), integer(0), integer(detached))

    started = spawned + says(integer(0), node, node, binary(b"25"), atom("erlang"))
    names = [b"seq/2", b"seq/3", "größe/1".encode(), "日本/0".encode(), b"a\nb\x1b[2J\xff\t"]
    hostile = b"beamline: \x1b]0;title\x07\nType the node's name to go on: \x01\x02\x9b2J \xe2\x80\xae\r"
    types, agrees, asks, interrupts, leaves, refuses = 4, 8, 16, 32, 64, 128
    found = {
        "talk": (started + says(integer(1), binary(b"Eshell V13\n")) + prompt(1, b"(demo@host)1> ") + says(integer(1), binary(b"[1,2,3]\n")) +
                 prompt(1, b"(demo@host)2> ", True) + prompt(0, b"") + prompt(2, b"name: ") + end(4), types),
        "question": (started + prompt(1, b"1> ") + says(integer(3), binary(b"init:stop/0")) + prompt(1, b"1> ") + end(7, b"killed", 2), types | agrees),
        "question_refused": (started + prompt(1, b"1> ") + says(integer(3), binary(b"init:stop/0\n")) * 2 + end(4), types),
        "question_unasked": (started + prompt(1, b"1> ") + says(integer(3), binary(b"init:stop/0")), 0),
        "help": (started + prompt(1, b"1> ") + help_of(1, b"q(", [], 0) + help_of(1, b"", names, 5000) + end(4), asks),
        "help_late": (started + prompt(1, b"1> ") * 3 + help_of(1, b"q(", [], 0) + help_of(3, b"\n\x1b", names, -1) + end(4), asks | refuses),
        "hostile": (started + prompt(1, hostile) + prompt(2, hostile * 20, True) + prompt(1, b" " * 900 + "日".encode() * 100) +
                    help_of(0, hostile, [hostile] * 30, 1 << 30), asks),
        "interrupted": (started + says(integer(1), binary(b"x" * 3000)) * 4 + prompt(1, b"iex(1)> ") + says(integer(7)) + end(4), interrupts | 2),
        "left": (started + prompt(1, b"1> ") + end(4, b"", -1), leaves),
        "left_early": (says(integer(1), binary(b"early")) + prompt(1, b"1> ") + started + end(4), leaves | 1),
        "no_elixir": (started + end(6), 2),
        "shapes": (started + says(integer(2), integer(9), atom("x"), binary(b"")), 0),
        "no_pid": (spawned + says(integer(0), integer(1), node, binary(b"25"), atom("erlang")), types),
        "down": (started + message(tup(integer(28), node, pid(NAME, 7), reference(NAME, 7, 1)), tup(atom("noproc"), b"j")), 0),
        "not_spawned": (message(tup(integer(31), reference(NAME, 7, 1), pid(NAME, 7), integer(0), atom("system_limit"))), 0),
        "rex": (message(tup(integer(2), atom(""), pid(NAME, 7)), tup(atom("rex"), atom("badrpc"))), 1),
    }
    return {name: data + bytes([mode]) for name, (data, mode) in found.items()}


def ask(epmd, request):
    with socket.create_connection(("127.0.0.1", epmd.port)) as sock:
        sock.sendall(struct.pack(">H", len(request)) + request)
        data = b""
        while chunk := sock.recv(4096):
            data += chunk
    return data


def main(folder):
    seeds = {"epmd": {}, "handshake": {}, "frames": {}, "link": {}, "session": {}, "remsh": {}}
    composed(seeds)
    with Rig() as rig:
        epmd = Epmd(rig)
        seeds["epmd"]["names_none"] = ask(epmd, b"n")
        node = Node(rig, "recorded", cookie=COOKIE, epmd=epmd)
        seeds["epmd"].update(names_one=ask(epmd, b"n"), port=ask(epmd, b"zrecorded"), port_unknown=ask(epmd, b"znobody"))
        frames(node, seeds)
        refusals(node, seeds)
        accepted(node, epmd, seeds)
    for target, files in seeds.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name, data in files.items():
            # fuzz_handshake's own first byte: its MODE_ bits.
            mode = (name.startswith("accept") | 4 * name.endswith("_5") | 8 * name.endswith("lent_name")) if target == "handshake" else None
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write((b"" if mode is None else bytes([mode])) + data)
            print(target, name, len(data))


if __name__ == "__main__":
    main(sys.argv[1])
