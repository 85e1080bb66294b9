# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator meets at the command line: help, mistyped words, questions that are stopped or declined, waiting, several hosts."""

import json
import os
import signal
import subprocess
import time

import pytest

from rig import make_key, public

PASSPHRASE = "open sesame"

# Job control as a person uses it: what it runs is stopped by Ctrl-Z, the echo is looked at, and it goes on.
JOBS = ("bash", "--norc", "--noprofile", "-ic",
        '"$@"; echo "stopped with $?"; stty -a | grep -owe "-*echo"; fg >/dev/null; echo "ended with $?"', "bash")


@pytest.fixture(scope="module")
def locked_config(rig, sshd):
    """An ssh_config whose only key has a passphrase."""
    key = make_key(rig, "key_of_cli", passphrase=PASSPHRASE)
    with open(sshd.authorized, "a", encoding="ascii") as file:
        file.write(public(key) + "\n")
    return sshd.client_config("cli.locked", BatchMode="no", IdentityFile=key)


def config_with(sshd, rig, **keywords):
    return sshd.client_config(f"cli.{rig.count()}", BatchMode="no", **keywords)


# Help and mistyped words


@pytest.mark.parametrize("words", [("--help",), ("help",), ("-h",), ("eval", "--help"), ("help", "nodes"), ("--version",)])
def test_help_is_an_answer(beamline, words):
    done = beamline(*words)
    assert done.status == 0 and done.stdout and not done.stderr, done


@pytest.mark.parametrize("words, texts", [
    ((), ("which command", "--help")),
    (("evl", "rig", "1"), ("“evl”", "did you mean eval?")),
    (("eval", "--elixer", "rig", "1"), ("--elixer", "did you mean --elixir?")),
    (("--nothing-like-it",), ("--nothing-like-it", "COMMAND --help")),
    (("rpc", "rig", "lists:reverse", "f", "[]"), ("“lists:reverse”", "two words")),
    (("eval", "--timeout", "5x", "rig", "1"), ("“5x”", "500ms")),
])
def test_a_mistyped_line_is_said_with_a_cure(beamline, words, texts):
    done = beamline(*words)
    assert done.status == 64 and not done.stdout and all(text in done.stderr for text in texts), done


def test_cures_name_the_configuration_that_was_read(beamline, sshd):
    done = beamline("ping", "no-such-host.invalid")
    assert done.status == 68 and f"`ssh -F {sshd.config} -G no-such-host.invalid`" in done.stderr, done


# The text


def test_a_file_may_be_a_pipe(beamline, node, tmp_path):
    fifo = tmp_path / "text"
    os.mkfifo(fifo)
    writer = subprocess.Popen(["sh", "-c", 'sleep 0.3; echo "3 + 4" >"$1"', "sh", str(fifo)])
    done = beamline("eval", "rig:demo", "-f", fifo)
    writer.wait()
    assert done.status == 0 and done.stdout == "7\n", done
    assert beamline("eval", "rig:demo", "-f", tmp_path).status == 66


def test_a_syntax_error_names_the_file(beamline, node, tmp_path):
    text = tmp_path / "bad.erl"
    text.write_text("A = 1,\nB = A +,\nB.\n")
    done = beamline("eval", "rig:demo", "-f", text)
    assert done.status == 65 and f"{text}: line 2, column 8" in done.stderr, done
    done = beamline("eval", "--json", "rig:demo", "-f", text)
    assert str(text) in json.loads(done.stdout)["error"]["message"], done


@pytest.mark.parametrize("text", ["%{a: 1}", "System.version", "[1] |> length", "Enum.map([1], fn x -> x end)"])
def test_elixir_without_its_option_is_told(beamline, node, text):
    done = beamline("eval", "rig:demo", text)
    assert done.status == 65 and "--elixir" in done.stderr, done


@pytest.mark.parametrize("text", ["1 +", "foo(", "X. y z"])
def test_erlang_is_not_taken_for_elixir(beamline, node, text):
    done = beamline("eval", "rig:demo", text)
    assert done.status == 65 and "--elixir" not in done.stderr, done


# Errors that tell what was used


def test_a_wrong_cookie_is_told_with_its_source(beamline, node, tmp_path):
    cookie = tmp_path / "cookie"
    cookie.write_text("WRONG")
    cookie.chmod(0o600)
    done = beamline("eval", "--cookie-file", cookie, "rig:demo", "1")
    assert done.status == 77 and f"ours is from {cookie}" in done.stderr, done


def test_a_key_that_others_may_read_has_its_cure(beamline, rig, sshd):
    key = make_key(rig, f"key_open.{rig.count()}")
    os.chmod(key, 0o644)
    os.unlink(key + ".pub")
    done = beamline("ping", "rig", config=config_with(sshd, rig, IdentityFile=key), prefix=("setsid", "-w"))
    assert done.status == 77 and f"chmod 600 '{key}'" in done.stderr.split("cure:")[1], done


def test_several_hosts_are_told_apart(beamline, node):
    done = beamline("nodes", "rig", "no-such-host.invalid")
    assert done.status == 2 and "no-such-host.invalid" in done.stderr.splitlines()[1], done
    answer = json.loads(beamline("nodes", "--json", "rig", "no-such-host.invalid").stdout)
    assert not answer["ok"] and answer["error"]["code"] == "some_failed", answer
    assert [row["host"] for row in answer["nodes"]] == ["rig", "no-such-host.invalid"], answer


def test_a_confirmed_stop_is_not_advised_to_be_tried_again(beamline, make, sshd, epmd):
    doomed = make.node("doomed_cli", epmd=epmd, home=sshd.home)
    done = beamline("eval", "rig:doomed_cli", "halt()", "--confirm", doomed.full_name)
    assert done.status == 75 and "what you confirmed" in done.stderr and "try again" not in done.stderr, done


# Questions


def test_ctrl_z_at_a_passphrase_stops_and_asks_again(beamline, node, locked_config):
    terminal = beamline("eval", "rig:demo", "40 + 2", config=locked_config, terminal=True, prefix=JOBS)
    terminal.expect("Enter passphrase")
    time.sleep(0.2)
    terminal.type("\x1a")
    terminal.expect(f"stopped with {128 + signal.SIGTSTP}")
    assert terminal.expect("-?echo\r").group() == "echo\r"
    terminal.expect("Enter passphrase")
    time.sleep(0.2)
    terminal.line(PASSPHRASE)
    terminal.expect("42")
    terminal.expect("ended with 0")
    assert PASSPHRASE not in terminal.finish().stdout


def test_ctrl_z_at_the_guards_question(beamline, node):
    terminal = beamline("eval", "rig:demo", "halt()", terminal=True, prefix=JOBS)
    terminal.expect("Type the node's name")
    time.sleep(0.2)
    terminal.type("\x1a")
    terminal.expect("stopped with")
    terminal.expect("Type the node's name")
    time.sleep(0.2)
    terminal.line("other")
    terminal.expect("“other” was typed")
    terminal.expect("ended with 77")
    terminal.finish()


def test_ctrl_d_declines(beamline, node, rig, sshd, locked_config):
    terminal = beamline("eval", "rig:demo", "halt()", terminal=True)
    terminal.expect("Type the node's name")
    time.sleep(0.2)
    terminal.type("\x04")
    assert terminal.finish().status == 77
    assert "its name was not typed; nothing was evaluated" in terminal.screen
    terminal = beamline("eval", "rig:demo", "1", config=locked_config, terminal=True)
    terminal.expect("Enter passphrase")
    time.sleep(0.2)
    terminal.type("\x04")
    assert terminal.finish().status == 77 and "no passphrase that fits" in terminal.screen
    config = config_with(sshd, rig, known=False, StrictHostKeyChecking="ask")
    terminal = beamline("eval", "rig:demo", "1", config=config, terminal=True)
    terminal.expect("Trust it from now on")
    for _ in range(3):
        time.sleep(0.2)
        terminal.type("\x04")
    assert terminal.finish().status == 77 and "[host_key_unknown]" in terminal.screen


def test_ctrl_c_tells_what_became_of_the_evaluation(beamline, node):
    terminal = beamline("eval", "rig:demo", "io:format(\"begun\"), timer:sleep(60000)", terminal=True)
    terminal.expect("begun")
    terminal.type("\x03")
    assert terminal.finish().status == 130
    assert "SIGINT (Ctrl-C); the evaluation was ended on the node" in terminal.screen


# Waiting


def silent(make, sshd, place):
    """A server that takes connections and says nothing, in the place of one."""
    proxy = make.proxy(0, answer=[b"", "stay"])
    return {"sshd": ("-o", f"Port={proxy.port}"), "EPMD": ("--epmd-port", proxy.port), "the node": ("--dist-port", proxy.port)}[place]


@pytest.mark.parametrize("place", ["sshd", "EPMD", "the node"])
def test_what_is_waited_for_is_said(beamline, make, sshd, place):
    options = silent(make, sshd, place)
    terminal = beamline("ping", *options, "rig", terminal=True)
    terminal.expect(f"waiting for {place}")
    terminal.type("\x03")
    assert terminal.finish().status == 130
    shown = terminal.screen.split("waiting for")[1]
    assert "\r\x1b[K" in shown and shown.index("\r\x1b[K") < shown.index("interrupted"), shown


@pytest.mark.parametrize("options, env", [(("-q",), {}), (("-v",), {}), ((), {"TERM": "dumb"})])
def test_waiting_is_not_said_where_it_would_disturb(beamline, make, sshd, options, env):
    words = silent(make, sshd, "EPMD")
    terminal = beamline("ping", *options, *words, "--handshake-timeout", "2s", "rig", terminal=True, env=env)
    assert terminal.finish().status == 75 and "waiting for" not in terminal.screen


def test_waiting_is_not_said_off_a_terminal_nor_at_a_question(beamline, make, sshd, locked_config):
    done = beamline("ping", *silent(make, sshd, "EPMD"), "--handshake-timeout", "2s", "rig")
    assert done.status == 75 and "waiting for" not in done.stderr, done
    terminal = beamline("ping", "rig:demo", config=locked_config, terminal=True)
    terminal.expect("Enter passphrase")
    time.sleep(1.5)
    terminal.type("\x03")
    assert terminal.finish().status == 130 and "waiting for" not in terminal.screen


def test_a_narrow_terminal_is_not_overrun(beamline, make, sshd):
    terminal = beamline("ping", *silent(make, sshd, "sshd"), "rig", terminal=True)
    terminal.resize(24, 30)
    terminal.expect("waiting for")
    time.sleep(0.2)
    terminal.type("\x03")
    assert terminal.finish().status == 130
    line = terminal.screen.split("\r")[1]
    assert len(line.split("^C")[0].split("\x1b")[0]) < 30, terminal.raw
