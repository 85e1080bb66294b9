# SPDX-License-Identifier: GPL-3.0-or-later
"""`eval` shows, byte for byte, what the node's own shell shows for the same text: values, output, exceptions."""

import base64
import os
import re
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


@pytest.fixture(scope="module")
def references():
    """(language, text, what the shell shows), from shells of the node's release, driven in a runtime system of their own."""
    lines = subprocess.run([os.path.join(HERE, "remote_test.sh"), "--reference"], check=True, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=100, env={**os.environ, "SRCDIR": TOP}).stdout.splitlines()
    decoded = [line.split(b" ") for line in lines]
    return [(words[0].decode(), base64.b64decode(words[1]).decode(), base64.b64decode(words[2]).decode()) for words in decoded]


def blurred(text):
    """Pids and funs differ between two runs of anything."""
    return re.sub(r"<\d+\.\d+\.0>|#Fun<erl_eval[^>]*>|#PID<[\d.]+>|#PID@|#Function<[^>]*>", "@", text)


def shown(done, release=25):
    """
    Output, value and exception as they would stand on one terminal. The shell says where a syntax error is in its own way, up to
    OTP 23 without the column.
    """
    if done.status == 65:
        match = re.match(r"beamline: text: line (\d+), column (\d+): (.*) \[syntax_error\]\n", done.stderr, re.S)
        assert match, done
        place = match[1] if release <= 23 else f"{match[1]}:{match[2]}"
        return done.stdout + f"* {place}: {match[3]}\n"
    return done.stdout + done.stderr


@pytest.mark.limit(300)
def test_erlang_as_the_nodes_own_shell(beamline, node, references):
    texts = [(text, own) for language, text, own in references if language == "erlang"
             and text != "is_alive()."]  # true on a node, false where the references are made
    assert len(texts) >= 60
    release = int(node.eval("list_to_integer(erlang:system_info(otp_release))"))
    different = []
    for text, own in texts:
        done = beamline("eval", "rig:demo", "--", text)
        if blurred(shown(done, release)) != blurred(own):
            different.append((text, own, shown(done, release)))
    assert not different


@pytest.mark.limit(300)
def test_elixir_as_iex(beamline, node, references):
    """IEx colours nothing here; what Elixir's compiler says goes to the node's standard error in IEx and to ours here."""
    texts = [(text, own) for language, text, own in references if language == "elixir"]
    assert len(texts) >= 20
    different = []
    for text, own in texts:
        done = beamline("eval", "--elixir", "rig:demo", "--", text)
        ours = re.sub(r"^(warning|error): .*?\n\n", "", shown(done), flags=re.S)
        if done.status not in (0, 1) or blurred(own).strip() not in blurred(ours) and blurred(ours).strip() not in blurred(own):
            different.append((text, own, ours))
    assert not different
