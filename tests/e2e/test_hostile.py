# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever controls the node, the host or what surrounds us gains nothing, costs little, and holds up nobody."""

import json
import os
import re
import signal
import struct
import subprocess
import threading
import time
import zlib

import pytest

from rig import wait_for
from rig.liar import (COOKIE, END, EXCEPTION, FLAGS, LENT, MONITOR, OUTPUT, QUESTION, SEND, SPAWN_REPLY, SPAWN_REQUEST, STARTED, UNLINK_ID, VALUE, Liar,
                      atom, binary, frame, integer, lst, packet, pid, reference, tup)
from rig.watch import Run

MEMORY_MAX = 64  # MiB resident, of each process of ours


@pytest.fixture
def against(rig, sshd, beamline_path, tmp_path):
    """against(act, words…): a beamline that meets a Liar. The memory bound holds always (but for ASan, whose memory is not ours)."""
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    with open(beamline_path, "rb") as program:
        sanitized = b"__asan_init" in program.read()

    def call(act, *words, name="liar@host", raw=False, limit=30, interrupt=(), stdout=None, prefix=()):
        words = words or ("eval", "rig", "1")
        with Liar(act, name=name, raw=raw) as liar:
            argv = [*prefix, beamline_path, "--ssh-config", sshd.config, "--dist-port", str(liar.port), "--cookie-file", cookie, *words]
            done = Run(argv, {**rig.base_env(), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}, limit, interrupt,
                       str(tmp_path / "out") if stdout is None else stdout)
        assert sanitized or done.memory < MEMORY_MAX, done
        assert done.status not in (128 + signal.SIGSEGV, 128 + signal.SIGABRT) and "Sanitizer" not in done.stderr, done
        return done
    return call


def started(act):
    def start(peer):
        peer.started()
        act(peer)
    return start


def answer(term):
    """An evaluation whose value is this encoded term."""
    def act(peer):
        data = b"\x83" + term
        for at in range(0, len(data), 60000):
            peer.say(VALUE, binary(data[at:at + 60000]))
        peer.end()
    return started(act)


def nothing(_peer):
    pass


TIMED = ("eval", "--timeout", "1s", "rig", "1")
RPC = ("rpc", "rig", "m", "f")
JSON = ("eval", "--json", "rig", "1")


def test_the_liar_can_be_honest(against):
    done = against(started(lambda peer: (peer.say(VALUE, binary(b"42")), peer.end())))
    assert (done.status, done.stdout, done.stderr) == (0, b"42\n", ""), done


# Frames and floods

def test_frames_at_the_limit(against):
    size = 1 << 20

    def exact(peer):
        head = b"p\x83" + tup(integer(SEND), atom(""), peer.us) + b"\x83m"
        length = size - len(head) - 4
        peer.raw(frame(head + struct.pack(">I", length) + b"x" * length))
        peer.raw(frame(b"p" * (size + 1)))
        peer.end()
    assert against(started(exact)).status == 0


@pytest.mark.parametrize("what", ["ticks", "slow ticks", "a frame of 4 GiB", "unknown messages", "output", "output for JSON", "exception for JSON"])
def test_an_endless_node_is_ended_by_the_time_limit(against, what):
    def act(peer):
        peer.started()
        while what == "slow ticks":
            peer.raw(b"\0\0\0\0")
            time.sleep(0.05)
        peer.flood({"ticks": b"\0\0\0\0", "a frame of 4 GiB": b"\xff\xff\xff\xff" + b"x" * 60000,
                    "unknown messages": frame(b"p\x83" + tup(integer(99))),
                    "output": peer.message(OUTPUT, binary(b"x" * 60000)),
                    "output for JSON": peer.message(OUTPUT, binary(b"x" * 60000)),
                    "exception for JSON": peer.message(EXCEPTION, binary(b"x" * 60000))}[what])
    words = ("--json", *TIMED) if "JSON" in what else TIMED
    done = against(act, *words, limit=20, stdout=subprocess.DEVNULL if what == "output" else None)
    assert done.status == 75 and 5.5 < done.seconds < 12, done


def test_an_endless_node_is_ended_by_ctrl_c(against):
    done = against(started(lambda peer: peer.flood(b"\0\0\0\0")), interrupt=[1, 2])
    assert done.status == 130 and done.seconds < 5, done


def test_a_node_that_does_not_answer(against):
    assert against(nothing, *TIMED).status == 75
    done = against(nothing, interrupt=[1])
    assert done.status == 130 and done.seconds < 9, done


@pytest.mark.parametrize("what", ["monitor", "spawn"])
def test_requests_whose_answers_are_not_read(against, what):
    def act(peer):
        ref = reference("liar@host", 5)
        peer.flood(frame({"monitor": b"p\x83" + tup(integer(MONITOR), peer.me, pid(LENT, 9), ref),
                          "spawn": b"p\x83" + tup(integer(SPAWN_REQUEST), ref, peer.me, peer.me, tup(atom("a"), atom("b"), integer(0)), lst())
                                   + b"\x83j"}[what]))
    done = against(started(act))
    assert done.status == 76 and "limit_exceeded" in done.stderr, done


def test_an_answer_is_short_whatever_was_asked(against):
    big = tup(integer(UNLINK_ID), binary(b"\0" * (20 << 20)), pid("liar@host", 1), pid(LENT, 1))

    def act(peer):
        peer.flood(frame(b"p\x83P" + struct.pack(">I", len(big)) + zlib.compress(big)))
    done = against(started(act))
    assert done.status == 76 and ("protocol_error" in done.stderr or "limit_exceeded" in done.stderr), done


def test_output_beyond_the_window_to_a_slow_reader(against):
    reading, writing = os.pipe()
    # What came before is still written; it is Ctrl-C that ends the waiting for its reader.
    done = against(started(lambda peer: peer.flood(peer.message(OUTPUT, binary(b"x" * 60000)))), stdout=writing, interrupt=[2])
    os.close(reading)
    os.close(writing)
    assert done.status == 76 and "protocol_error" in done.stderr and done.seconds < 5, done


# Messages

WRONG = {
    "a negative kind": lambda peer: peer.say(-1, binary(b"x")),
    "a huge kind": lambda peer: peer.say(1 << 70, binary(b"x")),
    "a kind beyond 32 bits": lambda peer: peer.say((1 << 32) + END, integer(0), binary(b""), integer(0), integer(0)),
    "no bytes": lambda peer: peer.say(OUTPUT, integer(1)),
    "an end too short": lambda peer: peer.say(END, integer(0)),
    "an end without a count": lambda peer: peer.say(END, integer(0), binary(b""), integer(0)),
    "an outcome that is none": lambda peer: peer.say(END, atom("x"), binary(b""), integer(0), integer(0)),
    "a count that is none": lambda peer: peer.say(END, integer(0), binary(b""), atom("x"), integer(0)),
    "a count beyond 64 bits": lambda peer: peer.end(lost=1 << 80),
    "a message without parts": lambda peer: peer.say(OUTPUT),
    "a spawn refused after it was done": lambda peer: peer.reply(atom("badarg")),
    "a frame of another kind": lambda peer: peer.raw(frame(b"q\x83j")),
    "control that is no tuple": lambda peer: peer.raw(frame(b"p\x83j")),
    "a payload too many": lambda peer: peer.raw(frame(b"p\x83" + tup(integer(MONITOR), peer.me, peer.us, peer.spawn) + b"\x83j")),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_message_of_a_wrong_shape(against, what):
    done = against(started(WRONG[what]))
    assert done.status == 76, done


def test_what_is_odd_and_harms_nobody(against):
    def act(peer):
        peer.send(tup(integer(SPAWN_REPLY), reference(LENT, 99), peer.us, integer(0), atom("e")))
        peer.reply()
        peer.say(STARTED, integer(1), atom("x"))
        peer.reply()
        peer.say(OUTPUT, binary(b"out"))
        peer.raw(peer.message(END, integer(0), binary(b""), integer(3), integer(1 << 62)) * 2 + peer.message(OUTPUT, binary(b"late")))
    done = against(act)
    assert (done.status, done.stdout, done.stderr) == (0, b"out", ""), done


@pytest.mark.parametrize("lost, words", [(1, "13 bytes were sent and 12 came"), (-5, "7 bytes were sent and 12 came"),
                                         (-13, "what it sent is not known")])
def test_output_that_did_not_arrive_is_told(against, lost, words):
    def act(outcome):
        return started(lambda peer: (peer.say(OUTPUT, binary(b"1 of 2\n")), peer.say(VALUE, binary(b"value")), peer.end(outcome, lost=lost)))
    done = against(act(0))
    assert done.status == 76 and "output_incomplete" in done.stderr and words in done.stderr, done
    done = against(act(0), *JSON)
    assert done.status == 76 and json.loads(done.stdout)["error"]["code"] == "output_incomplete", done
    # An exception, or a refusal, is told in any case.
    done = against(act(1))
    assert done.status == 1 and words in done.stderr, done
    done = against(act(3))
    assert done.status == 77 and words in done.stderr, done


# The guard's question

def test_the_guards_question_is_one_line_and_asked_once(against):
    def act(peer):
        peer.say(QUESTION, binary(b"init:stop/0\nbeamline: done\x1b[2J"))
        peer.next_frame()
        peer.flood(peer.message(QUESTION, binary(b"again")))
    done = against(started(act))
    assert done.status == 77 and len(done.stderr.splitlines()) == 2 and "\x1b" not in done.stderr, done


def test_a_refusal_does_not_wait_for_the_node(against):
    done = against(started(lambda peer: peer.say(QUESTION, binary(b"init:stop/0"))))
    assert done.status == 77 and done.seconds < 9, done


def test_a_refused_question_is_not_undone(against):
    done = against(started(lambda peer: (peer.say(QUESTION, binary(b"init:stop/0")), peer.end(0))))
    assert done.status == 77, done


def test_ctrl_c_leaves_a_node_that_asks_for_ever(beamline, rig, sshd):
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    config = sshd.client_config(BatchMode="no")
    with Liar(started(lambda peer: peer.flood(peer.message(QUESTION, binary(b"init:stop/0"))))) as liar:
        terminal = beamline("--dist-port", liar.port, "--cookie-file", cookie, "eval", "rig", "1", config=config, terminal=True)
        terminal.expect("name to go on: ")
        terminal.type("\x03")
        done = terminal.finish()
    assert done.status == 130 and done.stdout.count("to go on") == 1, done


# Values

def compressed(term):
    return b"P" + struct.pack(">I", len(term)) + zlib.compress(term)


def nested_keys(depth):
    """A map of two maps of two maps …, as keys."""
    def build(level, number):
        if level == 0:
            return integer(number)
        return b"t" + struct.pack(">I", 2) + b"".join(build(level - 1, 2 * number + i) + b"a\1" for i in range(2))
    return build(depth, 0)


BOMBS = {
    "deep": b"l\0\0\0\1" * 1_500_000 + b"j" * 1_500_001,
    "nested": b"h\1" * 100_000 + b"j",
    "wide": b"l" + struct.pack(">I", 3_000_000) + b"a\1" * 3_000_000 + b"j",
    "a claim of 4 GiB": b"P\xff\xff\xff\xff" + zlib.compress(b"m\0"),
    "a count of 4 Gi": b"l\xff\xff\xff\xffa\1j",
    "bytes that inflate": compressed(binary(b"\xff" * (60 << 20))),
    "bytes that inflate, within the limit": compressed(binary(b"\1" * (22 << 20))),
    "strings": lst(*[b"k\xff\xff" + b"\1" * 65535] * 120),
    "atoms": b"l" + struct.pack(">I", 900_000) + b"".join(b"w\6%06d" % number for number in range(900_000)) + b"j",
    "half a million integers": b"l" + struct.pack(">I", 450_000) + b"a\1" * 450_000 + b"j",
    "a huge integer": b"o" + struct.pack(">I", 7_900_000) + b"\0" + b"\xff" * 7_900_000,
    "maps as keys": nested_keys(17),
    "less of them": nested_keys(15),
    "a key many times": b"t" + struct.pack(">I", 200_000) + b"a\1j" * 200_000,
    "indented without end": (b"h\2" + binary(b"x" * 60)) * 4000 + lst(*[binary(b"y" * 70)] * 50_000),
    "too large": binary(b"x" * (9 << 20)),
}


@pytest.mark.parametrize("words", [RPC, JSON], ids=["rpc", "json"])
@pytest.mark.parametrize("what", BOMBS)
def test_a_value_that_is_a_bomb(against, what, words):
    done = against(answer(BOMBS[what]), *words, limit=40)
    assert done.status in (0, 1, 76) and done.seconds < 30, done
    if done.status == 1:
        assert b"result_too_large" in done.stdout or "result_too_large" in done.stderr, done


@pytest.mark.parametrize("words", [RPC, ("rpc", "--elixir", "rig", "m", "f"), JSON], ids=["Erlang", "Elixir", "JSON"])
@pytest.mark.parametrize("term", [b"h\2a\1" * 4000 + b"j", b"l\0\0\0\1a\1h\1" * 2000 + b"j", b"t\0\0\0\1a\1" * 4000 + b"j"],
                         ids=["tuples", "improper lists", "maps"])
def test_nesting_does_not_exhaust_a_small_stack(against, term, words):
    done = against(answer(term), *words, prefix=("/bin/sh", "-c", 'ulimit -S -s 1024; exec "$@"', "sh"))
    assert done.status in (0, 1), done


def test_ctrl_c_ends_the_printing_of_a_value(against):
    term = lst(*[b"o" + struct.pack(">I", 32000) + b"\0" + b"\xff" * 32000] * 240)
    done = against(answer(term), *RPC, interrupt=[1.5])
    assert done.status == 130 and done.seconds < 5 or done.status == 0 and done.seconds < 2, done


def test_an_exception_without_end(against):
    def act(peer):
        for _ in range(800):
            peer.say(EXCEPTION, binary(b"x" * 60000))
        peer.end(1, tup(binary(b"error" * 1000), binary(b"\xff\0\n\x1b[2J" * 900)))
    done = against(started(act))
    assert done.status in (1, 76), done
    done = against(started(act), *JSON)
    assert done.status == 1 and b"\x1b" not in done.stdout and json.loads(done.stdout)["error"]["code"] == "exception", done


# What a terminal would obey

NASTY = "\x1b[31m\x1b]0;title\x07\u009b2J\u202e"


def test_nothing_in_json_is_obeyed_by_a_terminal(against):
    done = against(answer(tup(binary(NASTY.encode()), atom(NASTY), b"d\0\2\x9b\x9b")), *JSON, name="a\u009b2J\u202e@host")
    assert done.status == 0, done
    text = done.stdout.decode()
    assert not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e" for c in text), text
    value = json.loads(text)
    assert value["node"] == "a\u009b2J\u202e@host" and value["value"]["tuple"][:2] == [NASTY, {"atom": NASTY}], value


@pytest.mark.parametrize("act", [
    lambda peer: peer.end(2, tup(integer(-5), integer(1 << 60), binary(NASTY.encode() + b"\nbeamline: all is well"))),
    lambda peer: peer.end(3, binary(NASTY.encode() + b"\nbeamline: all is well")),
    lambda peer: peer.reply(atom(NASTY + "\nbeamline: all is well")),
], ids=["syntax", "refused", "spawn"])
def test_messages_with_foreign_text(against, act):
    done = against(started(act), name="a\u009b2J\u202e@host")
    assert done.status in (65, 76, 77) and not set("\x1b\x07\u009b\u202e") & set(done.stderr), done
    assert [line[:10] for line in done.stderr.splitlines()].count("beamline: ") == 1, done


def test_a_status_with_foreign_text(against):
    def act(peer):
        peer.take(2)
        peer.raw(packet(b"sx\nbeamline: all is well\x1b[2J"))
    done = against(act, raw=True)
    assert done.status == 76 and done.stderr.count("\nbeamline") == 0 and "\x1b" not in done.stderr, done


def listener(act):
    """A port of the host's loopback; act(peer) runs in a thread of its own, and its end closes the connection."""
    return Liar(act, raw=True, stay=False)


def names(lines, times=1):
    def act(peer):
        peer.sock.recv(64)
        peer.raw(struct.pack(">I", 4369))
        for _ in range(times):
            peer.raw(lines)
    return listener(act)


def test_epmd_names_with_controls(beamline):
    with names(b"name a\x1b[2J\x07 at port 1\nname \xc2\x9bb at port 2\n") as epmd:
        for done in (beamline("nodes", "rig", epmd_port=epmd.port), beamline("nodes", "--json", "rig", epmd_port=epmd.port)):
            assert done.status == 0 and not set("\x1b\x07\u009b") & set(done.stdout + done.stderr), done


def test_epmd_without_end(beamline):
    with names(b"name a at port 1\n" * 1000, times=1 << 20) as epmd:
        assert beamline("nodes", "rig", epmd_port=epmd.port).status == 76


def dribble(data, gap=0.2):
    def act(peer):
        peer.sock.recv(64)
        while True:
            peer.raw(data)
            time.sleep(gap)
    return act


def test_one_deadline_for_all_of_a_dribble(beamline, against):
    with listener(dribble(b"w")) as epmd:
        done = beamline("nodes", "rig", "--handshake-timeout", "2s", epmd_port=epmd.port)
        assert done.status == 75 and done.seconds < 6, done

    def slowly(peer):
        for byte in packet(b"snamed:\0\x64" + b"a" * 100):
            peer.raw(bytes([byte]))
            time.sleep(0.2)
    done = against(slowly, "eval", "--handshake-timeout", "2s", "rig", "1", raw=True)
    assert done.status == 75 and done.seconds < 6, done


# The other messages of the distribution protocol

def to_us(peer, term):
    return frame(b"p\x83" + tup(integer(SEND), atom(""), peer.us) + b"\x83" + term)


def control(*parts, payload=None):
    return frame(b"p\x83" + tup(*parts) + (b"" if payload is None else b"\x83" + payload))


OTHERS = {
    "exits for us": lambda peer: control(integer(3), peer.me, peer.us, atom("kill")),
    "exits for us with a payload": lambda peer: control(integer(24), peer.me, peer.us, payload=atom("kill")),
    "exits by command": lambda peer: control(integer(8), peer.me, peer.us, atom("kill")),
    "exits by command with a payload": lambda peer: control(integer(26), peer.me, peer.us, payload=atom("kill")),
    "a group leader": lambda peer: control(integer(7), peer.me, peer.us),
    "links": lambda peer: control(integer(1), peer.me, peer.us),
    "links to nobody": lambda peer: control(integer(1), peer.me, pid(LENT, 99)),
    "unlinks": lambda peer: control(integer(4), peer.me, peer.us),
    "unlinks with an id": lambda peer: control(integer(UNLINK_ID), integer(1 << 62), peer.me, peer.us),
    "acknowledged unlinks": lambda peer: control(integer(36), integer(1), peer.me, peer.us),
    "monitors of us": lambda peer: control(integer(MONITOR), peer.me, peer.us, reference("liar@host", 5)),
    "monitors of a name": lambda peer: control(integer(MONITOR), peer.me, atom("shell"), reference("liar@host", 5)),
    "the end of monitors": lambda peer: control(integer(20), peer.me, peer.us, reference("liar@host", 5)),
    "deaths never watched": lambda peer: control(integer(21), peer.me, peer.us, reference(LENT, 77), atom("x")),
    "deaths of nobody": lambda peer: control(integer(28), pid("liar@host", 9), peer.us, reference(LENT, 77), payload=atom("x")),
    "replies to spawns never made": lambda peer: control(integer(SPAWN_REPLY), reference(LENT, 78), peer.us, integer(0), peer.me),
    "spawns here": lambda peer: control(integer(SPAWN_REQUEST), reference("liar@host", 5), peer.me, peer.me,
                                        tup(atom("os"), atom("cmd"), integer(1)), lst(), payload=lst(lst(binary(b"touch /tmp/x")))),
    "messages to an alias": lambda peer: control(integer(33), peer.me, peer.tag, payload=tup(peer.tag, integer(VALUE), binary(b"alias"))),
    "messages to a name": lambda peer: control(integer(6), peer.me, atom(""), atom("rex"), payload=atom("x")),
    "messages of another evaluation": lambda peer: to_us(peer, tup(reference(LENT, 99), integer(VALUE), binary(b"wrong"))),
    "I/O requests": lambda peer: to_us(peer, tup(atom("io_request"), peer.me, reference("liar@host", 7),
                                                 tup(atom("put_chars"), atom("unicode"), binary(b"wrong")))),
    "exits as messages": lambda peer: to_us(peer, tup(atom("EXIT"), peer.me, atom("kill"))),
    "calls": lambda peer: to_us(peer, tup(atom("$gen_call"), tup(peer.me, reference("liar@host", 7)), atom("stop"))),
    "an atom": lambda peer: to_us(peer, atom("stop")),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_else_a_node_may_send_changes_nothing(against, what):
    def act(peer):
        peer.raw(OTHERS[what](peer) * 20)
        peer.say(VALUE, binary(b"42"))
        peer.end()
    done = against(started(act))
    assert (done.status, done.stdout, done.stderr) == (0, b"42\n", ""), done


@pytest.mark.parametrize("what", OTHERS)
def test_nor_without_end(against, what):
    done = against(started(lambda peer: peer.flood(OTHERS[what](peer))), "eval", "--timeout", "1s", "rig", "1", interrupt=[3, 4])
    assert done.status in (75, 76, 130) and done.seconds < 9, done


NOT_NEGOTIATED = {
    "an atom cache": b"\x83D\1\0\0",
    "the first fragment": b"\x83E" + struct.pack(">QQ", 1, 4711) + b"\0" + b"x" * 60000,
    "a further fragment": b"\x83F" + struct.pack(">QQ", 1, 4711) + b"x" * 60000,
    "an atom of the cache": b"p\x83h\3a\2R\0R\1\x83a\1",
    "a compressed header": b"\x83P\xff\xff\xff\xff" + zlib.compress(b"x" * 1000),
    "an operation of another release": b"p\x83" + tup(integer(37), integer(0), atom("a"), atom("b")) + b"\x83a\1",
    "nothing": b"p",
}


@pytest.mark.parametrize("what", NOT_NEGOTIATED)
def test_frames_that_were_not_negotiated(against, what):
    done = against(started(lambda peer: (peer.raw(frame(NOT_NEGOTIATED[what]) * 20), peer.say(VALUE, binary(b"42")), peer.end())))
    assert done.status == 76 and "protocol_error" in done.stderr or (done.status, done.stdout) == (0, b"42\n"), done
    done = against(started(lambda peer: peer.flood(frame(NOT_NEGOTIATED[what]))), "eval", "--timeout", "1s", "rig", "1")
    assert done.status in (75, 76) and done.seconds < 9, done


def test_the_death_of_the_evaluation_is_told(against):
    done = against(started(lambda peer: peer.send(tup(integer(21), peer.me, peer.us, peer.spawn, atom("killed" + NASTY + "\nbeamline: x")))))
    assert done.status in (1, 75, 76) and not set("\x1b\x07\u009b\u202e") & set(done.stderr), done
    assert [line[:10] for line in done.stderr.splitlines()].count("beamline: ") == 1, done


# The handshake

HANDSHAKES = {
    "statuses without end": lambda peer: peer.flood(packet(b"sok_simultaneous")),
    "empty packets without end": lambda peer: peer.flood(packet(b"")),
    "nothing": lambda peer: peer.linger(),
    "a packet of 64 KiB": lambda peer: peer.flood(b"\xff\xff" + b"x" * 65535),
    "a name of 60 KB": lambda peer: (peer.raw(packet(b"snamed:" + struct.pack(">H", 60000) + b"a" * 60000 + struct.pack(">I", 1))), peer.linger()),
    "a name of nothing": lambda peer: (peer.raw(packet(b"snamed:" + struct.pack(">HI", 0, 1))), peer.linger()),
    "a name of controls": lambda peer: (peer.raw(packet(b"snamed:" + struct.pack(">H", 12) + b"\x1b[2J\n\0@\xe2\x80\xae\x7f" + struct.pack(">I", 1))), peer.linger()),
    "alive": lambda peer: (peer.raw(packet(b"salive")), peer.linger()),
    "a challenge without a status": lambda peer: (peer.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 4) + b"a@bc")), peer.linger()),
    "a challenge of 60 KB": lambda peer: (lend(peer), peer.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 60000) + b"a" * 60000)), peer.linger()),
    "a challenge whose name is longer than it": lambda peer: (lend(peer), peer.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 60000) + b"a@b")), peer.linger()),
    "challenges without end": lambda peer: (lend(peer), peer.flood(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 4) + b"a@bc"))),
    "no flags": lambda peer: (lend(peer), peer.raw(packet(b"N" + struct.pack(">QIIH", 0, 1, 1, 4) + b"a@bc")), peer.linger()),
    "a proof of another cookie": lambda peer: (lend(peer), peer.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 4) + b"a@bc")), peer.take(23),
                                               peer.raw(packet(b"a" + b"x" * 16)), peer.linger()),
    "a proof that is our own": lambda peer: (lend(peer), peer.raw(packet(b"N" + struct.pack(">QIIH", FLAGS, 1, 1, 4) + b"a@bc")),
                                             peer.raw(packet(b"a" + peer.take(23)[7:])), peer.linger()),
}


def lend(peer):
    peer.take(struct.unpack(">H", peer.take(2))[0])
    peer.raw(packet(b"snamed:" + struct.pack(">H", len(LENT)) + LENT.encode() + struct.pack(">I", 1)))


@pytest.mark.parametrize("what", HANDSHAKES)
def test_a_handshake_that_lies(against, what):
    done = against(HANDSHAKES[what], "eval", "--handshake-timeout", "1s", "rig", "1", raw=True)
    assert done.status in (75, 76, 77) and done.seconds < 4 and not set("\x1b\x7f\u202e") & set(done.stderr), done
    assert [line[:10] for line in done.stderr.splitlines()].count("beamline: ") == 1, done


# The question on a terminal

@pytest.mark.parametrize("what, name", [
    (b"x\r\n(root@rig) password: ", "liar@host"), (b"\x1b[2K\x1b[1Groot's password: ", "liar@host"), (b"\xe2\x80\xaedrowssap \xc0\x8a\xf8\x88\x80\x80\x8a x", "liar@host"),
    (b"init:stop/0" + b" " * 5000 + b"(root@rig) password: ", "liar@host"), (b"init:stop/0", "a\u009b2J\u202e\r\n(root@rig) password: @host"),
], ids=["a line", "an escape", "bidi and overlong", "far away", "the node's name"])
def test_the_question_cannot_pass_for_another(beamline, rig, sshd, what, name):
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    config = sshd.client_config(BatchMode="no")
    with Liar(started(lambda peer: peer.say(QUESTION, binary(what))), name=name) as liar:
        terminal = beamline("--dist-port", liar.port, "--cookie-file", cookie, "eval", "rig", "1", config=config, terminal=True)
        terminal.expect("to go on: |cannot|\\]")
        terminal.type("\x03")
        done = terminal.finish()
    assert done.status in (76, 130), done
    raw = re.sub("\x1b\\[[0-9;]*m", "", terminal.screen)
    lines = [line[at:at + 80] for line in raw.splitlines() for at in range(0, len(line), 80)]
    assert not set("\x1b\x07\u009b\u202e\u2028") & set(raw) and not any(line.startswith(("(root", "root's")) for line in lines), raw


# EPMD

@pytest.mark.parametrize("answer, status", [
    (b"w\0" + struct.pack(">H", 1) + b"M\0\0\6\0\5\xff\xff", 75), (b"w\0\0\0M\0\0\6\0\5\0\0\0\0", 76), (b"w\1", 69), (b"w", 76), (b"w" * 100000, 69),
    (b"v\0" + b"x" * 100, 76), (b"y\0" + b"x" * 100, 76), (b"\0" * 100000, 76), (b"", 76),
], ids=["a name longer than it", "port 0", "not found", "cut", "w without end", "another letter", "an answer to ALIVE", "zeros", "nothing"])
def test_epmd_that_lies_about_the_port(beamline, answer, status):
    def act(peer):
        peer.sock.recv(600)
        peer.raw(answer)
        if status == 75:
            peer.sock.recv(1)
    with listener(act) as epmd:
        done = beamline("eval", "--handshake-timeout", "1s", "rig:x", "1", epmd_port=epmd.port)
    assert done.status in (status, 69) and done.seconds < 8 and "[internal]" not in done.stderr, done


@pytest.mark.parametrize("lines", [
    b"name a at port 99999\n", b"name a at port -1\n", b"name  at port 1\n", b"name " + b"a" * 70000 + b" at port 1\n", b"name a at port 1\0\n",
    b"name a at port 1", b"eman a at port 1\n", b"name a at port 1\n" * 5000,
], ids=["port 99999", "port -1", "no name", "a long name", "NUL", "no newline", "another word", "too many"])
def test_epmd_that_lies_about_the_names(beamline, lines):
    with names(lines) as epmd:
        done = beamline("nodes", "--handshake-timeout", "1s", "rig", epmd_port=epmd.port)
    assert done.status in (0, 76) and done.seconds < 60, done


# The host

@pytest.mark.parametrize("what, status", [
    ("head -c 10000000 /dev/zero | tr '\\0' a", 78), ("yes", 78), ("exec sleep 60", 78), ("while :; do printf a; sleep 0.2; done", 78),
    ("printf '\\033[2J'", 78), ("yes >&2", 78), (f"yes | head -c 3000000 >&2; printf {COOKIE}", 0),
], ids=["10 MB", "endless", "silent", "dribble", "controls", "errors without end", "errors and a cookie"])
def test_what_the_host_gives_for_the_cookie(make, rig, beamline, what, status):
    script = rig.write(f"force.{rig.count()}", f"#!/bin/sh\n{what}\n", 0o700)
    sshd = make.sshd(force_command=False, extra=[f"ForceCommand {script}"])
    with Liar(started(lambda peer: peer.end())) as liar:
        done = beamline("--dist-port", liar.port, "--handshake-timeout", "2s", "eval", "rig", "1", config=sshd.config)
    assert done.status == status and done.seconds < 8 and "\x1b" not in done.stderr, done


# Our own machine

@pytest.mark.parametrize("closed, status", [("<&-", 0), (">&-", 74), ("2>&-", 0), ("<&- >&- 2>&-", 74)])
def test_closed_standard_descriptors(beamline, node, closed, status):
    shell = ("/bin/sh", "-c", f'exec "$@" {closed}', "sh")
    done = beamline("-vv", "eval", "rig:demo", "lists:seq(1,3)", prefix=shell, limit=15)
    assert done.status == status and done.stdout == ("[1,2,3]\n" if status == 0 else ""), done


def test_standard_input_that_is_closed_has_no_text(beamline, node):
    assert beamline("eval", "rig:demo", prefix=("/bin/sh", "-c", 'exec "$@" <&-', "sh"), limit=15).status == 66


@pytest.mark.parametrize("count", [4, 6, 8, 10, 12])
def test_too_few_descriptors(beamline, node, count):
    done = beamline("eval", "rig:demo", "1", prefix=("/bin/sh", "-c", f'ulimit -n {count}; exec "$@"', "sh"), limit=15)
    assert done.status in (0, 71, 75), done


def test_folders_that_are_not_ours_alone_are_not_used(beamline, rig, node, tmp_path):
    others, link = tmp_path / "others", tmp_path / "link"
    for folder in (others, link):
        folder.mkdir(mode=0o700)
    others.chmod(0o777)
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (link / "beamline").symlink_to(target)
    for folder in (others, link):
        before = [os.stat(path).st_mtime_ns for path in (others, target)]
        assert beamline("eval", "rig:demo", "1", env={"XDG_RUNTIME_DIR": str(folder)}).status == 0
        assert [os.stat(path).st_mtime_ns for path in (others, target)] == before


@pytest.mark.parametrize("env", [{"TMPDIR": "/nonexistent"}, {"TMPDIR": "relative"}, {"HOME": "."}, {"HOME": ""}],
                         ids=["no TMPDIR", "a relative TMPDIR", "a relative HOME", "no HOME"])
def test_odd_environments(beamline, node, env):
    assert beamline("eval", "rig:demo", "1", env={"XDG_RUNTIME_DIR": "", **env}).status == 0


def test_a_temporary_folder_too_long_for_a_socket(beamline, node, tmp_path):
    folder = tmp_path.joinpath(*["x" * 60] * 3)
    folder.mkdir(parents=True)
    assert beamline("eval", "rig:demo", "1", env={"XDG_RUNTIME_DIR": "", "TMPDIR": str(folder)}).status == 0
    assert list(folder.iterdir()) == []


# Ctrl-C at each stage; the fixture looks for what is left

def interrupted(beamline, rig, argv, until):
    child = subprocess.Popen([beamline.path, *map(str, argv)], env=rig.base_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, start_new_session=True)
    until()
    begin = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130 and out == b"" and time.monotonic() - begin < 3, (child.returncode, out, err)


def test_ctrl_c_while_the_configuration_is_read(beamline, rig):
    began = os.path.join(rig.folder, f"began.{rig.count()}")
    config = rig.write(f"slow.{rig.count()}", f'Match exec "touch {began}; exec sleep 30"\n\tUser x\n')
    interrupted(beamline, rig, ["--ssh-config", config, "eval", "rig", "1"], lambda: wait_for("ssh -G", 10, lambda: os.path.exists(began)))


@pytest.mark.parametrize("stage", ["connecting", "EPMD", "handshake"])
def test_ctrl_c_at_a_silent_peer(beamline, rig, sshd, epmd, stage):
    came = threading.Event()

    def act(peer):
        came.set()
        peer.linger()
    with listener(act) as silent:
        config = sshd.client_config(port=silent.port) if stage == "connecting" else sshd.config
        option = {"connecting": "--epmd-port", "EPMD": "--epmd-port", "handshake": "--dist-port"}[stage]
        interrupted(beamline, rig, ["--ssh-config", config, option, silent.port, "eval", "rig", "1"], lambda: came.wait(10))


def test_ctrl_c_at_the_password(beamline, make):
    sshd = make.sshd(extra=["PasswordAuthentication yes", "PubkeyAuthentication no"])
    config = sshd.client_config(BatchMode="no", IdentityFile=None, PreferredAuthentications="password")
    terminal = beamline("eval", "rig", "1", config=config, terminal=True)
    terminal.expect("password: ")
    terminal.type("\x03")
    assert terminal.finish().status == 130
