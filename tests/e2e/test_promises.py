# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants: nothing exposed, nothing told, nothing left on the node."""

import glob
import os
import re
import signal
import stat
import subprocess
import threading
import time

import pytest

from rig import wait_for

ENDLESS = "register(beamline_probe, self()), (fun F() -> F() end)()"
TRAPPING = ("register(beamline_probe, self()), process_flag(trap_exit, true), "
            "spawn_link(fun() -> process_flag(trap_exit, true), (fun F() -> receive _ -> F() end end)() end), (fun F() -> F() end)()")


def tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for parent in pids:
        for path in glob.glob(f"/proc/{parent}/task/*/children"):
            pids += [int(child) for child in open(path, encoding="ascii").read().split()]
    return pids


def sockets_of(pids):
    inodes = set()
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                match = re.match(r"socket:\[(\d+)\]", os.readlink(path))
            except OSError:
                continue
            if match:
                inodes.add(match.group(1))
    return inodes


def running(beamline, node, *words):
    """Starts an evaluation that goes on, and waits until it does."""
    child = subprocess.Popen([beamline.path, *words[:-2], "eval", *words[-2:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=running.env, start_new_session=True)
    wait_for("evaluation", 20, lambda: node.eval("is_pid(whereis(beamline_probe))") == "true")
    return child


@pytest.fixture
def start(beamline, rig, sshd, epmd, node):
    running.env = rig.base_env()
    children = []
    before = node.at_rest()

    def begin(text, *options, target="rig:demo", on=node):
        children.append(running(beamline, on, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), *options, target, text))
        return children[-1]
    yield begin
    for child in children:
        if child.poll() is None:
            child.terminate()
        child.communicate(timeout=20)
    # The next one's probe must not be taken for this one's.
    wait_for("the evaluation's end on the node", 10, lambda: node.at_rest() <= before)


@pytest.mark.own_ssh("it is about our socket")
@pytest.mark.root  # our processes hide what they hold open from everybody else
def test_nothing_listens_but_a_private_socket(start, rig):
    child = start(ENDLESS)
    pids = tree(child.pid)
    inodes = sockets_of(pids)
    assert len(pids) >= 2 and inodes
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in open(f"/proc/net/{table}", encoding="ascii").read().splitlines()[1:]:
            fields = line.split()
            listening = fields[3] == "0A" or table.startswith("udp")
            assert not (listening and fields[9] in inodes), line
    paths = [line.split()[7] for line in open("/proc/net/unix", encoding="utf-8").read().splitlines()[1:]
             if len(line.split()) > 7 and line.split()[6] in inodes and line.split()[5] == "01" and line.split()[3] == "00010000"]
    assert paths and all(path.startswith(rig.runtime) for path in paths), paths
    for path in paths:
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    child.send_signal(signal.SIGINT)
    child.wait(20)


def test_the_cookie_is_nowhere(start, beamline, rig, node, sshd):
    child = start(ENDLESS, "-vv")
    secret = b"rigcookie"
    for pid in tree(child.pid):
        assert secret not in open(f"/proc/{pid}/cmdline", "rb").read()
        assert re.search(r"Max core file size\s+0\s+0", open(f"/proc/{pid}/limits", encoding="ascii").read())
    for root, _, files in os.walk(rig.runtime):
        for name in files:
            path = os.path.join(root, name)
            assert not os.path.isfile(path) or secret not in open(path, "rb").read()
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 128 + signal.SIGTERM
    assert secret not in out + err and b"cookie: from" in err


@pytest.mark.own_ssh("our own broker does")
def test_the_holder_of_the_connection_gives_up_what_it_does_not_need(start, beamline):
    """Neither programs nor files nor sockets are its business once it is connected."""
    child = start(ENDLESS)
    broker = [pid for pid in tree(child.pid) if pid != child.pid]
    with open(os.path.join(os.environ.get("BUILDDIR") or os.path.dirname(beamline.path), "config.h"), encoding="utf-8") as file:
        can = "#define USE_SECCOMP 1" in file.read()
    with open(beamline.path, "rb") as program:
        can = can and b"__asan_init" not in program.read()  # which traces itself
    for pid in broker:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            told = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        assert (told["NoNewPrivs"], told["Seccomp"]) == (("1", "2") if can else ("0", "0")), told
    assert len(broker) == 1
    child.send_signal(signal.SIGTERM)
    child.wait(20)


@pytest.mark.root  # our processes hide their environment from everybody else
def test_the_cookie_is_in_no_environment(start):
    child = start(ENDLESS)
    for pid in tree(child.pid):
        assert b"rigcookie" not in open(f"/proc/{pid}/environ", "rb").read()


def test_the_node_never_lists_us(start, node):
    start(ENDLESS)
    assert node.nodes("visible") == "[]"
    assert "beamline.invalid" in node.nodes("hidden")


@pytest.mark.parametrize("text", [ENDLESS, TRAPPING])
# A ControlMaster of OpenSSH 9.2 may find out that we are gone only when the next byte comes, such as the node's tick.
@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.own_ssh("OpenSSH may notice late")), signal.SIGINT, signal.SIGTERM])
def test_nothing_of_an_evaluation_outlives_us(start, node, text, number):
    before = node.at_rest()
    child = start(text)
    assert node.number_of("process_count") > before
    child.send_signal(number)
    child.wait(20)
    wait_for("gone", 10, lambda: node.number_of("process_count") == before)


def test_a_timeout_ends_what_was_linked(beamline, node):
    before = node.at_rest()
    done = beamline("eval", "rig:demo", TRAPPING, "--timeout", "500ms")
    assert done.status == 75, done
    wait_for("all gone", 5, lambda: node.at_rest() == before)


VISITS = int(os.environ.get("BEAMLINE_VISITS", "200"))


@pytest.mark.limit(60 + VISITS * 6 // 10)
def test_hundreds_of_visits_leave_nothing(beamline, node):
    """The whole of 2,000 visits: BEAMLINE_VISITS=2000. A few hundred show a leak of one atom a visit just as well."""
    text = "lists:sum(lists:seq(1, 10))"
    for _ in range(3):
        assert beamline("eval", "rig:demo", text).stdout == "55\n"
    wait_for("disconnected", 5, lambda: node.nodes() == "[]")
    before = node.counts()
    for _ in range(VISITS):
        assert beamline("eval", "rig:demo", text).stdout == "55\n"
    # The last connection may still be on its way down.
    same = ("process_count", "port_count", "ets_count")
    wait_for("the last visit's end", 5, lambda: all(node.counts()[key] <= before[key] for key in same))
    assert node.number_of("atom_count") - before["atom_count"] < 10
    assert node.nodes("visible") == "[]"


@pytest.fixture
def impatient(make, sshd, epmd):
    """A node that gives up a peer which has been silent for 4 seconds."""
    return make.node("impatient", epmd=epmd, home=sshd.home, args=["-kernel", "net_ticktime", "4"])


def test_ticks_are_answered_while_a_person_reads(beamline, impatient):
    done = beamline("eval", "rig:impatient", "timer:sleep(9000), still_here")
    assert done.status == 0 and done.stdout == "still_here\n", done


def test_ticks_are_answered_while_a_slow_reader_holds_us_up(beamline, impatient):
    """The reader of standard output takes nothing for twice the tick time; the writer on the node waits in bounded memory."""
    read_end, write_end = os.pipe()
    result = {}

    def call():
        result["done"] = beamline("eval", "rig:impatient", "[io:put_chars(lists:duplicate(1000, $x)) || _ <- lists:seq(1, 20000)], done",
                                  stdout=write_end, limit=60)
        os.close(write_end)

    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(9)
    assert int(impatient.eval("erlang:memory(binary)")) < 8 * 1024 * 1024
    size = 0
    while chunk := os.read(read_end, 65536):
        size += len(chunk)
    caller.join()
    os.close(read_end)
    assert result["done"].status == 0 and size == 20000 * 1000 + len("done\n"), (result["done"], size)


def test_ticks_go_on_while_we_are_stopped(beamline, impatient):
    """Ctrl-Z for longer than the tick time, then on."""
    terminal = beamline("eval", "rig:impatient", "register(beamline_probe, self()), receive go -> went end", terminal=True)
    wait_for("evaluation", 20, lambda: impatient.eval("is_pid(whereis(beamline_probe))") == "true")
    os.kill(terminal.pid, signal.SIGTSTP)
    wait_for("stopped", 5, lambda: open(f"/proc/{terminal.pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[0] == "T")
    time.sleep(9)
    assert impatient.eval("is_pid(whereis(beamline_probe))") == "true"
    os.kill(terminal.pid, signal.SIGCONT)
    impatient.eval("beamline_probe ! go")
    terminal.expect("went")
    assert terminal.finish().status == 0


@pytest.mark.limit(200)
def test_a_huge_message_passes_by(beamline, make, impatient, sshd):
    """100 MB sent to our process, slower than the tick time: passed over, and the evaluation goes on."""
    text = ("[Peer] = nodes(hidden), Us = [P || {monitors, Ms} <- [process_info(Q, monitors) || Q <- processes()], {process, P} <- Ms, "
            "node(P) =:= Peer], [hd(Us) ! binary:copy(<<7>>, 100 * 1024 * 1024)], sent")
    done = beamline("-v", "eval", "rig:impatient", text, limit=120)
    assert done.status == 0 and done.stdout == "sent\n", done
    assert "passed over" in done.stderr, done


def test_strangers_messages_are_dropped_and_counted(beamline, node):
    text = ("[Peer] = nodes(hidden), [Us | _] = [P || {monitors, Ms} <- [process_info(Q, monitors) || Q <- processes()], {process, P} <- Ms, "
            "node(P) =:= Peer], Us ! hello, {nosuch, Peer} ! hello, catch spawn(Peer, erlang, now, []), "
            "R = monitor(process, {nosuch, Peer}), receive {'DOWN', R, _, _, Why} -> Why end")
    done = beamline("-v", "eval", "rig:demo", text)
    assert done.status == 0 and done.stdout == "noproc\n", done
    assert re.search(r"sent \d+ requests that were refused", done.stderr), done


def memory_holds(pid, text):
    """The writable mapping of a process that holds a text, or None."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            # The sanitizer's shadow, terabytes wide, tells which bytes are in use and holds none of them.
            if "rw" not in line.split()[1] or "[v" in line or last - first > 1 << 36:
                continue
            memory.seek(first)
            before = b""
            while first < last:
                chunk = memory.read(min(last - first, 1 << 24))
                if text in before + chunk:
                    return line
                before = chunk[-len(text):]
                first += len(chunk)
    return None


@pytest.mark.own_ssh("it is about our broker")
@pytest.mark.root
def test_the_broker_never_has_the_cookie(start, rig, node):
    """Root may read any process's memory: with a cookie from a file of ours, it is in the front's at most."""
    path = rig.write("memory.cookie", "rigcookie", 0o400)
    child = start(ENDLESS, "--cookie-file", path)
    others = tree(child.pid)[1:]
    assert others
    for pid in others:
        assert memory_holds(pid, path.encode())  # an argument, so that the search is known to find what is there
        assert memory_holds(pid, b"rigcookie") is None


def test_killed_at_any_moment_of_the_start_we_leave_nothing(beamline, rig, sshd, epmd, node):
    """The private folder is made by the one who removes it. (The fixture that looks for leftovers judges.)"""
    for step in range(60):
        child = subprocess.Popen([beamline.path, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "eval", "rig:demo", "1"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=rig.base_env())
        time.sleep(step / 4000)
        child.kill()
        child.wait()
