# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that stay: later commands use them, they end as they should, and none of their failures is a later command's."""

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest

from rig import wait_for
from test_promises import memory_holds
from test_tunnel import is_alive

LONG = bool(os.environ.get("BEAMLINE_LONG"))


@pytest.fixture
def kept(beamline, rig):
    """kept() are the connections that stay; at the end of the test they are closed."""
    def ask():
        done = beamline("status", "--json", config=False, epmd_port=False)
        assert done.status == 0, done
        return json.loads(done.stdout)["connections"]

    yield ask
    assert beamline("close", "--all", config=False, epmd_port=False).status == 0
    assert ask() == []


@pytest.fixture
def way(make, sshd):
    """A proxy before the session's sshd, which counts connections and can break them; .config leads through it."""
    proxy = make.proxy(sshd.port)
    proxy.config = sshd.client_config(port=proxy.port)
    return proxy


@pytest.fixture
def open_rig(beamline, kept):
    def call(config=None, *words, **options):
        done = beamline("open", *words, "rig", config=config, epmd_port=False, **options)
        assert done.status == 0 and "rig: open" in done.stderr, done
        return done
    return call


def count_connections(proxy):
    return proxy.counts()["connections"]


def close(beamline, *words):
    return beamline("close", *words, config=False, epmd_port=False)


def evaluate(beamline, config, text="1+1", *words, **options):
    return beamline(*words, "eval", "rig:demo", text, config=config, **options)


def test_later_commands_go_through_it(beamline, way, node, kept, open_rig):
    open_rig(way.config)
    for words in (("eval", "rig:demo", "1+1"), ("ping", "rig:demo"), ("nodes", "rig"), ("rpc", "rig:demo", "erlang", "node")):
        done = beamline(*words, config=way.config)
        assert done.status == 0 and done.stderr == "", done
    assert count_connections(way) == 1
    done = beamline("open", "rig", config=way.config, epmd_port=False)
    assert done.status == 0 and "open already" in done.stderr, done
    answer = json.loads(beamline("open", "--json", "rig", config=way.config, epmd_port=False).stdout)
    assert answer["ok"] and answer["hosts"][0]["was_open"] and count_connections(way) == 1, answer
    [row] = kept()
    assert (row["host"], row["port"], row["persist_ms"]) == ("rig", way.port, 8 * 3600 * 1000), row
    assert answer["hosts"][0]["socket"] == row["socket"]
    ping = beamline("ping", "rig:demo", config=way.config).stdout
    assert "over the connection that is open" in ping and "not asked (an earlier command did)" in ping, ping
    assert json.loads(beamline("ping", "--json", "rig:demo", config=way.config).stdout)["ssh"]["was_open"] is True


def test_without_it_nothing_stays(beamline, node, kept):
    assert beamline("eval", "rig:demo", "1+1").status == 0
    assert kept() == []
    done = close(beamline, "rig")
    assert done.status == 0 and "no such connection is open" in done.stderr, done


def test_a_command_may_let_it_stay(beamline, way, node, kept, rig):
    for _ in range(2):
        assert evaluate(beamline, way.config, "1+1", "--persist", "10m").stdout == "2\n"
    assert kept()[0]["persist_ms"] == 600_000 and count_connections(way) == 1
    close(beamline, "rig")
    settings = rig.write("persist.conf", 'defaults = { persist = "7m"; };\n')
    assert evaluate(beamline, way.config, "1+1", "--config", settings).stdout == "2\n"
    assert kept()[0]["persist_ms"] == 420_000


def test_it_stays_for_the_longest_that_was_asked(beamline, way, node, kept, open_rig):
    open_rig(way.config, "--persist", "5m")
    open_rig(way.config, "--persist", "1h")
    assert kept()[0]["persist_ms"] == 3_600_000
    assert evaluate(beamline, way.config, "1+1", "--persist", "2h").stdout == "2\n"
    assert kept()[0]["persist_ms"] == 7_200_000
    open_rig(way.config, "--persist", "1s")
    time.sleep(1.5)
    assert kept()[0]["persist_ms"] == 7_200_000 and count_connections(way) == 1


def test_one_without_a_runtime_folder_is_seen(beamline, sshd, node, kept, rig):
    """cron's, say."""
    plain = {"XDG_RUNTIME_DIR": ""}
    done = beamline("open", "rig", config=sshd.config, epmd_port=False, env=plain)
    assert done.status == 0, done
    [row] = kept()
    assert row["socket"].startswith("/tmp/beamline-")
    assert close(beamline, "rig").status == 0 and not os.path.exists(row["socket"])
    os.rmdir(os.path.dirname(row["socket"]))


def test_it_ends_when_nobody_uses_it(beamline, way, node, kept):
    assert evaluate(beamline, way.config, "timer:sleep(2500), 1", "--persist", "1s").stdout == "1\n"
    [row] = kept()
    wait_for("its end", 5, lambda: not kept())
    assert not os.path.exists(row["socket"])
    assert evaluate(beamline, way.config).stdout == "2\n" and count_connections(way) == 2


def test_the_table_for_people(beamline, sshd, kept, open_rig):
    open_rig()
    done = beamline("status", config=False, epmd_port=False)
    heads, row = done.stdout.splitlines()
    assert heads.split() == ["HOST", "CONNECTED", "TO", "PID", "SINCE", "USERS", "ENDS", "IN", "SOCKET"], done
    assert row.split()[1].endswith(f"@127.0.0.1:{sshd.port}") and row.split()[5] == "7h59m", done


def test_close_names_what_is_meant(beamline, sshd, kept, open_rig):
    open_rig()
    other = sshd.client_config(alias="other")
    assert beamline("open", "other", config=other, epmd_port=False).status == 0
    answer = json.loads(beamline("close", "--json", "other", config=False, epmd_port=False).stdout)
    assert answer == {"ok": True, "closed": ["other"]}
    assert [row["host"] for row in kept()] == ["rig"]
    for words in ((), ("--all", "rig")):
        done = close(beamline, *words)
        assert done.status == 64 and "[usage]" in done.stderr, done


def test_several_hosts_of_which_one_fails(beamline, sshd, kept):
    config = sshd.client_config(alias="rig dead")
    done = beamline("open", "-o", "ConnectTimeout=5", "rig", "nowhere.invalid", config=config, epmd_port=False)
    assert done.status == 2 and "some_failed" in done.stderr and "[host_unknown]" in done.stderr, done
    answer = json.loads(beamline("open", "--json", "nowhere.invalid", "rig", config=config, epmd_port=False).stdout)
    assert [host["ok"] for host in answer["hosts"]] == [False, True] and answer["error"]["code"] == "some_failed", answer
    assert {row["host"] for row in kept()} == {"rig"}


# OpenSSH's client on our socket

def test_many_are_opened_by_one_word(beamline, sshd, node, kept):
    config = sshd.client_config(alias="web-1 web-2 web-3")
    done = beamline("open", "web-*", config=config, epmd_port=False)
    assert done.status == 0 and len(kept()) == 3, done
    done = beamline("-v", "eval", "web-[1-3]", "1+1", config=config)
    assert done.status == 0 and done.stderr.count("over the connection that is there") == 3, done
    assert beamline("open", "nope-*", config=config, epmd_port=False).status == 64


def test_openssh_goes_through_it(sshd, way, kept, open_rig):
    open_rig(way.config)
    [row] = kept()
    for words, said in ((["-O", "check", "rig"], f"pid={row['pid']}"), (["rig", "echo", "there"], "there")):
        done = subprocess.run(["ssh", "-F", way.config, "-S", row["socket"], *words], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0 and said in done.stdout + done.stderr, done
    assert count_connections(way) == 1


# Which connection

def test_another_configuration_is_another_connection(beamline, sshd, node, kept, open_rig, rig):
    open_rig()
    assert beamline("-o", "Compression=no", "open", "rig", config=sshd.config, epmd_port=False).status == 0
    assert len(kept()) == 2
    config = sshd.client_config()
    open_rig(config)
    assert len(kept()) == 3
    with open(config, "a", encoding="utf-8") as file:
        file.write("# changed\n")
    done = evaluate(beamline, config, "1+1", "-v")
    assert done.stdout == "2\n" and "authenticated" in done.stderr, done


# Many at once

@pytest.mark.limit(200)
def test_two_hundred_first_commands_make_one(beamline, rig, way, kept):
    argv = [beamline.path, "open", "--ssh-config", way.config, "rig"]
    children = [subprocess.Popen(argv, env=rig.base_env(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(200)]
    said = [child.communicate(timeout=120)[1] for child in children]
    assert {child.returncode for child in children} == {0}, said
    assert count_connections(way) == 1 and len(kept()) == 1
    assert sum("open already" in text for text in said) == 199


@pytest.mark.limit(400)
def test_the_holder_is_killed_at_any_moment(beamline, rig, way, node, kept):
    """Each evaluation ends right, or says that it lost the connection; the next one is right."""
    count, rounds = (500, 10) if LONG else (60, 4)
    chance, outcomes = random.Random(int(os.environ.get("BEAMLINE_FAULT_SEED", "1"))), []
    argv = [beamline.path, "--persist", "1m", "eval", "--ssh-config", way.config, "--epmd-port", str(node.epmd.port), "rig:demo", "timer:sleep(20), 1+1"]
    for _ in range(rounds):
        children = []
        for number in range(count // rounds):
            children.append(subprocess.Popen(argv, env=rig.base_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            time.sleep(chance.random() / 40)
            if number % 5 == 4:
                for row in kept():
                    try:
                        os.kill(row["pid"], signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        outcomes += [(*child.communicate(timeout=60), child.returncode) for child in children]
    for out, err, status in outcomes:
        right = (out, err, status) == ("2\n", "", 0)
        assert right or (out in ("", "2\n") and status == 75 and ("[ssh_lost]" in err or "[node_lost]" in err)), (out, err, status)
    assert sum(status == 0 for _, _, status in outcomes) > count // 10
    assert evaluate(beamline, way.config).stdout == "2\n"


def test_more_at_once_than_sshd_has_sessions(beamline, make, rig, node, kept):
    """Each reads the cookie on the host, in a session: they take turns."""
    sshd = make.sshd(extra=["MaxSessions 1"], home=node.home)
    assert beamline("open", "rig", config=sshd.config, epmd_port=False).status == 0
    argv = [beamline.path, "eval", "--ssh-config", sshd.config, "--epmd-port", str(node.epmd.port), "rig:demo", "1+1"]
    children = [subprocess.Popen(argv, env=rig.base_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(20)]
    said = [(*child.communicate(timeout=60), child.returncode) for child in children]
    assert set(said) == {("2\n", "", 0)}, said
    none = make.sshd(extra=["MaxSessions 0"], home=node.home)
    assert beamline("open", "rig", config=none.config, epmd_port=False).status == 0
    done = beamline("eval", "rig:demo", "1", config=none.config)
    assert done.status == 78 and "may run no program on the host" in done.stderr, done


# What breaks

@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_link_that_was_cut(beamline, way, node, kept, open_rig, how):
    open_rig(way.config)
    assert evaluate(beamline, way.config).status == 0
    way.cut(how)
    done = evaluate(beamline, way.config)
    assert (done.stdout, done.stderr, done.status) == ("2\n", "", 0), done
    assert count_connections(way) == 2


def test_a_link_that_is_dead_without_a_word(beamline, way, node, kept, open_rig):
    """As after a change of our address: packets go nowhere, and nobody says so."""
    open_rig(way.config)
    assert evaluate(beamline, way.config).status == 0
    way.set(stall_after=["up", 0], connection=1)
    done = evaluate(beamline, way.config)
    assert (done.stdout, done.stderr, done.status) == ("2\n", "", 0), done
    assert count_connections(way) == 2 and 3 < done.seconds < 9, done


def test_the_holder_sleeps_for_a_while(beamline, way, node, kept, open_rig):
    """As with the whole machine: what is asked meanwhile is answered after it."""
    open_rig(way.config)
    [row] = kept()
    os.kill(row["pid"], signal.SIGSTOP)
    child = beamline("eval", "rig:demo", "1+1", config=way.config, terminal=True)
    time.sleep(2)
    os.kill(row["pid"], signal.SIGCONT)
    child.expect("2")
    assert child.finish().status == 0 and count_connections(way) == 1


def test_who_holds_it_was_killed(beamline, way, node, kept, open_rig):
    open_rig(way.config)
    [row] = kept()
    os.kill(row["pid"], signal.SIGKILL)
    assert os.path.exists(row["socket"])
    open_rig(way.config)
    [second] = kept()
    assert second["pid"] != row["pid"] and second["socket"] == row["socket"]
    os.kill(second["pid"], signal.SIGKILL)
    assert kept() == [] and not os.path.exists(row["socket"])


def test_a_day_without_use(beamline, rig, way, kept, open_rig):
    """By a clock that goes on while the machine sleeps."""
    build = os.environ.get("BUILDDIR") or os.path.dirname(beamline.path)
    with open(os.path.join(build, "config.h"), encoding="utf-8") as config:
        if "HAVE_DECL_CLOCK_BOOTTIME 1" not in config.read():
            return  # a build without such a clock: an hour of sleep does not count there
    library = os.path.join(build, "tests/rig/clock.so")
    subprocess.run(["make", "-s", "-C", build, "tests/rig/clock.so"], check=True, stdout=subprocess.DEVNULL)
    clock = rig.write("clock", "0".ljust(32))

    def set_clock(seconds):
        """In place: the broker has the file mapped."""
        with open(clock, "r+", encoding="ascii") as file:
            file.write(str(seconds))

    asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    open_rig(way.config, "--persist", "24h", env={"LD_PRELOAD": library, "RIG_CLOCK": clock, "ASAN_OPTIONS": asan})
    set_clock(24 * 3600 - 60)
    [row] = kept()
    assert 24 * 3600 - 61 <= row["idle_ms"] / 1000 < 24 * 3600
    assert beamline("status", config=False, epmd_port=False).stdout.splitlines()[1].split()[5] in ("59s", "58s", "57s")
    set_clock(24 * 3600 + 1)
    wait_for("its end", 10, lambda: not kept())


def test_a_failure_is_nobody_elses(beamline, sshd, node, kept):
    """A connection that fails does not stay, and tells its own command why."""
    config = sshd.client_config(IdentityFile="/nonexistent")
    for _ in range(2):
        done = beamline("open", "rig", config=config, epmd_port=False)
        assert done.status == 77 and "[auth_refused]" in done.stderr, done
    assert kept() == []


def test_a_question_that_is_interrupted(beamline, make, kept):
    sshd = make.sshd(extra=["KbdInteractiveAuthentication no", "PasswordAuthentication yes", "PubkeyAuthentication no"])
    config = sshd.client_config(BatchMode="no", PreferredAuthentications="password")
    terminal = beamline("open", "rig", config=config, epmd_port=False, terminal=True)
    terminal.expect("password")
    terminal.type("\x03")
    assert terminal.finish().status == 130
    assert kept() == []


@pytest.fixture
def asking(beamline, make, rig, node, kept, tmp_path):
    """.ask() is a command whose connection is to stay, and that asks for a passphrase."""
    class Asking:
        def __init__(self):
            key = str(tmp_path / "key")
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key], check=True)
            self.sshd = make.sshd(user_key=key, home=node.home)
            self.config = self.sshd.client_config(BatchMode="no")
            self.terminal = None

        def ask(self):
            self.terminal = beamline("--persist", "1h", "eval", "rig:demo", "1+1", config=self.config, terminal=True)
            self.terminal.expect("passphrase")

        def answer(self):
            self.terminal.line("open sesame")
            self.terminal.expect("2")
            assert self.terminal.finish().status == 0

    return Asking()


def test_nobody_waits_for_anothers_answer(beamline, asking, kept):
    """Whoever comes while a command asks connects by itself."""
    asking.ask()
    done = evaluate(beamline, asking.config, limit=10)
    assert done.status == 77 and "[auth_refused]" in done.stderr, done
    done = beamline("open", "rig", config=asking.config, epmd_port=False, limit=10)
    assert done.status == 71 and "[no_resources]" in done.stderr and "another command" in done.stderr, done
    second = beamline("eval", "rig:demo", "2+3", config=asking.config, terminal=True)
    second.expect("passphrase")
    second.line("open sesame")
    second.expect("5")
    assert second.finish().status == 0
    asking.answer()
    assert len(kept()) == 1
    assert evaluate(beamline, asking.config).stdout == "2\n"


def test_who_waits_already_when_the_question_comes(beamline, asking, make, kept):
    """The command that waits for another's connection begins by itself when that begins to ask."""
    proxy = make.proxy(asking.sshd.port, delay=400)
    asking.config = asking.sshd.client_config(port=proxy.port, BatchMode="no")
    asking.terminal = beamline("--persist", "1h", "eval", "rig:demo", "1+1", config=asking.config, terminal=True)
    wait_for("its connection", 5, lambda: proxy.counts()["connections"] == 1)
    done = beamline("-v", "eval", "rig:demo", "1+1", config=asking.config, limit=20)
    assert done.status == 77 and "asks a person something; connecting anew" in done.stderr, done
    asking.terminal.expect("passphrase")
    asking.answer()
    assert len(kept()) == 1


def test_a_proxy_does_not_hold_standard_error(beamline, rig, sshd, node, kept):
    """$(beamline open … 2>&1) returns, and what the proxy says before is there."""
    script = rig.write(f"proxy.{rig.count()}.py", f"""
import os, socket, sys, threading
sys.stderr.write("the proxy begins\\n"); sys.stderr.flush()
s = socket.create_connection(("127.0.0.1", {sshd.port}))
def up():
    while data := os.read(0, 65536): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536): os.write(1, data); sys.stderr.write("x" * 500); sys.stderr.flush()
""")
    config = sshd.client_config(ProxyCommand=f"/usr/bin/python3 -I {script}")
    done = beamline("open", "rig", config=config, epmd_port=False, limit=20)
    assert done.status == 0 and "the proxy begins" in done.stderr and done.seconds < 10, done
    for _ in range(300):
        assert evaluate(beamline, config).stdout == "2\n"
    assert len(kept()) == 1


def test_standard_error_is_let_go(beamline, sshd, kept):
    """$(beamline open …) returns when the command ends, whoever stays."""
    done = beamline("-vv", "open", "rig", config=sshd.config, epmd_port=False, limit=10)
    assert done.status == 0 and done.seconds < 5, done
    assert len(kept()) == 1


# Ports that are remembered

def ports(kept):
    return {(note["node"], note["port"]) for note in kept()[0]["nodes"]}


def test_a_node_that_has_moved_is_found(beamline, make, sshd, kept, open_rig):
    epmd = make.epmd()
    node = make.node("moving", epmd=epmd, home=sshd.home)
    open_rig()
    words = ("eval", "rig:moving", "1+1")
    assert beamline(*words, epmd_port=epmd.port).stdout == "2\n"
    assert ports(kept) == {("moving", node.dist_port)}
    assert "not asked: the node was at port" in beamline("-v", *words, epmd_port=epmd.port).stderr
    node.stop()
    # Another node where the first one was, and that one elsewhere.
    other = make.node("other", epmd=epmd, home=sshd.home, dist_port=node.dist_port)
    moved = make.node("moving", epmd=epmd, home=sshd.home)
    assert other.dist_port != moved.dist_port
    done = beamline("eval", "rig:moving", "node()", epmd_port=epmd.port)
    assert done.stdout.startswith("moving@") and (done.stderr, done.status) == ("", 0), done
    assert ports(kept) == {("moving", moved.dist_port)}
    moved.stop()
    done = beamline(*words, epmd_port=epmd.port)
    assert done.status == 69 and "[node_unknown]" in done.stderr, done
    assert ports(kept) == set()


def test_an_unnamed_node_must_be_the_only_one(beamline, make, sshd, kept, open_rig):
    epmd = make.epmd()
    make.node("first", epmd=epmd, home=sshd.home)
    open_rig()
    assert beamline("eval", "rig", "1+1", epmd_port=epmd.port).stdout == "2\n"
    make.node("second", epmd=epmd, home=sshd.home)
    done = beamline("eval", "rig", "1+1", epmd_port=epmd.port)
    assert done.status == 64 and "2 nodes" in done.stderr, done


# Who else there is

@pytest.mark.root
def test_another_user_gets_nothing(beamline, rig, sshd, kept, open_rig):
    open_rig()
    [row] = kept()
    probe = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
             "try:\n s.connect(sys.argv[1])\n s.settimeout(3)\n s.sendall(b'\\0\\0\\0\\x08\\0\\0\\0\\1\\0\\0\\0\\4')\n print(s.recv(100))\n"
             "except OSError as e: print(type(e).__name__)")

    def as_nobody():
        return subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", "-I", "-S", "-c", probe, row["socket"]],
                              capture_output=True, text=True, check=False).stdout.strip()
    assert as_nobody() == "PermissionError"
    # Were all its folders open, the socket itself still asks who it is.
    folders = [rig.folder, rig.runtime, os.path.dirname(row["socket"])]
    for folder in folders:
        os.chmod(folder, 0o755)
    os.chmod(row["socket"], 0o777)
    try:
        assert as_nobody() in ("b''", "ConnectionResetError", "BrokenPipeError")
    finally:
        for folder in folders:
            os.chmod(folder, 0o700)


def test_a_folder_that_others_may_enter_is_not_used(beamline, sshd, kept, tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    env = {"XDG_RUNTIME_DIR": str(open_to_all)}
    done = beamline("open", "rig", config=sshd.config, epmd_port=False, env=env)
    assert done.status == 0 and os.listdir(open_to_all) == [], done
    answer = json.loads(beamline("status", "--json", config=False, epmd_port=False, env=env).stdout)
    assert answer["connections"][0]["socket"].startswith(f"/tmp/beamline-{os.getuid()}/")
    assert beamline("close", "--all", config=False, epmd_port=False, env=env).status == 0
    os.rmdir(f"/tmp/beamline-{os.getuid()}")


@pytest.mark.root
def test_the_holder_has_no_passphrase(beamline, make, rig, kept):
    """Root may read any process's memory: what was typed is not in it any more. (Of the key, libssh frees a copy that it does not wipe.)"""
    passphrase = "correct horse battery 4711"
    key = os.path.join(rig.folder, f"locked.{rig.count()}")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", key], check=True)
    sshd = make.sshd(user_key=key)
    config = sshd.client_config(BatchMode="no")
    terminal = beamline("open", "rig", config=config, epmd_port=False, terminal=True)
    terminal.expect("passphrase")
    terminal.line(passphrase)
    assert terminal.finish().status == 0
    [row] = kept()
    assert memory_holds(row["pid"], key.encode())  # an option, so that the search is known to find what is there
    assert memory_holds(row["pid"], passphrase.encode()) is None


# What a review found

def test_an_included_file_counts(beamline, sshd, node, kept, rig, make):
    first, second = make.proxy(sshd.port), make.proxy(sshd.port)
    with open(sshd.client_config(port=first.port, StrictHostKeyChecking="no"), encoding="utf-8") as file:
        text = file.read()
    included = rig.write(f"included.{rig.count()}", text)
    config = rig.write(f"including.{rig.count()}", f"Include {included}\n")
    assert beamline("open", "rig", config=config, epmd_port=False).status == 0
    assert beamline("eval", "rig:demo", "1+1", config=config).stdout == "2\n" and count_connections(first) == 1
    rig.write(os.path.basename(included), text.replace(str(first.port), str(second.port)))
    assert beamline("eval", "rig:demo", "1+1", config=config).stdout == "2\n"
    assert (count_connections(first), count_connections(second)) == (1, 1)


@pytest.mark.root
def test_a_holder_that_comes_after_a_lost_one_has_no_cookie(beamline, way, node, kept, rig):
    cookie = rig.write(f"cookie.{rig.count()}", "rigcookie", 0o400)
    assert beamline("open", "rig", config=way.config, epmd_port=False).status == 0
    way.set(stall_after=["up", 0], connection=1)
    done = beamline("--persist", "1h", "--cookie-file", cookie, "eval", "rig:demo", "1+1", config=way.config)
    assert done.stdout == "2\n" and count_connections(way) == 2, done
    [row] = kept()
    assert not memory_holds(row["pid"], b"rigcookie")


def test_a_signal_is_not_lost_while_a_holder_is_asked(beamline, way, node, kept, rig, open_rig, epmd):
    open_rig(way.config)
    [row] = kept()
    os.kill(row["pid"], signal.SIGSTOP)
    try:
        for after in (0.01, 0.02, 0.03, 0.04):
            child = subprocess.Popen([beamline.path, "eval", "--ssh-config", way.config, "--epmd-port", str(epmd.port), "rig:demo", "1+1"],
                                     env=rig.base_env(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(after)
            child.send_signal(signal.SIGTERM)
            assert child.wait(5) in (143, -signal.SIGTERM)
    finally:
        os.kill(row["pid"], signal.SIGCONT)


def test_a_holder_whose_queue_is_full_keeps_its_socket(beamline, way, node, kept, open_rig):
    open_rig(way.config)
    [row] = kept()
    os.kill(row["pid"], signal.SIGSTOP)
    waiting = []
    try:
        while True:
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            waiting.append(client)
            try:
                client.connect(row["socket"])
            except BlockingIOError:
                break
        done = beamline("--persist", "1h", "eval", "rig:demo", "1+1", config=way.config)
        assert done.stdout == "2\n", done
        assert os.path.exists(row["socket"])
        done = close(beamline, "--all")
        assert done.status == 75 and "does not answer" in done.stderr, done
    finally:
        for client in waiting:
            client.close()
        os.kill(row["pid"], signal.SIGCONT)
    wait_for("the holder's answer", 10, lambda: [other["pid"] for other in kept()] == [row["pid"]])


def test_a_holder_without_its_socket_ends(beamline, sshd, node, kept):
    config = sshd.client_config(ServerAliveInterval=1)
    assert beamline("open", "rig", config=config, epmd_port=False).status == 0
    [row] = kept()
    os.unlink(row["socket"])
    wait_for("its end", 10, lambda: not is_alive(row["pid"]))


def test_what_openssh_makes_does_not_stay(beamline, sshd, kept):
    done = beamline("open", "--transport", "openssh", "rig", config=sshd.config, epmd_port=False)
    assert done.status == 78 and "[ssh_unsupported]" in done.stderr and "ControlPersist" in done.stderr, done
    assert kept() == []


def test_open_does_not_try_for_ever(beamline, sshd, kept, rig):
    """A ControlPath whose server takes everybody and says nothing."""
    path = os.path.join(rig.folder, f"mute.{rig.count()}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)

        def refuse():
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
        threading.Thread(target=refuse, daemon=True).start()
        done = beamline("open", "rig", config=sshd.client_config(ControlPath=path), epmd_port=False)
        assert done.status != 0, done
        server.shutdown(socket.SHUT_RDWR)
    os.unlink(path)
