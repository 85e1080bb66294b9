# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion in the shells themselves: bash, zsh and fish run the scripts that the program prints."""

import os
import subprocess

import pytest

from rig import RigError, Terminal
from rig.core import program

CONFIG = """
groups = { web = [ "web-1", "web-2" ]; };
hosts = ( { match = [ "@web", "mq-1" ]; nodes = ( { match = [ "rabbit", "rab-*" ]; }, { match = "shop"; } ); } );
"""

BASH = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_beamline beamline
printf '%s\\n' "${COMPREPLY[@]}"
"""

# A script sees what the line editor would show only from inside of it: Tab is pressed, and the candidates are taken from the function.
ZSH = """
autoload -Uz compinit && compinit -u -D
source "$1"
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- ${(M)@:#${words[CURRENT]}*}; }
_files() { print -l -- files:; }
compset() { words[CURRENT]=${words[CURRENT]#*=}; }
words=(${(s: :)2}); [[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_beamline
"""

FISH = """
source $argv[1]
complete -C $argv[2] | string replace -r '\\t.*' ''
"""


def shell_path(name):
    try:
        return program(name)
    except RigError:
        raise RigError(f"{name} is missing: apt-get install {name}") from None


@pytest.fixture(params=["bash", "zsh", "fish"])
def complete(request, rig, beamline, tmp_path):
    """Completes a line in a shell, and gives the candidates as they would stand in the line's last word."""
    shell = request.param
    folder, home = tmp_path / "bin", tmp_path / "home"
    folder.mkdir()
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text("Host db-1 alias-*\nHost odd;$(id)\n")
    os.symlink(beamline.path, folder / "beamline")
    (tmp_path / "some file").write_text("")
    config = tmp_path / "beamline.conf"
    config.write_text(CONFIG)
    config.chmod(0o600)
    done = beamline("help", "completion", shell, config=False, epmd_port=False)
    assert done.status == 0 and not done.stderr, done
    (tmp_path / "script").write_text(done.stdout)
    env = {**rig.base_env(), "HOME": str(home), "BEAMLINE_CONFIG": str(config), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home)}
    env["PATH"] = f"{folder}:{env['PATH']}"
    argv = {"bash": ["bash", "--norc", "-c", BASH, "bash"], "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
            "fish": ["fish", "--no-config", "-c", FISH]}[shell]
    argv[0] = shell_path(shell)

    def ask(line):
        got = subprocess.run([*argv, str(tmp_path / "script"), line], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert got.stderr == "", got
        words = [word for word in got.stdout.split("\n") if word]
        if shell == "fish":
            # From 4 on it offers also what only holds the letters, and ranks it lower.
            words = [word for word in words if word.startswith(line.rpartition(" ")[2])]
        return sorted(words)

    ask.shell, ask.env, ask.script, ask.folder = shell, env, tmp_path / "script", tmp_path
    return ask


def test_commands(complete):
    assert complete("beamline ") == ["close", "config", "eval", "forward", "hosts", "journal", "nodes", "open", "ping", "rpc", "shell", "status"]
    assert complete("beamline ev") == ["eval"]
    assert complete("beamline --cookie-file x -v p") == ["ping"]


def test_options_are_the_commands_own(complete):
    assert complete("beamline eval --ra") == ["--raw"]
    assert complete("beamline ping --ra") == []
    assert complete("beamline rpc web-1 --lang") == ["--language"]
    assert complete("beamline hosts --na") == ["--names"]


def test_words_of_options(complete):
    assert complete("beamline eval --language e") == ["elixir", "erlang"]
    assert complete("beamline eval --language el") == ["elixir"]
    assert complete("beamline eval --epmd-port ") == []


def test_words_of_a_command(complete):
    assert complete("beamline journal ") == ["show", "verify"]
    assert complete("beamline -v journal ver") == ["verify"]
    assert complete("beamline journal verify x ") == []


@pytest.mark.parametrize("line", ["beamline eval --cookie-file so", "beamline journal show so"])
def test_files(complete, line):
    found = complete(line)
    assert found == (["files:"] if complete.shell == "zsh" else ["some\\ file"] if complete.shell == "fish" else ["some file"]) or found == ["some file"]


def test_hosts(complete):
    found = complete("beamline eval ")
    assert {"db-1", "web-1", "web-2", "mq-1"} <= set(found) and not any(set(name) & set("@*;$") for name in found), found
    assert complete("beamline eval web") == ["web-1", "web-2"]
    assert complete("beamline -v eval --timeout 5s deploy@db") == ["deploy@db-1"]
    assert complete("beamline eval web-1 ") == []
    assert complete("beamline nodes web-1 mq") == ["mq-1"]


def test_groups_where_they_may_stand(complete):
    assert complete("beamline hosts @") == ["@web"]
    assert complete("beamline eval @") == []


def test_nodes_of_a_host_without_connecting(complete):
    found = complete("beamline eval web-1:")
    whole = ["web-1:rabbit", "web-1:shop"]
    assert found == (["rabbit", "shop"] if complete.shell == "bash" else whole)
    assert complete("beamline eval web-1:sh") == (["shop"] if complete.shell == "bash" else ["web-1:shop"])
    assert complete("beamline eval db-1:") == []


def test_a_person_presses_tab(complete):
    """The whole way, through the line editor, which has ideas of its own about colons."""
    words = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}[complete.shell]
    begin = "autoload -Uz compinit; compinit -u -D; " if complete.shell == "zsh" else ""
    with Terminal([shell_path(complete.shell), *words], complete.env, cwd=complete.folder, limit=30) as terminal:
        terminal.type(f"{begin}. ./script; echo sour''ced\r")
        terminal.expect("sourced\r")
        terminal.type("beamline eval mq\t")
        terminal.expect("mq-1")
        terminal.type("\x15beamline eval mq-1:sh\t")
        terminal.expect("op")


def test_there_is_none_for_other_shells(beamline):
    done = beamline("help", "completion", "csh", config=False, epmd_port=False)
    assert done.status == 64, done
