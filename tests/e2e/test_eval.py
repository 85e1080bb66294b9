# SPDX-License-Identifier: GPL-3.0-or-later
"""eval and rpc on a real node: what comes back, in which form, and what is left on the node."""

import hashlib
import json
import os
import time

import pytest

from rig import wait_for
from rig.tls import tls_world


def value(done):
    assert done.status == 0, done
    assert done.stderr == "", done
    return done.stdout


@pytest.mark.parametrize("text,shown", [
    ("1+1", "2"), ("1+1.", "2"), ("X = 20, Y = 1, X*2+Y+Y", "42"), ("X = 1. Y = X + 1. {X,Y}.", "{1,2}"),
    ("% a remark\n3. % and another", "3"), ("\"gr\\x{fc}n\"", "\"grün\""), ("<<\"ü\"/utf8>>", "<<\"ü\"/utf8>>"),
    ("lists:seq(1,40)", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29|...]"),
    ("self() == self()", "true"), ("catch throw(x)", "x"), ("begin put(a,1), get(a) end", "1"),
    ("F = fun(N) -> N * 2 end, F(21)", "42"), ("receive after 10 -> done end", "done"), ("\"\"", "[]"), ("ok", "ok"),
    ("rr(file), #file_info{size=7}", None),
])
def test_values_of_erlang(beamline, node, text, shown):
    out = value(beamline("eval", "rig:demo", text))
    assert out.endswith("\n")
    assert shown is None or "".join(out.split()) == "".join(shown.split()), out


def test_full_shows_all(beamline, node):
    out = value(beamline("eval", "rig:demo", "lists:seq(1,100)", "--full"))
    assert out.replace("\n", "").replace(" ", "") == "[" + ",".join(map(str, range(1, 101))) + "]"


def test_records_of_loaded_modules(beamline, node):
    out = value(beamline("eval", "rig:demo", "rr(file), (#file_info{size=7})#file_info.size"))
    assert out == "7\n"


def test_shell_functions(beamline, node):
    assert "total" in value(beamline("eval", "rig:demo", "memory()"))
    listing = value(beamline("eval", "rig:demo", "i()"))
    assert "Pid" in listing and "Total" in listing


def test_text_from_a_file_and_from_input(beamline, node, rig):
    path = rig.write("text.erl", "X = 6,\nX * 7.\n")
    assert value(beamline("eval", "rig:demo", "-f", path)) == "42\n"
    assert value(beamline("eval", "rig:demo", stdin=b"2 * 21.\n")) == "42\n"
    assert value(beamline("eval", "rig:demo", "-", stdin=b"3 * 14\n")) == "42\n"


@pytest.mark.parametrize("text,shown", [
    ("1 + 1", "2"), ("%{b: \"x\"}", "%{b: \"x\"}"), ("Enum.map(1..3, & &1 * 2)", "[2, 4, 6]"), (":ok", ":ok"),
    ("x = 2\ny = x * 21\ny", "42"), ("\"grün\"", "\"grün\""), ("if true, do: :yes, else: :no", ":yes"), ("nil", "nil"),
    ("{:error, ~D[2024-01-01]}", "{:error, ~D[2024-01-01]}"), ("String.upcase(\"abc\")", "\"ABC\""),
])
def test_values_of_elixir(beamline, node, text, shown):
    assert value(beamline("eval", "--elixir", "rig:demo", text)) == shown + "\n"


def test_elixir_fails_as_elixir(beamline, node, make, sshd, epmd):
    done = beamline("eval", "--elixir", "rig:demo", "raise \"no\"")
    assert done.status == 1 and "** (RuntimeError) no" in done.stderr, done
    done = beamline("eval", "--elixir", "rig:demo", "1 +")
    assert done.status == 65 and "[syntax_error]" in done.stderr, done
    make.node("plain", epmd=epmd, home=sshd.home)
    done = beamline("eval", "--elixir", "rig:plain", "1")
    assert done.status == 69 and "[no_elixir]" in done.stderr, done


def test_output_of_the_code_comes_before_the_value(beamline, node):
    assert value(beamline("eval", "rig:demo", "io:format(\"a~nb~n\"), io:put_chars(<<\"ü\\n\"/utf8>>), done")) == "a\nb\nü\ndone\n"


def test_output_streams(beamline, node, rig):
    """What is printed is there before the evaluation ends."""
    terminal = beamline("eval", "rig:demo", "io:format(\"first~n\"), timer:sleep(3000), io:format(\"second~n\")", terminal=True)
    begin = time.monotonic()
    terminal.expect("first")
    assert time.monotonic() - begin < 2.5
    assert terminal.finish().status == 0


@pytest.mark.parametrize("text", ["io:get_line(\"name? \")", "io:read(\"term? \")", "io:get_chars(\"\", 3)", "io:fread(\"\", \"~d\")"])
def test_requests_for_input_get_an_error_and_never_an_end(beamline, node, text):
    out = value(beamline("eval", "rig:demo", text))
    assert "error" in out and "eof" not in out, out


def test_exceptions(beamline, node):
    for text, words in [("error(bad)", "exception error: bad"), ("throw(x)", "exception throw: x"), ("exit(why)", "exception exit: why"),
                        ("lists:nth(0, [])", "no function clause matching lists:nth(0,[])"), ("nosuch:f(1)", "undefined function nosuch:f/1"),
                        ("nosuch_shell_command()", "undefined shell command nosuch_shell_command/0")]:
        done = beamline("eval", "rig:demo", text)
        assert done.status == 1 and done.stdout == "", done
        assert words in done.stderr, done


def test_json(beamline, node):
    done = beamline("eval", "rig:demo", "io:format(\"hi~n\"), {ok, [1, 2.5, <<\"x\">>, 123456789012345678901234567890]}", "--json")
    assert done.status == 0 and done.stderr == "", done
    answer = json.loads(done.stdout)
    assert answer["ok"] is True and answer["node"] == node.full_name and answer["output"] == "hi\n"
    assert "123456789012345678901234567890" in done.stdout and "2.5" in done.stdout
    done = beamline("eval", "rig:demo", "1/0", "--json")
    answer = json.loads(done.stdout)
    assert done.status == 1 and done.stderr == "", done
    assert answer["ok"] is False and answer["error"]["class"] == "error" and answer["error"]["reason"] == "badarith"


def test_raw_bytes(beamline, node):
    done = beamline("eval", "rig:demo", "--raw", "io:format(\"note~n\"), [<<0,255>>, [\"abc\" | <<10>>]]")
    assert done.status == 0 and done.out == b"\x00\xffabc\n" and "note" in done.stderr, done
    done = beamline("eval", "rig:demo", "--raw", "{no, bytes}")
    assert done.status == 1 and "[result_not_bytes]" in done.stderr and done.out == b"", done
    terminal = beamline("eval", "rig:demo", "--raw", "<<1>>", terminal=True).finish()
    assert terminal.status == 64, terminal


def test_raw_bytes_of_many_megabytes(beamline, node):
    done = beamline("eval", "rig:demo", "--raw", "binary:copy(<<0:8, 1:8, 2:8, 3:8>>, 8 * 1024 * 1024)")
    assert done.status == 0, done.stderr
    assert hashlib.sha256(done.out).hexdigest() == hashlib.sha256(bytes([0, 1, 2, 3]) * (8 * 1024 * 1024)).hexdigest()


def test_rpc(beamline, node):
    assert value(beamline("rpc", "rig:demo", "lists", "seq", "[1, 100]")).replace("\n", "").replace(" ", "").endswith(",99,100]")
    assert value(beamline("rpc", "rig:demo", "erlang", "node")) == node.full_name + "\n"
    assert value(beamline("rpc", "rig:demo", "maps", "from_list", "[[{a, <<\"ü\"/utf8>>}]]")) == "#{a => <<\"ü\"/utf8>>}\n"
    assert value(beamline("rpc", "--elixir", "rig:demo", "Elixir.String", "split", "[<<\"a b\">>]")) == "[\"a\", \"b\"]\n"
    done = beamline("rpc", "rig:demo", "erlang", "error", "[bad]")
    assert done.status == 1 and "bad" in done.stderr, done
    done = beamline("rpc", "rig:demo", "erlang", "node", "--json")
    assert json.loads(done.stdout)["ok"] is True, done


def test_colours_and_controls(beamline, node):
    """On a terminal, colours pass and nothing else does; a pipe gets the bytes as they are."""
    text = "io:put_chars(\"\\e[31mred\\e[0m \\e]0;title\\^G \\e[2J\\n\")"
    terminal = beamline("eval", "rig:demo", text, terminal=True).finish()
    assert b"\x1b[31mred\x1b[0m" in terminal.out and b"\x1b]0;" not in terminal.out and b"^[]0;title^G" in terminal.out
    plain = beamline("eval", "rig:demo", text, terminal=True, env={"NO_COLOR": "1"}).finish()
    assert b"\x1b[31m" not in plain.out and b"red" in plain.out
    assert b"\x1b]0;title\x07" in beamline("eval", "rig:demo", text).out


def test_the_width_is_the_terminals(beamline, node):
    text = "[list_to_atom(\"element_\" ++ integer_to_list(I)) || I <- lists:seq(1, 12)]"
    lines = value(beamline("eval", "rig:demo", text)).splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 80


def test_ping(beamline, node):
    out = value(beamline("ping", "rig:demo"))
    for hop in ("resolve", "connect", "key exchange", "auth", "EPMD", "handshake", "call", "total"):
        assert hop in out
    assert node.full_name in out and ("does not tell" if os.environ.get("RIG_TRANSPORT") else "post-quantum") in out
    answer = json.loads(value(beamline("ping", "rig:demo", "--json")))
    assert answer["node"] == node.full_name and answer["ms"]["total"] > 0 and "UTF8_ATOMS" in answer["flags"]


def test_nodes(beamline, node, make, epmd, rig):
    make.node("strange", epmd=epmd, cookie="another")
    out = value(beamline("nodes", "rig"))
    demo = next(line for line in out.splitlines() if "demo@" in line).split()
    strange = next(line for line in out.splitlines() if " strange " in line).split()
    assert demo[1] == node.full_name and demo[2] == str(node.dist_port) and demo[3] == "yes" and int(demo[4]) >= 23
    assert strange[3] == "yes" and strange[4] == "-" and strange[5] == "cookie_mismatch"
    answer = json.loads(value(beamline("nodes", "rig", "--json")))
    assert {entry["node"] for entry in answer["nodes"]} == {node.full_name, "strange"}


def test_a_node_without_epmd(beamline, make, sshd):
    lone = make.node("lone", home=sshd.home)
    assert value(beamline("eval", "rig", "node()", "--dist-port", lone.dist_port)) == lone.full_name + "\n"


def test_a_node_on_the_other_loopback(beamline, make, sshd, epmd, rig):
    distribution = ["-proto_dist", "inet6_tls", *tls_world(rig).arguments[2:]] if os.environ.get("RIG_TLS") else ["-proto_dist", "inet6_tcp"]
    six = make.node("six", epmd=epmd, home=sshd.home, interface="{0,0,0,0,0,0,0,1}", tls=distribution)
    assert value(beamline("eval", "rig:six", "1+1")) == "2\n"
    assert value(beamline("eval", "rig", "1+1", "--dist-port", six.dist_port)) == "2\n"


def test_the_order_of_cookie_sources(beamline, node, rig, make):
    right = rig.write("right.cookie", "rigcookie\n", 0o400)
    wrong = rig.write("wrong2.cookie", "wrong\n", 0o400)
    bare = make.sshd()  # whose home has no cookie
    assert beamline("eval", "rig:demo", "1", config=bare.config, env={"BEAMLINE_COOKIE_FILE": right}).status == 0
    assert beamline("eval", "rig:demo", "1", env={"BEAMLINE_COOKIE_FILE": wrong}).status == 77
    assert beamline("eval", "rig:demo", "1", "--cookie-file", right, env={"BEAMLINE_COOKIE_FILE": wrong}).status == 0
    home = rig.write("home/.erlang.cookie", "rigcookie", 0o400).rpartition("/")[0]
    assert beamline("eval", "rig:demo", "1", config=bare.config, env={"HOME": home}).status == 78
    done = beamline("-v", "eval", "rig:demo", "1", "--local-cookie", config=bare.config, env={"HOME": home})
    assert done.status == 0 and f"cookie: from {home}/.erlang.cookie" in done.stderr, done


def test_detached_processes_live_on_and_are_told(beamline, node):
    before = node.at_rest()
    done = beamline("eval", "rig:demo", "P = spawn(fun() -> receive stop -> io:format(\"bye~n\") end end), register(detached_one, P)")
    assert done.status == 0 and "1 process started by this evaluation" in done.stderr, done
    # A connection over TLS takes a moment longer to be gone.
    wait_for("all but the detached one gone", 5, lambda: node.at_rest() == before + 1)
    node.eval("detached_one ! stop")
    wait_for("gone", 5, lambda: node.number_of("process_count") == before)


@pytest.mark.plain
def test_a_node_without_spawn_requests_is_called_through_rex(beamline, node, make, rig, tmp_path):
    """As before OTP 23. A real node, whose offer of SPAWN is taken out on its way to us."""
    def call(*words, **options):
        """The byte's place depends on the name that the node lends: the same again, once the last connection is down."""
        node.at_rest()
        return beamline(*words, **options)

    recorder = make.proxy(node.dist_port, record=str(tmp_path))
    assert value(call("eval", "rig", "1+1", "--dist-port", recorder.port)) == "2\n"
    down = (tmp_path / "1.down").read_bytes()
    status = 2 + int.from_bytes(down[:2], "big")
    assert down[2:3] == b"s" and down[status + 2:status + 3] == b"N"
    place = status + 3 + 3  # the byte of bits 32 to 39
    assert down[place] & 1
    proxy = make.proxy(node.dist_port, replace=["down", place, bytes([down[place] & ~1]).hex()])
    port = ("--dist-port", proxy.port)
    assert "SPAWN" not in json.loads(value(call("ping", "rig", "--json", *port)))["flags"].split(",")
    assert value(call("eval", "rig", "io:format(\"hello~n\"), 6 * 7", *port)) == "hello\n42\n"
    assert call("eval", "rig", "1/0", *port).status == 1
    assert call("eval", "rig", "halt()", *port, prefix=("setsid", "-w")).status == 77
    before = node.at_rest()
    assert call("eval", "rig", "timer:sleep(20000)", "--timeout", "500ms", *port).status == 75
    wait_for("gone", 5, lambda: node.number_of("process_count") <= before)


@pytest.mark.parametrize("element", ["1", "70"])
def test_a_long_list_costs_no_more_than_its_length(beamline, node, element):
    """Also where the guard has a look at it. The time grew with the square of the length: a minute for this one."""
    text = "length([" + ",".join([element] * 30000) + "]), catch exit(fine)."
    done = beamline("eval", "rig:demo", "--file", "-", stdin=text.encode(), limit=20)
    assert done.stdout == "{'EXIT',fine}\n", done
