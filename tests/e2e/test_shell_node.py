# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's side of the interactive shell: what code on the node does to it, and what is left behind."""

import os
import signal
import time

import pytest

from rig import RigError, knows_host, wait_for
from test_shell import PROMPT, prompt, says, shell  # noqa: F401 pylint: disable=unused-import

# Functions for {get_until, …} and {put_chars, …}, as somebody's library may have them.
MODULE = """
Forms = [begin {ok, T, _} = erl_scan:string(S), {ok, F} = erl_parse:parse_form(T), F end || S <- [
  "-module(beamline_probe_io).", "-export([garbage/2, deep/2, loop/2, crash/2, leaves/2, throws/2, more/2, write/1, spin/0]).",
  "garbage(_, _) -> {done, ok, [garbage, -1, 16#110000]}.", "deep(_, _) -> {done, ok, [[$a, [<<\\"b\\\\n\\">>]], $c | d]}.",
  "loop(A, B) -> loop(A, B).", "crash(_, _) -> 1 = 2.", "leaves(_, _) -> exit(kill).", "throws(_, _) -> throw({stop, thrown, [$x | y]}).",
  "more(C, _) -> {more, C}.", "write(X) -> X.", "spin() -> spin()."]],
{ok, M, B} = compile:forms(Forms), {module, M} = code:load_binary(M, "probe", B), ok
"""


@pytest.fixture
def probe(node):
    node.eval(MODULE)
    yield node
    node.eval("code:purge(beamline_probe_io), code:delete(beamline_probe_io), code:purge(beamline_probe_io)")


def goes_on(terminal):
    terminal.seen = 0
    terminal.line("{still, here}.")
    terminal.expect(r"^\{still,here\}$")


# Each is a message to the group leader, and no crash of it, nor an answer that its sender could not take.
FORGED = [
    "io_request", "{io_request}", "{io_request, self(), r}", "{io_request, not_a_pid, r, getopts}", "{io_request, 17, r, {get_line, unicode, \"x\"}}",
    "{io_request, {a, b, c}, r, {put_chars, unicode, <<\"x\">>}}", "{io_request, {nobody, node()}, r, {put_chars, unicode, <<\"x\">>}}",
    "{io_request, make_ref(), r, {put_chars, unicode, \"x\"}}", "{io_request, <<>>, r, {requests, []}}",
    "{io_request, self(), r, {requests, [a | b]}}", "{io_request, self(), r, {requests, foo}}", "{io_request, self(), r, {setopts, [binary | b]}}",
    "{io_request, self(), r, {setopts, [{}, {binary}, {binary, x} | b]}}", "{io_request, self(), r, {setopts, foo}}",
    "{io_request, self(), r, {put_chars, foo, <<\"x\">>}}", "{io_request, self(), r, {put_chars, unicode, [x | y]}}",
    "{io_request, self(), r, {put_chars, unicode, <<255>>}}", "{io_request, self(), r, {put_chars, unicode, fun() -> x end}}",
    "{io_request, self(), r, {put_chars, unicode, no, such, function}}", "{io_request, self(), r, {put_chars, unicode, erlang, exit, [kill]}}",
    "{io_request, self(), r, {put_chars, unicode, erlang, halt, foo}}", "{io_request, self(), r, {put_chars, unicode, beamline_probe_io, write, [{x}]}}",
    "{io_request, self(), r, {get_geometry, foo}}", "{io_request, self(), r, {get_password, unicode}}", "{io_request, self(), r, <<0:80000000>>}",
    "{io_request, self(), r, {requests, [{get_line, unicode, x}, {requests, [{put_chars, x}]}]}}", "{io_reply, r, x}",
    "{'DOWN', make_ref(), process, self(), x}", "{'EXIT', self(), x}", "{make_ref(), 0, x}", "lists:seq(1, 1000000)", "#{}", "fun() -> 1 end",
]


def test_messages_of_any_shape(shell, probe):  # noqa: F811
    terminal = shell()
    for message in FORGED:
        terminal.line(f"group_leader() ! {message}, ok.")
    terminal.expect(prompt(len(FORGED) + 1), limit=30)
    # The same from a process that is dead by the time.
    terminal.line(f"[spawn(fun() -> group_leader() ! M end) || M <- [{', '.join(FORGED[:20])}], _ <- lists:seq(1, 50)], ok.")
    terminal.expect("^ok$")
    goes_on(terminal)
    says(terminal, "io:setopts([binary | x]), io:setopts([list]).", "ok$")
    terminal.keys("C-d")
    assert terminal.status() == 0


def test_requests_to_read_of_any_shape(shell, probe):  # noqa: F811
    terminal = shell()
    for function, answer in (("garbage", "ok"), ("deep", "ok"), ("crash", r"\{error,"), ("leaves", r"\{error,"), ("throws", ""), ("no_such", r"\{error,")):
        says(terminal, f"io:request(group_leader(), {{get_until, unicode, \"p> \", beamline_probe_io, {function}, []}}).", r"rig reads\| p> ")
        terminal.line("a line")
        terminal.expect("^" + answer)
        goes_on(terminal)
    for request in ("{get_chars, unicode, \"p> \", foo}", "{get_chars, unicode, \"p> \", -1}", "{get_line, foo, \"p> \"}", "{get_line, \"p> \"}",
                    "{get_until, \"p> \", erlang, hd, [x]}", "{get_until, unicode, \"p> \", [], x, foo}"):
        terminal.line(f"P = spawn(fun() -> io:request(group_leader(), {request}) end), timer:sleep(200), f(P).")
        terminal.expect(r"^rig reads\| p> ")
        terminal.keys("Enter")
        time.sleep(0.3)
        # One that has no end is still waiting.
        terminal.keys("C-c")
        time.sleep(0.3)
        terminal.line("[exit(Q, kill) || Q <- processes(), element(2, process_info(Q, group_leader)) =:= group_leader(), "
                      "element(2, process_info(Q, current_function)) =:= {io, wait_io_mon_reply, 2}], ok.")
        goes_on(terminal)


@pytest.mark.parametrize("text", ["{[1000, -1, foo], x}", "{format, \"~p~p\", [1]}", "{format, x, y}", "[garbage | tail]", "<<255, 254>>",
                                  "lists:duplicate(5000000, $x)", "[[[\"a\", <<\"b\">>]]]", "self()", "fun() -> x end"])
def test_prompts_of_any_shape(shell, node, text):  # noqa: F811
    terminal = shell()
    terminal.line(f"io:get_line({text}).")
    terminal.expect(r"^rig reads\| ")
    terminal.line("an answer")
    terminal.expect('an answer')
    goes_on(terminal)


def test_readers_that_die(shell, node):  # noqa: F811
    terminal = shell()
    terminal.line("Ps = [spawn(fun() -> io:get_line(\"x> \") end) || _ <- lists:seq(1, 300)], timer:sleep(300), [exit(P, kill) || P <- Ps], length(Ps).")
    terminal.expect("^300$", limit=30)
    terminal.expect(prompt(2))
    goes_on(terminal)
    terminal.line("Q = spawn(fun() -> io:get_line(\"first> \") end), R = spawn(fun() -> io:get_line(\"second> \") end), timer:sleep(500), exit(Q, kill), ok.")
    terminal.expect(r"^rig reads\| second> ")
    terminal.line("to the second")
    goes_on(terminal)


def test_a_reader_on_another_node(shell, make, rig, epmd, sshd, node):  # noqa: F811
    other = make.node("far", epmd=epmd, home=sshd.home)
    make.node("near", epmd=epmd, home=sshd.home, env=knows_host(rig, node))
    terminal = shell(target="rig:near", prompt=False)
    terminal.expect(r"^rig \(near@\S+\)1> ")
    terminal.line(f"spawn('{other.full_name}', io, get_line, [\"far> \"]), spawn('{other.full_name}', io, put_chars, [\"from afar~n\"]), timer:sleep(500).")
    terminal.expect(r"^rig reads\| far> ")
    terminal.line("an answer")
    goes_on(terminal)
    terminal.line(f"spawn('{other.full_name}', io, get_line, [\"far again> \"]), timer:sleep(500).")
    terminal.expect(r"^rig reads\| far again> ")
    other.stop()
    goes_on(terminal)
    terminal.keys("C-d")
    assert terminal.status() == 0


def test_text_that_is_no_utf8(shell, rig, node):  # noqa: F811
    """As an old terminal sends it, or a paste from one."""
    terminal = shell(env={"LC_ALL": "C"})
    path = rig.write(f"latin1.{rig.count()}", "")
    with open(path, "wb") as file:
        file.write(b"X = \"gr\xfc\xdfe\".")
    terminal.tmux("load-buffer", path)
    terminal.tmux("paste-buffer", "-p")
    terminal.keys("Enter")
    time.sleep(0.5)
    goes_on(terminal)


@pytest.mark.parametrize("request_", ["{get_until, unicode, \"p> \", beamline_probe_io, loop, []}", "{put_chars, unicode, beamline_probe_io, spin, []}"])
def test_a_function_without_end(shell, probe, request_):  # noqa: F811
    """It runs where it keeps the shell from hearing us; one can leave, and it ends then."""
    before = probe.at_rest()
    terminal = shell()
    terminal.line(f"io:request(group_leader(), {request_}).")
    if "get_until" in request_:
        terminal.expect(r"^rig reads\| p> ")
        terminal.line("x")
    time.sleep(0.5)
    terminal.keys("C-c")
    time.sleep(0.8)
    terminal.keys("C-c")
    assert terminal.status(8) == 0
    wait_for("its end on the node", 10, lambda: probe.at_rest() == before)


SESSIONS = int(os.environ.get("BEAMLINE_SESSIONS", "200"))


@pytest.mark.limit(60 + SESSIONS * 2)
@pytest.mark.parametrize("language", ["erlang", "elixir"])
def test_hundreds_of_sessions_leave_nothing(beamline, node, tmp_path, language):
    words = ["--elixir"] if language == "elixir" else []
    text = "lists:sum([1, 2]), spawn_link(fun() -> receive x -> x end end)." if not words else "spawn_link(fn -> Process.sleep(:infinity) end)"

    def visit(number):
        terminal = beamline("shell", *words, "rig:demo", env={"XDG_STATE_HOME": str(tmp_path), "INPUTRC": "/dev/null"}, terminal=True)
        try:
            terminal.expect(r"1\)?> ")
            if number % 2:
                terminal.type("lists:se\t" if not words else "Enum.ma\t")
                terminal.type("\x15" + text + "\r")
                terminal.expect(r"2\)?> ")
            os.kill(terminal.pid, (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)[number % 3])
            terminal.finish()
        except RigError as problem:
            raise AssertionError(f"session {number}: {problem}") from None

    for number in range(6):
        visit(number)
    node.at_rest()
    before = node.counts()
    for number in range(SESSIONS // (1 if language == "erlang" else 4)):
        visit(number)
    node.at_rest()
    same = ("process_count", "port_count", "ets_count")
    wait_for("the last session's end", 10, lambda: all(node.counts()[key] <= before[key] for key in same))
    assert node.number_of("atom_count") - before["atom_count"] < 10
    assert node.nodes("visible") == "[]"
