# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes the SSH connection: a ControlMaster of the user's own, libssh, or a private master of OpenSSH's."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from rig import wait_for

OPENSSH = ("--transport", "openssh")


def masters(rig):
    """Private masters of OpenSSH's that run in the rig's environment."""
    found = subprocess.run(["pgrep", "-f", f"ssh -M .*{rig.runtime}"], capture_output=True, text=True, check=False)
    return found.stdout.split()


@pytest.fixture
def master(rig, sshd):
    """A user's own ControlMaster; .config names it, .kill() ends it."""
    class Master:
        def __init__(self):
            self.path = os.path.join(rig.folder, f"cm.{rig.count()}")
            self.config = sshd.client_config(ControlPath=self.path)
            self.server = rig.spawn(["ssh", "-F", self.config, "-M", "-N", "rig"])
            self.server.wait_until("connected", 20, lambda: os.path.exists(self.path))

    own = Master()
    yield own
    own.server.stop(signal.SIGTERM)


def test_a_private_master(beamline, rig, sshd, node):
    done = beamline("-v", *OPENSSH, "eval", "rig:demo", "1+1")
    assert (done.stdout, done.status) == ("2\n", 0) and "by a private master of OpenSSH's: as asked" in done.stderr, done
    assert masters(rig) == []
    ping = json.loads(beamline(*OPENSSH, "ping", "--json", "rig:demo").stdout)
    assert ping["ssh"]["post_quantum"] is None and ping["ssh"]["port"] == sshd.port, ping
    big = beamline(*OPENSSH, "eval", "--raw", "rig:demo", "binary:copy(<<7>>, 10000000)")
    assert big.status == 0 and big.out == b"\7" * 10_000_000


def test_a_live_control_master_is_used_first(beamline, sshd, node, master):
    before = sshd.log().count("Accepted publickey")
    for words in ((), OPENSSH):
        done = beamline("-v", *words, "eval", "rig:demo", "1+1", config=master.config)
        assert done.stdout == "2\n" and f"over the ControlMaster at {master.path}" in done.stderr, done
    assert sshd.log().count("Accepted publickey") == before
    done = beamline("--transport", "libssh", "eval", "rig:demo", "1+1", config=master.config)
    assert done.stdout == "2\n" and sshd.log().count("Accepted publickey") == before + 1
    assert master.server.running()


def test_a_control_master_that_has_gone(beamline, sshd, node, master):
    os.kill(master.server.pid, signal.SIGKILL)
    wait_for("its end", 5, lambda: not master.server.running())
    assert os.path.exists(master.path)
    done = beamline("eval", "rig:demo", "1+1", config=master.config)
    assert (done.stdout, done.stderr, done.status) == ("2\n", "", 0), done


def test_a_control_master_that_goes_in_a_call(beamline, node, master):
    child = beamline("eval", "rig:demo", 'io:put_chars("begun\n"), timer:sleep(20000)', config=master.config, terminal=True)
    child.expect("begun")
    os.kill(master.server.pid, signal.SIGTERM)
    done = child.finish()
    assert done.status == 75 and "[ssh_lost]" in done.stdout, done


@pytest.mark.parametrize("setting, reason", [
    ("KnownHostsCommand=/bin/true", "KnownHostsCommand is set"), ("KexAlgorithms=sntrup761x25519-sha512@openssh.com", "libssh has none of"),
], ids=["KnownHostsCommand", "KexAlgorithms"])
def test_what_libssh_cannot_do(beamline, node, sshd, setting, reason):
    done = beamline("-v", "-o", setting, "eval", "rig:demo", "1+1")
    if "Kex" in setting and "curve25519" not in done.stderr and "private master" not in done.stderr:
        return  # a libssh that can
    assert done.stdout == "2\n" and reason in done.stderr and "by a private master of OpenSSH's" in done.stderr, done
    refused = beamline("--transport", "libssh", "-o", setting, "eval", "rig:demo", "1+1")
    assert refused.status == 78 and "[ssh_unsupported]" in refused.stderr, refused


@pytest.mark.parametrize("lines", [["Ciphers aes256-gcm@openssh.com"], ["KexAlgorithms sntrup761x25519-sha512@openssh.com"],
                                   ["MACs umac-128@openssh.com", "Ciphers aes256-ctr"]], ids=["cipher", "kex", "mac"])
def test_a_server_that_shares_nothing_with_libssh(beamline, make, node, lines):
    """Which is found when it answers; some releases of libssh share it."""
    sshd = make.sshd(extra=lines, home=node.home)
    done = beamline("-v", "eval", "rig:demo", "1+1", config=sshd.config)
    assert done.stdout == "2\n" and ("by a private master of OpenSSH's" in done.stderr or "no_common" not in done.stderr), done
    if "umac" in lines[0]:
        assert "by a private master" in done.stderr, done
        refused = beamline("--transport", "libssh", "eval", "rig:demo", "1+1", config=sshd.config)
        assert refused.status == 76 and "[no_common_algorithm]" in refused.stderr, refused


def test_a_certificate_of_the_users(beamline, make, rig, node):
    """Which libssh cannot present: the account takes nothing else."""
    folder = os.path.join(rig.folder, f"ca.{rig.count()}")
    os.mkdir(folder, 0o700)
    for name in ("ca", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}"], check=True)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["ssh-keygen", "-q", "-s", f"{folder}/ca", "-I", "me", "-n", user, f"{folder}/user.pub"], check=True)
    sshd = make.sshd(extra=[f"TrustedUserCAKeys {folder}/ca.pub", "AuthorizedKeysFile none"], home=node.home)
    config = sshd.client_config(IdentityFile=f"{folder}/user", CertificateFile=f"{folder}/user-cert.pub")
    done = beamline("-v", "eval", "rig:demo", "1+1", config=config)
    assert done.stdout == "2\n" and "CertificateFile is set" in done.stderr, done


def test_a_banner_does_not_decide_what_went_wrong(beamline, make, rig):
    banner = rig.write(f"banner.{rig.count()}", "Idle sessions are timed out after 10 minutes.\n", 0o644)
    sshd = make.sshd(extra=[f"Banner {banner}"])
    done = beamline(*OPENSSH, "nodes", "rig", config=sshd.client_config(IdentityFile="/nonexistent"))
    assert done.status == 77 and "[auth_refused]" in done.stderr, done


def test_what_goes_wrong_is_told_as_well(beamline, make, rig, sshd):
    def failed(status, code, *words, config=None):
        done = beamline(*OPENSSH, *words, "nodes", "rig", config=config)
        assert done.status == status and f"[{code}]" in done.stderr and done.stdout == "", done
        return done.stderr

    failed(68, "host_unknown", "-o", "HostName=nowhere.invalid")
    failed(69, "tcp_refused", "-o", "Port=1")
    failed(77, "host_key_unknown", config=sshd.client_config(known=False))
    other = make.sshd()
    said = failed(77, "host_key_changed", config=sshd.client_config(host_key=other.host_key))
    assert re.search(r"the host's key is SHA256:[\w+/]{43}\)", said), said
    failed(77, "auth_refused", config=sshd.client_config(IdentityFile=other.user_key))
    failed(76, "no_common_algorithm", "-o", "Ciphers=3des-cbc")
    assert masters(rig) == []


def test_it_asks_on_the_terminal(beamline, make, rig, node):
    key = os.path.join(rig.folder, f"asked.{rig.count()}")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key], check=True)
    sshd = make.sshd(user_key=key, home=node.home)
    terminal = beamline(*OPENSSH, "eval", "rig:demo", "1+1", config=sshd.client_config(BatchMode="no"), terminal=True)
    terminal.expect("passphrase")
    terminal.line("open sesame")
    terminal.expect("2")
    assert terminal.finish().status == 0
    terminal = beamline(*OPENSSH, "eval", "rig:demo", "1+1", config=sshd.client_config(BatchMode="no"), terminal=True)
    terminal.expect("passphrase")
    terminal.type("\x03")
    assert terminal.finish().status == 130
    assert masters(rig) == []


def test_who_holds_it_is_killed(beamline, rig, sshd, epmd, node):
    child = subprocess.Popen([beamline.path, *OPENSSH, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "eval", "rig:demo", "timer:sleep(9000)"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=rig.base_env(), text=True)
    wait_for("its master", 10, lambda: masters(rig) and os.listdir(os.path.join(rig.runtime, "beamline")))
    time.sleep(0.5)
    for holder in subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=True).stdout.split():
        os.kill(int(holder), signal.SIGKILL)
    assert "[ssh_lost]" in child.communicate(timeout=20)[1] and child.returncode == 75
    wait_for("the master's end", 5, lambda: masters(rig) == [])
    assert os.listdir(os.path.join(rig.runtime, "beamline")) == []


def test_a_master_that_is_stopped_is_ended(beamline, rig, sshd, epmd, node):
    child = subprocess.Popen([beamline.path, *OPENSSH, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "eval", "rig:demo", "timer:sleep(9000)"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=rig.base_env(), text=True)
    wait_for("its master", 10, lambda: len(masters(rig)) == 1)
    time.sleep(0.5)
    os.kill(int(masters(rig)[0]), signal.SIGSTOP)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    wait_for("the master's end", 5, lambda: masters(rig) == [])


def test_killed_at_any_moment_it_leaves_nothing(beamline, rig, sshd, epmd, node):
    """(The fixture that looks for leftovers judges.)"""
    for step in range(20):
        child = subprocess.Popen([beamline.path, *OPENSSH, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "eval", "rig:demo", "timer:sleep(9000)"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=rig.base_env())
        time.sleep(step / 40)
        child.send_signal(signal.SIGKILL if step % 2 else signal.SIGTERM)
        child.wait()
    wait_for("the masters' end", 5, lambda: masters(rig) == [])
