# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the measurements happen: the rig's sshd, EPMD and node; a home for the peers; what must be installed; what was measured on."""

import glob
import os
import platform
import re
import shutil
import subprocess

from rig import Epmd, Node, Proxy, RigError, Sshd, make_key, program, wait_for

# Every comparison is made twice: with each program's own algorithms, and with these on both sides.
FORCED = {"KexAlgorithms": "curve25519-sha256", "Ciphers": "aes128-gcm@openssh.com"}
ALGORITHMS = {"default": {}, "same": FORCED}

DEBIAN_SSHD = "/usr/share/openssh/sshd_config"  # what Debian installs as /etc/ssh/sshd_config
NEEDS = {"strace": "strace", "valgrind": "valgrind", "parallel": "parallel", "erl_call": "erlang-base"}


def need(name):
    """The path of a program that only the bench needs, or an error with the command that installs it."""
    path = shutil.which(name)
    if path is None:
        raise RigError(f"{name} is missing: apt-get install {NEEDS[name]}")
    return path


def first_line(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=30)
    return done.stdout.splitlines()[0] if done.stdout else ""


class World:
    """`builds`: the programs to measure, the first is the one that the goals are about. `turns`: how many count."""

    def __init__(self, rig, builds, turns, build_folder):
        self.rig = rig
        self.builds = builds
        self.program = builds[0]
        self.turns = turns
        self.build_folder = build_folder
        self.erl_call = self.find_erl_call()
        self.ssh = program("ssh")
        self.erl = program("erl")
        self.sshd = Sshd(rig, log_level="INFO")
        self.epmd = Epmd(rig)
        self.node = Node(rig, "demo", epmd=self.epmd, home=self.sshd.home, release="system")
        self.root = os.getuid() == 0
        self.debian_sshd = self.start_debian_sshd() if self.root and os.path.exists(DEBIAN_SSHD) else None
        self.home = self.make_home()

    @staticmethod
    def find_erl_call():
        """It is in no PATH, but below the folder that `erl` belongs to."""
        root = os.path.dirname(os.path.dirname(os.path.realpath(program("erl"))))
        found = sorted(glob.glob(f"{root}/lib/erl_interface-*/bin/erl_call"))
        if not found:
            raise RigError(f"erl_call is missing: apt-get install {NEEDS['erl_call']}")
        return found[-1]

    def start_debian_sshd(self):
        """Debian's own configuration (PAM among it), three host keys, and an account as useradd makes it, with bash."""
        for name in (".profile", ".bashrc"):
            if os.path.exists(f"/etc/skel/{name}"):
                shutil.copy(f"/etc/skel/{name}", self.sshd.home)
        with open(DEBIAN_SSHD, encoding="ascii") as file:
            lines = [line.strip() for line in file if re.match(r"\w", line) and not re.match(r"Include|Subsystem", line)]
        keys = [f"HostKey {make_key(self.rig, f'debian_{kind}', kind)}" for kind in ("rsa", "ecdsa")]
        return Sshd(self.rig, extra=[*lines, *keys], force_command=False, home=self.sshd.home, log_level="INFO")

    def make_home(self):
        """A home for the peers, with the node's cookie (theirs is always at hand), and a hosts file for `erl`."""
        home = os.path.join(self.rig.folder, "peer")
        os.mkdir(home, 0o700)
        shutil.copy(self.node.cookie_file, os.path.join(home, ".erlang.cookie"))
        os.chmod(os.path.join(home, ".erlang.cookie"), 0o400)
        host = self.node.full_name.partition("@")[2]
        self.rig.write("peer/inetrc", f'{{host,{{127,0,0,1}},["{host}"]}}.\n{{lookup,[file,native]}}.\n')
        return home

    def environment(self):
        return self.rig.base_env()

    def peer_environment(self):
        return {**self.rig.base_env(), "HOME": self.home, "ERL_INETRC": os.path.join(self.home, "inetrc")}

    def config(self, algorithms, sshd=None, port=None):
        """An ssh_config with alias `rig`: "default" or "same" algorithms, straight to the sshd or through another port."""
        return (sshd or self.sshd).client_config(port=port, **ALGORITHMS[algorithms])

    def proxy(self, round_trip_ms):
        return Proxy(self.rig, self.sshd.port, delay=round_trip_ms / 2)

    def settle(self):
        """Waits until nothing that a run started is left."""
        wait_for("the end of a run", 10, lambda: not self.rig.strays(), interval=0.005)

    def conditions(self):
        model = "an unnamed processor"
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    model = line.partition(":")[2].strip()
                    break
        libssh = first_line("pkg-config", "--modversion", "libssh")
        otp = self.node.eval("erlang:system_info(otp_release)").strip('"')
        told = {
            "Machine": f"{os.cpu_count()} × {model}, Linux {platform.release()}, load at the start {os.getloadavg()[0]:.2f}",
            "Programs": f"{first_line(self.program, '--version')}, libssh {libssh}, {first_line(self.ssh, '-V').partition(',')[0]}, OTP {otp}",
            "Turns": f"{self.turns} of each, medians",
        }
        if not self.debian_sshd:
            told["Left out"] = "Debian's sshd_config" + ("" if self.root else ", all about memory: only root can measure it")
        return told
