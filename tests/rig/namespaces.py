# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts at once, each a network namespace with its own sshd, EPMD on 127.0.0.1:4369 and nodes.

A namespace here has no name: a process holds it, and cables (veth pairs) lie inside; when the process ends, all of it is gone,
kill -9 included. The controller, where beamline runs, is a namespace too and has no default route, so that a mistyped address
leads nowhere. Each host has its own host name. Files are shared with the machine.
"""

import os
import subprocess

from .core import RigError, program
from .node import Epmd, Node
from .sshd import Sshd, make_key

# Run as: sh -c HOLD hold NAME, inside new network and UTS namespaces.
HOLD = 'hostname "$1" && ip link set lo up && echo ready && exec sleep infinity'

# A node asks for its own host's name at once. This file answers inside the node; nobody else there asks.
INETRC = '{host,{127,0,0,1},["%s"]}.\n{host,{127,0,0,1},["localhost"]}.\n{lookup,[file]}.\n'


class Host:
    """One host: its namespace, addresses, sshd, EPMD and nodes."""

    def __init__(self, network, name):
        self.network = network
        self.name = name
        rig = network.rig
        self.inetrc = rig.write(f"inetrc.{name}", INETRC % name, 0o644)
        self.server = rig.spawn([program("unshare"), "--net", "--uts", "/bin/sh", "-c", HOLD, "hold", name], name=f"host.{name}")
        self.server.wait_until("up", 10, lambda: "ready" in self.server.output())
        self.pid = self.server.pid
        self.prefix = [program("nsenter"), "-t", str(self.pid), "--net", "--uts", "--"]
        self.address = None
        self.sshd = self.epmd = self.node = None

    def start(self, key, elixir=False, node="app", cookie="rigcookie", **options):
        """An sshd on port 22 of its address, EPMD on 4369, one node; the node's home is the account's."""
        rig = self.network.rig
        self.sshd = Sshd(rig, alias=self.name, user_key=key, prefix=self.prefix, address=self.address, port=22,
                         client_prefix=self.network.controller.prefix)
        self.epmd = Epmd(rig, prefix=self.prefix, port=4369)
        self.node = Node(rig, node, cookie, self.epmd, home=self.sshd.home, prefix=self.prefix, elixir=elixir,
                         env={"ERL_INETRC": self.inetrc}, **options)
        return self

    def run(self, argv, **options):
        options = {"capture_output": True, "text": True, "timeout": 30, "stdin": subprocess.DEVNULL,
                   "env": self.network.rig.base_env(), **options}
        return subprocess.run([*self.prefix, *argv], check=False, **options)

    def stop(self):
        self.server.stop()


class Network:
    """The controller and its hosts. `add` gives a host with a cable to the controller, or `behind` another one."""

    def __init__(self, rig):
        if os.getuid() != 0:
            raise RigError("several hosts need network namespaces: run these tests as root")
        program("ip")
        self.rig = rig
        self.cables = 0
        self.hosts = {}
        self.key = None
        self.controller = Host(self, "controller")

    def ip(self, *words):
        done = subprocess.run([program("ip"), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RigError(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def cable(self, one, other):
        """A cable between two hosts; returns their addresses on it."""
        self.cables += 1
        number = self.cables
        if number > 4000:
            raise RigError("more cables than addresses")
        base = f"10.{77 + number // 250}.{number % 250}"
        ends = []
        end_names = ((one, f"c{number}a", f"{base}.1"), (other, f"c{number}b", f"{base}.2"))
        self.ip("link", "add", f"c{number}a", "netns", str(one.pid), "type", "veth", "peer", "name", f"c{number}b",
                "netns", str(other.pid))
        for host, device, address in end_names:
            done = host.run(["/bin/sh", "-c", f"ip addr add {address}/24 dev {device} && ip link set {device} up"])
            if done.returncode != 0:
                raise RigError(f"{host.name}: {done.stderr.strip()}")
            ends.append(address)
        return ends

    def add(self, name, behind=None, start=True, **options):
        host = Host(self, name)
        self.hosts[name] = host
        near = self.controller if behind is None else self.hosts[behind]
        _, host.address = self.cable(near, host)
        if start:
            if self.key is None:
                self.key = make_key(self.rig, "network_key")
            host.start(self.key, **options)
        return host

    def config(self, name="network_config", jumps=None, **keywords):
        """One ssh_config for all hosts; `jumps`: host -> the host it is reached through."""
        text = ""
        for host in self.hosts.values():
            extra = {"ProxyJump": jumps[host.name]} if jumps and host.name in jumps else {}
            with open(host.sshd.client_config(**extra, **keywords), encoding="utf-8") as file:
                text += file.read()
        return self.rig.write(name, text)

    def run(self, argv, **options):
        """Runs a program on the controller."""
        return self.controller.run(argv, **options)
