# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys and authentication of src/ssh, through tests/tools/tunnel_driver, against real sshds and a real agent."""

import os
import signal
import subprocess
import time

import pytest

from rig import Terminal, make_key, public, run

PASSPHRASE = "open sesame"


@pytest.fixture(scope="session")
def driver():
    build = os.environ.get("BUILDDIR") or os.path.dirname(os.environ["BEAMLINE"])
    subprocess.run(["make", "-s", "-C", build, "tests/tools/tunnel_driver"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(build, "tests/tools/tunnel_driver")


class Client:
    """Runs the driver with an ssh_config made for the case; `known` and the keywords are those of Sshd.client_config."""

    def __init__(self, rig, sshd, driver):
        self.rig, self.sshd, self.driver = rig, sshd, driver
        self.name = None
        self.terminals = []

    def argv(self, sshd, keywords, options):
        sshd = sshd or self.sshd
        self.name = f"auth.{self.rig.count()}"
        config = sshd.client_config(self.name, **{"BatchMode": "no", **keywords})
        self.known_hosts = os.path.join(self.rig.folder, sshd.folder, f"{self.name}.known_hosts")
        return [self.driver, "-F", config, *options, sshd.alias, "info"]

    def __call__(self, sshd=None, env=None, verbose=False, **keywords):
        argv = self.argv(sshd, keywords, ["-v"] if verbose else [])
        return run(argv, {**self.rig.base_env(), **(env or {})})

    def terminal(self, sshd=None, **keywords):
        self.terminals.append(Terminal(self.argv(sshd, keywords, ["-a"]), self.rig.base_env()))
        return self.terminals[-1]

    def known(self):
        with open(self.known_hosts, encoding="utf-8") as file:
            return file.read()

    def fingerprint(self):
        told = subprocess.run(["ssh-keygen", "-lf", self.sshd.host_key], check=True, capture_output=True, text=True)
        return told.stdout.split()[1]


@pytest.fixture
def client(rig, sshd, driver):
    made = Client(rig, sshd, driver)
    yield made
    for terminal in made.terminals:
        terminal.close()


@pytest.fixture(scope="session")
def keys(rig, sshd):
    """Keys that the session's sshd takes, by kind, `locked` with a passphrase; and `foreign`, which it does not take."""
    made = {kind: make_key(rig, f"key_{kind}", kind) for kind in ("ed25519", "rsa", "ecdsa")}
    made["locked"] = make_key(rig, "key_locked", passphrase=PASSPHRASE)
    with open(sshd.authorized, "a", encoding="ascii") as file:
        for path in made.values():
            file.write(public(path) + "\n")
    made["foreign"] = make_key(rig, "key_foreign")
    return made


class Agent:
    def __init__(self, rig, *paths):
        self.socket = os.path.join(rig.folder, f"agent.{rig.count()}")
        self.env = {"SSH_AUTH_SOCK": self.socket}
        self.child = subprocess.Popen(["ssh-agent", "-D", "-a", self.socket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.socket):
            time.sleep(0.02)
        for path in paths:
            subprocess.run(["ssh-add", "-q", path], env={**os.environ, **self.env}, check=True, stdin=subprocess.DEVNULL)

    def stop(self):
        self.child.send_signal(signal.SIGCONT)
        self.child.kill()
        self.child.wait()


@pytest.fixture
def agent(rig):
    made = []

    def start(*paths):
        made.append(Agent(rig, *paths))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def accepted(finished, by):
    assert finished.status == 0 and f"auth publickey ({by})" in finished.stdout, finished


def refused(finished, code, status, *texts):
    said = finished.stdout + finished.stderr
    assert finished.status == status and f"{code}: " in said, finished
    for text in texts:
        assert text in said, finished


# Keys


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_plain_key_is_signed_with_at_once(client, sshd, keys, kind):
    before = sshd.log().count("Postponed publickey")
    accepted(client(IdentityFile=keys[kind]), keys[kind])
    assert sshd.log().count("Postponed publickey") == before


def test_the_second_file_serves(client, keys):
    accepted(client(IdentityFile=f"{keys['foreign']}\n\tIdentityFile {keys['rsa']}"), keys["rsa"])


def test_a_foreign_key_is_refused_with_what_was_tried(client, keys):
    refused(client(IdentityFile=keys["foreign"]), "auth_refused", 77, keys["foreign"], "it would take: publickey", "ssh-copy-id")


def test_no_key_at_all_is_said(client):
    refused(client(IdentityFile="/nowhere/key"), "auth_refused", 77, "nothing to offer", "no IdentityFile exists")


def test_a_key_that_others_may_read_is_left_out(client, keys, rig):
    path = make_key(rig, f"key_open.{rig.count()}")
    os.chmod(path, 0o640)
    refused(client(IdentityFile=path), "auth_refused", 77, "is left out", "0640")


def test_a_passphrase_is_asked_for_on_the_terminal(client, keys):
    terminal = client.terminal(IdentityFile=keys["locked"])
    terminal.expect("Enter passphrase for key")
    terminal.line("wrong")
    terminal.expect("Enter passphrase for key")
    terminal.line(PASSPHRASE)
    accepted(terminal.finish(), keys["locked"])
    assert PASSPHRASE not in terminal.screen and "wrong" not in terminal.screen


def test_a_passphrase_is_asked_for_only_if_sshd_would_take_the_key(client, rig):
    path = make_key(rig, f"key_locked.{rig.count()}", passphrase=PASSPHRASE)
    terminal = client.terminal(IdentityFile=path)
    refused(terminal.finish(), "auth_refused", 77, path)
    assert "passphrase" not in terminal.screen


@pytest.mark.parametrize("keywords", [{"BatchMode": "yes"}, {}])
def test_without_anybody_to_ask_the_locked_key_is_named(client, keys, keywords):
    refused(client(IdentityFile=keys["locked"], **keywords), "auth_refused", 77, "needs its passphrase", "ssh-add")


def test_ctrl_c_at_the_passphrase_ends_it(client, keys):
    terminal = client.terminal(IdentityFile=keys["locked"])
    terminal.expect("Enter passphrase")
    terminal.type("\x03")
    assert terminal.finish().status in (128 + signal.SIGINT, 128 + signal.SIGHUP)


def test_two_methods_in_a_row(client, make, keys):
    server = make.sshd(extra=["AuthenticationMethods publickey,publickey"])
    with open(server.authorized, "a", encoding="ascii") as file:
        file.write(public(keys["rsa"]) + "\n")
    accepted(client(server, IdentityFile=f"{server.user_key}\n\tIdentityFile {keys['rsa']}"), keys["rsa"])
    refused(client(server, IdentityFile=server.user_key), "auth_refused", 77)


def test_too_many_attempts_have_their_own_cure(client, make, keys):
    server = make.sshd(extra=["MaxAuthTries 1"])
    names = [keys[kind] for kind in ("foreign", "rsa", "ecdsa")]
    refused(client(server, IdentityFile="\n\tIdentityFile ".join(names)), "auth_refused", 77, "too many", "IdentitiesOnly")


# The agent


def test_the_agent_serves(client, agent, keys):
    env = agent(keys["ed25519"]).env
    accepted(client(env=env, IdentityAgent=None, IdentitiesOnly="no", IdentityFile="/nowhere/key"), "agent: key_ed25519")
    accepted(client(IdentityAgent=env["SSH_AUTH_SOCK"], IdentitiesOnly="no", IdentityFile="/nowhere/key"), "agent: key_ed25519")


def test_of_several_keys_the_right_one_is_found(client, agent, keys):
    env = agent(keys["foreign"], keys["rsa"]).env
    accepted(client(env=env, IdentityAgent=None, IdentitiesOnly="no", IdentityFile="/nowhere/key"), "agent: key_rsa")


def test_identities_only_offers_the_named_key_alone(client, agent, keys):
    env = agent(keys["foreign"], keys["ecdsa"]).env
    told = client(env=env, verbose=True, IdentityAgent=None, IdentityFile=keys["ecdsa"] + ".pub")
    accepted(told, "agent: key_ecdsa")
    assert "does not take" not in told.stderr
    refused(client(env=env, IdentityAgent=None, IdentityFile="/nowhere/key"), "auth_refused", 77)


def test_a_locked_file_that_the_agent_holds_needs_no_question(client, agent, keys, rig, sshd):
    holder = agent()
    plain = os.path.join(rig.folder, f"unlocked.{rig.count()}")
    with open(keys["locked"], "rb") as source, open(plain, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(source.read())
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", PASSPHRASE, "-N", "", "-f", plain], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ssh-add", "-q", plain], env={**os.environ, **holder.env}, check=True)
    accepted(client(env=holder.env, IdentityAgent=None, IdentityFile=keys["locked"]), "agent: key_locked")


def test_an_agent_that_hangs_costs_five_seconds_at_most(client, agent, keys):
    holder = agent(keys["rsa"])
    holder.child.send_signal(signal.SIGSTOP)
    told = client(env=holder.env, IdentityAgent=None, IdentityFile=keys["ed25519"])
    accepted(told, keys["ed25519"])
    assert "does not answer" in told.stderr and told.seconds < 8


# Host keys


def test_an_unknown_key_is_asked_about_and_kept(client):
    terminal = client.terminal(known=False, StrictHostKeyChecking="ask")
    terminal.expect("ED25519 key has the fingerprint " + client.fingerprint().replace("+", "[+]"))
    terminal.expect(r"\? ")
    terminal.line("perhaps")
    terminal.expect("Please answer")
    terminal.line("yes")
    assert terminal.finish().status == 0, terminal.screen
    assert public(client.sshd.host_key) in client.known()


def test_the_fingerprint_is_an_answer_and_the_name_is_hashed(client):
    terminal = client.terminal(known=False, StrictHostKeyChecking="ask", HashKnownHosts="yes")
    terminal.expect(r"\? ")
    terminal.line(client.fingerprint())
    assert terminal.finish().status == 0, terminal.screen
    assert client.known().startswith("|1|")
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{client.sshd.port}", "-f", client.known_hosts], capture_output=True, text=True)
    assert "found" in found.stdout


@pytest.mark.parametrize("answer", ["no", "SHA256:wrong"])
def test_no_is_no(client, answer):
    terminal = client.terminal(known=False, StrictHostKeyChecking="ask")
    terminal.expect(r"\? ")
    terminal.line(answer)
    refused(terminal.finish(), "host_key_unknown", 77)
    assert client.known() == ""


@pytest.mark.parametrize("keywords", [{"StrictHostKeyChecking": "yes"}, {"StrictHostKeyChecking": "ask", "BatchMode": "yes"},
                                      {"StrictHostKeyChecking": "ask"}])
def test_an_unknown_key_stops_where_nobody_is_asked(client, keywords):
    refused(client(known=False, **keywords), "host_key_unknown", 77, client.fingerprint(), "accept-new")
    assert client.known() == ""


@pytest.mark.parametrize("checking", ["accept-new", "no"])
def test_a_new_key_is_taken_silently_where_that_is_configured(client, checking):
    assert client(known=False, StrictHostKeyChecking=checking).status == 0
    assert public(client.sshd.host_key) in client.known()


@pytest.mark.parametrize("checking", ["yes", "ask", "accept-new", "no"])
def test_a_changed_key_always_stops(client, keys, checking):
    refused(client(host_key=keys["foreign"], StrictHostKeyChecking=checking), "host_key_changed", 77, ".known_hosts:1",
            client.fingerprint(), "ssh-keygen -f")


def test_a_host_known_by_another_type_only_is_not_new(client, keys):
    refused(client(host_key=keys["ecdsa"], StrictHostKeyChecking="accept-new"), "host_key_unknown", 77, "by its ECDSA key")


def test_a_revoked_key_stops(client, rig):
    key = public(client.sshd.host_key)
    marked = rig.write(f"marked.{rig.count()}", f"@revoked * {key}\n")
    refused(client(GlobalKnownHostsFile=marked), "host_key_revoked", 77, marked + ":1")
    listed = rig.write(f"listed.{rig.count()}", f"# lost\n{key}\n")
    refused(client(RevokedHostKeys=listed), "host_key_revoked", 77, listed + ":2")
    refused(client(RevokedHostKeys="/nowhere/list"), "config_invalid", 78, "RevokedHostKeys")


def test_the_alias_is_the_name(client, rig):
    hosts = rig.write(f"alias.{rig.count()}", f"some-name {public(client.sshd.host_key)}\n")
    assert client(known=False, UserKnownHostsFile=hosts, HostKeyAlias="Some-Name").status == 0


# The configuration


def test_a_wrong_configuration_is_said_by_ssh_and_by_us(client):
    refused(client(NoSuchKeyword="yes"), "config_invalid", 78, "Bad configuration option")
