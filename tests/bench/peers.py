# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines that are compared: ours, OpenSSH's, and the scripts that an operator would write with erl_call or erl."""

import os
import shlex

from rig import free_port, wait_for

# A script's own processes are all that it needs: forward, call, end. `ssh -f` returns when the port listens (ExitOnForwardFailure).
SCRIPT = """#!/bin/sh
{ssh} -F {config} -f -N -M -S {control} -o ExitOnForwardFailure=yes -L {port}:127.0.0.1:{dist} rig >/dev/null 2>&1 || exit 1
{call}
status=$?
{ssh} -F {config} -S {control} -O exit rig >/dev/null 2>&1
exit $status
"""

KNOWN = "eval --cookie-file --dist-port"  # what the scripts know too


def ours(world, config, what, *command, build=None):
    """what: "eval" (EPMD is asked, the cookie read from the host), "eval --cookie-file", or KNOWN."""
    options = []
    if "--dist-port" in what:
        options += ["--dist-port", str(world.node.dist_port)]
    else:
        options += ["--epmd-port", str(world.epmd.port)]
    if "--cookie-file" in what:
        options += ["--cookie-file", world.node.cookie_file]
    return [build or world.program, "--ssh-config", config, *options, *(command or ("eval", f"rig:{world.node.name}", "1+1"))]


def ssh_true(world, config):
    return [world.ssh, "-F", config, "rig", "true"]


def ssh_forward_stdio(world, config, port):
    return [world.ssh, "-F", config, "-W", f"127.0.0.1:{port}", "rig"]


EPMD_QUESTION = b"\x00\x01n"


def erl_call(world, port):
    """With a name of its own: by its default, two at once are one node too many for the other side."""
    return [world.erl_call, "-h", f"call{port}", "-address", f"127.0.0.1:{port}", "-a", "erlang max [1,2]"]


def erl(world, port, text, end="halt()"):
    """
    erl as a hidden node that listens to nobody and asks no EPMD. `text`: Erlang, in which Node is the node's name; what it prints, it prints
    by itself. `end`: init:stop(), the usual one, takes a second.
    """
    return [world.erl, "-noshell", "-hidden", "-sname", "undefined", "-start_epmd", "false", "-erl_epmd_port", str(port), "-dist_listen", "false",
            "-eval", f"Node='{world.node.full_name}',true=net_kernel:hidden_connect_node(Node),{text},{end}."]


ERL_MAX = 'io:format("~p~n",[rpc:call(Node,erlang,max,[1,2])])'


def script(world, config, name, call):
    """The script `ssh -f -L`, call, end. call: a function of the port that gives the call's command line."""
    port = free_port()
    control = os.path.join(world.rig.folder, f"cm.{world.rig.count()}")
    text = SCRIPT.format(ssh=world.ssh, config=config, control=control, port=port, dist=world.node.dist_port,
                         call=shlex.join(call(port)))
    return [world.rig.write(f"{name}.{world.rig.count()}.sh", text, 0o700)]


class Forward:
    """A standing `ssh -N -L` to a port of the host; `with Forward(…) as forward: forward.port`."""

    def __init__(self, world, config, to_port):
        self.port = free_port()
        self.server = world.rig.spawn([world.ssh, "-F", config, "-N", "-o", "ExitOnForwardFailure=yes", "-L", f"{self.port}:127.0.0.1:{to_port}", "rig"],
                                      name="forward")
        self.pid = self.server.pid
        # Asking the port would open a connection; the socket's table tells too.
        wait_for("the forward", 20, lambda: self.listening())

    def listening(self):
        with open("/proc/net/tcp", encoding="ascii") as table:
            return f"0100007F:{self.port:04X} 00000000:0000 0A" in table.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.stop()
