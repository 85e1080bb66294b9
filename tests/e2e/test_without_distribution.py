# SPDX-License-Identifier: GPL-3.0-or-later
"""Where EPMD does not know a node: which BEAMs run on the host, how they were started, and what still works."""

import json
import os
import time

import pytest

from rig import free_port, program
from rig.roots import enter_root, root_for

@pytest.fixture
def host(make):
    """host(ps): an sshd whose ps lists what the line of shell says."""
    return lambda ps, **options: make.sshd(ps=ps, **options)


def only(mark):
    return f"/bin/ps \"$@\" | grep -e '{mark}' -e '[r]un_erl_{mark}'"


class Beam:
    """A BEAM of the release under test, by its own command line, which is ready when it says so."""

    def __init__(self, rig, mark, *args, env=None):
        release = os.environ.get("RIG_RELEASE", "system")
        root = None if release == "system" else root_for(release)
        home = os.path.join(rig.folder, f"beam.{rig.count()}")
        os.makedirs(home, mode=0o700)
        argv = [program("erl") if root is None else "erl", "-noinput", *args, "-eval", "io:format(\"up~n\").", "-mark", mark]
        if root is not None:
            argv = enter_root(root, rig.folder) + argv
        self.server = rig.spawn(argv, env={"HOME": home, "ERL_EPMD_ADDRESS": "127.0.0.1", **(env or {})}, cwd=home, name="beam")
        self.server.wait_until("up", 60, lambda: "up" in self.server.output())


@pytest.fixture
def beam(rig):
    made = []

    def start(*args, **options):
        mark = f"mark{rig.count()}x{os.getpid()}"
        made.append(Beam(rig, mark, *args, **options))
        return mark
    yield start
    for one in made:
        one.server.stop()


def said(done, status, code, *texts):
    assert done.status == status and f"[{code}]" in done.stderr, done
    for text in texts:
        assert text in done.stderr, (text, done)


@pytest.mark.parametrize("args", [("-setcookie", "geheim"), ("-proto_dist", "none"), ("-start_epmd", "false")], ids=" ".join)
def test_a_beam_without_a_name(beamline, host, beam, make, args):
    """With a name, -proto_dist none does not start at all."""
    config, empty = host(only(beam(*args))).config, make.epmd().port
    for words, port in ((("eval", "rig", "1"), empty), (("ping", "rig:shop"), empty), (("eval", "rig", "1"), free_port()), (("nodes", "rig"), free_port())):
        done = beamline(*words, config=config, epmd_port=port)
        said(done, 69, "no_distribution", "a BEAM runs there as user ", ", pid ", "started without distribution", "nothing can attach", "-sname NAME")
        assert "geheim" not in done.stderr and done.seconds < 3, done


def test_no_list_of_nodes_is_explained_as_well(beamline, host, beam, make):
    config, epmd = host(only(beam())).config, make.epmd()
    done = beamline("nodes", "rig", config=config, epmd_port=epmd.port)
    assert done.status == 0 and "started without distribution" in done.stderr and "no_distribution" not in done.stdout, done
    answer = json.loads(beamline("nodes", "--json", "rig", config=config, epmd_port=epmd.port).stdout)
    assert answer["nodes"] == [] and answer["without_nodes"][0]["host"] == "rig", answer
    assert answer["without_nodes"][0]["error"]["code"] == "no_distribution", answer


def test_the_cookie_stays_on_the_host(beamline, host, beam, make, rig):
    """What leaves it is what the command prints there: run it as sshd does, and read that."""
    mark = beam("-setcookie", "geheim", "-sname", "shop", "-proto_dist", "inet_tcp", "-start_epmd", "false", "-erl_epmd_port", str(free_port()))
    note = os.path.join(rig.folder, f"left.{rig.count()}")
    sshd = host(only(mark) + f" | tee {note}.ps", force_command=False, extra=[f"ForceCommand sh -c \"$SSH_ORIGINAL_COMMAND\" | tee {note}"])
    said(beamline("eval", "rig", "1", config=sshd.config, epmd_port=make.epmd().port), 69, "node_unknown", "runs there, though, as shop")
    with open(note + ".ps", encoding="utf-8") as seen, open(note, encoding="utf-8") as left:
        seen, left = seen.read(), left.read()
    assert "geheim" in seen and "geheim" not in left and "-sname shop" in left, left


def test_a_node_without_epmd_has_its_port_named(beamline, host, make):
    node = make.node("shop", epmd=None)
    config = host(only(node.control_path)).config
    said(beamline("eval", "rig:shop", "1", config=config), 69, "node_unknown", "it runs there, though, as shop", "without EPMD", f"--dist-port {node.dist_port}")
    done = beamline("eval", "--dist-port", node.dist_port, "--cookie-file", node.cookie_file, "rig:shop", "1+1", config=config)
    assert (done.status, done.stdout) == (0, "2\n"), done


def test_a_node_whose_epmd_was_restarted(beamline, host, make):
    epmd = make.epmd()
    node = make.node("shop", epmd=epmd)
    config = host(only(node.control_path)).config
    epmd.stop()
    said(beamline("eval", "rig:shop", "1", config=config, epmd_port=epmd.port), 69, "epmd_absent", "it runs there, though, as shop", "is not registered")


def test_a_node_at_another_epmd(beamline, host, make):
    epmd = make.epmd()
    config = host(only(make.node("shop", epmd=epmd).control_path)).config
    said(beamline("eval", "rig:shop", "1", config=config), 69, "node_unknown", f"--epmd-port {epmd.port}")


def test_what_the_account_sees_without_help(beamline, make):
    """Its own ps and ss."""
    epmd = make.epmd()
    name = f"shop{os.getpid()}"  # the account sees all of this machine
    node = make.node(name, epmd=epmd)
    done = beamline("eval", "-vv", f"rig:{name}", "1")
    said(done, 69, "node_unknown", f"though, as {name}", f"--epmd-port {epmd.port}")
    assert node.alive()


def test_a_node_of_another_name_keeps_the_answer(beamline, host, node, beam):
    said(beamline("eval", "rig:other", "1", config=host(only(beam())).config), 69, "node_unknown", "it knows: demo")


def test_a_console_is_named(beamline, host, make):
    config = host("echo '10 1 app /opt/app/bin/run_erl -daemon /tmp/p /l exec erl'; echo '11 10 app /x/bin/beam.smp -- -noshell'; echo '1 0 root init'").config
    said(beamline("eval", "rig", "1", config=config, epmd_port=make.epmd().port), 69, "no_distribution", "user app, pid 11", "to_erl")


def test_no_beam_at_all(beamline, host, make):
    said(beamline("eval", "rig:shop", "1", config=host("echo '1 0 root init'").config, epmd_port=make.epmd().port), 69, "node_unknown", "no BEAM runs there as far as this account can see")


def test_a_ps_of_busybox(beamline, host, make):
    config = host("[ \"$1\" = -e ] && exit 1; echo '11 1 app /x/bin/beam.smp -- -noshell'; echo '1 0 root init'").config
    said(beamline("eval", "rig", "1", config=config, epmd_port=make.epmd().port), 69, "no_distribution", "user app, pid 11")


@pytest.mark.parametrize("what", ["sleep 30", "yes beam", "head -c 2000000 /dev/zero", "exit 1", "printf '\\033[2J 1 1 x beam.smp'", "while :; do echo beam; sleep 0.2; done"])
def test_accounts_that_run_something_else_keep_the_answer(beamline, make, rig, what):
    script = rig.write(f"force.{rig.count()}", f"#!/bin/sh\n{what}\n", 0o700)
    sshd = make.sshd(force_command=False, extra=[f"ForceCommand {script}"])
    begin = time.monotonic()
    done = beamline("eval", "--cookie-file", rig.write(f"c.{rig.count()}", "x", 0o400), "rig:shop", "1", config=sshd.config)
    said(done, 69, "node_unknown", "EPMD on the host knows no node named shop")
    assert time.monotonic() - begin < 2.5 and "no BEAM" not in done.stderr and "\x1b" not in done.stderr, done


def test_accounts_that_may_run_nothing_keep_the_answer(beamline, make, rig):
    sshd = make.sshd(extra=["MaxSessions 0"])
    done = beamline("eval", "--cookie-file", rig.write(f"c.{rig.count()}", "x", 0o400), "rig:shop", "1", config=sshd.config)
    said(done, 69, "node_unknown")
    assert "no BEAM" not in done.stderr and done.seconds < 2.5, done


def test_ctrl_c_while_the_host_lists(beamline, host):
    terminal = beamline("eval", "rig:shop", "1", config=host("sleep 30").config, terminal=True)
    time.sleep(0.7)
    terminal.type("\x03")
    assert terminal.finish().status == 130
