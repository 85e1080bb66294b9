# SPDX-License-Identifier: GPL-3.0-or-later
"""The interactive shell, in a real terminal: each test is a dialogue, judged by what stands on the screen."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from rig import Tmux, wait_for

OTP = {"bullseye": 23, "bookworm": 25, "system": 25, "trixie": 27, "sid": 29}[os.environ.get("RIG_RELEASE", "system")]


@pytest.fixture
def shell(rig, beamline, sshd, epmd, node, tmp_path):
    """shell(words…) is a shell on the session's node in a terminal, at its first prompt."""
    opened = []

    def start(*words, config=None, target="rig:demo", env=None, prompt=True, **options):
        argv = [beamline.path, "shell", "--ssh-config", config or sshd.config, "--epmd-port", str(epmd.port), *words, target]
        terminal = Tmux(rig, argv, {**rig.base_env(), "XDG_STATE_HOME": str(tmp_path), "INPUTRC": "/dev/null", **(env or {})}, **options)
        opened.append(terminal)
        if prompt:
            terminal.expect(PROMPT.format(1))
        return terminal

    yield start
    for terminal in opened:
        terminal.close()


PROMPT = r"^rig \(demo@\S+\){}> "
IEX = r"^rig iex\(demo@\S+\){}> "


def prompt(number, pattern=PROMPT):
    return pattern.format(number)


@pytest.fixture
def iex(shell):
    def start(*words, **options):
        terminal = shell("--elixir", *words, prompt=False, **options)
        terminal.expect(prompt(1, IEX))
        return terminal
    return start


def says(terminal, text, *expected):
    """Types the text; what follows must appear, in this order, each at a line's beginning."""
    terminal.line(text)
    for pattern in expected:
        terminal.expect("^" + pattern)


def test_a_line_and_its_result(shell):
    terminal = shell()
    says(terminal, "lists:seq(1, 5).", r"\[1,2,3,4,5\]$", r"rig \(demo@\S+\)2> ")
    says(terminal, "1/0.", r"\*\* exception error:", r"rig \(demo@\S+\)3> ")
    terminal.keys("C-d")
    assert terminal.status() == 0
    assert re.match(rf"rig, node demo@\S+, OTP {OTP}, \d+\.\d ms away; :help tells more\nEshell V", terminal.screen)


def test_bindings_and_history_of_results(shell):
    terminal = shell()
    says(terminal, "X = 40.", "40$")
    says(terminal, "X + 2.", "42$")
    says(terminal, "v(2) * 2.", "84$")
    says(terminal, "f(X).", "ok$")
    says(terminal, "X = other.", "other$")
    says(terminal, "b().", "X = other$", "ok$")


def test_several_lines_of_one_expression(shell):
    terminal = shell()
    says(terminal, "{a,", r"rig +\.\. ")
    says(terminal, "b,", r"rig +\.\. ")
    says(terminal, "c}.", r"\{a,b,c\}$", prompt(2)[1:])


def test_two_expressions_on_one_line(shell):
    terminal = shell()
    says(terminal, "A = 1. A + 1. A + 2.", "1$", "2$", "3$", prompt(4)[1:])


def test_records_of_a_module(shell):
    terminal = shell()
    says(terminal, "rd(point, {x = 0, y}).", "point$")
    says(terminal, "#point{y = 2}.", r"#point\{x = 0,y = 2\}$")
    says(terminal, "rl(point).", r"-record\(point,\{x = 0, ?y\}\)\.$")


def test_helpers_of_the_shell(shell):
    terminal = shell()
    says(terminal, "is_list(h()).", "", prompt(2)[1:])
    says(terminal, "memory(total) > 0.", "true$")
    says(terminal, "pid(0,1,0).", r"<0\.1\.0>$")


def test_code_that_reads_a_line(shell):
    """Its prompt cannot pass for the shell's own."""
    terminal = shell()
    says(terminal, 'io:get_line("rig (demo@vm)9> ").', r"rig reads\| rig \(demo@vm\)9> ")
    says(terminal, "what I typed", r'"what I typed\\n"$')
    says(terminal, 'io:read("term: ").', r"rig reads\| term: ")
    says(terminal, "{a, [b]}.", r"\{ok,\{a,\[b\]\}\}$")
    says(terminal, 'io:get_chars("three: ", 3).', r"rig reads\| three: ")
    says(terminal, "abcdef", '"abc"$')


def test_what_the_terminal_is(shell):
    terminal = shell(size=(100, 40))
    says(terminal, "{io:columns(), io:rows()}.", r"\{\{ok,100\},\{ok,40\}\}$")
    terminal.resize(70, 20)
    time.sleep(0.2)
    says(terminal, "{io:columns(), io:rows()}.", r"\{\{ok,70\},\{ok,20\}\}$")
    says(terminal, "proplists:get_value(encoding, io:getopts()).", "unicode$")


def test_characters_of_all_kinds(shell):
    terminal = shell()
    says(terminal, 'io:format("~ts~n", ["grüße 日本 ✓"]).', "grüße 日本 ✓$", "ok$")
    terminal.type("X = \"日本x\"")
    terminal.keys("Left", "Left", "BSpace", "End")
    says(terminal, ".", r'"日x"$|\[26085,120\]$')


def test_a_pasted_block_is_one_input(shell):
    terminal = shell()
    terminal.paste("".join(f"V{i} = {i}.\n" for i in range(1, 501)))
    time.sleep(0.3)
    terminal.keys("Enter")
    terminal.expect(prompt(501), limit=60)
    says(terminal, "V1 + V500.", "501$")


def test_editing_keys(shell):
    terminal = shell()
    terminal.type("2, 3].")
    terminal.keys("C-a")
    terminal.type("[1, ")
    terminal.keys("Enter")
    terminal.expect(r"^\[1,2,3\]$")
    terminal.type("nonsense")
    terminal.keys("C-u")
    says(terminal, "ok.", "ok$", prompt(3)[1:])


def test_inputrc_counts(shell, rig):
    inputrc = rig.write(f"inputrc.{rig.count()}", "set editing-mode vi\n")
    terminal = shell(env={"INPUTRC": inputrc})
    terminal.type("xabc.")
    terminal.keys("Escape")
    time.sleep(0.7)
    terminal.type("0x")
    terminal.keys("Enter")
    terminal.expect("^abc$")


def test_history_over_restarts(shell, tmp_path):
    terminal = shell()
    says(terminal, "first_line.", "first_line$")
    says(terminal, "second_line.", "second_line$")
    says(terminal, "second_line.", "second_line$")
    says(terminal, " secret_line.", "secret_line$")
    says(terminal, 'io:get_line("> ").', r"rig reads\| ")
    says(terminal, "an answer", '"an answer')
    terminal.keys("C-d")
    assert terminal.status() == 0
    path = tmp_path / "beamline" / "history" / "rig:demo"
    assert path.stat().st_mode & 0o777 == 0o600
    kept = [line for line in path.read_text().splitlines() if not re.fullmatch(r"#\d+", line)]
    assert kept == ["first_line.", "second_line.", 'io:get_line("> ").'], kept
    again = shell()
    again.keys("Up", "Up", "Enter")
    again.expect("^second_line$")
    again.keys("C-r")
    again.type("first")
    again.keys("Enter")
    again.expect("^first_line$")


def test_output_while_one_types(shell):
    terminal = shell()
    says(terminal, 'spawn(fun() -> timer:sleep(700), io:format("from behind~n") end).', r"<\d")
    terminal.expect(prompt(2))
    terminal.type("half ")
    time.sleep(1.2)
    terminal.type("a line")
    terminal.seen = 0
    terminal.expect(r"^from behind\nrig \(demo@\S+\)2> half a line$")


def test_what_is_typed_ahead_waits_for_its_prompt(shell):
    terminal = shell()
    terminal.line("timer:sleep(1000).")
    time.sleep(0.2)
    terminal.line("typed_ahead.")
    terminal.expect("^ok$")
    terminal.expect(r"^rig \(demo@\S+\)2> typed_ahead\.$")
    terminal.expect("^typed_ahead$")


def test_interrupting_an_endless_loop_keeps_bindings(shell):
    terminal = shell()
    says(terminal, "Kept = 7.", "7$")
    terminal.line("F = fun(G) -> G(G) end, F(F).")
    time.sleep(0.4)
    terminal.keys("C-c")
    terminal.expect(r"^\*\* exception exit: (killed|interrupted?)")
    says(terminal, "Kept.", "7$")


def test_interrupting_a_flood(shell):
    terminal = shell("--output-lines", "100")
    terminal.line('G = fun(H) -> io:format("~s~n", [lists:duplicate(70, $x)]), H(H) end, G(G).')
    terminal.expect("^x{70}$")
    time.sleep(1)
    terminal.expect("^… the rest is not shown; Ctrl-C ends the evaluation$")
    begun = time.monotonic()
    terminal.keys("C-c")
    terminal.expect(r"^\*\* exception exit: ", limit=5)
    assert time.monotonic() - begun < 2
    terminal.seen = 0  # what the flood has pushed out of the history counts no more
    says(terminal, "still_there.", "still_there$")


def test_interrupting_the_line_and_what_is_unfinished(shell):
    terminal = shell()
    terminal.type("never sent")
    terminal.expect("never sent$")
    terminal.seen = 0
    terminal.keys("C-c")
    terminal.expect(r"never sent\^C$")
    terminal.expect(prompt(1))
    says(terminal, "{unfinished,", r"rig +\.\. ")
    terminal.keys("C-c")
    terminal.expect(prompt(1))
    says(terminal, "fine.", "fine$", prompt(2)[1:])
    says(terminal, 'io:get_line("read: ").', r"rig reads\| ")
    terminal.keys("C-c")
    terminal.expect(r"^\*\* exception exit: ")
    says(terminal, "fine.", "fine$")


def test_suspended_and_continued(shell, rig, sshd, epmd, beamline):
    argv = ["bash", "--norc", "-i"]
    terminal = shell(prompt=False)
    terminal.close()
    terminal = Tmux(rig, argv, {**rig.base_env(), "PS1": "$ "})
    try:
        terminal.line(f"{beamline.path} shell --ssh-config {sshd.config} --epmd-port {epmd.port} rig:demo")
        terminal.expect(prompt(1))
        says(terminal, "Kept = 1.", "1$")
        terminal.type("half")
        terminal.keys("C-z")
        terminal.expect("Stopped")
        terminal.line("echo in the $((1+1))nd shell")
        terminal.expect("^in the 2nd shell$")
        terminal.line("fg")
        terminal.expect(prompt(2))
        says(terminal, "Kept + 1.", "2$")
        terminal.keys("C-d")
        terminal.line("echo left: $?")
        terminal.expect("^left: 0$")
        terminal.line("stty -a | grep -o ' .echo '; stty -a | grep -o ' icanon'")
        terminal.expect("^ icanon$")
    finally:
        terminal.close()


@pytest.mark.parametrize("word", ["exit", "exit().", ":quit", "exit."])
def test_words_that_leave(shell, node, word):
    terminal = shell()
    terminal.line(word)
    assert terminal.status() == 0
    assert node.alive()


@pytest.mark.parametrize("text", ["halt().", "init:stop().", "q().", "erlang:halt(1).", "M = init, M:stop().", "apply(init, stop, []).",
                                  "spawn(fun init:stop/0).", "exit(whereis(kernel_sup), kill)."])
def test_what_could_stop_the_node_is_asked_about(shell, node, text):
    terminal = shell()
    says(terminal, text, r".*could stop the node demo@\S+\.$", r"Type the node's name to go on: ")
    says(terminal, "no", "beamline: .*not done$", prompt(1)[1:])
    says(terminal, "alive.", "alive$")
    assert node.alive()


def test_the_guard_sees_through_lines_before(shell):
    terminal = shell()
    says(terminal, "M = init.", "init$")
    says(terminal, "F = stop.", "stop$")
    says(terminal, "M:F().", r".*could stop the node")
    says(terminal, "no", ".*not done$")
    terminal.line("M:F(),")
    terminal.line("ok.")
    terminal.expect("could stop the node")
    terminal.line("no")
    terminal.expect(prompt(3))


def test_behind_a_refused_line_nothing_runs(shell):
    terminal = shell()
    terminal.paste("A = 1.\nhalt().\nB = 2.\n")
    time.sleep(0.3)
    terminal.keys("Enter")
    terminal.expect("^1$")
    terminal.expect("could stop the node")
    says(terminal, "no", ".*not done$", prompt(2)[1:])
    says(terminal, "B.", r"\* 1:1: variable 'B' is unbound$|\* 1: variable 'B' is unbound$")


def test_a_confirmed_line_is_done(shell, make, sshd, epmd):
    other = make.node("victim", epmd=epmd, home=sshd.home)
    terminal = shell(target="rig:victim", prompt=False)
    terminal.expect(r"^rig \(victim@\S+\)1> ")
    says(terminal, "init:stop().", ".*could stop the node")
    terminal.line("victim")
    terminal.expect(r"\[node_lost\]|\[exception\]")
    terminal.expect(r"^rig \(not connected")
    wait_for("its end", 10, lambda: not other.alive())
    terminal.line(":quit")
    assert terminal.status() != 0


def test_completion_of_functions(shell):
    terminal = shell()
    terminal.type("lists:mapfo")
    terminal.keys("Tab")
    terminal.expect(r"lists:mapfold")
    terminal.type("l(fun(X, A) -> {X, A} end, 0, [1]).")
    terminal.keys("Enter")
    terminal.expect(r"^\{\[1\],0\}$")
    terminal.type("lists:keys")
    terminal.keys("Tab")
    terminal.expect("keysearch|keysort")
    terminal.keys("C-c")
    terminal.type("erlang:system_in")
    terminal.keys("Tab")
    terminal.expect(r"erlang:system_info\(")


def test_completion_of_variables(shell):
    """From 26 on the shell tells its bindings."""
    terminal = shell()
    says(terminal, "LongVariableName = 12.", "12$")
    terminal.type("LongVar")
    terminal.keys("Tab")
    time.sleep(0.5)
    if OTP < 26:
        terminal.type("iableName")
    terminal.expect(r"2> LongVariableName")
    says(terminal, ".", "12$")


def test_completion_of_our_own_commands(shell):
    terminal = shell()
    terminal.type(":rec")
    terminal.keys("Tab", "Tab")
    time.sleep(0.3)
    terminal.seen = 0
    terminal.expect("^:record  :reconnect$")
    terminal.type("n")
    terminal.keys("Tab")
    terminal.expect(r"1> :reconnect ?$")
    terminal.keys("C-u")
    says(terminal, "fine.", "fine$")


def test_documentation_at_the_cursor(shell):
    terminal = shell()
    terminal.type("lists:foldl(")
    terminal.keys("M-h")
    time.sleep(1)
    terminal.seen = 0
    terminal.expect(r"foldl\(F")
    terminal.expect(r"^rig \(demo@\S+\)1> lists:foldl\($")


def test_commands_of_ours(shell):
    terminal = shell()
    says(terminal, ":help", r"  :reconnect ", prompt(1)[1:])
    says(terminal, ":nonsense", "beamline: there is no such command; :help lists them$", prompt(1)[1:])
    says(terminal, "A = 1.", "1$")
    terminal.line(":reconnect")
    terminal.expect("^Eshell")
    terminal.expect(prompt(1))
    says(terminal, ":node", r"demo@\S+ on rig$")
    says(terminal, "A.", r"\* 1(:1)?: variable 'A' is unbound$")


def test_control_sequences_are_text(shell):
    terminal = shell()
    says(terminal, r'io:put_chars("\e]0;title\x07\e[2J\e[31mred\e[0m\e[?1049h\e]52;c;Zm9v\x07\n").',
         r"\^\[\]0;title\^G\^\[\[2Jred\^\[\[\?1049h\^\[\]52;c;Zm9v\^G$", "ok$")
    assert "\x1b[31mred" in terminal.coloured
    says(terminal, r'io:get_line("\e[2Jpassword: ").', r"rig reads\| \^\[\[2Jpassword: ")


def test_the_environment_is_in_the_prompt(shell, settings_with):
    settings = settings_with('environment = "production"; colour = "red";', host="rig")
    terminal = shell("--config", settings, prompt=False)
    terminal.expect(r"^rig\|production \(demo@\S+\)1> ")
    assert re.search(r"\x1b\[1m\x1b\[31mrig\|production|\x1b\[1;31mrig\|production|\x1b\[31m\x1b\[1mrig\|production", terminal.coloured), terminal.coloured


def test_a_lost_link_and_a_new_shell(shell, make, sshd):
    proxy = make.proxy(sshd.port)
    terminal = shell(config=sshd.client_config(port=proxy.port))
    says(terminal, "A = 1.", "1$")
    proxy.cut()
    terminal.expect(r"\[ssh_lost\]")
    terminal.expect(r"^rig \(not connected; :reconnect or :quit\)> ")
    terminal.line(":reconnect")
    terminal.expect(prompt(1))
    terminal.keys("Up", "Up", "Enter")
    terminal.expect("^1$")


def processes(node):
    return int(node.eval("erlang:system_info(process_count)"))


@pytest.mark.own_ssh("OpenSSH may notice a killed front late")
def test_rough_code_leaves_nothing(shell, node):
    before = processes(node)
    for text in ("exit(group_leader(), kill).", "process_flag(trap_exit, true), register(rough, self()), [spawn_link(fun() -> process_flag(trap_exit, true), "
                 "timer:sleep(infinity) end) || _ <- [1,2,3]], exit(group_leader(), kill), timer:sleep(infinity).", "exit(shell_died)."):
        terminal = shell()
        terminal.line(text)
        time.sleep(0.5)
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.status()
        wait_for("its processes' end", 10, lambda: processes(node) <= before)


@pytest.mark.own_ssh("OpenSSH may notice a killed front late")
def test_killed_at_any_moment_it_leaves_nothing(rig, beamline, sshd, epmd, node, tmp_path):
    before = processes(node)
    for step in range(15):
        terminal = beamline("shell", "rig:demo", env={"XDG_STATE_HOME": str(tmp_path)}, terminal=True)
        time.sleep(step / 50)
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.finish()
    wait_for("its processes' end", 10, lambda: processes(node) <= before)


def test_processes_that_go_on_are_told(shell):
    terminal = shell()
    says(terminal, "spawn(fun() -> timer:sleep(3000) end).", "<")
    terminal.keys("C-d")
    terminal.status()
    assert "1 process started in this shell, not linked to it, goes on running on the node" in terminal.screen


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)])
def test_signals_restore_the_terminal(beamline, node, tmp_path, number, status):
    terminal = beamline("shell", "rig:demo", env={"XDG_STATE_HOME": str(tmp_path)}, terminal=True)
    terminal.expect("1> ")
    os.kill(terminal.pid, number)
    assert terminal.finish().status == status


def script(beamline, text, *words, **options):
    return beamline("shell", *words, "rig:demo", stdin=text.encode(), **options)


def test_sentences_on_standard_input(beamline, node):
    done = script(beamline, "A = 20.\nB = A + 1,\nio:format(\"said~n\"),\nB * 2.\n\n%% a comment\n#{A => [B]}.\n")
    assert (done.stdout, done.stderr, done.status) == ("20\nsaid\n42\n#{20 => [21]}\n", "", 0), done
    done = script(beamline, "A = 1.\nA + b.\nnever.\n")
    assert done.stdout == "1\n" and done.status == 1 and "** exception error" in done.stderr, done
    done = script(beamline, "A = 1.\nA + b.\nC.\nA + 1.\n", "--keep-going")
    assert done.stdout == "1\n2\n" and done.status == 1, done
    assert "** exception error" in done.stderr and re.search(r"\* 3:?1?: variable 'C' is unbound", done.stderr), done
    done = script(beamline, "a.\nb c.\n")
    assert done.stdout == "" and done.status == 65 and "line 2" in done.stderr, done
    done = script(beamline, "last_dot_missing")
    assert (done.stdout, done.status) == ("last_dot_missing\n", 0), done


def test_sentences_cannot_stop_the_node(beamline, node):
    done = script(beamline, "a.\nhalt().\n")
    assert done.stdout == "" and done.status == 77 and "halt" in done.stderr, done
    done = script(beamline, "")
    assert done.status == 65, done
    done = script(beamline, "erlang:node().\nos:cmd(\"true\").\n", "--read-only")
    assert done.status == 77 and "[read_only]" in done.stderr, done
    assert node.alive()


def test_expressions_of_elixir_on_standard_input(beamline, node):
    done = script(beamline, "x = 20\ny = x + 1\nIO.puts(\"said\")\n[x, y]\n", "--elixir")
    assert (done.stdout, done.stderr, done.status) == ("20\n21\nsaid\n:ok\n[20, 21]\n", "", 0), done
    done = script(beamline, "x = 1\nraise \"oops\"\nx + 1\n", "--elixir", "--keep-going")
    assert done.stdout == "1\n2\n" and done.status == 1 and "(RuntimeError) oops" in done.stderr, done


def test_without_a_screen(beamline, node, rig):
    terminal = beamline("shell", "rig:demo", terminal=True, stdout=subprocess.DEVNULL)
    terminal.expect("standard output is none")
    assert terminal.finish().status == 64


# Elixir

def test_iex(iex):
    terminal = iex()
    says(terminal, "x = 40", "40$")
    says(terminal, "x + 2", "42$")
    says(terminal, "v(1)", "40$")
    terminal.keys("C-d")
    assert terminal.status() == 0


def test_iex_of_several_lines(iex):
    terminal = iex()
    for line in ("defmodule Several do", "  def a, do: 11", "end"):
        terminal.line(line)
    terminal.expect(r"^\{:module, Several,")
    says(terminal, "Several.a() + 1", "12$")
    says(terminal, "[1,", r"rig +\.\. ")
    terminal.keys("C-c")
    says(terminal, ":fine", ":fine$")


def test_iex_pasted(iex):
    terminal = iex()
    terminal.paste("".join(f"v{i} = {i}\n" for i in range(1, 51)))
    time.sleep(0.3)
    terminal.keys("Enter")
    terminal.expect(prompt(51, IEX), limit=30)
    says(terminal, "v1 + v50", "51$")


def test_iex_completion(iex):
    terminal = iex()
    terminal.type("Enum.flat_map_re")
    terminal.keys("Tab")
    terminal.expect(r"Enum\.flat_map_reduce")
    terminal.keys("C-c")
    terminal.type("String.to_")
    terminal.keys("Tab")
    terminal.seen = 0
    terminal.expect(r"^to_atom/1")
    terminal.expect(r"^to_charlist/1")


def test_iex_reads(iex):
    terminal = iex()
    says(terminal, 'IO.gets("name? ")', r"rig reads\| name\? ")
    says(terminal, "José", r'"José\\n"$')


@pytest.mark.parametrize("text", ["System.halt", "System.stop(0)", ":init.stop()", "0 |> System.halt()", "apply(System, :halt, [])"])
def test_iex_guard(iex, node, text):
    terminal = iex()
    says(terminal, text, ".*could stop the node")
    says(terminal, "no", ".*not done$")
    says(terminal, ":alive", ":alive$")
    assert node.alive()


def test_iex_guard_over_lines(iex):
    terminal = iex()
    says(terminal, "m = System", "System$")
    says(terminal, "m.halt(", r"rig +\.\. ")
    says(terminal, "0)", ".*could stop the node")
    says(terminal, "no", ".*not done$")
    says(terminal, ":alive", ":alive$")


def test_iex_interrupted(iex):
    terminal = iex()
    terminal.line("Process.sleep(:infinity)")
    time.sleep(0.3)
    terminal.keys("C-c")
    terminal.expect(r"^\*\* \(EXIT")
    says(terminal, "1 + 1", "2$")


def test_iex_where_there_is_none(shell, make, epmd, sshd):
    make.node("plain", epmd=epmd, home=sshd.home)
    terminal = shell("--elixir", target="rig:plain", prompt=False)
    terminal.expect(r"\[no_elixir\]|iex\(plain@")


# Commands of ours, and what is kept

def test_information(shell):
    terminal = shell()
    says(terminal, ":info", rf"  node +demo@\S+, OTP {OTP}", "  up ", "  memory ", "  processes +[0-9]+ of ", r"  connected +\d+ visible")


def test_more_than_is_shown(shell, tmp_path):
    terminal = shell("--output-lines", "10")
    says(terminal, '[io:format("line ~w~n", [I]) || I <- lists:seq(1, 500)], done.', "line 10$", "… 491 more lines")
    assert "line 11" not in terminal.screen
    says(terminal, ":more", "line 11$", "line 20$", "… 481 more lines")
    says(terminal, f":save {tmp_path}/saved", r"\d+ bytes saved$")
    assert (tmp_path / "saved").read_text() == "".join(f"line {i}\n" for i in range(1, 501)) + "done\n"
    says(terminal, f":save {tmp_path}/saved", "beamline: .*File exists$")
    says(terminal, "fine.", "fine$")


def test_a_pager(shell, rig):
    pager = rig.write(f"pager.{rig.count()}", "#!/bin/sh\necho in the pager\ncat\nread answer </dev/tty\necho and out\n", 0o700)
    terminal = shell("--output-lines", "3", env={"PAGER": pager})
    says(terminal, r'[io:put_chars("a \e]0;t\x07\n") || _ <- lists:seq(1, 20)], done.', "… 18 more lines")
    says(terminal, ":pager", "in the pager$", r"a \^\[\]0;t\^G$")
    terminal.line("x")
    terminal.expect("^and out$")
    says(terminal, "fine.", "fine$")


def test_an_editor(shell, rig):
    editor = rig.write(f"editor.{rig.count()}", "#!/bin/sh\nsed -i s/wrong/right/ \"$1\"\n", 0o700)
    terminal = shell(env={"EDITOR": editor, "VISUAL": ""})
    terminal.type("{wrong, 1}.")
    terminal.keys("C-x", "C-e")
    terminal.seen = 0
    terminal.expect(r"1> \{right, 1\}\.")
    terminal.keys("Enter")
    terminal.expect(r"^\{right,1\}$")
    says(terminal, "wrong.", "wrong$")
    terminal.line(":edit")
    terminal.expect(r"3> right\.$")
    terminal.keys("Enter")
    terminal.expect("^right$")


def test_a_file_of_lines(shell, tmp_path):
    (tmp_path / "lines").write_text("A = 20.\nB = A + 1,\nB * 2.\n")
    terminal = shell()
    says(terminal, f":source {tmp_path}/lines", "20$", "42$", prompt(3)[1:])
    says(terminal, ":source /nonexistent", "beamline: /nonexistent: ", prompt(3)[1:])


def test_watching(shell):
    terminal = shell()
    says(terminal, ":watch 300ms erlang:unique_integer([positive]) > 0.", "true$", "erlang:unique_integer", "true$", "erlang:unique_integer", "true$")
    terminal.keys("C-c")
    time.sleep(0.5)
    says(terminal, "fine.", "fine$")
    shown = terminal.screen
    time.sleep(0.7)
    assert terminal.screen == shown


def test_times(shell):
    terminal = shell()
    says(terminal, ":time on")
    says(terminal, "timer:sleep(120).", "ok$", r"\(1[23]\d\.\d ms\)$")
    says(terminal, "{typed,", r"rig +\.\. ")
    time.sleep(0.5)
    says(terminal, "slowly}.", r"\{typed,slowly\}$", r"\(\d\d?\.\d ms\)$")
    says(terminal, ":time off")
    says(terminal, "fine.", "fine$", prompt(4)[1:])


# The journal

def journal(tmp_path):
    with open(tmp_path / "beamline" / "journal", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_each_line_is_in_the_journal(shell, tmp_path, beamline):
    terminal = shell("--reason", "ticket 4711")
    says(terminal, "1 + 1.", "2$")
    says(terminal, "1/0.", r"\*\* exception error")
    says(terminal, "halt().", ".*could stop the node")
    says(terminal, "no", ".*not done$")
    terminal.expect(prompt(3))
    terminal.line("timer:sleep(infinity).")
    time.sleep(0.3)
    terminal.keys("C-c")
    terminal.expect(r"^\*\* exception exit")
    says(terminal, 'io:get_line("password: ").', "rig reads")
    says(terminal, "geheim", '"geheim')
    terminal.keys("C-d")
    assert terminal.status() == 0
    lines = journal(tmp_path)
    kinds = [line["kind"] for line in lines]
    assert kinds[0] == "begun" and kinds[-1] == "ended", lines
    assert lines[0]["target"] == "rig:demo" and lines[0]["reason"] == "ticket 4711" and lines[0]["node"].startswith("demo@"), lines[0]
    results = [line["result"] for line in lines if line["kind"] == "outcome"]
    assert results == ["done", "error", "refused", "interrupted", "done"], lines
    texts = [line["text"] for line in lines if line["kind"] == "input"]
    assert texts == ["1 + 1.", "1/0.", "halt().", "timer:sleep(infinity).", 'io:get_line("password: ").', "(6 bytes that code reads)"], texts
    assert "arithmetic" in next(line["text"] for line in lines if line.get("result") == "error")
    done = beamline("journal", "verify", tmp_path / "beamline" / "journal", config=False, epmd_port=False)
    assert done.status == 0, done


def test_without_a_journal_nothing_goes_on(shell, tmp_path):
    (tmp_path / "beamline").mkdir(mode=0o700)
    (tmp_path / "beamline" / "journal").mkdir()
    terminal = shell(prompt=False)
    terminal.expect(r"\[journal_unusable\]")
    assert terminal.status() == 73


def test_a_journal_that_goes_away(shell, tmp_path):
    terminal = shell()
    says(terminal, "a.", "a$")
    os.unlink(tmp_path / "beamline" / "journal")
    terminal.line("b.")
    terminal.expect(r"\[journal_unusable\]")
    assert terminal.status() == 73
    assert not re.search("^b$", terminal.screen, re.MULTILINE)


def test_a_reason_may_be_required(shell, settings_with):
    settings = settings_with("require_reason = true;")
    terminal = shell("--config", settings, prompt=False)
    terminal.expect("Reason, for the journal: ")
    terminal.line("")
    assert terminal.status() == 77
    terminal = shell("--config", settings, prompt=False)
    terminal.expect("Reason, for the journal: ")
    terminal.line("because")
    terminal.expect(prompt(1))


# Recordings

def test_a_recording(shell, tmp_path):
    cast = tmp_path / "session.cast"
    terminal = shell("--record", str(cast), prompt=False)
    terminal.expect("; recorded; :help")
    terminal.expect(prompt(1))
    says(terminal, r'io:put_chars("\e[31mred\e[0m \e]0;t\x07 é\n").', "red")
    says(terminal, 'io:get_line("password: ").', "rig reads")
    says(terminal, "geheim", '"geheim')
    terminal.resize(90, 30)
    time.sleep(0.3)
    terminal.keys("C-d")
    assert terminal.status() == 0
    assert cast.stat().st_mode & 0o777 == 0o600
    head, *events = [json.loads(line) for line in cast.read_text().splitlines()]
    assert head["version"] == 2 and (head["width"], head["height"]) == (100, 40) and head["title"] == "rig:demo"
    text = "".join(event[2] for event in events if event[1] == "o")
    assert "\x1b[31mred\x1b[0m ^[]0;t^G é\r\n" in text and "1> io:put_chars(" in text, text
    assert "password: …\r\n" in text and "> geheim" not in text
    assert [event[2] for event in events if event[1] == "r"] == ["90x30"]
    times = [event[0] for event in events]
    assert times == sorted(times)
    assert journal(tmp_path)[0]["recording"] == str(cast)
    again = shell("--record", str(cast), prompt=False)
    again.expect("File exists")
    assert again.status() == 74


def test_every_shell_is_recorded(shell, settings_with, tmp_path):
    folder = tmp_path / "casts"
    folder.mkdir()
    settings = settings_with(f'record_folder = "{folder}";', host="rig")
    terminal = shell("--config", settings)
    says(terminal, "here.", "here$")
    says(terminal, f":record {folder}/other", "beamline: it is being recorded")
    says(terminal, ":record off", "nothing is recorded any more$")
    says(terminal, "not_recorded.", "not_recorded$")
    says(terminal, f":record {folder}/other.cast")
    says(terminal, "there.", "there$")
    terminal.keys("C-d")
    terminal.status()
    one, = folder.glob("*-rig-*.cast")
    assert "here." in one.read_text() and "not_recorded" not in one.read_text()
    assert "there." in (folder / "other.cast").read_text()


# Read-only

def test_a_session_that_looks_and_does_not_touch(shell, node, tmp_path):
    terminal = shell("--read-only", prompt=False)
    terminal.expect("; read-only; :help")
    terminal.expect(prompt(1))
    says(terminal, "X = erlang:memory(total), X > 0.", "true$")
    says(terminal, "X > 1.", "true$")
    says(terminal, "F = fun(A) -> A + 1 end, lists:map(F, [1,2]).", r"\[2,3\]$")
    says(terminal, "F(41).", "42$")
    says(terminal, "lists:map(F, [X]) > [0].", "true$")
    says(terminal, "{a,", r"rig +\.\. ")
    says(terminal, "b}.", r"\{a,b\}$")
    says(terminal, "1/0.", r"\*\* exception error")
    says(terminal, "oops oops.", r"\* 1:6: syntax error before: oops$|\* 1:1: syntax error before: oops$")
    says(terminal, 'os:cmd("touch /tmp/never").', r"\*\* os:cmd/1 is not among the harmless functions of --read-only$")
    says(terminal, "halt().", r"\*\* .*halt/0 is not among the harmless functions")
    says(terminal, "M = os, C = cmd.", "cmd$")
    says(terminal, 'M:C("touch /tmp/never").', r"\*\* os:cmd/1 is not among")
    says(terminal, "spawn(fun() -> ok end).", r"\*\* .*spawn/1 is not among")
    says(terminal, "X > 2.", "true$")
    terminal.line("timer:sleep(infinity).")
    time.sleep(0.3)
    terminal.keys("C-c")
    terminal.expect(r"^\*\* exception exit: interrupted$")
    says(terminal, "F(1).", "2$")
    terminal.type("erlang:system_in")
    terminal.keys("Tab")
    terminal.expect(r"erlang:system_info\(")
    terminal.keys("C-c")
    terminal.keys("C-d")
    assert terminal.status() == 0
    assert journal(tmp_path)[0]["read_only"] is True


def test_read_only_is_for_erlang(shell):
    terminal = shell("--read-only", "--elixir", prompt=False)
    terminal.expect("--read-only is for Erlang")
    assert terminal.status() == 64


# Settings

def test_the_language_that_the_node_has(shell, make, epmd, sshd):
    terminal = shell("--language", "auto", prompt=False)
    terminal.expect(prompt(1, IEX))
    make.node("plain", epmd=epmd, home=sshd.home)
    terminal = shell("--language", "auto", target="rig:plain", prompt=False)
    terminal.expect(r"^rig \(plain@\S+\)1> ")
    says(terminal, "node().", "'?plain@")


def test_a_file_to_begin_with(shell, rig, settings_with):
    startup = rig.write(f"startup.{rig.count()}", "Here = 42,\nok.\n:time on\n")
    settings = settings_with(f'startup = "{startup}";', host="rig")
    terminal = shell("--config", settings, prompt=False)
    terminal.expect("^ok$")
    terminal.expect(r"^\(\d+\.\d ms\)$")
    terminal.expect(prompt(2))
    says(terminal, "Here.", "42$")


def test_a_lost_link_is_made_anew(shell, make, sshd):
    proxy = make.proxy(sshd.port)
    terminal = shell("--reconnect", config=sshd.client_config(port=proxy.port))
    says(terminal, "A = 1.", "1$")
    proxy.cut()
    terminal.expect(r"\[ssh_lost\]")
    terminal.expect("connecting anew in 0.5 s")
    terminal.expect(prompt(1))
    says(terminal, "fine.", "fine$")


def test_what_the_configuration_guards(shell, settings_with):
    settings = settings_with('guard = "lists:reverse/1";')
    terminal = shell("--config", settings)
    says(terminal, "lists:reverse([1,2]).", r".*“lists:reverse/1” is guarded by the configuration on the node demo@\S+\.$", "Type the node's name")
    says(terminal, "demo", r"\[2,1\]$")
