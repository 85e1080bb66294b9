# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: what is wrong is told with line and cure; what is right holds, for the host and node that it is about."""

import glob
import json
import os
import re
import shutil
import time

import pytest

WRONG = sorted(glob.glob(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "config", "wrong", "*.conf")))
COOKIE = "rabbit-cookie"


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def conf(tmp_path):
    """Writes a configuration file of this test's and returns its path."""
    return lambda text, name="beamline.conf": write(tmp_path / name, text)


@pytest.fixture
def settings(beamline):
    """What `beamline config` says: {key: (value, from)}."""
    def ask(*words, env=None, **options):
        done = beamline("config", "--json", *words, env=env, config=False, epmd_port=False, **options)
        assert done.status == 0, done
        return {row["key"]: (row.get("value"), row.get("from")) for row in json.loads(done.stdout)["settings"]}

    return ask


@pytest.fixture
def refused(beamline):
    """The error of a configuration that cannot be used, as JSON."""
    def ask(*words, env=None):
        done = beamline("config", "--json", *words, "web-1", env=env, config=False, epmd_port=False)
        error = json.loads(done.stdout)["error"]
        assert (done.status, error["code"], error["layer"]) == (78, "config_invalid", "configuration"), done
        return error

    return ask


# Wrong files


def test_there_are_enough_wrong_files():
    assert len(WRONG) >= 60


@pytest.mark.parametrize("path", WRONG, ids=lambda path: os.path.basename(path)[:-5])
def test_a_wrong_file_is_told_with_line_and_cure(refused, tmp_path, path):
    copy = shutil.copy(path, tmp_path / "beamline.conf")
    os.chmod(copy, 0o600)
    with open(path, encoding="utf-8") as file:
        expected = dict(re.match(r"# (\w+): ?(.*)", line).groups() for line in file.read().split("\n")[1:3])
    error = refused("--config", copy)
    assert error["message"] == f"{copy}:{expected['wrong']}"
    cure = error.get("cure", "")
    # A list of all keys grows with the option table.
    assert cure == expected["cure"] or (expected["cure"].endswith(", …") and cure.startswith(expected["cure"][:-1]))


def test_a_file_that_is_not_there_or_no_text(refused, tmp_path):
    assert "No such file" in refused("--config", tmp_path / "none.conf")["message"]
    assert "directory" in refused("--config", tmp_path)["message"]
    (tmp_path / "nul.conf").write_bytes(b"defaults = {\n\0};\n")
    (tmp_path / "nul.conf").chmod(0o600)
    assert refused("--config", tmp_path / "nul.conf")["message"].endswith(":2: a NUL character stands here")
    (tmp_path / "bytes.conf").write_bytes(bytes(range(255, 0, -1)))
    (tmp_path / "bytes.conf").chmod(0o600)
    assert ":1: " in refused("--config", tmp_path / "bytes.conf")["message"]
    large = write(tmp_path / "large.conf", "#" + "x" * (1024 * 1024))
    assert "larger than 1048576 bytes" in refused("--config", large)["message"]
    os.mkfifo(tmp_path / "fifo.conf")
    assert "not a regular file" in refused("--config", tmp_path / "fifo.conf")["message"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(refused, settings, tmp_path, mode):
    path = write(tmp_path / "x.conf", "defaults = { timeout = 5; };", mode)
    error = refused("--config", path)
    assert error["message"] == f"{path} may be written by others (mode {mode:04o})" and error["cure"] == f"chmod go-w '{path}'"
    outer = write(tmp_path / "outer.conf", '\ninclude = "x.conf";')
    assert refused("--config", outer)["message"].startswith(f"{outer}:2: {path} may be written by others")
    path.chmod(0o644)
    assert settings("--config", path, "web-1")["timeout"][0] == "5s"


@pytest.mark.root
def test_a_file_of_somebody_else_is_refused(refused, tmp_path):
    path = write(tmp_path / "x.conf", "")
    os.chown(path, 65534, 65534)
    assert "belongs to another user (uid 65534)" in refused("--config", path)["message"]


def test_includes(refused, settings, tmp_path):
    outer = write(tmp_path / "outer.conf", 'defaults = { timeout = 1; };\ninclude = [ "a.conf", "d/*.conf" ];')
    assert refused("--config", outer)["message"] == f"{outer}:2: {tmp_path}/a.conf: No such file or directory"
    write(tmp_path / "a.conf", 'defaults = { timeout = 2; epmd_port = 2; };\ngroups = { g = "web-1"; };')
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "b.conf", 'hosts = ( { match = "@g"; language = "elixir"; } );')
    found = settings("--config", outer, "web-1")
    assert found["timeout"] == ("1s", f"{outer}:1") and found["epmd_port"] == ("2", f"{tmp_path}/a.conf:1")
    assert found["language"] == ("elixir", f"{tmp_path}/d/b.conf:1")
    write(tmp_path / "d" / "c.conf", 'include = "../outer.conf";\n')
    assert refused("--config", outer)["message"] == f"{tmp_path}/d/c.conf:1: {tmp_path}/d/../outer.conf is read already"


def test_includes_are_bounded(refused, settings, tmp_path):
    for i in range(12):
        write(tmp_path / f"{i}.conf", f'include = "{i + 1}.conf";' if i < 11 else "")
    assert "depth of more than 8 files" in refused("--config", tmp_path / "0.conf")["message"]
    assert settings("--config", tmp_path / "4.conf", "web-1")
    itself = write(tmp_path / "itself.conf", f'include = "{tmp_path}/itself.conf";')
    assert refused("--config", itself)["message"] == f"{itself}:1: {itself} is read already"
    (tmp_path / "many").mkdir()
    for i in range(64):
        write(tmp_path / "many" / f"{i}.conf", "")
    many = write(tmp_path / "many.conf", 'include = "many/*";')
    assert "more than 64 files" in refused("--config", many)["message"]


def test_a_broken_configuration_stops_no_help(beamline, conf):
    path = conf("blah")
    env = {"BEAMLINE_CONFIG": str(path)}
    assert beamline("eval", "--help", env=env).status == 0 and beamline("--version", env=env).status == 0
    done = beamline("eval", "rig:demo", "1", env=env)
    assert done.status == 78 and f"{path}:1:" in done.stderr and "cure:" in done.stderr, done


# Which file, which value


def test_where_files_are_looked_for(settings, tmp_path):
    home, xdg = tmp_path / "home", tmp_path / "xdg"
    for folder, timeout in ((home / ".config", 1), (xdg, 2)):
        (folder / "beamline").mkdir(parents=True)
        write(folder / "beamline" / "beamline.conf", f"defaults = {{ timeout = {timeout}; }};")
    other, named = write(tmp_path / "other.conf", "defaults = { timeout = 3; };"), write(tmp_path / "named.conf", "defaults = { timeout = 4; };")
    env = {"HOME": str(home), "BEAMLINE_CONFIG": "", "XDG_CONFIG_HOME": ""}

    def timeout(*words, **variables):
        return settings("web-1", *words, env={**env, **{name: str(value) for name, value in variables.items()}})["timeout"][0]

    assert timeout() == "1s"
    assert timeout(XDG_CONFIG_HOME=xdg) == "2s"
    assert timeout(XDG_CONFIG_HOME=tmp_path / "nothing") == "no limit"
    assert timeout(XDG_CONFIG_HOME=xdg, BEAMLINE_CONFIG=other) == "3s"
    assert timeout("--config", named, XDG_CONFIG_HOME=xdg, BEAMLINE_CONFIG=other) == "4s"
    assert timeout("--config", "none", BEAMLINE_CONFIG=other) == "no limit"
    assert timeout(BEAMLINE_CONFIG="none") == "no limit"


@pytest.mark.root
def test_the_machines_file_stands_behind_the_users(settings, tmp_path):
    home, etc = tmp_path / "home", tmp_path / "etc"
    (home / ".config" / "beamline").mkdir(parents=True)
    (etc / "beamline").mkdir(parents=True)
    mine = write(home / ".config" / "beamline" / "beamline.conf", 'groups = { g = "web-1"; };\nhosts = ( { match = "@g"; timeout = 1; } );')
    machine = write(etc / "beamline" / "beamline.conf",
                    'groups = { g = "*"; };\nhosts = ( { match = "*"; timeout = 2; epmd_port = 2; } );', 0o644)
    shutil.copy("/etc/passwd", etc / "passwd")
    mounted = ("unshare", "-m", "sh", "-c", f"mount --bind {etc} /etc && exec \"$@\"", "sh")
    env = {"HOME": str(home), "BEAMLINE_CONFIG": ""}
    found = settings("web-1", env=env, prefix=mounted)
    assert found["timeout"] == ("1s", f"{mine}:2")
    assert found["epmd_port"] == ("2", "/etc/beamline/beamline.conf:2"), machine
    assert settings("web-2", env=env, prefix=mounted)["timeout"][0] == "2s"


def test_the_command_line_then_the_environment_then_the_files(settings, conf, tmp_path):
    path = conf('defaults = { cookie_file = "mine"; timeout = "90s"; };\nhosts = ( { match = "*"; cookie_command = "true"; } );')
    config = ("--config", path, "deploy@web-1:shop")
    assert settings(*config)["cookie_command"] == ("true", f"{path}:2")
    assert "cookie_file" not in settings(*config) and "remote_cookie_file" not in settings(*config)
    found = settings(*config, env={"BEAMLINE_COOKIE_FILE": "/env"})
    assert found["cookie_file"] == ("/env", "BEAMLINE_COOKIE_FILE") and "cookie_command" not in found
    found = settings(*config, "--remote-cookie-file", "/there", env={"BEAMLINE_COOKIE_FILE": "/env"})
    assert found["remote_cookie_file"] == ("/there", "--remote-cookie-file") and "cookie_file" not in found
    assert found["cookie"] == ("(hidden)", "remote_cookie_file")
    assert settings(*config, "--timeout", "1500ms")["timeout"] == ("1500ms", "--timeout")
    assert settings(*config)["timeout"][0] == "90s"
    path = conf('defaults = { cookie_file = "mine"; };')
    assert settings("--config", path, "web-1")["cookie_file"][0] == f"{tmp_path}/mine"
    assert settings("--config", conf('defaults = { cookie_file = "~/mine"; };'), "web-1", env={"HOME": "/h"})["cookie_file"][0] == "/h/mine"


def test_options_that_exclude_each_other(beamline):
    done = beamline("eval", "rig:demo", "1", "--cookie-file", "x", "--cookie-command", "y")
    assert done.status == 64 and "--cookie-file and --cookie-command exclude each other" in done.stderr, done
    done = beamline("eval", "rig:demo", "1", "--elixir", "--language", "erlang")
    assert done.status == 64 and "contradict" in done.stderr, done
    done = beamline("eval", "rig:demo", "1", "--language", "elxir")
    assert done.status == 64 and "erlang|elixir" in done.stderr, done


def test_the_table_is_for_people(beamline, conf):
    path = conf('defaults = { cookie_command = "pass show x"; };')
    done = beamline("config", "--config", path, "web-1", config=False, epmd_port=False)
    lines = [re.split(r" {2,}|(?<=\w) (?=/|built)", line.strip()) for line in done.stdout.splitlines()]
    assert lines[0] == ["KEY", "VALUE", "FROM"] or lines[0][0].startswith("KEY"), done
    assert re.search(rf"^cookie_command +pass show x +{path}:1$", done.stdout, re.MULTILINE), done
    assert re.search(r"^epmd_port +4369 +built in$", done.stdout, re.MULTILINE), done
    assert re.search(r"^cookie +\(hidden\) +cookie_command$", done.stdout, re.MULTILINE), done
    done = beamline("config", "web-1", config=False, epmd_port=False)
    assert "no configuration file is read" in done.stderr, done


def test_the_example_has_every_key_and_holds(beamline, settings, tmp_path):
    source = os.environ.get("SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(source, "etc", "beamline.conf"), encoding="utf-8") as file:
        text = file.read()
    assert settings("--config", write(tmp_path / "as_is.conf", text), "web-1")["timeout"] == ("no limit", "built in")
    on = re.sub(r"^(\t*)#(?! |$)", r"\1", text, flags=re.MULTILINE)
    found = settings("--config", write(tmp_path / "on.conf", on), "shop-1:reports")
    assert found["language"][0] == "elixir" and found["environment"][0] == "production"
    manual = beamline("help", "mdoc-keys").stdout
    keys = re.findall(r"^\.It Ic (\w+)", manual, re.MULTILINE)
    assert len(keys) > 10
    for key in keys:
        assert re.search(rf"^[^#]*\b{key} = ", on, re.MULTILINE), f"etc/beamline.conf does not show {key}"


# Cookies


@pytest.fixture
def bare(make, rig):
    """An sshd whose remote home has no cookie, as of a release or RabbitMQ, and what the cookie files there are called."""
    return make.sshd()


@pytest.fixture
def told(conf, sshd):
    """The session's cookie."""
    with open(os.path.join(sshd.home, ".erlang.cookie"), encoding="ascii") as file:
        return file.read().strip()


def evaluate(beamline, path, *words, target="rig:demo", **options):
    return beamline("eval", "--config", path, target, "40 + 2", *words, **options)


def test_a_cookie_command(beamline, node, conf, bare, told, tmp_path):
    secret = write(tmp_path / "secret", told + "\n")
    path = conf(f'hosts = ( {{ match = "rig"; cookie_command = "cat {secret} | tr -d -c a-z"; }} );')
    done = evaluate(beamline, path, "-v", config=bare.config)
    assert done.status == 0 and done.stdout == "42\n" and "cookie: from the command “cat" in done.stderr and told not in done.stderr, done
    path = conf('hosts = ( { match = "rig"; cookie_command = "echo first; echo no such entry >&2; exit 5"; } );')
    done = evaluate(beamline, path, config=bare.config)
    assert done.status == 78 and "[cookie_missing]" in done.stderr and "status 5: no such entry" in done.stderr, done
    assert evaluate(beamline, conf('defaults = { cookie_command = "echo wrong"; };'), config=bare.config).status == 77
    assert evaluate(beamline, conf('defaults = { cookie_command = "echo wrong"; };'), "--cookie-file", secret, config=bare.config).status == 0


def test_a_cookie_command_with_a_known_port(beamline, node, conf, bare, told):
    path = conf(f'hosts = ( {{ match = "rig"; dist_port = {node.dist_port}; cookie_command = "sleep 0.2; echo {told}"; }} );')
    for target in ("rig", "rig:demo"):
        done = evaluate(beamline, path, target=target, config=bare.config, epmd_port=False)
        assert done.status == 0 and done.stdout == "42\n", done


def test_a_cookie_command_may_ask_on_the_terminal(beamline, node, conf, bare, told):
    path = conf('defaults = { cookie_command = "printf \'Which? \' >/dev/tty; read x </dev/tty; echo $x"; };')
    terminal = evaluate(beamline, path, config=bare.config, terminal=True)
    terminal.expect("Which\\?")
    terminal.line(told)
    terminal.expect("42")
    assert terminal.finish().status == 0
    terminal = evaluate(beamline, path, config=bare.config, terminal=True)
    terminal.expect("Which\\?")
    terminal.type("\x03")
    assert terminal.finish().status == 130


@pytest.mark.parametrize("name", ["COOKIE", "odd $(id) name's \"x\"", "-n"])
def test_a_remote_cookie_file(beamline, node, conf, bare, told, name):
    with open(os.path.join(bare.home, name), "w", encoding="ascii") as file:
        file.write(told)
    quoted = name.replace('"', '\\"')
    for path in ([name] if name == "COOKIE" else []) + [f"~/{name}", os.path.join(bare.home, name), name]:
        quoted = path.replace('"', '\\"')
        done = evaluate(beamline, conf(f'hosts = ( {{ match = "r*"; remote_cookie_file = "{quoted}"; }} );'), config=bare.config)
        assert done.status == 0 and done.stdout == "42\n", done
    done = evaluate(beamline, conf('hosts = ( { match = "r*"; remote_cookie_file = "/no/such"; } );'), config=bare.config)
    assert done.status == 78 and "/no/such on the host is not there" in done.stderr and "sudo -n cat" in done.stderr, done


def test_a_remote_cookie_command(beamline, node, conf, bare, told, rig):
    store = os.path.join(bare.home, "store")
    os.mkdir(store)
    with open(os.path.join(store, ".erlang.cookie"), "w", encoding="ascii") as file:
        file.write(told)
    wrapper = rig.write(f"sudo.{rig.count()}", '#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nexec "$@"\n', 0o755)
    path = conf(f'hosts = ( {{ match = "rig"; remote_cookie_command = "{wrapper} -n cat {store}/.erlang.cookie"; }} );')
    done = evaluate(beamline, path, "-v", config=bare.config)
    assert done.status == 0 and done.stdout == "42\n" and "on the host" in done.stderr, done
    done = evaluate(beamline, conf(f'defaults = {{ remote_cookie_command = "{wrapper} cat {store}/.erlang.cookie"; }};'), config=bare.config)
    assert done.status == 78 and "prints nothing" in done.stderr and "by ssh" in done.stderr, done


def test_each_node_has_its_own_cookie(beamline, make, conf, tmp_path):
    host, epmd = make.sshd(), make.epmd()
    for name in ("rabbit", "shop", "third"):
        make.node(name, epmd=epmd, cookie=f"cookie-of-{name}")
    write(tmp_path / "remote", "cookie-of-shop")
    path = conf('hosts = ( { match = "*"; nodes = (\n'
                '  { match = "rabbit"; cookie_command = "echo run >> ' + str(tmp_path) + '/runs; echo cookie-of-rabbit"; },\n'
                '  { match = "sh?p"; remote_cookie_file = "' + str(tmp_path) + '/remote"; } ); } );')
    done = beamline("nodes", "--json", "--config", path, "rig", config=host.config, epmd_port=epmd.port)
    rows = {row["node"].split("@")[0]: row for row in json.loads(done.stdout)["nodes"]}
    assert rows["rabbit"]["otp"] and rows["shop"]["otp"], done
    assert rows["third"]["error"]["code"] == "cookie_missing" and rows["third"]["reachable"], done
    assert (tmp_path / "runs").read_text() == "run\n"
    for name in ("rabbit", "shop"):
        done = evaluate(beamline, path, target=f"rig:{name}", config=host.config, epmd_port=epmd.port)
        assert done.status == 0, done


def test_the_only_node_has_its_own_cookie_and_limit(beamline, make, conf):
    host, epmd = make.sshd(), make.epmd()
    lonely = make.node("lonely", epmd=epmd, cookie="lonely")
    path = conf('nodes = ( { match = "lonely"; cookie_command = "echo lonely"; timeout = "500ms"; } );')
    for options in ({"epmd_port": epmd.port}, {"epmd_port": False}):
        words = [] if options["epmd_port"] else ["--dist-port", lonely.dist_port]
        done = beamline("eval", "--config", path, "rig", *words, "timer:sleep(20000)", config=host.config, **options)
        assert done.status == 75 and "[call_timeout]" in done.stderr, done


# Environments

PRODUCTION = 'hosts = ( { match = "rig"; environment = "production"; colour = "red"; %s } );'


def test_an_environment_is_shown_on_a_terminal(beamline, node, conf):
    path = conf(PRODUCTION % "")
    terminal = evaluate(beamline, path, terminal=True)
    assert terminal.finish().status == 0
    assert "\x1b[1;7;31m production \x1b[0m rig:demo\r\n" in terminal.raw.decode() and "42" in terminal.screen
    terminal = evaluate(beamline, path, terminal=True, env={"NO_COLOR": "1"})
    assert terminal.finish().status == 0 and "production: rig:demo\n42\n" in terminal.screen and "\x1b" not in terminal.screen
    for words in (("--json",), ("-q",)):
        terminal = evaluate(beamline, path, *words, terminal=True)
        assert terminal.finish().status == 0 and "production" not in terminal.screen
    assert evaluate(beamline, path).stderr == ""
    terminal = beamline("rpc", "--config", path, "rig:demo", "erlang", "node", terminal=True)
    assert terminal.finish().status == 0 and "production" in terminal.screen
    terminal = beamline("ping", "--config", path, "rig:demo", terminal=True)
    assert terminal.finish().status == 0 and "production" not in terminal.screen


def test_an_environment_that_wants_to_be_confirmed(beamline, node, conf):
    path = conf(PRODUCTION % "confirm = true;")
    for answer, status in (("production", 0), ("staging", 77), ("", 77), ("demo", 77)):
        terminal = evaluate(beamline, path, terminal=True)
        terminal.expect("Type the environment's name")
        time.sleep(0.1)
        terminal.line(answer)
        assert terminal.finish().status == status, terminal.screen
        assert ("42\n" in terminal.screen) == (status == 0)
    terminal = evaluate(beamline, path, terminal=True)
    terminal.expect("Type the environment's name")
    terminal.type("\x03")
    assert terminal.finish().status == 130
    done = evaluate(beamline, path, prefix=("setsid", "-w"))
    assert done.status == 77 and "[guard_refused]" in done.stderr and "--confirm production" in done.stderr and not done.stdout, done
    for name, status in (("production", 0), ("demo", 0), (node.full_name, 0), ("staging", 77)):
        done = evaluate(beamline, path, "--confirm", name, prefix=("setsid", "-w"))
        assert done.status == status, done
    assert evaluate(beamline, conf(PRODUCTION % ""), prefix=("setsid", "-w")).status == 0


def test_the_environments_name_does_not_confirm_a_stop(beamline, node, conf):
    path = conf(PRODUCTION % "confirm = true;")
    done = beamline("eval", "--config", path, "rig:demo", "halt()", "--confirm", "production", prefix=("setsid", "-w"))
    assert done.status == 77 and f"--confirm {node.full_name}" in done.stderr, done
    terminal = beamline("eval", "--config", path, "rig:demo", "halt()", terminal=True)
    terminal.expect("Type the environment's name")
    time.sleep(0.1)
    terminal.line("production")
    terminal.expect("Type the node's name")
    time.sleep(0.1)
    terminal.line("production")
    assert terminal.finish().status == 77


def test_an_environment_of_a_node_that_was_not_named(beamline, make, conf, sshd):
    epmd = make.epmd()
    make.node("only", epmd=epmd, home=sshd.home)
    path = conf('hosts = ( { match = "rig"; nodes = ( { match = "only"; environment = "live"; confirm = true; } ); } );')
    done = evaluate(beamline, path, target="rig", epmd_port=epmd.port, prefix=("setsid", "-w"))
    assert done.status == 77 and "belongs to live" in done.stderr and not done.stdout, done
    terminal = evaluate(beamline, path, target="rig", epmd_port=epmd.port, terminal=True)
    terminal.expect("live")
    terminal.expect("Type the environment's name")
    time.sleep(2)
    terminal.line("live")
    assert terminal.finish().status == 0 and "42" in terminal.screen
    assert evaluate(beamline, path, "--confirm", "only", target="rig", epmd_port=epmd.port).status == 0


def test_confirm_without_an_environment_means_the_host(beamline, node, conf):
    path = conf('hosts = ( { match = "rig"; confirm = true; } );')
    assert evaluate(beamline, path, prefix=("setsid", "-w")).status == 77
    assert evaluate(beamline, path, "--confirm", "rig", prefix=("setsid", "-w")).status == 0


def test_an_environments_name_cannot_drive_the_terminal(refused, conf):
    assert "control characters" in refused("--config", conf('defaults = { environment = "a\\x1b[2J"; };'))["message"]


# Hosts


SSH_CONFIG = """
Host web-1 web-2 *.example !web-9
    HostName 192.0.2.1
Include more/*.conf
Match host x
    User y
host = "db-1"
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    (folder / ".ssh" / "more").mkdir(parents=True)
    (folder / ".ssh" / "config").write_text(SSH_CONFIG)
    (folder / ".ssh" / "more" / "a.conf").write_text("Host mq-1 web-1\nInclude more/a.conf\nInclude /dev/zero\n")
    return folder


def test_hosts_and_groups_are_listed(beamline, home, conf):
    path = conf('groups = { web = [ "web-*", "!web-2" ]; all = [ "@web", "lab" ]; };\n'
                'hosts = ( { match = "@all"; environment = "production"; }, { match = [ "cache-1", "cache-*" ]; } );')

    def hosts(*words):
        done = beamline("hosts", "--config", path, *words, config=False, epmd_port=False, env={"HOME": str(home)})
        assert done.status == 0, done
        return done.stdout

    answer = json.loads(hosts("--json"))
    names = [row["host"] for row in answer["hosts"]]
    assert [name for name in names if name in ("cache-1", "db-1", "lab", "mq-1", "web-1", "web-2")] == ["cache-1", "db-1", "lab", "mq-1", "web-1", "web-2"]
    assert not any("*" in name or "!" in name for name in names)
    rows = {row["host"]: row for row in answer["hosts"]}
    assert rows["web-1"] == {"host": "web-1", "environment": "production", "groups": ["web", "all"]}
    assert rows["web-2"] == {"host": "web-2", "groups": []}
    assert answer["groups"][1] == {"group": "all", "members": ["@web", "lab"], "hosts": ["lab", "web-1"]}
    assert re.search(r"^web-1 +production +@web @all *$", hosts(), re.MULTILINE)
    assert re.search(r"^@all +- +- +@web lab$", hosts(), re.MULTILINE)
    assert hosts("--names", "web-?") == "web-1\nweb-2\n"
    assert hosts("--names", "@all") == "lab\nweb-1\n@all\n"
    assert hosts("nothing-*") == ""
    done = beamline("hosts", "--config", path, "@nothing", config=False, epmd_port=False)
    assert done.status == 64 and "no group “nothing”" in done.stderr, done


def test_an_ssh_config_is_named(beamline, tmp_path):
    (tmp_path / "config").write_text("Host one\n")
    done = beamline("hosts", "--names", "-F", tmp_path / "config", config=False, epmd_port=False)
    assert done.stdout == "one\n", done
    assert beamline("hosts", "--names", "-F", "none", config=False, epmd_port=False).stdout == ""


# The manual pages


def test_the_manual_page_has_every_key(beamline):
    build = os.environ.get("BUILDDIR") or os.path.dirname(beamline.path)
    with open(os.path.join(build, "beamline.conf.5"), encoding="utf-8") as file:
        text = file.read()
    keys = re.findall(r"^\.It Ic (\w+) No = Ar", text, re.MULTILINE)
    assert {"epmd_port", "cookie_command", "confirm", "language"} <= set(keys) and "\n@KEYS@" not in text
