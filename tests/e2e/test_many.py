# SPDX-License-Identifier: GPL-3.0-or-later
"""One command for many targets: how they are named, how their answers are shown, and that none of them disturbs another."""

import json
import os
import select
import signal
import subprocess
import time

import pytest

from rig import free_port, wait_for
from rig.liar import COOKIE, VALUE, Liar, binary, frame

WEB = [f"web-{number}" for number in range(1, 13)]
ENDLESS = "register(list_to_atom(\"many_\" ++ os:getpid() ++ pid_to_list(self())), self()), timer:sleep(infinity)"


@pytest.fixture(scope="module")
def config(rig, sshd):
    """web-1 to web-12 and db-01, all of them the session's host; down-1 and down-2, where nobody listens."""
    up = sshd.client_config(f"many.{rig.count()}", alias=" ".join([*WEB, "db-01"]))
    down = sshd.client_config(f"many.{rig.count()}", alias="down-1 down-2", Port=free_port())
    with open(up, encoding="utf-8") as one, open(down, encoding="utf-8") as other:
        return rig.write(f"many.{rig.count()}.config", one.read() + other.read())


@pytest.fixture
def many(beamline, node, config):
    def call(*words, **options):
        return beamline(*words, config=config, **options)
    return call


@pytest.fixture
def conf(rig):
    return lambda text: rig.write(f"many.{rig.count()}.conf", text, 0o600)


def names(done):
    """The targets of an answer in lines."""
    return sorted(line.partition(": ")[0] for line in done.stdout.splitlines())


# Names

@pytest.mark.parametrize("word, expected", [
    ("web-1,web-3", ["web-1", "web-3"]), ("web-[1-3]", WEB[:3]), ("web-[1-2,4]", ["web-1", "web-2", "web-4"]), ("web-[09-10],web-1", None),
    ("db-[01-01]", ["db-01"]), ("web-1?", WEB[9:]), ("*-01", ["db-01"]), ("web-[1-1]*", [WEB[0], *WEB[9:]]),
    ("web-1,web-1,web-[1-2]", WEB[:2]), ("web-[1-2]:demo", ["web-1:demo", "web-2:demo"])])
def test_words_for_many(many, word, expected):
    done = many("eval", word, "node()")
    if expected is None:
        assert done.status == 2 and "host_unknown" in done.stderr and "web-09" in done.stderr, done
    else:
        assert done.status == 0 and names(done) == sorted(expected), done


def test_groups_files_and_standard_input(many, conf, tmp_path):
    path = conf('groups = { web = ["web-1?", "db-01", "!web-12"]; none = ["nothing-*"]; };\n')
    lines = tmp_path / "hosts"
    lines.write_text("# those of today\nweb-1  web-2 # both\n\n\tweb-[4-5],db-01\r\n")
    file = f"@{os.path.relpath(lines)}" if "/" in os.path.relpath(lines) else f"@./{lines.name}"
    assert names(many("eval", "--config", path, "@web", "1")) == ["db-01", "web-10", "web-11"]
    assert names(many("eval", "--config", path, "@web:demo", "1")) == ["db-01:demo", "web-10:demo", "web-11:demo"]
    assert names(many("eval", file, "1")) == ["db-01", "web-1", "web-2", "web-4", "web-5"]
    assert names(many("eval", "-", "1", stdin=b"web-7\nweb-8")) == ["web-7", "web-8"]
    assert names(many("eval", "web-[1-12]", "--except", "web-[2-11]", "--except", "db-01,web-12:demo,web-12", "1")) == ["web-1"]
    for words, status, said in [
            (("--config", path, "@none", "1"), 64, "group “none” has no host"), (("@nobody", "1"), 64, "there is no group “nobody”"),
            (("@./not-there", "1"), 66, "not-there"), (("web-*,nope-*", "1"), 64, "fits “nope-*”"), (("web-1,,web-2", "1"), 64, "empty target"),
            (("web-[3-1]", "1"), 64, "not a range"), (("web-[1-]", "1"), 64, "not a range"), (("web-[]", "1"), 64, "not a range"),
            (("web-[1-99999]", "1"), 64, "more than 10000"), (("web-[1-9999],x[1-9999]", "1"), 64, "more than 10000"),
            (("web-1", "--except", "web-2", "1"), 64, "--except “web-2” is none"), (("web-1", "--except", "web-*", "1"), 64, "leaves no target"),
            (("web-1,-x", "1"), 64, "not a target"), (("--raw", "web-1,web-2", "<<1>>"), 64, "--raw")]:
        done = many("eval", *words)
        assert done.status == status and said in done.stderr and not done.stdout, done
    done = many("eval", "-", stdin=b"web-1\n")
    assert done.status == 64 and "the targets and the text" in done.stderr, done
    lines.write_text("web-1\n@./more\n")
    done = many("eval", file, "1")
    assert done.status == 64 and "line 2" in done.stderr and "cannot name a further one" in done.stderr, done
    lines.write_text("# nobody\n")
    assert "names no target" in many("eval", file, "1").stderr
    lines.write_bytes(b"web-1\0\nweb-2\n")
    assert "is no text" in many("eval", file, "1").stderr


def test_limit(many):
    assert names(many("eval", "web-[3-9]", "--limit", "2", "1")) == ["web-3", "web-4"]
    assert many("eval", "web-1", "--limit", "0", "1").status == 64


# What is shown

def test_lines(many):
    done = many("eval", "web-[1-2]", 'io:format(standard_error, "no~n", []), io:format("one~ntwo"), [three, self()]')
    lines = done.stdout.splitlines()
    assert done.status == 0 and sorted(line for line in lines if line.startswith("web-2"))[0] == "web-2: one", done
    assert len(lines) == 4 and all(line[:7] in ("web-1: ", "web-2: ") for line in lines), done
    # A line that has not ended does not wait for ever, and none is mixed with another's.
    done = many("eval", "web-[1-4]", 'io:put_chars(lists:duplicate(700000, $x)), io:put_chars("y\\nz\\n"), ok')
    for name in WEB[:4]:
        text = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith(name + ": ")]
        assert "".join(text) == "x" * 700000 + "yzok", done.status


def test_gather(many):
    done = many("eval", "--gather", "web-[1-9],db-01,down-1", 'io:format("~s~n", ["same"]), ok')
    assert done.status == 2 and done.stdout == "web-[1-9],db-01 (10):\nsame\nok\n", done
    assert [line.split()[:2] for line in done.stderr.splitlines()[:2]] == [["TARGET", "ERROR"], ["down-1", "tcp_refused"]], done
    assert "1 of 11 targets failed [some_failed]" in done.stderr and done.stderr.count("cure") == 1, done
    # What is not the same, or is too much, is shown for itself.
    done = many("eval", "--gather", "web-[1-2]", "self()")
    assert done.status == 0 and sorted(done.stdout.splitlines()[::2]) == ["web-1:", "web-2:"], done
    done = many("eval", "--gather", "web-[1-2]", 'io:put_chars(lists:duplicate(9000, lists:duplicate(99, $x) ++ "\\n")), ok')
    assert done.status == 0 and sorted(set(done.stdout.splitlines())) == ["web-1: ok", "web-1: " + "x" * 99, "web-2: ok", "web-2: " + "x" * 99], done.stderr
    assert len(done.stdout.splitlines()) == 18002


def test_exceptions_are_failures(many):
    done = many("eval", "web-[1-3]", "1/0")
    assert done.status == 2 and not done.stdout and "3 of 3 targets failed" in done.stderr, done
    assert "web-[1-3] exception" in done.stderr and "web-2: ** exception error" in done.stderr, done
    done = many("eval", "--gather", "web-[1-3]", "1/0")
    assert done.stderr.count("** exception error") == 1 and done.stderr.startswith("web-[1-3] (3):\n"), done


def test_json(many):
    done = many("eval", "--json", "web-[1-3],down-1", "{self(), 1}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.status == 2 and done.stderr == "" and sorted(answer["target"] for answer in answers) == ["down-1", *WEB[:3]], done
    for answer in answers:
        assert answer["error"]["code"] == "tcp_refused" if answer["target"] == "down-1" else answer["value"]["tuple"][1] == 1, done
    # One that may mean many answers as many do, whatever it means.
    assert json.loads(many("eval", "--json", "web-[1-1]", "1").stdout)["value"] == 1
    assert json.loads(many("rpc", "--json", "db-*", "lists", "sum", "[[1, 2]]").stdout)["value"] == 3
    done = many("ping", "--json", "web-1", "down-1")
    assert done.status == 2 and {json.loads(line)["ok"] for line in done.stdout.splitlines()} == {True, False}, done


def test_tables(many, node):
    done = many("ping", "web-[1-2],down-1")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.status == 2 and [row[:2] for row in rows] == [["TARGET", "NODE"], ["web-1", node.full_name], ["web-2", node.full_name]], done
    assert "down-1 tcp_refused" in done.stderr, done
    done = many("nodes", "web-[1-2]", "down-1")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.status == 2 and [row[0] for row in rows] == ["HOST", "web-1", "web-2", "down-1"] and rows[3][-1] == "tcp_refused", done
    done = many("nodes", "--json", "web-[1-2],down-1")
    answer = json.loads(done.stdout)
    assert done.status == 2 and not answer["ok"] and answer["error"]["code"] == "some_failed" and len(answer["nodes"]) == 3, done
    assert done.stderr == "" and answer["nodes"][2]["error"]["code"] == "tcp_refused", done


def test_on_a_terminal(many, node):
    with many("eval", "web-[1-3],down-2", 'io:format("\\e[31mred\\e]0;title\\a~n"), ok', terminal=True) as terminal:
        assert terminal.finish().status == 2
        screen = terminal.screen
    assert "web-[1-3] (3):" in screen and screen.count("red") == 1 and "\x1b]0;" not in screen and "down-2 tcp_refused" in screen, screen
    # A colour that one leaves on is not the next one's.
    with many("eval", "--lines", "web-[1-2]", 'io:format("\\e[31mred~n"), ok', terminal=True) as terminal:
        assert terminal.finish().status == 0
        lines = terminal.raw.splitlines()
    assert all(b"\x1b[31m" not in line or line.endswith(b"\x1b[0m") for line in lines), lines


def test_progress_is_shown_on_a_terminal(many):
    with many("eval", "--forks", "2", "web-[1-4]", "timer:sleep(900), ok", terminal=True) as terminal:
        terminal.expect("2 of 4 are done, 0 failed; 2 run")
        assert terminal.finish().status == 0
        assert terminal.raw.rstrip().endswith(b"ok") and b"\r\x1b[K" in terminal.raw


def test_the_reader_goes_away(many, rig, config, beamline, epmd):
    argv = [beamline.path, "eval", "--ssh-config", config, "--epmd-port", str(epmd.port), "web-[1-8]",
            '(fun F() -> io:put_chars("line\\n"), F() end)()']
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.base_env()) as child:
        assert child.stdout.readline().endswith(b": line\n")
        child.stdout.close()
        assert child.wait(20) == 74 and b"output_closed" in child.stderr.read()


# None disturbs another

def test_twenty_hosts_of_which_five_are_bad(rig, sshd, node, epmd, beamline, conf):
    """One is down, one hangs in the handshake, one has a wrong cookie, one lies, one dies in the call."""
    def lies(peer):
        peer.started()
        peer.raw(frame(b"q\x83j"))

    def dies(peer):
        peer.started()
        peer.say(VALUE, binary(b"4"))
        peer.sock.close()

    good = [f"ok-{number}" for number in range(1, 16)]
    up = sshd.client_config(f"twenty.{rig.count()}", alias=" ".join([*good, "hangs", "cookie", "lies", "dies"]))
    down = sshd.client_config(f"twenty.{rig.count()}", alias="down", Port=free_port())
    with open(up, encoding="utf-8") as one, open(down, encoding="utf-8") as other:
        config = rig.write(f"twenty.{rig.count()}.config", one.read() + other.read())
    liars_cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    wrong = rig.write(f"cookie.{rig.count()}", "WRONG", 0o400)
    with Liar(lambda peer: peer.linger(), raw=True) as hanging, Liar(lies) as lying, Liar(dies) as dying:
        path = conf("hosts = (" + ",".join([
            f'{{ match = "hangs"; dist_port = {hanging.port}; cookie_file = "{liars_cookie}"; handshake_timeout = "4s"; }}',
            f'{{ match = "cookie"; dist_port = {node.dist_port}; cookie_file = "{wrong}"; }}',
            f'{{ match = "lies"; dist_port = {lying.port}; cookie_file = "{liars_cookie}"; }}',
            f'{{ match = "dies"; dist_port = {dying.port}; cookie_file = "{liars_cookie}"; }}']) + ");\n")
        argv = [beamline.path, "eval", "--json", "--config", path, "--ssh-config", config, "--epmd-port", str(epmd.port),
                "ok-[1-15],hangs,cookie,lies,dies,down", "lists:sum(lists:seq(1, 100))"]
        begun = time.monotonic()
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.base_env()) as child:
            answers = {}
            for line in child.stdout:
                answers[json.loads(line)["target"]] = (json.loads(line), time.monotonic() - begun)
            assert child.wait(10) == 2 and child.stderr.read() == b""
        assert len(answers) == 20
        for name in good:
            assert answers[name][0]["value"] == 5050
            assert answers[name][1] < answers["hangs"][1] - 1, answers[name]
        codes = {name: answer[0]["error"]["code"] for name, answer in answers.items() if not answer[0]["ok"]}
        assert codes == {"hangs": "handshake_timeout", "cookie": "cookie_mismatch", "lies": "protocol_error", "dies": "node_lost",
                         "down": "tcp_refused"}
        # The table of who and why.
        done = beamline("eval", "--config", path, "ok-[1-15],hangs,cookie,lies,dies,down", "ok", config=config)
        table = {line.split()[0]: line.split()[1] for line in done.stderr.splitlines() if line.split()[0] in codes}
        assert done.status == 2 and table == codes and "5 of 20 targets failed" in done.stderr, done


def registered(beamline):
    done = beamline("eval", "--json", "rig:demo", '[N || N <- registered(), lists:prefix("many_", atom_to_list(N))]')
    return len(json.loads(done.stdout)["value"])


@pytest.fixture
def running(many, rig, config, beamline, epmd):
    """Sleepers on three of six targets, two at once being the most that --forks allows but one."""
    child = subprocess.Popen([beamline.path, "eval", "--ssh-config", config, "--epmd-port", str(epmd.port), "--forks", "3", "web-[1-6]", ENDLESS],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=rig.base_env(), start_new_session=True,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # nohup may run the tests
    wait_for("evaluations", 10, lambda: registered(beamline) == 3)
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


def test_ctrl_c_once_starts_nothing_more_and_twice_ends_what_runs(running, beamline):
    os.killpg(running.pid, signal.SIGINT)
    assert select.select([running.stderr], [], [], 5)[0]
    assert b"3 running go on, 3 are not started" in running.stderr.readline()
    time.sleep(0.3)
    assert running.poll() is None and registered(beamline) == 3
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(10) == 130
    said = running.stderr.read().decode()
    assert "0 of 6 targets are done, 3 failed, 3 were not started" in said and "web-[4-6] interrupted" in said, said
    wait_for("evaluations", 5, lambda: registered(beamline) == 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_ends_all(running, beamline, number):
    running.send_signal(number)
    assert running.wait(10) == 128 + number
    wait_for("evaluations", 5, lambda: registered(beamline) == 0)


def test_nothing_runs_on_when_we_are_killed(running, beamline):
    running.kill()
    running.wait()
    wait_for("evaluations", 10, lambda: registered(beamline) == 0)


def test_one_of_the_processes_is_killed(running, beamline, rig):
    with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
        victim = int(file.read().split()[0])
    os.kill(victim, signal.SIGKILL)
    # Another one starts in its place.
    wait_for("evaluations", 10, lambda: registered(beamline) == 3)
    running.send_signal(signal.SIGTERM)
    running.wait(10)
    assert "was ended by signal 9" in running.stderr.read().decode()


def test_no_descriptors_are_left(many):
    done = many("eval", "web-*", "1", prefix=("prlimit", "--nofile=20"))
    assert done.status == 2 and "was not started: Too many open files" in done.stderr, done


# Environments

LIVE = 'hosts = ( { match = ["web-*", "!web-12"]; environment = "live"; colour = "red"; confirm = true; } );'


def test_an_environment_is_confirmed_once_for_all(many, conf):
    path = conf(LIVE)
    with many("eval", "--config", path, "web-[1-3],db-01", "1+1", terminal=True) as terminal:
        terminal.expect("live .*3 targets: web-\\[1-3\\]")
        terminal.expect("Type the environment")
        terminal.type("live\n")
        assert terminal.finish().status == 0
        assert "web-[1-3],db-01 (4):" in terminal.screen, terminal.screen
    with many("eval", "--config", path, "web-[1-3],db-01", "1+1", terminal=True) as terminal:
        terminal.expect("Type the environment")
        terminal.type("dead\n")
        assert terminal.finish().status == 77
    done = many("eval", "--config", path, "web-[1-3]", "1+1", prefix=("setsid", "-w"))
    assert done.status == 77 and "guard_refused" in done.stderr and not done.stdout, done
    assert many("eval", "--config", path, "web-[1-3]", "--confirm", "live", "1+1", prefix=("setsid", "-w")).status == 0


def test_what_stops_a_node_is_asked_of_nobody(many, node):
    done = many("eval", "web-[1-2]", "init:stop()")
    assert done.status == 2 and "guard_refused" in done.stderr and node.alive(), done


def test_nothing_is_asked_by_many(make, many, rig, node, epmd, beamline):
    """Prompts of several at once could not be told apart."""
    locked = make.sshd(extra=["PasswordAuthentication yes", "PubkeyAuthentication no"])
    config = locked.client_config(f"many.{rig.count()}", alias="locked-1 locked-2", BatchMode="no", PubkeyAuthentication="no",
                                  PreferredAuthentications="password")
    with beamline("eval", "locked-[1-2]", "1", config=config, terminal=True) as terminal:
        assert terminal.finish().status == 2
        assert "assword:" not in terminal.screen and "auth_" in terminal.screen, terminal.screen


def test_forks_of_the_configuration(many, conf):
    path = conf("defaults = { forks = 1; };")
    begun = time.monotonic()
    assert many("eval", "--config", path, "web-[1-3]", "timer:sleep(300)").status == 0
    assert time.monotonic() - begun > 0.9
