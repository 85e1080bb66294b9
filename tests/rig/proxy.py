#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy that fails as it is told, in a process of its own; and the handle that starts and steers it.

It stands between any two programs: client and sshd, sshd and EPMD, sshd and a node. "up" is from the side that connected,
"down" the way back. Rules can be changed while connections are open.
"""

import json
import os
import socket
import sys
import time

if __name__ != "__main__":
    from .core import RigError, free_port, program

# What a rule set may hold, with its defaults.
RULES = {
    "delay": 0.0,          # one way, each direction, in milliseconds; order is kept
    "cut_after": None,     # [direction, N, "rst" or "fin"]: pass N bytes that way, then end both sides
    "stall_after": None,   # [direction, N]: pass N bytes that way, then nothing, with everything left open
    "replace": None,       # [direction, N, hex]: overwrite the bytes from offset N
    "insert": None,        # [direction, N, hex]: put bytes in before offset N
    "answer": None,        # [hex, "stay", "fin" or "rst"]: connect to nobody, send this and stay or close
    "answer_after": 0,     # … after so many bytes came from the client
    "record": None,        # a folder: N.up and N.down hold connection N's bytes, as passed
    "connection": None,    # the rules are for this connection only (counted from 1); the others pass
    "chunk": None,         # write at most so many bytes at a time
}


class Proxy:
    """
    Proxy(rig, 22022, delay=25) stands before 127.0.0.1:22022 on its own `port`. Keywords are those of RULES; `set` changes them later,
    `cut` and `stall` act at once.
    """

    def __init__(self, rig, to_port=0, to_host="127.0.0.1", port=None, prefix=(), **rules):
        self.port = port or free_port()
        self.path = os.path.join(rig.folder, f"p{rig.count()}.sock")
        self.server = rig.spawn([*prefix, program("python3"), "-I", "-S", os.path.abspath(__file__), str(self.port), to_host, str(to_port),
                                 self.path, json.dumps(self.check(rules))], name="proxy")
        self.server.wait_until("listening", 10, self.listening)
        self.pid = self.server.pid

    @staticmethod
    def check(rules):
        unknown = set(rules) - set(RULES)
        if unknown:
            raise RigError(f"no such rule of a proxy: {', '.join(sorted(unknown))}")
        return {key: clean(value) for key, value in rules.items()}

    def listening(self):
        try:
            return bool(self.counts())
        except OSError:
            return False

    def request(self, **message):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(self.path)
            sock.sendall(json.dumps(message).encode() + b"\n")
            return json.loads(sock.makefile("rb").readline())

    def set(self, **rules):
        self.request(set=self.check(rules))

    def cut(self, how="rst"):
        """Ends every open connection now, with a reset or in order."""
        self.request(cut=how)

    def stall(self, on=True):
        """From now on nothing passes; `stall(False)` lets everything through again."""
        self.request(stall=on)

    def counts(self):
        """connections, open, up, down (bytes), turns (how often the direction changed to up: the round trips)."""
        return self.request(counts=True)

    def stop(self):
        self.server.stop()


def clean(value):
    """Bytes as hexadecimal, so that rules travel as JSON."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def main():
    import asyncio
    import struct

    port, to_host, to_port, path, rules = sys.argv[1:]
    rules = {**RULES, **json.loads(rules)}
    state = {"connections": 0, "open": 0, "up": 0, "down": 0, "turns": 0, "last": None}
    passing = asyncio.Event()
    passing.set()
    connections = set()

    def end(writer, how):
        sock = writer.get_extra_info("socket")
        if how == "rst" and sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # closed already, by a reset from that side
            writer.transport.abort()
        else:
            writer.close()

    def acknowledge(writer):
        """
        Acknowledges what has come at once. Otherwise a sender with Nagle's algorithm (sshd is one) waits for our kernel's 40 ms, whatever
        the two ends do: a delay that none was asked for. asyncio has set TCP_NODELAY already.
        """
        try:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except (OSError, AttributeError):
            pass  # closed already; or a kernel without it

    class Connection:
        def __init__(self, number, client):
            self.number = number
            self.writers = [client]
            self.seen = {"up": 0, "down": 0}

        def rule(self, name):
            if rules["connection"] not in (None, self.number):
                return RULES[name]
            return rules[name]

        def end(self, how):
            for writer in self.writers:
                end(writer, how)

        def change(self, direction, data, start):
            """The bytes as they go on, after replace and insert; `start` is the offset of the first."""
            for name in ("replace", "insert"):
                rule = self.rule(name)
                if not rule or rule[0] != direction:
                    continue
                offset, new = rule[1] - start, bytes.fromhex(rule[2])
                if name == "insert" and 0 <= offset < len(data):
                    data = data[:offset] + new + data[offset:]
                elif name == "replace":
                    out = bytearray(data)
                    for index, byte in enumerate(new):
                        if 0 <= offset + index < len(out):
                            out[offset + index] = byte
                    data = bytes(out)
            return data

        def record(self, direction, data):
            if self.rule("record"):
                with open(os.path.join(self.rule("record"), f"{self.number}.{direction}"), "ab") as file:
                    file.write(data)

        async def read(self, direction, reader, writer, queue):
            """writer: of the same socket."""
            while True:
                acknowledge(writer)
                try:
                    data = await reader.read(65536)
                except OSError:
                    data = None
                await queue.put((time.monotonic() + self.rule("delay") / 1000, data))
                if not data:
                    return

        async def write(self, direction, writer, queue):
            while True:
                due, data = await queue.get()
                if due > time.monotonic():
                    await asyncio.sleep(due - time.monotonic())
                await passing.wait()
                if data is None:
                    self.end("rst")
                    return
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                if not await self.send(direction, writer, data):
                    return

        async def send(self, direction, writer, data):
            start = self.seen[direction]
            self.seen[direction] += len(data)
            state[direction] += len(data)
            if direction == "up" and state["last"] != "up":
                state["turns"] += 1
            state["last"] = direction
            for name in ("cut_after", "stall_after"):
                rule = self.rule(name)
                if not rule or rule[0] != direction or self.seen[direction] < rule[1]:
                    continue
                rest = self.change(direction, data[:max(0, rule[1] - start)], start)
                self.record(direction, rest)
                writer.write(rest)
                if name == "stall_after":
                    await asyncio.Event().wait()
                await writer.drain()
                await asyncio.sleep(0.02)  # a reset throws away what the peer has not read yet
                self.end(rule[2])
                return False
            data = self.change(direction, data, start)
            self.record(direction, data)
            step = self.rule("chunk") or len(data) or 1
            for index in range(0, len(data), step):
                writer.write(data[index:index + step])
                await writer.drain()
                if step < len(data):
                    await asyncio.sleep(0.0005)
            return True

    async def answer(connection, reader, writer, rule):
        got = 0
        while got < rules["answer_after"]:
            data = await reader.read(65536)
            if not data:
                break
            connection.record("up", data)
            got += len(data)
        writer.write(bytes.fromhex(rule[0]))
        await writer.drain()
        if rule[1] == "stay":
            while await reader.read(65536):
                pass
        else:
            await asyncio.sleep(0.02)
        end(writer, rule[1])

    async def serve(reader, writer):
        state["connections"] += 1
        state["open"] += 1
        connection = Connection(state["connections"], writer)
        connections.add(connection)
        try:
            rule = connection.rule("answer")
            if rule:
                await answer(connection, reader, writer, rule)
                return
            try:
                their_reader, theirs = await asyncio.open_connection(to_host, int(to_port), limit=1 << 18)
            except OSError:
                end(writer, "rst")
                return
            connection.writers.append(theirs)
            up, down = asyncio.Queue(1024), asyncio.Queue(1024)
            await asyncio.gather(connection.read("up", reader, writer, up), connection.write("up", theirs, up),
                                 connection.read("down", their_reader, theirs, down), connection.write("down", writer, down),
                                 return_exceptions=True)
            connection.end("fin")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            state["open"] -= 1
            connections.discard(connection)

    async def control(reader, writer):
        message = json.loads(await reader.readline())
        if "set" in message:
            rules.update(message["set"])
        if "stall" in message:
            (passing.clear if message["stall"] else passing.set)()
        if "cut" in message:
            for connection in list(connections):
                connection.end(message["cut"])
        writer.write(json.dumps({key: value for key, value in state.items() if key != "last"}).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1" if to_host != "::1" else "::1", int(port), limit=1 << 18)
        steering = await asyncio.start_unix_server(control, path)
        async with server, steering:
            await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main()
