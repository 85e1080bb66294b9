# SPDX-License-Identifier: GPL-3.0-or-later
"""A private sshd for the user who runs the tests, and the ssh_config that reaches it by an alias."""

import functools
import os
import pwd
import subprocess

from .core import RigError, answers, free_port, program

# The remote account has no start-up files of a shell, whatever the user's own are: sessions run in a home of the rig's.
SESSION = """#!/bin/sh
cd '{home}' || exit 1
HOME='{home}'
export HOME
if [ -n "$SSH_ORIGINAL_COMMAND" ]; then
	exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
fi
exec /bin/sh -l
"""

# This machine may run other nodes.
OWN_PROCESSES = "/bin/ps \"$@\" | grep -F '{folder}'"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def user():
    return pwd.getpwuid(os.getuid()).pw_name


def make_key(rig, name, kind="ed25519", passphrase=""):
    """A key pair in the rig's folder; returns the private file's path."""
    path = os.path.join(rig.folder, name)
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run([program("ssh-keygen"), "-q", "-t", kind, *bits, "-N", passphrase, "-C", name, "-f", path], check=True,
                   stdin=subprocess.DEVNULL)
    return path


def public(path):
    with open(path + ".pub", encoding="ascii") as file:
        return " ".join(file.read().split()[:2])


@functools.lru_cache
def without_penalties():
    """From OpenSSH 9.8 on, sshd refuses an address for a while after failed attempts; tests make many."""
    keyword = "PerSourcePenalties no"
    known = subprocess.run([program("sshd"), "-G", "-o", keyword, "-f", "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return [keyword] if known.returncode == 0 else []


class Sshd:
    """
    An sshd on a free port of 127.0.0.1. `extra`: lines of sshd_config that come before the rig's own (the first value
    wins there), such as "AllowTcpForwarding no". `ps`: what sessions have for ps, a line of shell; by default the machine's, of which only the rig's
    processes are shown. `force_command=False` leaves sessions to the account's own shell and home
    (HOME is the rig's all the same).
    """

    def __init__(self, rig, alias="rig", extra=(), user_key=None, host_key_type="ed25519", force_command=True, prefix=(),
                 client_prefix=(),
                 address="127.0.0.1", port=None, home=None, log_level="VERBOSE", ps=None):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # where a root sshd's unprivileged half is confined
        self.rig = rig
        self.alias = alias
        self.address = address
        self.folder = f"sshd.{rig.count()}"
        os.mkdir(os.path.join(rig.folder, self.folder), 0o700)
        self.home = home or os.path.join(rig.folder, self.folder, "home")
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        self.host_key = make_key(rig, f"{self.folder}/host_key", host_key_type)
        self.user_key = user_key or make_key(rig, f"{self.folder}/user_key")
        self.authorized = rig.write(f"{self.folder}/authorized_keys", public(self.user_key) + "\n")
        session = rig.write(f"{self.folder}/session", SESSION.format(home=self.home), 0o700)
        os.mkdir(os.path.join(rig.folder, self.folder, "bin"))
        listing = rig.write(f"{self.folder}/bin/ps", f"#!/bin/sh\n{ps or OWN_PROCESSES.format(folder=rig.folder)}\n", 0o700)
        self.extra = list(extra)
        self.own = [
            "StrictModes no", "UsePAM no", "PidFile none", f"LogLevel {log_level}", "PrintMotd no", "PrintLastLog no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
            "UseDNS no", f"HostKey {self.host_key}", f"AuthorizedKeysFile {self.authorized}", f"SetEnv HOME={self.home} PATH={os.path.dirname(listing)}:{PATH}",
            "Subsystem sftp /usr/lib/openssh/sftp-server", "MaxStartups 200", *without_penalties(),
        ] + ([f"ForceCommand {session}"] if force_command else [])
        self.prefix = list(prefix)
        self.client_prefix = list(client_prefix)
        self.server = None
        self.start(port)

    def start(self, port=None):
        """Starts (again, on the same port, after `stop`)."""
        for attempt in range(5):
            self.port = port or free_port()
            listen = f"{self.address}:{self.port}"
            config = self.rig.write(f"{self.folder}/sshd_config",
                                    "\n".join([f"ListenAddress {listen}", *self.extra, *self.own]) + "\n")
            self.server = self.rig.spawn([*self.prefix, program("sshd"), "-D", "-e", "-f", config], name=f"{self.folder}/sshd")
            try:
                self.server.wait_until("listening", 10, lambda: "Server listening on" in self.server.output())
                break
            except RigError:
                if port or attempt == 4:
                    raise
        self.config = self.client_config()

    def stop(self):
        """Ends the listener and every session of its."""
        self.server.stop()

    def restart(self):
        self.stop()
        self.start(self.port)

    def log(self):
        return self.server.output()

    def client_config(self, name=None, port=None, known=True, host_key=None, alias=None, **keywords):
        """
        Writes an ssh_config for this sshd and returns its path. `port`: another one to dial (a proxy's). `known`: whether
        known_hosts holds the key; `host_key`: another key to claim there. Further keywords are ssh_config's own (None leaves one out).
        """
        name = name or f"client.{self.rig.count()}"
        port = port or self.port
        where = self.address if port == 22 else f"[{self.address}]:{port}"
        key = public(host_key or self.host_key)
        hosts = self.rig.write(f"{self.folder}/{name}.known_hosts", f"{where} {key}\n" if known else "")
        options = {
            "HostName": self.address, "Port": port, "User": user(), "IdentityFile": self.user_key, "IdentitiesOnly": "yes",
            "IdentityAgent": "none", "UserKnownHostsFile": hosts, "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes", "BatchMode": "yes", "ControlPath": "none", "UpdateHostKeys": "no",
        }
        options.update(keywords)
        lines = [f"\t{key} {value}" for key, value in options.items() if value is not None]
        return self.rig.write(f"{self.folder}/{name}", "\n".join([f"Host {alias or self.alias}", *lines]) + "\n")

    def ssh(self, *command, config=None, **options):
        """Runs OpenSSH's own client against it, to tell the rig's failures from beamline's."""
        options = {"capture_output": True, "text": True, "timeout": 30, "stdin": subprocess.DEVNULL, **options}
        return subprocess.run([*self.client_prefix, program("ssh"), "-F", config or self.config, self.alias, *command],
                              env=self.rig.base_env(), check=False, **options)

    def answers(self):
        return answers(self.port, self.address)
