# SPDX-License-Identifier: GPL-3.0-or-later
"""The same lines in the node's own remote shell, `erl -remsh` or `iex --remsh`, and in ours: the screen must say the same of each."""

import os
import re

import pytest

from rig import Tmux, knows_host, program
from rig.roots import here

ERLANG = [
    "1 + 1.", "X = lists:seq(1, 40).", "lists:sum(X).", "v(2) =:= X.", "{X1, _} = lists:split(3, X).", "b().", "f(X1).", "X1.", "1/0.", "foo:bar(1).",
    "[{a, \"text\", <<\"binary\">>, 'Atom', #{k => 1.5}} || _ <- [1, 2]].", "rd(point, {x = 0, y}).", "#point{y = [1]}.", "rp(lists:seq(1, 60)).",
    "io:format(\"~p ~ts~n\", [{some, \"term\"}, \"grüße\"]).", "{unfinished,", "line}.", "fun(A) -> A end.", "catch throw(ball).", "case 1 of 2 -> x end.",
    "spawn_link(fun() -> exit(oops) end), timer:sleep(50), ok.", "maps:from_list([{I, I * I} || I <- lists:seq(1, 30)]).", "syntax error here.", "\"日本\".",
    "is_pid(self()).",
]
ELIXIR = [
    "1 + 1", "x = Enum.to_list(1..30)", "Enum.sum(x)", "v(1)", "%{a: 1, b: [2, 3]}", "\"grüße\"", "'charlist'", "1 / 0", "Foo.bar(1)", "raise \"oops\"", "[1,", "2]",
    "IO.puts(\"said\")", "defmodule SameOne do", "def a(1), do: :one", "end", "SameOne.a(1)", "SameOne.a(2)", "fn y -> y end", "y", ":atom", "<<1, 2, 3>>",
    "%{x | a: 1}",
]


def results(terminal, lines, prompt):
    """[(line, what the screen says of it)]: the screen, cut at its prompts."""
    pieces = re.split(prompt, terminal.screen, flags=re.MULTILINE)[1:]
    told = []
    for line, piece in zip(lines, pieces):
        head, _, rest = piece.partition("\n")
        assert head.strip() == line.strip(), (line, piece, terminal.screen[-1800:])
        told.append((line, blurred(rest)))
    return told


def blurred(text):
    text = re.sub(r"<\d+\.\d+\.\d+>", "<pid>", text)
    text = re.sub(r"#PID<\d+\.\d+\.\d+>", "#PID<pid>", text)
    text = re.sub(r"(erl_eval|:erl_eval|elixir|:elixir)\.\d+[./]\d+(\.\d+)?(/\d+)?", "fun", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def compare(own, ours):
    different = [(line, a, b) for (line, a), (_, b) in zip(own, ours) if a != b]
    assert not different, "\n\n".join(f"{line}\n--- its own\n{a}\n--- ours\n{b}" for line, a, b in different)


def run(terminal, lines, prompt):
    """Each line when the prompt for it is there; the terminal is closed."""
    try:
        for line in lines:
            terminal.expect(prompt, limit=40)
            terminal.line(line)
        terminal.expect(prompt)
        return results(terminal, lines, prompt)
    finally:
        terminal.close()


@pytest.fixture
def peer(rig, node, epmd):
    """peer(program, …) is a local BEAM's remote shell on the node, of the node's release."""
    def start(*argv):
        env = {**rig.base_env(), "HOME": node.home, "ERL_EPMD_PORT": str(epmd.port), "ERL_EPMD_ADDRESS": "127.0.0.1", **knows_host(rig, node)}
        first = argv[0] if here(rig.folder) else program(argv[0])
        return Tmux(rig, [*here(rig.folder), first, *argv[1:]], env, size=(100, 50))
    return start


def indent(node):
    """From 26 on a line that goes on an expression stands below it, behind as many blanks as the prompt is wide."""
    width = len(node.full_name)
    return rf" {{{width + 5},{width + 10}}}(?=\S)"


def cookie_of(node):
    with open(node.cookie_file, encoding="ascii") as file:
        return file.read().strip()


def ours(rig, beamline, sshd, epmd, tmp_path, *words):
    argv = [beamline.path, "shell", "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), *words, "rig:demo"]
    return Tmux(rig, argv, {**rig.base_env(), "XDG_STATE_HOME": str(tmp_path), "INPUTRC": "/dev/null"}, size=(100, 50))


def test_erlang_is_the_same(rig, beamline, sshd, epmd, node, peer, tmp_path):
    name = f"same{os.getpid()}"
    own = run(peer("erl", "-hidden", "-sname", name, "-setcookie", cookie_of(node), "-remsh", node.full_name), ERLANG, rf"^(?:\(demo@\S+\)\d+> |\.\.\. |\(demo@\S+\)\.\. | *\.\. |{indent(node)})")
    mine = run(ours(rig, beamline, sshd, epmd, tmp_path), ERLANG, r"^rig +(?:\(demo@\S+\)\d+> |\.\. )")
    compare(own, mine)


def test_elixir_is_the_same(rig, beamline, sshd, epmd, node, peer, tmp_path):
    name = f"same{os.getpid()}x"
    own = run(peer("iex", "--hidden", "--sname", name, "--cookie", cookie_of(node), "--remsh", node.full_name), ELIXIR, rf"^(?:iex\(demo@\S+\)\d+> |\.\.\.(?:\(demo@\S+\)\d+|\(\d+\))> | *\.\. |{indent(node)})")
    mine = run(ours(rig, beamline, sshd, epmd, tmp_path, "--elixir"), ELIXIR, r"^rig +(?:iex\(demo@\S+\)\d+> |\.\. )")
    compare(own, mine)
