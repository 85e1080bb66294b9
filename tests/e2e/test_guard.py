# SPDX-License-Identifier: GPL-3.0-or-later
"""What would stop the node is refused or asked about, and the node lives."""

import time

import pytest

DEADLY = [
    "halt()", "halt(0).", "erlang:halt(1, [])", "init:stop()", "init:restart()", "init:reboot()", "q()", "c:q()",
    "apply(init, stop, [])", "erlang:apply(erlang, halt, [0])", "F = fun init:stop/0, F()", "M = init, M:stop()", "spawn(init, stop, [])",
    "spawn(fun() -> halt() end)", "case 1 of 1 -> ok; _ -> halt() end, try halt() catch _:_ -> ok end", "[halt() || _ <- [1]]",
    "{M, F} = {init, stop}, M:F()", "timer:apply_after(1, init, stop, [])", "lists:foreach(fun erlang:halt/1, [0])",
    "1, 2, begin 3, init:stop() end", "application:stop(kernel)", "exit(whereis(init), kill)", "rpc:call(node(), init, stop, [])",
    "apply(rpc, call, [node(), init, stop, []])",
    "A = list_to_atom(\"halt\"), erlang:A()",
]
DEADLY_ELIXIR = [
    "System.halt()", "System.stop(0)", ":init.stop()", "0 |> System.halt()", "apply(System, :halt, [0])", "f = &System.halt/1; f.(0)",
    "m = System; m.halt(0)", "spawn(System, :halt, [0])", "alias System, as: S; S.halt(0)", "import System; halt(0)", ":erlang.halt()",
]
HARMLESS = ["halt", "{init, stop}", "\"init:stop()\"", "init:get_status()", "[halt, stop, q]", "erlang:system_info(process_count)",
            "application:which_applications()", "is_function(fun lists:map/2)"]


@pytest.mark.parametrize("text", DEADLY)
def test_refused_without_a_terminal(beamline, node, text):
    done = beamline("eval", "rig:demo", text, prefix=("setsid", "-w"))
    assert done.status == 77 and "[guard_refused]" in done.stderr and f"--confirm {node.full_name}" in done.stderr, done


@pytest.mark.parametrize("text", DEADLY_ELIXIR)
def test_refused_in_elixir(beamline, node, text):
    done = beamline("eval", "--elixir", "rig:demo", text, prefix=("setsid", "-w"))
    assert done.status == 77 and "[guard_refused]" in done.stderr, done


@pytest.mark.parametrize("words", [("erlang", "halt"), ("init", "stop", "[]"), ("erlang", "apply", "[init, stop, []]")])
def test_refused_in_rpc(beamline, node, words):
    done = beamline("rpc", "rig:demo", *words, prefix=("setsid", "-w"))
    assert done.status == 77 and "[guard_refused]" in done.stderr, done


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_not_asked_about(beamline, node, text):
    assert beamline("eval", "rig:demo", text, prefix=("setsid", "-w")).status == 0


def test_a_person_types_the_name(beamline, make, sshd, epmd):
    doomed = make.node("doomed", epmd=epmd, home=sshd.home)
    terminal = beamline("eval", "rig:doomed", "init:stop()", terminal=True)
    terminal.expect("Type the node's name")
    terminal.line("demo")
    assert terminal.finish().status == 77 and doomed.alive()
    terminal = beamline("eval", "rig:doomed", "io:format(\"going\"), halt()", terminal=True)
    terminal.expect("Type the node's name")
    terminal.type("\x03")
    assert terminal.finish().status in (130, 128 + 2) and doomed.alive()
    terminal = beamline("eval", "rig:doomed", "halt()", terminal=True)
    terminal.expect("Type the node's name")
    time.sleep(0.5)
    terminal.line(doomed.full_name)
    assert terminal.finish().status == 75
    assert not doomed.alive()


def test_confirm_names_the_node(beamline, make, sshd, epmd):
    doomed = make.node("doomed2", epmd=epmd, home=sshd.home)
    done = beamline("eval", "rig:doomed2", "1", "--confirm", "other@host")
    assert done.status == 77 and "--confirm names other@host" in done.stderr, done
    done = beamline("eval", "rig:doomed2", "init:stop()", "--confirm", doomed.full_name)
    assert done.status in (0, 75), done


def test_what_the_configuration_guards(beamline, node, settings_with):
    settings = settings_with('guard = "lists:reverse/1, maps:get, String.upcase/1";')

    def evaluate(text, *words):
        return beamline("eval", "--config", settings, *words, "rig:demo", text)

    for text, found in (("lists:reverse([1])", "lists:reverse/1"), ("M = lists, M:reverse([1])", "lists:reverse/1"), ("maps:get(a, #{a => 1})", "maps:get")):
        done = evaluate(text)
        assert done.status == 77 and "[guard_refused]" in done.stderr, done
        assert f"{found}" in done.stderr and "is guarded by the configuration on demo@" in done.stderr, done
        assert evaluate(text, "--confirm", "demo").status == 0
    done = evaluate('String.upcase("a")', "--elixir")
    assert done.status == 77 and "String.upcase/1 is guarded" in done.stderr, done
    assert evaluate("lists:reverse([1], [2])").status == 0
    assert evaluate("init:stop()").status == 77
    done = beamline("rpc", "--config", settings, "rig:demo", "lists", "reverse", "[[1]]")
    assert done.status == 77, done
    wrong = settings_with('guard = "lists_reverse";')
    done = beamline("eval", "--config", wrong, "rig:demo", "1")
    assert done.status == 78 and "“lists_reverse” is no function" in done.stderr, done
