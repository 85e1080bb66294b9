# SPDX-License-Identifier: GPL-3.0-or-later
"""An sshd that lies, before the encryption and behind it: it ends in time, with a clean error and little memory; or the lie harms nobody."""

import os
import re
import signal
import struct
import time

import pytest

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

    def call(act, *words, limit=20, compression=False, interrupt=(), node=honest_node, keywords=None):
        words = words or ("eval", "--handshake-timeout", "2s", "--timeout", "3s", "liar", "1")
        with LyingSshd(rig, act, compression, **(keywords or {})) as sshd, Liar(node) as liar:
            call.sshd, call.liar = sshd, liar
            argv = [beamline_path, "--ssh-config", sshd.config, "--dist-port", str(liar.port), "--cookie-file", cookie, *words]
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
    worked(against(honest, compression=compression))


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
    "a packet that is not authentic": lambda peer: peer.raw(peer.sealed(b"\6\0\0\0\0")[:-1] + b"x"),
    "no service": stall,
    "another service": message(6, string(b"ssh-connection")),
    "a service of 4 GiB": message(6, u32(0xffffffff)),
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
    "no answer": stall,
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
    peer.host_key = type(peer.host_key).generate()


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
    """It is the sshd that says whom it lets in; it gains nothing by it."""
    worked(against(after_keys(lambda peer: (peer.service(), peer.accept(), peer.serve()))))
