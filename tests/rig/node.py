# SPDX-License-Identifier: GPL-3.0-or-later
"""EPMD and Erlang nodes that listen on loopback only, with a way to ask a node things without beamline."""

import glob
import os
import re
import socket
import struct

from .core import RigError, answers, free_port, program, wait_for
from .roots import enter_root, root_for
from .tls import tls_world

# A small node: 15 to 38 MB, and it does not spin while idle.
SMALL = "+S 1:1 +SDcpu 1:1 +SDio 1 +A 1 +sbwt none +sbwtdcpu none +sbwtdio none".split()

# The node's side of Node.eval: reads expressions from a unix socket, answers with "=" and the value or "!" and the exception.
# The node ends when the socket closes, so none outlives the test that asked for it.
CONTROL = """
{ok,S}=gen_tcp:connect({local,"@SOCKET@"},0,[binary,{packet,4},{active,false}]),
P=spawn(fun() -> receive go -> ok end, (fun L() -> case gen_tcp:recv(S,0) of
  {ok,B} ->
    R=try
      {ok,T,_}=erl_scan:string(unicode:characters_to_list(B)), {ok,X}=erl_parse:parse_exprs(T),
      {value,V,_}=erl_eval:exprs(X,[]), [<<"=">>,io_lib:format("~0tp",[V])]
    catch C:E -> [<<"!">>,io_lib:format("~0tp",[{C,E}])] end,
    ok=gen_tcp:send(S,unicode:characters_to_binary(R)), L();
  _ -> halt(0,[{flush,false}])
end end)() end),
ok=gen_tcp:controlling_process(S,P), P!go.
"""

# The process of a connection outlives it by a moment.
AT_REST = """
nodes(connected) =:= [] andalso [P || P <- processes(), {_, {M, F, _}} <- [
  process_info(P, initial_call), process_info(P, current_function)],
  {M, F} =:= {inet_tcp_dist, do_accept} orelse {M, F} =:= {dist_util, con_loop}] =:= []
"""


def epmd_names(port, host="127.0.0.1"):
    """What EPMD says to NAMES_REQ: a dict of name -> port."""
    with socket.create_connection((host, port), 5) as sock:
        sock.sendall(b"\x00\x01n")
        data = b""
        while chunk := sock.recv(4096):
            data += chunk
    return {name: int(number) for name, number in re.findall(r"name (\S+) at port (\d+)", data[4:].decode())}


class Epmd:
    """An EPMD of its own, in the foreground, bound to 127.0.0.1 and ::1."""

    def __init__(self, rig, prefix=(), port=None):
        self.rig = rig
        self.prefix = list(prefix)
        for attempt in range(5):
            self.port = port or free_port()
            self.server = rig.spawn([*self.prefix, program("epmd"), "-port", str(self.port), "-address", "127.0.0.1"], name="epmd")
            try:
                # Inside another network namespace only the socket table tells.
                self.server.wait_until("listening", 10, self.listening)
                break
            except RigError:
                self.server.stop()
                if port or attempt == 4:
                    raise

    def listening(self):
        if not self.prefix:
            return answers(self.port)
        return f":{self.port:04X} 00000000:0000 0A" in open(f"/proc/{self.server.pid}/net/tcp", encoding="ascii").read()

    def names(self):
        return epmd_names(self.port)

    def stop(self):
        self.server.stop()


def knows_host(rig, node):
    """The environment of a BEAM that is to connect to the node: the machine may not know its own name."""
    host = node.full_name.partition("@")[2]
    path = rig.write(f"inetrc.{rig.count()}", f'{{host,{{127,0,0,1}},["{host}"]}}.\n{{lookup,[file,native]}}.\n')
    return {"ERL_INETRC": path}


class Node:
    """
    One node, registered and ready when the constructor returns. `epmd=None`: a node without EPMD (`dist_port` is chosen).
    `elixir`: True (started), "loadable" (in the code path only) or False. `cookie`: text of the `.erlang.cookie` in the
    node's home; it is on no command line. `release`: "system", or a suite of roots.py; $RIG_RELEASE otherwise. `interface`: an Erlang term.
    `tls`: arguments for TLS distribution (tls.node_arguments); with $RIG_TLS every node speaks it.
    """

    def __init__(self, rig, name="demo", cookie="rigcookie", epmd=None, release=None, args=(), elixir=False, home=None,
                 interface="{127,0,0,1}", dist_port=None, prefix=(), small=True, env=None, tls=None):
        self.rig = rig
        self.name = name
        self.epmd = epmd
        self.number = rig.count()
        self.home = home or os.path.join(rig.folder, f"node.{self.number}")
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        self.cookie_file = os.path.join(self.home, ".erlang.cookie")
        if not os.path.exists(self.cookie_file):
            with open(os.open(self.cookie_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="latin-1") as file:
                file.write(cookie)
        release = release or os.environ.get("RIG_RELEASE", "system")
        root = None if release == "system" else root_for(release)
        if dist_port is None and epmd is None:
            dist_port = free_port()
        self.control_path = os.path.join(rig.folder, f"n{self.number}.sock")
        argv = [program("erl") if root is None else "erl", "-noinput", "-start_epmd", "false", "-sname", name,
                "-kernel", "inet_dist_use_interface", interface, *(SMALL if small else [])]
        if epmd is None:
            argv += ["-erl_epmd_port", str(dist_port)]
        elif dist_port is not None:
            argv += ["-kernel", "inet_dist_listen_min", str(dist_port), "inet_dist_listen_max", str(dist_port)]
        if elixir:
            for folder in self.elixir_folders(root):
                argv += ["-pa", folder]
            argv += ["+fnu"]
        if tls is None and os.environ.get("RIG_TLS"):
            tls = tls_world(rig).arguments
        argv += [*(tls or []), *args]
        start = "{ok,_}=application:ensure_all_started(elixir)," if elixir and elixir != "loadable" else ""
        argv += ["-eval", start + " ".join(CONTROL.replace("@SOCKET@", self.control_path).split())]
        if root is not None:
            argv = enter_root(root, rig.folder) + argv
        variables = {"HOME": self.home, "ERL_EPMD_ADDRESS": "127.0.0.1", **(env or {})}
        if epmd is not None:
            variables["ERL_EPMD_PORT"] = str(epmd.port)
        self.control = None
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.control_path)
            listener.listen(1)
            listener.setblocking(False)
            self.server = rig.spawn([*prefix, *argv], env=variables, cwd=self.home, name=f"node.{name}")
            self.server.wait_until("ready", 60, lambda: self.accept(listener))
        rig.closers.append(self.close_control)
        self.full_name = self.eval("node()").strip("'")
        self.dist_port = dist_port
        if epmd is not None:
            names = epmd.names() if not prefix else dict(re.findall(r'{"([^"]+)",(\d+)}', self.eval("erl_epmd:names({127,0,0,1})")))
            if name not in names:
                raise RigError(f"node {name} is not registered: {names}")
            self.dist_port = int(names[name])

    @staticmethod
    def elixir_folders(root):
        folders = sorted(glob.glob((root or "") + "/usr/lib/elixir/lib/*/ebin"))
        if not folders:
            raise RigError("Elixir is missing: apt-get install elixir")
        return [folder[len(root or ""):] for folder in folders]

    def accept(self, listener):
        try:
            self.control, _ = listener.accept()
        except BlockingIOError:
            return False
        self.control.settimeout(60)
        return True

    def receive(self, count):
        data = b""
        while len(data) < count:
            chunk = self.control.recv(count - len(data))
            if not chunk:
                raise RigError(f"node {self.name} is gone: {self.server.output().strip()}")
            data += chunk
        return data

    def eval(self, text):
        """Evaluates Erlang on the node and returns the value as ~0tp prints it; raises RigError with the exception."""
        if self.control is None:
            raise RigError(f"node {self.name} was stopped")
        data = (text.rstrip().rstrip(".") + ".").encode()
        self.control.sendall(struct.pack(">I", len(data)) + data)
        reply = self.receive(struct.unpack(">I", self.receive(4))[0]).decode()
        if reply[0] == "!":
            raise RigError(f"{text}: {reply[1:]}")
        return reply[1:]

    def number_of(self, what):
        """erlang:system_info(What): atom_count, process_count, port_count, ets_count."""
        return int(self.eval(f"erlang:system_info({what})"))

    def at_rest(self):
        """Waits until no connection and none of its processes is left, also of one that has just ended; returns the process count."""
        wait_for(f"the end of connections to {self.name}", 10, lambda: self.eval(AT_REST) == "true")
        return self.number_of("process_count")

    def counts(self):
        keys = ("atom_count", "process_count", "port_count", "ets_count")
        return dict(zip(keys, map(int, re.findall(r"\d+", self.eval(
            "[erlang:system_info(K) || K <- [" + ",".join(keys) + "]]")))))

    def nodes(self, kind="connected"):
        """nodes(connected) sees hidden nodes too; nodes("visible") is what an application sees."""
        return self.eval(f"nodes({kind})")

    def alive(self):
        try:
            return self.eval("ok") == "ok"
        except (RigError, OSError):
            return False

    def close_control(self):
        if self.control is not None:
            self.control.close()
            self.control = None

    def stop(self):
        self.server.stop()
        self.close_control()
