# SPDX-License-Identifier: GPL-3.0-or-later
"""An sshd that lies, before the encryption and behind it: it ends in time, with a clean error and little memory; or the lie harms nobody."""

import os
import re
import signal
import struct
import threading
import time

import pytest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rig.liar import COOKIE, VALUE, Liar, binary
from rig.lying_sshd import (AUTH_BANNER, CLOSE, CONFIRMED, DATA, DEBUG, DISCONNECT, EOF, EXTENDED, FAILURE, GLOBAL_REQUEST, IGNORE, OPEN,
                            REFUSED, REQUEST, REQUEST_FAILURE, REQUEST_SUCCESS, SUCCESS, UNIMPLEMENTED, WINDOW, LyingSshd, string, u32)
from rig.watch import Run

MEMORY_MAX = 64  # MiB resident, of each process of ours
NASTY = b"\x1b]0;title\x07\x1b[2J\xc2\x9b2J\xe2\x80\xae\nbeamline: all is well\r"


def honest_node(peer):
    peer.started()
    peer.say(VALUE, binary(b"42"))
    peer.end()


@pytest.fixture
def against(rig, beamline_path, tmp_path):
    """against(act, words…): a beamline that reaches an honest node, if at all, through a lying sshd."""
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    with open(beamline_path, "rb") as program:
        sanitized = b"__asan_init" in program.read()

    def call(act, *words, limit=20, compression=False, interrupt=(), node=honest_node, patience=1, epmd=None):
        words = words or ("eval", "--handshake-timeout", f"{patience}s", "--timeout", "3s", "liar", "1")
        with LyingSshd(rig, act, compression, ConnectTimeout=patience) as sshd, Liar(node) as liar:
            call.sshd, call.liar = sshd, liar
            port = ["--epmd-port", str(epmd.port)] if epmd else ["--dist-port", str(liar.port)]
            argv = [beamline_path, "--ssh-config", sshd.config, *port, "--cookie-file", cookie, *words]
            done = Run(argv, {**rig.base_env(), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}, limit, interrupt, str(tmp_path / "out"))
        assert sanitized or done.memory < MEMORY_MAX, done
        assert done.status not in (128 + signal.SIGSEGV, 128 + signal.SIGABRT) and "Sanitizer" not in done.stderr, done
        assert "holds the SSH connection ended" not in done.stderr, done
        assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stderr), done
        assert [line[:10] for line in done.stderr.splitlines()].count("beamline: ") <= 1, done
        return done
    return call


def failed(done, *allowed):
    """It ended with one of these codes."""
    codes = [code for code in allowed if re.search(rf"\b{code}\b", done.stderr)]
    assert codes and done.status not in (0, 70), done


def worked(done):
    assert (done.status, done.stdout, done.stderr) == (0, b"42\n", ""), done


def honest(peer):
    peer.begin()
    peer.serve()


@pytest.mark.parametrize("compression", [False, True])
def test_the_liar_can_be_honest(against, compression):
    worked(against(honest, compression=compression, patience=10))


# Before the version has come

def names(count, length):
    return b",".join(b"%0*d@liar" % (length, number) for number in range(count))


BEFORE = {
    "lines without end": lambda peer: peer.flood(b"a line of a banner\r\n"),
    "a line without end": lambda peer: peer.flood(b"x" * 1000),
    "NULs without end": lambda peer: peer.flood(b"\0" * 1000),
    "a version of 1 MB": lambda peer: (peer.raw(b"SSH-2.0-" + b"x" * (1 << 20) + b"\r\n"), peer.linger()),
    "a version of 300 bytes": lambda peer: (peer.raw(b"SSH-2.0-" + b"x" * 300 + b"\r\n"), peer.linger()),
    "a version that a terminal would obey": lambda peer: (peer.raw(b"SSH-9.9-" + NASTY + b"\r\n"), peer.linger()),
    "SSH 1": lambda peer: (peer.raw(b"SSH-1.5-" + NASTY[:20] + b"\r\n"), peer.linger()),
    "nothing": lambda peer: peer.linger(),
    "half a version": lambda peer: (peer.raw(b"SSH-2.0-li"), peer.linger()),
    "the end": lambda peer: (peer.raw(b"SSH-2.0-li"), peer.sock.close()),
    "a drop at a time": lambda peer: [(peer.raw(b"a"), time.sleep(0.05)) for _ in range(1000)],
    "lines slowly": lambda peer: [(peer.raw(b"a\r\n"), time.sleep(0.05)) for _ in range(1000)],
}


@pytest.mark.parametrize("what", BEFORE)
def test_lies_before_the_version(against, what):
    done = against(BEFORE[what])
    failed(done, "not_ssh", "ssh_lost", "tcp_timeout")
    assert done.seconds < 6, done


def test_a_version_with_escapes_is_shown_filtered(against):
    done = against(lambda peer: (peer.version(b"SSH-2.0-" + NASTY[:16]), peer.linger()), "ping", "-v", "liar")
    assert "\x1b" not in done.stderr, done


# Before the keys

def after_version(act):
    def run(peer):
        peer.version()
        act(peer)
        peer.linger()
    return run


def packet(length, size=64):
    return lambda peer: peer.raw(u32(length) + b"\x04" + b"\x14" * size)


def kexinit(**lists):
    return lambda peer: peer.raw(peer.sealed(peer.kexinit(**lists)))


def then(*acts):
    return lambda peer: [act(peer) for act in acts]


def message(kind, *parts):
    return lambda peer: peer.send(kind, *parts)


def without_end(kind, *parts):
    return lambda peer: peer.for_ever(kind, *parts)


def stall(peer):
    peer.linger()


KEYS = {
    "a packet of 4 GiB": packet(0xffffffff),
    "a packet of 2 GiB": packet(0x80000000),
    "a packet of 256 KiB": packet(1 << 18, 1 << 18),
    "a packet of nothing": packet(0),
    "a packet of one byte": packet(1),
    "a packet that is no multiple": packet(21),
    "padding beyond the packet": lambda peer: peer.raw(u32(12) + b"\xff" + b"\x14" * 11),
    "a KEXINIT of one byte": message(20),
    "a KEXINIT cut short": lambda peer: peer.send(20, peer.kexinit()[1:60]),
    "a list of 4 GiB": lambda peer: peer.send(20, bytes(16), u32(0xffffffff), bytes(60)),
    "a million names": kexinit(kex=names(20000, 5)),
    "a name of 200 KB": kexinit(kex=b"x" * 200000),
    "names that a terminal would obey": kexinit(kex=NASTY),
    "empty lists": kexinit(kex=b"", key=b"", cipher=b""),
    "KEXINIT without end": lambda peer: peer.flood(peer.sealed(peer.kexinit())),
    "garbage after KEXINIT": then(kexinit(), lambda peer: peer.raw(os.urandom(100000))),
    "IGNORE without end": without_end(IGNORE, string(b"x" * 1000)),
    "DEBUG without end": without_end(DEBUG, b"\1", string(NASTY * 10), string(b"")),
    "UNIMPLEMENTED without end": without_end(UNIMPLEMENTED, u32(0)),
    "IGNORE after KEXINIT without end": then(kexinit(), without_end(IGNORE, string(b"x" * 1000))),
    "IGNORE slowly": lambda peer: [(peer.send(IGNORE, string(b"")), time.sleep(0.05)) for _ in range(1000)],
    "messages without a kind": lambda peer: peer.flood(peer.sealed(b"")),
    "unknown messages without end": without_end(200, b"x"),
    "authentication done before it began": message(52),
    "a channel before its time": message(OPEN, string(b"session"), u32(0), u32(1 << 21), u32(32768)),
    "a DISCONNECT of 30 KB": message(DISCONNECT, u32(2), string(NASTY * 800), string(b"")),
    "a DISCONNECT that is cut": message(DISCONNECT, u32(2), u32(0xffffffff)),
    "a stall at KEXINIT": stall,
    "a stall after KEXINIT": then(kexinit(), stall),
    "a reply without request": then(kexinit(), message(31, string(b"k"), string(b"q" * 32), string(b"s"))),
    "NEWKEYS at once": then(kexinit(), message(21)),
    "a stall before the reply": lambda peer: peer.keys(before_reply=peer.linger),
    "IGNORE before the reply": lambda peer: peer.keys(before_reply=lambda: peer.send(IGNORE, string(b"terrapin"))),
    "a wrong signature": lambda peer: peer.keys(wrong_signature=True),
    "a host key of no kind": lambda peer: peer.keys(blob=string(b"ssh-rsa") + string(b"\1\0\1") + string(b"\0" + b"\xff" * 256)),
    "a host key of garbage": lambda peer: peer.keys(blob=b"\xff" * 51),
    "a host key of 200 KB": lambda peer: peer.keys(blob=string(b"ssh-ed25519") + string(b"x" * 200000)),
    "an empty host key": lambda peer: peer.keys(blob=string(b"")),
}


@pytest.mark.parametrize("what", KEYS)
def test_lies_before_the_keys(against, what):
    done = against(after_version(KEYS[what]))
    failed(done, "not_ssh", "ssh_lost", "no_common_algorithm", "host_key_changed", "host_key_unknown")
    assert done.seconds < 6 and not against.liar.connections, done


# Before the authentication is done

def after_keys(act):
    def run(peer):
        peer.version()
        peer.keys()
        act(peer)
        peer.linger()
    return run


def after_service(act):
    return after_keys(lambda peer: (peer.service(), act(peer)))


def fail_for_ever(peer, **how):
    while True:
        peer.auth_request()
        peer.fail(**how)


AUTH = {
    "a packet of 4 GiB": lambda peer: peer.raw(peer.sealed(b"\6", 0xffffffff)),
    "a packet of nothing": lambda peer: peer.raw(peer.sealed(b"\6", 0)),
    "a packet that is no multiple": lambda peer: peer.raw(peer.sealed(b"\6", 17)),
    "a packet that is not authentic (libssh may have CVE-2026-59847)": lambda peer: peer.raw(peer.sealed(b"\6\0\0\0\0")[:-1] + b"x"),
    "no service": stall,
    "IGNORE without end": without_end(IGNORE, string(b"x" * 1000)),
    "DEBUG without end": without_end(DEBUG, b"\1", string(NASTY * 10), string(b"")),
    "global requests without end": without_end(GLOBAL_REQUEST, string(b"hostkeys-00@openssh.com"), b"\1", string(b"x" * 100)),
    "extensions without end": without_end(7, u32(1), string(b"server-sig-algs"), string(b"x" * 1000)),
    "extensions by the million": message(7, u32(0xffffffff), string(b"server-sig-algs"), string(b"x" * 1000)),
    "keys anew without end": lambda peer: [peer.keys() for _ in range(100000)],
    "KEXINIT without end": lambda peer: [peer.raw(peer.sealed(peer.kexinit())) for _ in range(100000)],
    "another host key at the second exchange": lambda peer: (change_key(peer), peer.keys(), peer.service(), peer.auth_request(), peer.accept(), peer.serve()),
}
AUTH_SERVICE = {
    "banners without end": lambda peer: (peer.auth_request(), peer.for_ever(AUTH_BANNER, string(b"a banner\r\n" * 20), string(b""))),
    "large banners without end": lambda peer: (peer.auth_request(), peer.for_ever(AUTH_BANNER, string(NASTY * 900), string(b""))),
    "a method list of 200 KB": lambda peer: fail_for_ever(peer, methods=names(20000, 5)),
    "a method list that a terminal would obey": lambda peer: fail_for_ever(peer, methods=NASTY),
    "failure without an end": lambda peer: peer.for_ever(51, string(b"publickey"), b"\0"),
    "partial success for ever": lambda peer: fail_for_ever(peer, partial=True),
    "a list of 4 GiB": lambda peer: (peer.auth_request(), peer.send(51, u32(0xffffffff))),
    "questions where a key was offered": lambda peer: (peer.auth_request(), peer.send(60, string(b""), string(b""), string(b""), u32(0xffffffff))),
    "a million questions": lambda peer: (peer.auth_request(), peer.send(60, string(b""), string(b""), string(b""), u32(20000), (u32(1) + b"?\1") * 20000)),
    "a DISCONNECT of 30 KB": lambda peer: (peer.auth_request(), peer.send(DISCONNECT, u32(2), string(NASTY * 800), string(b""))),
    "channels before their time": lambda peer: (peer.auth_request(), peer.for_ever(OPEN, string(b"x11"), u32(0), u32(1 << 21), u32(32768), string(b"h"), u32(1))),
    "a password that is to be changed": lambda peer: (peer.auth_request(), peer.send(60, string(NASTY), string(b""))),
}


def change_key(peer):
    peer.host_key = Ed25519PrivateKey.generate()


@pytest.mark.parametrize("what", AUTH)
def test_lies_before_the_authentication(against, what):
    done = against(after_keys(AUTH[what]))
    failed(done, "not_ssh", "ssh_lost", "auth_refused", "host_key_changed")
    assert done.seconds < 8 and not against.liar.connections, done


@pytest.mark.parametrize("what", AUTH_SERVICE)
def test_lies_in_the_authentication(against, what):
    done = against(after_service(AUTH_SERVICE[what]))
    failed(done, "ssh_lost", "auth_refused")
    assert done.seconds < 8 and not against.liar.connections, done


def test_success_before_we_asked(against):
    """Whether it comes before our request or after is a race. It gains nothing by letting us in."""
    done = against(after_keys(lambda peer: (peer.service(), peer.accept(), peer.serve())), patience=10)
    worked(done) if done.status == 0 else failed(done, "ssh_lost")


def test_who_waits_for_an_answer_can_be_called_back(against):
    """Directories and second factors take their time: up to a minute, or until Ctrl-C."""
    done = against(after_service(stall), interrupt=[1])
    assert done.status == 130 and done.seconds < 3, done


# Behind the authentication

def lie_at(kind, act, honest_before=False):
    """Once the client has sent a message of that kind, act(peer, message) has its turn, before or after the honest answer."""
    def run(peer):
        done = []

        def on(_, message):
            if message[0] != kind or done:
                return False
            done.append(True)
            if honest_before:
                peer.handle(message)
            act(peer, message)
            return True
        peer.begin()
        peer.serve(on)
    return run


def opened(act):
    """When the first channel is open: act(peer, channel)."""
    return lie_at(OPEN, lambda peer, _: act(peer, peer.channels[0]), honest_before=True)


def of(kind, *parts):
    """A message about the first channel."""
    return opened(lambda peer, channel: peer.send(kind, u32(channel.theirs), *parts))


def flood_of(kind, *parts):
    return opened(lambda peer, channel: peer.for_ever(kind, u32(channel.theirs), *parts))


def ask_channel(kind, *more):
    return (OPEN, string(kind), u32(7), u32(1 << 21), u32(32768), *more)


def a_burst(*payload, count=3000):
    return opened(lambda peer, _: [peer.send(*payload) for _ in range(count)])


def storm(peer, _):
    for _ in range(30):
        peer.keys()


def closed_then(act):
    """The first channel is closed by both sides before the act."""
    def end(peer, channel):
        peer.send(EOF, u32(channel.theirs))
        peer.send(CLOSE, u32(channel.theirs))
        peer.next(CLOSE)
        act(peer, channel)
    return opened(end)


# What harms nobody: the evaluation works all the same.
HARMLESS = {
    "another host key": opened(lambda peer, _: (change_key(peer), peer.keys(), peer.serve())),
    "a refusal never asked for": opened(lambda peer, _: peer.send(REFUSED, u32(4711), u32(1), string(NASTY), string(b""))),
    "a confirmation never asked for": opened(lambda peer, _: peer.send(CONFIRMED, u32(4711), u32(0), u32(1 << 21), u32(32768))),
    "a refusal after the confirmation": of(REFUSED, u32(1), string(NASTY), string(b"")),
    "two confirmations": opened(lambda peer, channel: (peer.confirm(channel), peer.confirm(channel))),
    "data of 4 GiB": of(DATA, u32(0xffffffff), b"x"),
    "IGNORE and DEBUG": a_burst(DEBUG, b"\1", string(NASTY), string(b"")),
    "UNIMPLEMENTED": a_burst(UNIMPLEMENTED, u32(1)),
    "unknown messages": a_burst(199, b"x", count=50),
    "global requests": a_burst(GLOBAL_REQUEST, string(b"hostkeys-00@openssh.com"), b"\0", string(b"x" * 100)),
    "global requests that want an answer": a_burst(GLOBAL_REQUEST, string(b"keepalive@openssh.com"), b"\1"),
    "a tcpip-forward of its own": a_burst(GLOBAL_REQUEST, string(b"tcpip-forward"), b"\1", string(b"0.0.0.0"), u32(4444), count=20),
    "answers to requests never made": a_burst(REQUEST_SUCCESS, count=20),
    "refusals of requests never made": a_burst(REQUEST_FAILURE, count=20),
    "requests about our channel": of(REQUEST, string(b"exec"), b"\1", string(b"sh")),
    "many requests about our channel": opened(lambda peer, channel: [
        peer.send(REQUEST, u32(channel.theirs), string(b"keepalive@openssh.com"), b"\1") for _ in range(3000)]),
    "exit statuses": opened(lambda peer, channel: [
        peer.send(REQUEST, u32(channel.theirs), string(b"exit-status"), b"\0", u32(number)) for number in range(300)]),
    "exit signals": opened(lambda peer, channel: [
        peer.send(REQUEST, u32(channel.theirs), string(b"exit-signal"), b"\0", string(NASTY), b"\0", string(NASTY), string(b"")) for _ in range(300)]),
    "answers about our channel": of(SUCCESS),
    "refusals about our channel": of(FAILURE),
    "empty data": opened(lambda peer, channel: [peer.send(DATA, u32(channel.theirs), string(b"")) for _ in range(3000)]),
    "data for standard error": opened(lambda peer, channel: [
        peer.send(EXTENDED, u32(channel.theirs), u32(1 + number % 2), string(b"x" * 1000)) for number in range(300)]),
    "keys anew, many times": opened(storm),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_lies_that_harm_nobody(against, what):
    worked(against(HARMLESS[what], patience=10))


def test_windows_beyond_4_gib(against):
    """RFC 4254 forbids them: libssh 0.12 ends the connection, as OpenSSH does; an older one takes no notice."""
    done = against(opened(lambda peer, channel: [peer.send(WINDOW, u32(channel.theirs), u32(0xffffffff)) for _ in range(3)]), patience=10)
    worked(done) if done.status == 0 else failed(done, "ssh_lost")


@pytest.mark.parametrize("kind, more", [
    ("forwarded-tcpip", (string(b"127.0.0.1"), u32(22), string(b"1.2.3.4"), u32(5))), ("x11", (string(b"1.2.3.4"), u32(5))),
    ("auth-agent@openssh.com", ()), ("auth-agent", ()), ("session", ()), ("direct-tcpip", (string(b"127.0.0.1"), u32(22), string(b"1.2.3.4"), u32(5))),
    ("forwarded-streamlocal@openssh.com", (string(b"/tmp/socket"), string(b""))), ("tun@openssh.com", (u32(1), u32(1))), (NASTY, ()),
], ids=lambda value: value if isinstance(value, str) else "")
def test_channels_that_the_server_opens_are_refused(against, kind, more):
    answers = []

    def lie(peer, _):
        for _ in range(5):
            peer.send(*ask_channel(kind, *more))
            answers.append(peer.next(CONFIRMED, REFUSED)[0])
    worked(against(opened(lie), patience=10))
    assert answers == [REFUSED] * 5, answers


# What does: a clean error.
HARMFUL = {
    "questions after all": a_burst(60, string(b"name"), string(b""), string(b""), u32(1), string(b"Password: "), b"\0", count=5),
    "no success after all": a_burst(51, string(b"password"), b"\0", count=5),
    "success once more": a_burst(52, count=5),
    "banners": a_burst(AUTH_BANNER, string(NASTY), string(b""), count=5),
    "a DISCONNECT of 30 KB": opened(lambda peer, _: peer.send(DISCONNECT, u32(2), string(NASTY * 800), string(b""))),
    "a packet of 4 GiB": opened(lambda peer, _: peer.raw(peer.sealed(b"\2", 0xffffffff))),
    "a packet that is not authentic (libssh may have CVE-2026-59847)": opened(lambda peer, _: peer.raw(peer.sealed(b"\2\0\0\0\0")[:-1] + b"x")),
    "IGNORE without end": opened(lambda peer, _: peer.for_ever(IGNORE, string(b"x" * 1000))),
    "messages without a kind": opened(lambda peer, _: [peer.raw(b"".join(peer.sealed(b"") for _ in range(64))) for _ in range(1 << 30)]),
    "unknown messages without end": opened(lambda peer, _: peer.for_ever(199, b"x" * 100)),
    "global requests without end": opened(lambda peer, _: peer.for_ever(GLOBAL_REQUEST, string(b"keepalive@openssh.com"), b"\1")),
    "channels of its own without end": opened(lambda peer, _: peer.for_ever(*ask_channel(b"forwarded-tcpip", string(b"h"), u32(1), string(b"h"), u32(1)))),
    "requests about our channel without end": flood_of(REQUEST, string(b"keepalive@openssh.com"), b"\1"),
    "data beyond the window": lie_at(OPEN, lambda peer, message: (peer.confirm(peer.opening(message)), peer.for_ever(DATA, u32(peer.channels[0].theirs), string(b"x" * 30000)))),
    "standard error beyond the window": lie_at(OPEN, lambda peer, message: (peer.confirm(peer.opening(message)), peer.for_ever(EXTENDED, u32(peer.channels[0].theirs), u32(1), string(b"x" * 30000)))),
    "empty data without end": flood_of(DATA, string(b"")),
    "data before the confirmation": lie_at(OPEN, lambda peer, message: peer.for_ever(DATA, u32(peer.opening(message).theirs), string(b"x" * 30000))),
    "data for a channel that is closed": closed_then(lambda peer, channel: peer.for_ever(DATA, u32(channel.theirs), string(b"x" * 30000))),
    "data for a channel that never was": opened(lambda peer, _: peer.for_ever(DATA, u32(4711), string(b"x" * 30000))),
    "windows without end": flood_of(WINDOW, u32(0xffffffff)),
    "a refusal of 30 KB": lie_at(OPEN, lambda peer, message: peer.send(REFUSED, u32(peer.opening(message).theirs), u32(1), string(NASTY * 800), string(b""))),
    "ends twice": opened(lambda peer, channel: [peer.send(kind, u32(channel.theirs)) for kind in (EOF, EOF, CLOSE, CLOSE)]),
    "the end before the confirmation": lie_at(OPEN, lambda peer, message: [peer.send(kind, u32(peer.opening(message).theirs)) for kind in (EOF, CLOSE)]),
    "no confirmation": lie_at(OPEN, lambda peer, _: None),
    "a window of nothing": lie_at(OPEN, lambda peer, message: peer.send(CONFIRMED, u32(peer.opening(message).theirs), u32(0), u32(0), u32(0))),
    "packets of one byte": lie_at(OPEN, lambda peer, message: peer.send(CONFIRMED, u32(peer.opening(message).theirs), u32(0), u32(1 << 21), u32(1))),
    "keys anew without end": opened(lambda peer, _: [peer.keys() for _ in range(100000)]),
    "KEXINIT without end": opened(lambda peer, _: [peer.raw(peer.sealed(peer.kexinit())) for _ in range(100000)]),
    "half an exchange of keys": opened(lambda peer, _: peer.send(20, peer.kexinit()[1:])),
    "silence": opened(lambda peer, _: stall(peer)),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_lies_behind_the_authentication(against, what):
    done = against(HARMFUL[what])
    failed(done, "ssh_lost", "channel_timeout", "handshake_timeout", "channel_refused", "forwarding_prohibited", "handshake_refused", "not_erlang")
    assert done.seconds < 12, done


def test_data_after_our_close(against):
    """The channel to EPMD is done with, and closed by us; the server does not close it, but sends on it."""
    words = "eval", "--timeout", "3s", "liar:x", "1"
    over = threading.Event()

    def answer(peer):
        peer.take(int.from_bytes(peer.take(2), "big"))
        peer.raw(b"\x77\0\x11\x11\x4d\0\0\6\0\5\0\1x\0\0")
        over.wait(20)
    with Liar(answer, raw=True) as epmd:
        done = against(lie_at(CLOSE, lambda peer, _: peer.for_ever(DATA, u32(peer.channels[0].theirs), string(b"x" * 30000))), *words, epmd=epmd)
        over.set()
    # libssh from 0.11 on drops it: nothing is kept, and the server, which does nothing else, is waited for in vain.
    failed(done, "ssh_lost", "handshake_timeout")
    assert "more on a channel than its window allows" in done.stderr or done.seconds > 9, done


# The zlib bomb, which needs Compression yes

def test_a_packet_that_inflates_without_end(against):
    bomb = b"\2" + string(b"\0" * (200 << 20))

    def lie(peer, _):
        peer.send(IGNORE, string(b"x"))
        data = peer.deflate.compress(bomb) + peer.deflate.flush(2)
        peer.deflate = None
        peer.raw(peer.sealed(data[:250000]))
    done = against(opened(lie), compression=True)
    failed(done, "ssh_lost", "handshake_timeout")


# Authentication by what a person types, for which the double is an honest sshd

def asking(rig, take, methods=b"password,keyboard-interactive", **keywords):
    """An sshd that lets in whom take(peer, method, fields) lets in."""
    def act(peer):
        peer.encrypted()
        while True:
            method, fields = peer.auth_request()
            if method != "none" and take(peer, method, fields):
                break
            peer.fail(methods)
        peer.accept()
        peer.serve()
    return LyingSshd(rig, act, **{"PubkeyAuthentication": "no", "BatchMode": "no", "ConnectTimeout": 10, **keywords})


def password_of(fields):
    assert fields.bytes(1) == b"\0"
    return fields.string().decode()


@pytest.fixture
def ask(rig, beamline):
    """ask(sshd, dialogue): a beamline on a terminal, which is asked and answered; returns what it came to, without the node."""
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)

    def call(take, dialogue, terminal=True, **keywords):
        with asking(rig, take, **keywords) as sshd, Liar(honest_node) as liar:
            call.sshd = sshd
            words = ("--dist-port", liar.port, "--cookie-file", cookie, "eval", "liar", "1")
            if not terminal:
                return beamline(*words, config=sshd.config)
            running = beamline(*words, config=sshd.config, terminal=True)
            for question, answer in dialogue:
                running.expect(question)
                running.line(answer)
            done = running.finish()
            done.screen = running.screen
            return done
    return call


def by_password(secret, seen=None):
    def take(_peer, method, fields):
        if method != "password":
            return False
        given = password_of(fields)
        if seen is not None:
            seen.append(given)
        return given == secret
    return take


PASSWORD = r"\(\S+@liar\) password: "


def test_the_password(ask):
    done = ask(by_password("gehéim $1"), [(PASSWORD, "gehéim $1")])
    assert done.status == 0 and "42" in done.stdout and "gehéim" not in done.screen, done


def test_a_wrong_password_first(ask):
    seen = []
    done = ask(by_password("right", seen), [(PASSWORD, "wrong"), (PASSWORD, "right")])
    assert done.status == 0 and seen == ["wrong", "right"], done


def test_three_wrong_passwords(ask):
    seen = []
    done = ask(by_password("right", seen), [(PASSWORD, word) for word in ("a", "b", "c")], PreferredAuthentications="password")
    assert done.status == 77 and "auth_refused" in done.stdout and seen == ["a", "b", "c"], done
    assert "the password" in done.stdout and "it would take: keyboard-interactive, password" in done.stdout.replace("\r\n", " "), done


def test_without_a_terminal_no_password_is_sent(ask):
    seen = []
    done = ask(by_password("right", seen), [], terminal=False)
    assert done.status == 77 and seen == [] and "auth_refused" in done.stderr and "on a terminal" in done.stderr, done
    done = ask(by_password("right", seen), [], terminal=False, BatchMode="yes")
    assert done.status == 77 and seen == [] and "without BatchMode" in done.stderr, done
    assert set(ask.sshd.peers[0].requests) == {"none"}, ask.sshd.peers[0].requests


def by_answers(*rounds, told=None):
    """Each round: (prompts, answers that are right)."""
    def take(peer, method, _fields):
        if method != "keyboard-interactive":
            return False
        for prompts, right in rounds:
            given = peer.ask(*prompts, name=b"Name", instruction=b"Instruction")
            if told is not None:
                told.append(given)
            if given != right:
                return False
        return True
    return take


def test_questions_with_and_without_echo(ask):
    told = []
    take = by_answers(([(b"User: ", True), (b"Password: ", False)], ["me", "secret"]), ([(b"Code: ", True)], ["123456"]), ([], []), told=told)
    done = ask(take, [(r"User: ", "me"), (r"Password: ", "secret"), (r"Code: ", "123456")], PreferredAuthentications="keyboard-interactive")
    assert done.status == 0 and told == [["me", "secret"], ["123456"], []], (done, told)
    assert "123456" in done.screen and "secret" not in done.screen and "Instruction" in done.screen and "Name" in done.screen, done.screen


def test_wrong_answers_are_asked_for_again(ask):
    told = []
    take = by_answers(([(b"Code: ", False)], ["right"]), told=told)
    done = ask(take, [("Code: ", "wrong"), ("Code: ", "right")], PreferredAuthentications="keyboard-interactive")
    assert done.status == 0 and told == [["wrong"], ["right"]], (done, told)


def test_three_wrong_answers(ask):
    told = []
    take = by_answers(([(b"Code: ", False)], ["right"]), told=told)
    done = ask(take, [("Code: ", "x")] * 3, PreferredAuthentications="keyboard-interactive")
    assert done.status == 77 and told == [["x"]] * 3 and "the answers" in done.stdout, (done, told)


def test_questions_come_before_the_password(ask):
    done = ask(lambda peer, method, fields: by_answers(([(b"Code: ", False)], ["right"]))(peer, method, fields) or by_password("p")(peer, method, fields),
               [("Code: ", "x")] * 3 + [(PASSWORD, "p")])
    assert done.status == 0, done


def test_a_method_after_another(ask):
    """Partial success: the password, and then a code."""
    passed = []

    def take(peer, method, fields):
        if not passed and method == "password" and password_of(fields) == "p":
            passed.append(True)
            peer.fail(b"keyboard-interactive", partial=True)
            method, fields = peer.auth_request()
        return bool(passed) and by_answers(([(b"Code: ", False)], ["1"]))(peer, method, fields)
    done = ask(take, [(PASSWORD, "p"), ("Code: ", "1")], methods=b"password")
    assert done.status == 0, done


def test_questions_that_a_terminal_would_obey(ask):
    take = by_answers(([(NASTY + b" Code: ", True)], ["1"]))
    done = ask(take, [("Code: ", "1")], PreferredAuthentications="keyboard-interactive")
    assert done.status == 0 and not set("\x07\u009b\u202e") & set(done.screen) and "\x1b]0" not in done.screen, repr(done.screen)
    assert not re.search(r"^beamline: all is well", done.screen, re.M), done.screen


def test_a_million_questions_at_once(ask):
    done = ask(by_answers(([(b"?", True)] * 20000, [])), [], PreferredAuthentications="keyboard-interactive")
    assert done.status in (75, 77), done


def test_questions_without_end(ask):
    done = ask(by_answers(*[([], [])] * 100000), [], PreferredAuthentications="keyboard-interactive")
    assert done.status == 77 and "asks more than" in done.stdout, done


def test_a_prompt_without_end(ask):
    done = ask(by_answers(([(b"?" * 100000 + b"end", True)], ["1"])), [(r"\?\?\?", "1")], PreferredAuthentications="keyboard-interactive")
    assert done.status == 0 and len(done.screen) < 20000, (done.status, len(done.screen))


def test_ctrl_c_at_a_question(ask, rig, beamline):
    with asking(rig, by_answers(([(b"Code: ", True)], ["1"]))) as sshd:
        terminal = beamline("eval", "liar", "1", config=sshd.config, terminal=True)
        terminal.expect("Code: ")
        terminal.type("\x03")
        assert terminal.finish().status == 130
