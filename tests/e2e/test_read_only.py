# SPDX-License-Identifier: GPL-3.0-or-later
"""eval --read-only on nodes of each release: what looks does the same as without, what would touch is refused and changes nothing."""

import json
import os
import re
import shutil

import pytest

from rig import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
# Where a release is asked for, that one: it is another run's business to ask for the others.
RELEASES = [os.environ["RIG_RELEASE"]] if "RIG_RELEASE" in os.environ else ["system", *(pytest.param(name, marks=pytest.mark.root) for name in ("bullseye", "trixie", "sid"))]


def texts(section):
    """Of remote_read_only.eterm, whose strings are JSON's too, one a line."""
    found, inside = [], False
    with open(os.path.join(HERE, "remote_read_only.eterm"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("{"):
                inside = line.startswith("{" + section + ",")
            elif inside and line.startswith('"'):
                found.append(json.loads(line.rstrip().rstrip(",")))
    return found


def blurred(text):
    """Pids and funs differ between two runs of anything."""
    return re.sub(r"<\d+\.\d+\.\d+>|#Fun<erl_eval[^>]*>", "@", text)


class Canary:
    """A node with something to touch, and how it is told that somebody did."""

    def __init__(self, rig, node):
        self.node = node
        source = os.path.join(rig.folder, "remote_canary.erl")
        shutil.copy(os.path.join(HERE, "remote_canary.erl"), source)
        node.eval(f'{{ok, M, B}} = compile:file("{source}", [binary]), {{module, M}} = code:load_binary(M, "{source}", B)')
        assert node.eval("remote_canary:start()") == "true"

    def state(self):
        """All but the processes, which a connection has some of while it ends."""
        return self.node.eval("erlang:delete_element(7, remote_canary:state())")


@pytest.fixture
def kept(beamline):
    """The connection stays from one text to the next."""
    yield ["--persist", "1m"]
    assert beamline("close", "--all", config=False, epmd_port=False).status == 0


@pytest.fixture(params=RELEASES)
def canary(request, rig, make, sshd, epmd):
    return Canary(rig, make.node("canary", epmd=epmd, home=sshd.home, release=request.param))


@pytest.mark.limit(300)
def test_what_looks_does_the_same(beamline, canary, kept):
    different, looking = [], texts("looking")
    assert len(looking) >= 60
    for text in looking:
        plain, read_only = (beamline("eval", *kept, *words, "rig:canary", "--", text) for words in ([], ["--read-only"]))
        shown = [(done.status, blurred(done.stdout), blurred(done.stderr)) for done in (plain, read_only)]
        if shown[0] != shown[1]:
            different.append((text, *shown))
    assert not different


@pytest.mark.limit(300)
def test_what_touches_is_refused(beamline, canary, kept):
    different, touching = [], texts("touching")
    assert len(touching) >= 80
    assert beamline("eval", *kept, "--read-only", "rig:canary", "1").stdout == "1\n"
    before, processes = canary.state(), canary.node.at_rest()
    for text in touching:
        done = beamline("eval", *kept, "--read-only", "--confirm", canary.node.full_name, "rig:canary", "--", text)
        if done.status != 77 or "[read_only]" not in done.stderr or "caught" in done.stdout or canary.state() != before:
            different.append((text, done, canary.state()))
    assert not different
    wait_for("as many processes as before", 10, lambda: canary.node.at_rest() == processes)
    assert canary.state() == before
    assert canary.node.eval('catch binary_to_existing_atom(<<"remote_", "canary_atom">>, utf8)').startswith("{'EXIT',{badarg")


def test_the_refusal_tells_what(beamline, node):
    done = beamline("eval", "--read-only", "rig:demo", 'io:format("x~n"), os:cmd("true")')
    assert (done.status, done.stdout) == (77, "")
    assert "os:cmd/1 is not among the harmless functions of --read-only; nothing was evaluated [read_only]" in done.stderr, done
    done = beamline("eval", "--read-only", "rig:demo", 'io:format("x~n"), F = fun os:cmd/1, F("true")')
    assert (done.status, done.stdout) == (77, "x\n")
    assert "os:cmd/1 is not among the harmless functions of --read-only; what stands before it has been evaluated" in done.stderr, done
    answer = json.loads(beamline("eval", "--read-only", "--json", "rig:demo", "halt()").stdout)
    assert (answer["ok"], answer["error"]["code"], answer["error"]["status"]) == (False, "read_only", 77)
    answer = json.loads(beamline("eval", "--read-only", "--json", "rig:demo", "lists:seq(1, 3)").stdout)
    assert answer["ok"] and answer["value"] == [1, 2, 3]


def test_other_ways_in(beamline, node, rig):
    path = rig.write("text.erl", "X = 6,\nX * 7.\nhalt().\n")
    done = beamline("eval", "--read-only", "rig:demo", "-f", path)
    assert done.status == 77 and "erlang:halt/0" in done.stderr, done
    assert beamline("eval", "--read-only", "rig:demo", stdin=b"6 * 7.").stdout == "42\n"
    assert beamline("eval", "--read-only", "--raw", "rig:demo", "<<1>>").out == b"\x01"
    assert beamline("eval", "--read-only", "--full", "rig:demo", "lists:seq(1, 3)").stdout == "[1,2,3]\n"
    done = beamline("eval", "--read-only", "rig:demo", "1 + ")
    assert done.status == 65 and "[syntax_error]" in done.stderr, done
    done = beamline("eval", "--read-only", "rig:demo", "1/0")
    assert done.status == 1 and "exception error" in done.stderr, done
    done = beamline("eval", "--read-only", "rig:demo", "(fun F() -> F() end)()", "--timeout", "500ms")
    assert done.status == 75, done


@pytest.mark.parametrize("words", [["--elixir"], ["--language", "elixir"]])
def test_not_for_elixir(beamline, node, words):
    done = beamline("eval", "--read-only", *words, "rig:demo", "1 + 1")
    assert done.status == 64 and "--read-only is for Erlang" in done.stderr and "macros" in done.stderr, done


def test_only_for_eval(beamline):
    assert beamline("rpc", "--read-only", "rig:demo", "erlang", "node").status == 64
