# SPDX-License-Identifier: GPL-3.0-or-later
"""
Keywords of ssh_config: what ssh makes of each on the rig, beamline makes as well. docs/ssh-config.md has the list; each of its “honoured” and
“by OpenSSH” has a case here.
"""

import base64
import functools
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

from rig.sshd import make_key, public, user

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPENSSH = "by a private master of OpenSSH's"


class World:
    """What a case may use: the session's sshd, others of its own, keys, an agent."""

    def __init__(self, rig, sshd, make):
        self.rig, self.session, self.make = rig, sshd, make
        self.sshd = sshd
        self.env = {}

    def server(self, *extra, **options):
        """This case's own server."""
        self.sshd = self.make.sshd(extra=extra, home=self.session.home, **options)
        return self.sshd

    def config(self, **keywords):
        return self.sshd.client_config(f"case.{self.rig.count()}", **keywords)

    def text(self, text):
        return self.rig.write(f"case.{self.rig.count()}.config", text)

    def key(self, kind="ed25519"):
        return make_key(self.rig, f"case.{self.rig.count()}.key", kind)

    def where(self, name=None):
        return f"[{name or self.sshd.address}]:{self.sshd.port}"

    def known(self, *lines):
        return self.rig.write(f"case.{self.rig.count()}.known", "".join(f"{line}\n" for line in lines))

    def host_line(self, name=None):
        return f"{name or self.where()} {public(self.sshd.host_key)}"

    def agent(self, *keys):
        path = os.path.join(self.rig.folder, f"case.{self.rig.count()}.agent")
        server = self.rig.spawn(["ssh-agent", "-D", "-a", path])
        self.make.keep(server)
        server.wait_until("listening", 10, lambda: os.path.exists(path))
        for key in keys:
            subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": path}, check=True, stdin=subprocess.DEVNULL)
        return path

    def certificate(self, ca, key, *words):
        subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "case", *words, f"{key}.pub"], check=True, stderr=subprocess.DEVNULL)
        return f"{key}-cert.pub"


@functools.lru_cache
def keywords_of_ssh():
    """Those that this ssh shows. Some are built without Kerberos; Debian's has more."""
    shown = subprocess.run(["ssh", "-F", "none", "-G", "x"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    return {line.split()[0].lower() for line in shown.splitlines()}


CASES = {}


def case(name, ok=True, way=None, limit=None):
    """A case: whether ssh gets in, and who connects for us. Its function gives an ssh_config that knows the host as `rig`."""
    def keep(function):
        assert name not in CASES
        CASES[name] = (function, ok, way, limit)
        return function
    return keep


def simple(name, ok=True, way=None, limit=None, **keywords):
    case(name, ok, way, limit)(lambda world: world.config(**keywords))


# Where to

simple("HostName and Port", HostName="127.0.0.1")
simple("HostName that is none", ok=False, HostName="no-such-host.invalid")
simple("Port where nobody listens", ok=False, Port=1)
simple("User that is none", ok=False, User="nobody-of-this-name")
simple("AddressFamily inet", AddressFamily="inet")
simple("AddressFamily inet6 for an address of IPv4", ok=False, AddressFamily="inet6")
simple("BindAddress that is not ours", ok=False, BindAddress="192.0.2.77")
simple("BindInterface", way="BindInterface", BindInterface="lo")
simple("TCPKeepAlive no", TCPKeepAlive="no")
simple("ServerAliveInterval and ServerAliveCountMax", ServerAliveInterval=1, ServerAliveCountMax=2)
simple("ConnectionAttempts", ok=False, ConnectionAttempts=2, Port=1)
simple("IPQoS", IPQoS="cs1 none")


@case("BindAddress")
def _(world):
    world.seen = "from 127.0.0.9"
    return world.config(BindAddress="127.0.0.9")


@case("ConnectTimeout with a server that says nothing", ok=False, limit=8)
def _(world):
    world.silent = socket.create_server(("127.0.0.1", 0))
    return world.config(Port=world.silent.getsockname()[1], ConnectTimeout=1)


# Through what

@case("ProxyCommand")
def _(world):
    program = world.rig.write(f"case.{world.rig.count()}.py", (
        "import os, socket, sys, threading\n"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): s.sendall(data)\n"
        "    s.shutdown(socket.SHUT_WR)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536): os.write(1, data)\n"))
    return world.config(HostName="not.the.name", HostKeyAlias="own", ProxyCommand=f"/usr/bin/python3 -I {program} %p",
                        UserKnownHostsFile=world.known(world.host_line("own")))


@case("ProxyUseFdpass", way="ProxyUseFdpass")
def _(world):
    program = world.rig.write(f"case.{world.rig.count()}.py", (
        "import array, socket, sys\n"
        f"s = socket.create_connection(('127.0.0.1', {world.sshd.port}))\n"
        "out = socket.socket(fileno=1)\n"
        "out.sendmsg([b'\\0'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))])\n"))
    return world.config(ProxyCommand=f"/usr/bin/python3 -I {program}", ProxyUseFdpass="yes")


def jumps(world, *names):
    """Each its own sshd with its own key; the last is reached through all before it."""
    blocks, before = [], None
    for name in names:
        host = world.server(alias=name)
        keywords = {"ProxyJump": before} if before else {}
        with open(world.config(alias=name, **keywords), encoding="utf-8") as file:
            blocks.append(file.read())
        before = name
    return world.text("\n".join(blocks))


@case("ProxyJump")
def _(world):
    return jumps(world, "gate", "rig")


@case("ProxyJump over two hosts, each with its own configuration")
def _(world):
    return jumps(world, "gate", "inner", "rig")


@case("ProxyJump through a host that is none", ok=False)
def _(world):
    return world.config(ProxyJump="no-such-host.invalid")


# With what

simple("KexAlgorithms", KexAlgorithms="ecdh-sha2-nistp256")
simple("KexAlgorithms that the server has not", ok=False, KexAlgorithms="diffie-hellman-group1-sha1")
simple("KexAlgorithms that libssh may not have", KexAlgorithms="sntrup761x25519-sha512@openssh.com", way="KexAlgorithms?")
simple("Ciphers", Ciphers="aes256-ctr")
simple("Ciphers that the server has not", ok=False, Ciphers="3des-cbc")
simple("MACs", Ciphers="aes256-ctr", MACs="hmac-sha2-512")
simple("MACs that libssh has not", Ciphers="aes256-ctr", MACs="umac-128-etm@openssh.com", way="MACs")
simple("HostKeyAlgorithms", HostKeyAlgorithms="ssh-ed25519")
simple("HostKeyAlgorithms that the server has not", ok=False, HostKeyAlgorithms="ecdsa-sha2-nistp521")
simple("PubkeyAcceptedAlgorithms without ours", ok=False, PubkeyAcceptedAlgorithms="rsa-sha2-512")
simple("Compression", Compression="yes")
simple("RekeyLimit", RekeyLimit="64K 5s")


@case("RequiredRSASize of the host's key", ok=False)
def _(world):
    world.server(host_key_type="rsa")
    return world.config(RequiredRSASize=3072)


@case("RequiredRSASize that the host's key has")
def _(world):
    world.server(host_key_type="rsa")
    return world.config(RequiredRSASize=2048)


@case("RequiredRSASize of the user's key", ok=False)
def _(world):
    world.server(user_key=world.key("rsa"))
    return world.config(RequiredRSASize=3072)


# Who we are

simple("PubkeyAuthentication no", ok=False, PubkeyAuthentication="no")
simple("PreferredAuthentications without publickey", ok=False, PreferredAuthentications="keyboard-interactive,password")
simple("PreferredAuthentications", PreferredAuthentications="hostbased,publickey")
simple("PasswordAuthentication and KbdInteractiveAuthentication no", PasswordAuthentication="no", KbdInteractiveAuthentication="no")
simple("HostbasedAuthentication", way="HostbasedAuthentication", HostbasedAuthentication="yes")
simple("AddKeysToAgent", AddKeysToAgent="no")


@case("IdentityFile, the second of two")
def _(world):
    text = open(world.config(IdentityFile=world.key()), encoding="utf-8").read()
    return world.text(text + f"\tIdentityFile {world.sshd.user_key}\n")


@case("IdentityFile with tokens")
def _(world):
    folder = os.path.join(world.rig.folder, f"keys.{user()}")
    os.makedirs(folder, exist_ok=True)
    for ending in ("", ".pub"):
        shutil.copy(world.sshd.user_key + ending, os.path.join(folder, "127.0.0.1" + ending))
    return world.config(IdentityFile=os.path.join(world.rig.folder, "keys.%r/%h"))


@case("IdentityFile that is not there", ok=False)
def _(world):
    return world.config(IdentityFile="/nonexistent/key")


@case("IdentityAgent")
def _(world):
    return world.config(IdentityFile=None, IdentitiesOnly="no", IdentityAgent=world.agent(world.sshd.user_key))


@case("IdentityAgent none", ok=False)
def _(world):
    world.env = {"SSH_AUTH_SOCK": world.agent(world.sshd.user_key)}
    return world.config(IdentityFile="/nonexistent/key", IdentitiesOnly="no", IdentityAgent="none")


@case("IdentityAgent SSH_AUTH_SOCK")
def _(world):
    world.env = {"SSH_AUTH_SOCK": world.agent(world.sshd.user_key)}
    return world.config(IdentityFile="/nonexistent/key", IdentitiesOnly="no", IdentityAgent="SSH_AUTH_SOCK")


@case("IdentitiesOnly with another key in the agent", ok=False)
def _(world):
    return world.config(IdentityFile=world.key(), IdentitiesOnly="yes", IdentityAgent=world.agent(world.sshd.user_key))


@case("CertificateFile", way="CertificateFile")
def _(world):
    ca, key = world.key(), world.key()
    world.server(f"TrustedUserCAKeys {ca}.pub", "AuthorizedKeysFile none")
    return world.config(IdentityFile=key, CertificateFile=world.certificate(ca, key, "-n", user()))


@case("PKCS11Provider that is none", ok=True, way="PKCS11Provider")
def _(world):
    return world.config(PKCS11Provider="/nonexistent/pkcs11.so")


@case("IdentityFile with a FIDO key", way="FIDO")
def _(world):
    """Another file serves; ssh passes over one whose token is not there."""
    path = os.path.join(world.rig.folder, f"case.{world.rig.count()}.sk")
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"sk-ssh-ed25519@openssh.com", os.urandom(32), b"ssh:"))
    world.rig.write(os.path.relpath(path, world.rig.folder) + ".pub", f"sk-ssh-ed25519@openssh.com {base64.b64encode(blob).decode()} token\n")
    text = open(world.config(), encoding="utf-8").read()
    return world.text(text + f"\tIdentityFile {path}\n")


@case("GSSAPIAuthentication with a ticket", way="GSSAPI")
def _(world):
    world.env = {"KRB5CCNAME": "FILE:" + world.rig.write(f"case.{world.rig.count()}.ticket", "x")}
    return world.config(GSSAPIAuthentication="yes")


@case("GSSAPIAuthentication without a ticket")
def _(world):
    world.env = {"KRB5CCNAME": "FILE:/nonexistent"}
    return world.config(GSSAPIAuthentication="yes")


@case("GSSAPIKeyExchange", way="GSSAPIKeyExchange")
def _(world):
    return with_head(world, "IgnoreUnknown GSSAPIKeyExchange\nHost *\n\tGSSAPIKeyExchange yes")


# Who the host is

simple("StrictHostKeyChecking yes with an unknown key", ok=False, known=False, StrictHostKeyChecking="yes")
simple("BatchMode with StrictHostKeyChecking ask", ok=False, known=False, StrictHostKeyChecking="ask")
simple("StrictHostKeyChecking no with an unknown key", known=False, StrictHostKeyChecking="no")
simple("VerifyHostKeyDNS", way="VerifyHostKeyDNS", VerifyHostKeyDNS="yes")
simple("CheckHostIP", way="CheckHostIP", CheckHostIP="yes")


@case("StrictHostKeyChecking accept-new")
def _(world):
    world.adds = world.known()
    return world.config(UserKnownHostsFile=world.adds, StrictHostKeyChecking="accept-new")


@case("HashKnownHosts")
def _(world):
    world.adds = world.known()
    world.hashed = True
    return world.config(UserKnownHostsFile=world.adds, StrictHostKeyChecking="accept-new", HashKnownHosts="yes")


@case("a changed key", ok=False)
def _(world):
    return world.config(UserKnownHostsFile=world.known(f"{world.where()} {public(world.key())}"))


@case("a changed key with accept-new", ok=False)
def _(world):
    return world.config(UserKnownHostsFile=world.known(f"{world.where()} {public(world.key())}"), StrictHostKeyChecking="accept-new")


@case("HostKeyAlias")
def _(world):
    return world.config(HostKeyAlias="its-own-name", UserKnownHostsFile=world.known(world.host_line("its-own-name")))


@case("HostKeyAlias that is not known", ok=False)
def _(world):
    return world.config(HostKeyAlias="its-own-name")


@case("UserKnownHostsFile, the second of two")
def _(world):
    return world.config(UserKnownHostsFile=f"{world.known('# nothing')} {world.known(world.host_line())}")


@case("UserKnownHostsFile with tokens")
def _(world):
    shutil.copy(world.known(world.host_line()), os.path.join(world.rig.folder, f"tokens.127.0.0.1.{user()}"))
    return world.config(UserKnownHostsFile=os.path.join(world.rig.folder, "tokens.%h.%r"))


@case("GlobalKnownHostsFile")
def _(world):
    return world.config(UserKnownHostsFile="/dev/null", GlobalKnownHostsFile=world.known(world.host_line()))


@case("known_hosts with hashed names")
def _(world):
    path = world.known(world.host_line())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    return world.config(UserKnownHostsFile=path)


@case("known_hosts with patterns")
def _(world):
    return world.config(UserKnownHostsFile=world.known(world.host_line(f"[127.0.0.?]:{world.sshd.port},!{world.where('127.0.0.2')}")))


@case("known_hosts with an exception", ok=False)
def _(world):
    return world.config(UserKnownHostsFile=world.known(world.host_line(f"[127.0.0.?]:{world.sshd.port},!{world.where()}")))


@case("known_hosts with a revoked key", ok=False)
def _(world):
    return world.config(UserKnownHostsFile=world.known(world.host_line(), "@revoked * " + public(world.sshd.host_key)))


@case("known_hosts with an authority", way="cert-authority")
def _(world):
    ca, key = world.key(), world.key()
    certificate = world.certificate(ca, key, "-h", "-n", "127.0.0.1")
    world.server(f"HostKey {key}", f"HostCertificate {certificate}")
    return world.config(UserKnownHostsFile=world.known(f"@cert-authority {world.where()} {public(ca)}"))


@case("known_hosts with an authority that did not sign", ok=False, way="cert-authority")
def _(world):
    return world.config(UserKnownHostsFile=world.known(f"@cert-authority * {public(world.key())}"))


@case("KnownHostsCommand", way="KnownHostsCommand")
def _(world):
    program = world.rig.write(f"case.{world.rig.count()}.sh", f"#!/bin/sh\necho '{world.host_line()}'\n", 0o700)
    return world.config(UserKnownHostsFile="/dev/null", KnownHostsCommand=program)


@case("RevokedHostKeys", ok=False)
def _(world):
    return world.config(RevokedHostKeys=world.known(public(world.sshd.host_key)))


@case("RevokedHostKeys with another key")
def _(world):
    return world.config(RevokedHostKeys=world.known(public(world.key())))


# How it is written

def with_head(world, head, **keywords):
    return world.text(head + "\n" + open(world.config(**keywords), encoding="utf-8").read())


@case("Host with a pattern and an exception")
def _(world):
    return with_head(world, "Host r* !rig\n\tPort 1")


@case("the first value counts", ok=False)
def _(world):
    return with_head(world, "Host r*\n\tPort 1")


@case("Match host")
def _(world):
    text = open(world.config(HostName=None), encoding="utf-8").read()
    return world.text("Match originalhost rig\n\tHostName 127.0.0.1\n" + text)


@case("Match exec")
def _(world):
    text = open(world.config(Port=None), encoding="utf-8").read()
    return world.text(f"Match host 127.0.0.1,rig exec \"test %n = rig\"\n\tPort {world.sshd.port}\n" + text)


@case("Match user", ok=False)
def _(world):
    return with_head(world, f"Match user {user()} originalhost rig\n\tIdentityFile /nonexistent\n\tPreferredAuthentications none")


@case("Include")
def _(world):
    return world.text(f"Include {world.config()}\n")


@case("CanonicalizeHostname", limit=20)
def _(world):
    return with_head(world, "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeFallbackLocal yes")


@case("a keyword that is none", ok=False)
def _(world):
    return with_head(world, "Host *\n\tNoSuchKeyword yes")


@case("IgnoreUnknown")
def _(world):
    return with_head(world, "IgnoreUnknown NoSuch*\nHost *\n\tNoSuchKeyword yes")


# What a session of one's own would have, and forwards have not

for keyword, value in (("ForwardAgent", "yes"), ("ForwardX11", "no"), ("LocalCommand", "echo local"), ("RemoteCommand", "none"), ("RequestTTY", "force"),
                       ("SendEnv", "LANG"), ("SetEnv", "X=1"), ("EscapeChar", "none"), ("VisualHostKey", "yes"), ("LogLevel", "QUIET"),
                       ("ControlMaster", "no"), ("UpdateHostKeys", "no"), ("Tunnel", "no"), ("NoHostAuthenticationForLocalhost", "no")):
    simple(f"{keyword} {value}", **{keyword: value})


@pytest.mark.parametrize("name", CASES)
def test_as_ssh_does(rig, sshd, make, beamline, node, name):
    function, ok, way, limit = CASES[name]
    world = World(rig, sshd, make)
    world.seen = world.adds = None
    world.hashed = False
    config = function(world)
    env = {**rig.base_env(), **world.env}
    theirs = subprocess.run(["ssh", "-F", config, "rig", "true"], env=env, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    assert (theirs.returncode == 0) == ok, theirs
    if world.adds:
        added = open(world.adds, encoding="utf-8").read()
        open(world.adds, "w", encoding="utf-8").close()
    before = len(world.sshd.log())
    begun = time.monotonic()
    done = beamline("-v", "nodes", "rig", config=config, env=world.env)
    assert (done.status == 0) == ok, done
    assert time.monotonic() - begun < (limit or 15)
    if way and way.endswith("?"):
        pass  # whether libssh can is its release's matter
    elif way and way.startswith("GSSAPI") and name.split()[0].lower() not in keywords_of_ssh():
        assert OPENSSH not in done.stderr, done
    elif way:
        assert OPENSSH in done.stderr and way in done.stderr, done
    else:
        assert OPENSSH not in done.stderr or not ok, done
    if world.seen:
        assert world.seen in world.sshd.log()[before:], world.sshd.log()[before:]
    if world.adds:
        ours = open(world.adds, encoding="utf-8").read()
        assert len(ours.splitlines()) == len(added.splitlines()) == 1 and ours.split()[1:] == added.split()[1:], (ours, added)
        assert ours.startswith("|1|") == added.startswith("|1|") == world.hashed, ours


@pytest.mark.parametrize("prompts", [1, 2])
def test_number_of_password_prompts(rig, sshd, make, beamline, prompts):
    key = make_key(rig, f"case.{rig.count()}.key", passphrase="right")
    config = make.sshd(user_key=key, home=sshd.home).client_config(BatchMode="no", NumberOfPasswordPrompts=prompts)
    with beamline("nodes", "rig", config=config, terminal=True) as terminal:
        for _ in range(prompts):
            terminal.expect("assphrase")
            terminal.type("wrong\n")
        assert terminal.finish().status == 77
        assert len(re.findall("assphrase for", terminal.screen)) == prompts, terminal.screen


def test_the_list_has_every_keyword():
    """docs/ssh-config.md names each keyword that this ssh knows, and what it says of each is one of six things."""
    with open(os.path.join(TOP, "docs", "ssh-config.md"), encoding="utf-8") as file:
        rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in file if line.startswith("| `")]
    told = {row[0].lower() for row in rows}
    assert not keywords_of_ssh() - told, sorted(keywords_of_ssh() - told)
    assert {row[1].split(",")[0] for row in rows} <= {"honoured", "by OpenSSH", "with OpenSSH", "by ssh -G", "ignored", "stricter"}, rows
    names = " ".join(CASES).lower()
    without = [row[0] for row in rows if row[1] in ("honoured", "by OpenSSH") and not re.search(rf"\b{row[0].lower()}\b", names)]
    # Of a terminal, and of another program's socket.
    assert set(without) <= {"NumberOfPasswordPrompts", "ControlPath"}, without
