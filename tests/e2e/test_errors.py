# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to fail has its own code name, status and cure, and each is brought about for real."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from rig import free_port
from rig.liar import Liar


def failure(done):
    """The code name in brackets at the end of the error's line; the line says the layer first."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("beamline: ")]
    assert len(lines) == 1, done
    line = lines[0]
    assert line.endswith("]"), done
    return line.rpartition("[")[2][:-1]


def check(done, code, status, *words):
    assert failure(done) == code, done
    assert done.status == status, done
    for word in words:
        assert word in done.stderr, done
    assert done.stdout == "", done


def cure(done):
    return "  cure: " in done.stderr


def answering(data=b"", stay=False):
    """A port of the host's loopback that answers in its own way: with bytes, or never."""
    def act(peer):
        peer.sock.recv(4096)
        peer.raw(data)
    return Liar(act, raw=True, stay=stay)


# The way to the host

def test_an_unknown_alias(beamline):
    check(beamline("nodes", "no-such-host.invalid"), "host_unknown", 68, "no-such-host.invalid")


def test_a_refused_port(beamline, sshd):
    done = beamline("nodes", "rig", config=sshd.client_config(port=free_port()))
    check(done, "tcp_refused", 69, "127.0.0.1")


def test_a_host_that_does_not_answer(beamline, make, sshd):
    # The listener's queue is full: the kernel answers no more connections.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.2)
        done = beamline("nodes", "rig", config=sshd.client_config(port=port, ConnectTimeout="1"))
        for filler in fillers:
            filler.close()
    check(done, "tcp_timeout", 75)


def test_what_does_not_speak_ssh(beamline, sshd):
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as http:
        check(beamline("nodes", "rig", config=sshd.client_config(port=http.port)), "not_ssh", 76)


def test_a_changed_host_key(beamline, make, sshd):
    other = make.sshd()
    config = sshd.client_config(host_key=other.host_key)
    done = beamline("nodes", "rig", config=config)
    check(done, "host_key_changed", 77, "SHA256:")
    assert cure(done)


@pytest.mark.own_ssh("ssh does not print the fingerprint without a terminal")
def test_an_unknown_key_in_batch_mode(beamline, sshd):
    done = beamline("nodes", "rig", config=sshd.client_config(known=False, BatchMode="yes", StrictHostKeyChecking="ask"))
    check(done, "host_key_unknown", 77, "SHA256:")
    assert cure(done)


def test_refused_authentication(beamline, make, sshd):
    other = make.sshd()
    config = sshd.client_config(IdentityFile=other.user_key, BatchMode="yes")
    done = beamline("nodes", "rig", config=config)
    check(done, "auth_refused", 77, "publickey")
    assert cure(done)


@pytest.mark.own_ssh("OpenSSH's master does not tell why a forward was refused")
@pytest.mark.parametrize("line", ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1", "DisableForwarding yes"])
def test_prohibited_forwarding(beamline, make, line):
    closed = make.sshd(extra=[line])
    done = beamline("nodes", "rig", config=closed.config)
    check(done, "forwarding_prohibited", 77)
    assert cure(done)


def test_a_config_that_ssh_refuses(beamline, rig):
    path = rig.write("bad_config", "Host x\n  NoSuchKeyword yes\n")
    check(beamline("nodes", "x", config=path), "config_invalid", 78, "nosuchkeyword")


# The way to the node

def test_no_epmd(beamline, sshd):
    done = beamline("nodes", "rig", epmd_port=free_port())
    check(done, "epmd_absent", 69, "EPMD")
    assert cure(done)


def test_no_such_node(beamline, node):
    done = beamline("eval", "rig:nosuch", "1")
    check(done, "node_unknown", 69, "nosuch", "demo")


def test_a_full_name_that_is_not_the_nodes(beamline, node):
    check(beamline("eval", "rig:demo@elsewhere", "1"), "node_unknown", 69, "demo@elsewhere")


def test_a_host_without_nodes(beamline, make):
    empty = make.epmd()
    check(beamline("eval", "rig", "1", epmd_port=empty.port), "node_unknown", 69)


def test_several_nodes_and_none_named(beamline, node, make, epmd):
    make.node("second", epmd=epmd)
    check(beamline("eval", "rig", "1"), "usage", 64, "demo", "second")


def test_epmd_that_speaks_garbage(beamline, node):
    with answering(b"\xff\x00garbage\n\n\n") as liar:
        check(beamline("nodes", "rig", epmd_port=liar.port), "epmd_garbage", 76)
        check(beamline("eval", "rig:demo", "1", epmd_port=liar.port), "epmd_garbage", 76)


def test_epmd_that_says_nothing(beamline, node):
    with answering(stay=True) as silent:
        check(beamline("nodes", "rig", "--handshake-timeout", "500ms", epmd_port=silent.port), "epmd_timeout", 75)
    with answering() as closing:
        check(beamline("nodes", "rig", epmd_port=closing.port), "epmd_garbage", 76)


def test_nothing_on_the_nodes_port(beamline):
    check(beamline("eval", "rig", "1", "--dist-port", free_port()), "node_absent", 69)


def test_what_is_no_node(beamline):
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as http:
        check(beamline("eval", "rig", "1", "--dist-port", http.port), "not_erlang", 76)


@pytest.mark.plain
def test_a_node_that_speaks_tls(beamline):
    with answering(b"\x15\x03\x03\x00\x02\x02\x0a") as tls:
        check(beamline("eval", "rig", "1", "--dist-port", tls.port), "tls_expected", 76)


@pytest.mark.plain
def test_a_node_that_stalls_in_the_handshake(beamline, make, node):
    for up_to in (0, 5, 30):
        proxy = make.proxy(node.dist_port, stall_after=["down", up_to])
        begin = time.monotonic()
        done = beamline("eval", "rig", "1", "--dist-port", proxy.port, "--handshake-timeout", "700ms")
        check(done, "handshake_timeout", 75)
        assert time.monotonic() - begin < 5


def test_a_wrong_cookie(beamline, node, rig):
    wrong = rig.write("wrong.cookie", "not-the-cookie\n", 0o400)
    done = beamline("eval", "rig:demo", "1", "--cookie-file", wrong)
    check(done, "cookie_mismatch", 77, node.full_name)
    assert cure(done) and "not-the-cookie" not in done.stderr


def test_a_cookie_file_that_others_may_read(beamline, node, rig):
    path = rig.write("open.cookie", "rigcookie\n", 0o644)
    done = beamline("eval", "rig:demo", "1", "--cookie-file", path)
    check(done, "cookie_unsafe", 78, "chmod 400")


def test_no_cookie_at_all(beamline, node, make):
    bare = make.sshd()
    check(beamline("eval", "rig:demo", "1", config=bare.config), "cookie_missing", 78, "--cookie-file")


def test_an_account_that_may_run_nothing(beamline, node, make):
    only_forward = make.sshd(extra=["MaxSessions 0"])
    check(beamline("eval", "rig:demo", "1", config=only_forward.config), "cookie_missing", 78, "--cookie-file")


# During a call

def test_the_link_is_cut_in_a_call(beamline, make, sshd, node):
    proxy = make.proxy(sshd.port)
    cutter = threading.Timer(1.5, proxy.cut)
    cutter.start()
    done = beamline("eval", "rig:demo", "timer:sleep(30000)", config=sshd.client_config(port=proxy.port))
    cutter.join()
    check(done, "ssh_lost", 75)


def test_the_node_is_killed_in_a_call(beamline, make, sshd, epmd):
    doomed = make.node("doomed", epmd=epmd, home=sshd.home)
    killer = threading.Timer(1.5, doomed.server.signal, [signal.SIGKILL])
    killer.start()
    done = beamline("eval", "rig:doomed", "timer:sleep(30000)")
    killer.join()
    check(done, "node_lost", 75)


def test_the_time_is_over(beamline, node):
    begin = time.monotonic()
    done = beamline("eval", "rig:demo", "timer:sleep(30000)", "--timeout", "400ms")
    check(done, "call_timeout", 75, "0.4 s")
    assert time.monotonic() - begin < 5


def test_an_exception(beamline, node):
    done = beamline("eval", "rig:demo", "1/0")
    assert done.status == 1 and done.stdout == "", done
    assert "exception error" in done.stderr and "operator  '/'/2" in done.stderr or "operator  //2" in done.stderr, done
    assert "beamline:" not in done.stderr, done


@pytest.mark.parametrize("text,line,column", [("1 +", 1, None), ("1,\n  foo bar", 2, 7), ("X = {1,2", 1, None), ("\"open", 1, None), ("1 + X", 1, 5)])
def test_syntax_errors_tell_where(beamline, node, text, line, column):
    done = beamline("eval", "rig:demo", text)
    check(done, "syntax_error", 65, f"line {line}")
    if column is not None:
        assert f"line {line}, column {column}:" in done.stderr, done


def test_syntax_errors_in_arguments(beamline, node):
    check(beamline("rpc", "rig:demo", "lists", "sum", "[[1, 2"), "syntax_error", 65, "ARGS")
    check(beamline("rpc", "rig:demo", "lists", "sum", "{1}"), "syntax_error", 65, "not a list")


# Output

def test_a_full_disk(beamline, node):
    with open("/dev/full", "wb") as full:
        done = beamline("eval", "rig:demo", "lists:seq(1,10)", stdout=full)
    assert failure(done) == "output_lost" and done.status == 74, done
    assert "No space left" in done.stderr


def test_a_closed_pipe(beamline, node):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = beamline("eval", "rig:demo", "lists:seq(1,10)", stdout=write_end)
    finally:
        os.close(write_end)
    assert failure(done) == "output_closed" and done.status == 74, done


# The command line

@pytest.mark.parametrize("words,word", [
    ((), "which command"), (("evl", "x"), "did you mean eval"), (("eval",), "TARGET"), (("eval", "rig", "1", "2"), "TARGET"),
    (("nodes", "rig", "--raw"), "--raw"), (("ping", "rig", "--bogus"), "--bogus"), (("eval", "rig", "1", "--timeout", "soon"), "soon"),
    (("eval", "rig", "1", "--dist-port", "70000"), "70000"), (("eval", ":x", "1"), "target"), (("nodes", "-oProxyCommand=id"), "cure"),
    (("eval", "rig", "1", "--raw", "--json"), "exclude"), (("eval", "rig", "1", "-f", "x"), "both"),
])
def test_usage(beamline, words, word):
    done = beamline(*words)
    assert done.status == 64, done
    assert word in done.stderr + done.stdout or word == "cure", done


def test_a_missing_input_file(beamline):
    check(beamline("eval", "rig", "-f", "/nonexistent/x.erl"), "input_missing", 66, "/nonexistent/x.erl")


def test_errors_are_json_for_scripts(beamline, node):
    done = beamline("eval", "rig:nosuch", "1", "--json")
    answer = json.loads(done.stdout)
    assert answer["ok"] is False and answer["error"]["code"] == "node_unknown" and answer["error"]["status"] == 69
    assert done.stderr == "" and done.status == 69, done


def test_several_hosts_of_which_one_fails(beamline, node):
    done = beamline("nodes", "rig", "no-such-host.invalid")
    assert done.status == 2, done
    assert "demo" in done.stdout and "host_unknown" in done.stdout, done
