# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig does what it says. Without beamline: what fails here is the rig's fault, not the program's."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from rig import Network, Rig, RigError, Terminal, answers, epmd_names, free_port, run, wait_for
from rig.roots import debootstrap_script, root_for
from rig.supervisor import Supervisor

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RIG = [sys.executable, os.path.join(TESTS, "rig", "rig")]


def echo_server(make, sshd):
    """A port that answers what it is sent: sshd's own banner serves for most tests, this for exact bytes."""
    code = ("import socket,threading\n"
            "s=socket.create_server(('127.0.0.1',int(__import__('sys').argv[1])))\n"
            "def serve(c):\n"
            "  while d:=c.recv(65536): c.sendall(d)\n"
            "  c.close()\n"
            "while True: threading.Thread(target=serve,args=(s.accept()[0],),daemon=True).start()\n")
    port = free_port()
    server = make.keep(make.rig.spawn(["/usr/bin/python3", "-I", "-S", "-c", code, str(port)], name="echo"))
    server.wait_until("listening", 10, lambda: answers(port))
    return port


@pytest.fixture
def echo(make, sshd):
    return echo_server(make, sshd)


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), 5)
    sock.settimeout(5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_all(sock):
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


# sshd

def test_ssh_reaches_the_account_by_its_alias(sshd):
    done = sshd.ssh("echo hello; pwd; echo $HOME")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["hello", sshd.home, sshd.home]


def test_the_account_has_no_start_up_files(sshd):
    done = sshd.ssh("ls -a .bashrc .profile 2>/dev/null; echo end")
    assert done.stdout == "end\n" and done.stderr == ""


def test_the_cookie_is_read_in_the_remote_home(sshd, node):
    assert sshd.ssh("cat .erlang.cookie").stdout == "rigcookie"
    assert sshd.ssh("cat ~/.erlang.cookie").stdout == "rigcookie"


def test_sftp_starts_in_the_home(sshd):
    done = subprocess.run(["sftp", "-q", "-b", "-", "-F", sshd.config, sshd.alias], input="pwd\n", capture_output=True, text=True,
                          env=sshd.rig.base_env(), timeout=30, check=False)
    assert sshd.home in done.stdout, done.stderr


def test_an_unknown_host_key_stops(sshd):
    done = sshd.ssh("true", config=sshd.client_config(known=False))
    assert done.returncode == 255 and "Host key verification failed" in done.stderr


def test_a_changed_host_key_stops(sshd):
    done = sshd.ssh("true", config=sshd.client_config(host_key=sshd.user_key))
    assert done.returncode == 255 and "HAS CHANGED" in done.stderr


def test_extra_lines_win(make):
    sshd = make.sshd(extra=["AllowTcpForwarding no"])
    done = sshd.ssh("-W", f"127.0.0.1:{sshd.port}")
    assert "administratively prohibited" in done.stderr
    assert sshd.ssh("echo yes").stdout == "yes\n"


def test_without_force_command_home_is_the_rigs_too(make):
    sshd = make.sshd(force_command=False)
    assert sshd.ssh("echo $HOME").stdout.strip() == sshd.home


def test_a_stopped_sshd_refuses_and_comes_back(make):
    sshd = make.sshd()
    sshd.stop()
    assert not sshd.answers()
    sshd.start(sshd.port)
    assert sshd.ssh("echo again").stdout == "again\n"


# EPMD and nodes

def listeners(pid):
    """Local addresses on which a process listens, in the kernel's hexadecimal."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except OSError:
            pass
    found = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
            for line in list(file)[1:]:
                words = line.split()
                if words[3] == "0A" and words[9] in inodes:
                    found.add(words[1].split(":")[0])
    return found


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


def test_node_and_epmd_listen_on_loopback_only(epmd, node):
    for pid in (epmd.server.pid, node.server.pid):
        assert listeners(pid) and listeners(pid) <= LOOPBACK
    assert epmd_names(epmd.port)["demo"] == node.dist_port


def test_the_node_answers_without_beamline(node):
    assert node.eval("1+1") == "2"
    assert node.eval('"é"') == '"é"'
    assert node.full_name.startswith("demo@")
    assert node.nodes() == "[]"
    with pytest.raises(RigError, match="badarith"):
        node.eval("1/0")


def test_asking_costs_no_atoms_and_no_processes(node):
    node.counts()
    before = node.counts()
    for _ in range(50):
        node.counts()
    assert node.counts() == before


def test_elixir_is_started(node):
    assert node.eval("'Elixir.Enum':sum([1,2,3])") == "6"
    assert "elixir" in node.eval("[A || {A,_,_} <- application:which_applications()]")


def test_elixir_only_loadable(make, epmd):
    node = make.node("loadable", epmd=epmd, elixir="loadable")
    assert node.eval("element(1, code:ensure_loaded('Elixir.Enum'))") == "module"
    assert "elixir" not in node.eval("[A || {A,_,_} <- application:which_applications()]")


def test_a_node_has_its_own_cookie_on_no_command_line(make, epmd):
    node = make.node("cookies", epmd=epmd, cookie="a+b/c=d")
    assert node.eval("erlang:get_cookie()") == "'a+b/c=d'"
    with open(f"/proc/{node.server.pid}/cmdline", "rb") as file:
        assert b"a+b/c=d" not in file.read()


def test_a_node_without_epmd(make):
    node = make.node("lonely", epmd=None)
    assert answers(node.dist_port)
    assert node.eval("is_alive()") == "true"


def test_a_stopped_node_leaves_epmd(make):
    epmd = make.epmd()
    node = make.node("short", epmd=epmd)
    assert node.alive()
    node.stop()
    assert not node.alive()
    wait_for("EPMD forgets the node", 5, lambda: "short" not in epmd.names())


def test_erlang_reaches_the_node(node, epmd):
    """
    Another node, by the rules of distribution: what the tests measure beamline against. Debian gives the machine's name to
    127.0.1.1, where our node does not listen, so the peer is told otherwise.
    """
    hosts = node.rig.write("peer.inetrc", f'{{lookup, [file]}}.\n{{host, {{127,0,0,1}}, ["{node.full_name.partition("@")[2]}"]}}.\n')
    text = f"io:format(\"~p\", [rpc:call('{node.full_name}', erlang, node, [])]), halt()."
    done = run(["erl", "-noinput", "-start_epmd", "false", "-hidden", "-sname", "peer", "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
                "-eval", text], {**node.rig.base_env(), "HOME": node.home, "ERL_EPMD_PORT": str(epmd.port), "ERL_INETRC": hosts})
    assert done.stdout == node.full_name, done


# proxies

def test_proxy_delays_each_way_and_keeps_order(make, echo):
    proxy = make.proxy(echo, delay=40)
    with connect(proxy.port) as sock:
        begin = time.monotonic()
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        assert 0.075 < time.monotonic() - begin < 0.3
        sent = b"".join(bytes([n % 256]) * 100 for n in range(500))
        for at in range(0, len(sent), 100):
            sock.sendall(sent[at:at + 100])
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == sent
    assert proxy.counts()["up"] == len(sent) + 1


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_proxy_cuts_after_n_bytes(make, echo, direction, how):
    proxy = make.proxy(echo, cut_after=[direction, 10, how])
    with connect(proxy.port) as sock:
        sock.sendall(b"0123456")
        assert sock.recv(100) == b"0123456"
        sock.sendall(b"789abcdef")
        got = b""
        try:
            while chunk := sock.recv(100):
                got += chunk
            assert how == "fin"
        except ConnectionResetError:
            assert how == "rst"
        if direction == "down":
            assert got == b"789"


def test_proxy_stalls_after_n_bytes_with_all_left_open(make, echo):
    proxy = make.proxy(echo, stall_after=["down", 4])
    with connect(proxy.port) as sock:
        sock.sendall(b"abcdefgh")
        assert sock.recv(100) == b"abcd"
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(100)
    assert proxy.counts()["connections"] == 1


def test_proxy_stalls_and_goes_on_when_told(make, echo):
    proxy = make.proxy(echo)
    with connect(proxy.port) as sock:
        proxy.stall()
        sock.sendall(b"wait")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(100)
        proxy.stall(False)
        sock.settimeout(5)
        assert sock.recv(100) == b"wait"
        proxy.cut("rst")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_proxy_replaces_and_inserts(make, echo):
    proxy = make.proxy(echo, replace=["down", 2, b"XY"], insert=["up", 4, b"++"])
    with connect(proxy.port) as sock:
        sock.sendall(b"abcdef")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"abXY++ef"


def test_proxy_answers_garbage_by_itself(make):
    proxy = make.proxy(answer=[b"\0\xffgarbage", "fin"], answer_after=3)
    with connect(proxy.port) as sock:
        sock.sendall(b"abc")
        assert read_all(sock) == b"\0\xffgarbage"
    proxy.set(answer=[b"half", "stay"], answer_after=0)
    with connect(proxy.port) as sock:
        assert sock.recv(100) == b"half"
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_proxy_records_and_counts_turns(make, echo, rig):
    folder = os.path.join(rig.folder, "record")
    os.mkdir(folder)
    proxy = make.proxy(echo, record=folder)
    with connect(proxy.port) as sock:
        for _ in range(5):
            sock.sendall(b"ping")
            assert sock.recv(100) == b"ping"
    with open(os.path.join(folder, "1.up"), "rb") as up, open(os.path.join(folder, "1.down"), "rb") as down:
        assert up.read() == down.read() == b"ping" * 5
    assert proxy.counts()["turns"] == 5


def test_proxy_rules_for_one_connection(make, echo):
    proxy = make.proxy(echo, cut_after=["up", 0, "rst"], connection=2)
    for number in (1, 2, 3):
        with connect(proxy.port) as sock:
            sock.sendall(b"x")
            if number == 2:
                with pytest.raises(ConnectionResetError):
                    sock.recv(1)
            else:
                assert sock.recv(1) == b"x"


def test_ssh_works_through_a_slow_proxy(make, sshd):
    proxy = make.proxy(sshd.port, delay=10)
    begin = time.monotonic()
    done = sshd.ssh("echo slow", config=sshd.client_config(port=proxy.port))
    assert done.stdout == "slow\n", done.stderr
    assert time.monotonic() - begin > 0.1


def test_a_rule_that_does_not_exist_is_refused(make):
    with pytest.raises(RigError, match="no such rule"):
        make.proxy(1, dealy=3)


# terminal and time limits

def test_a_run_over_its_limit_is_killed(rig):
    begin = time.monotonic()
    with pytest.raises(RigError, match="not done within"):
        run(["sh", "-c", "echo begun; sleep 60"], rig.base_env(), limit=0.3)
    assert time.monotonic() - begin < 5


def test_answers_are_typed_on_a_terminal(rig):
    with Terminal(["sh", "-c", 'printf "name? "; read n; echo "<$n>"; [ -t 0 ] && exit 3'], rig.base_env()) as terminal:
        terminal.expect(r"name\? ")
        terminal.line("ada")
        terminal.expect("<ada>")
        assert terminal.finish().status == 3


# nothing is left

def ended(pid):
    """Whether a process is gone, or is but an entry that its parent has not read yet."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def gone(folder, pids):
    wait_for("the rig is gone", 15, lambda: not os.path.exists(folder) and all(map(ended, pids)))


def start_rig_command(*options):
    child = subprocess.Popen([*RIG, "env", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    env = {}
    while "RIG_NODE_PID" not in env:
        line = child.stdout.readline()
        assert line, "the rig's command ended"
        key, _, value = line.removeprefix("export ").strip().partition("=")
        env[key] = value
    return child, env


@pytest.mark.parametrize("how", ["end of input", signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_rigs_command_leaves_nothing(how):
    child, env = start_rig_command("--node", "gone")
    stray = subprocess.Popen(["sleep", "300"], env={"RIG_MARK": env["RIG_FOLDER"], "PATH": "/usr/bin:/bin"})
    assert answers(int(env["RIG_SSH_PORT"])) and answers(int(env["RIG_EPMD_PORT"]))
    if how == "end of input":
        child.stdin.close()
    else:
        child.send_signal(how)
    child.wait(20)
    stray.wait(20)
    gone(env["RIG_FOLDER"], [int(env["RIG_NODE_PID"])])
    assert not answers(int(env["RIG_SSH_PORT"])) and not answers(int(env["RIG_EPMD_PORT"]))
    child.stdout.close()


def test_the_rigs_command_runs_a_program():
    done = run([*RIG, "run", "--alias", "here", "--beamline", "/bin/echo", "--", "sh", "-c",
                'ssh -F "$RIG_SSH_CONFIG" here echo from-there; beamline nodes here; exit 7'], {"PATH": "/usr/bin:/bin"})
    assert done.status == 7, done
    assert re.match(r"from-there\n--ssh-config \S+ --epmd-port \d+ nodes here\n$", done.stdout), done


def test_a_killed_supervisor_takes_its_children_along():
    with pytest.raises(RigError):
        with Rig() as own:
            folder, server = own.folder, own.spawn(["sleep", "300"])
            os.kill(own.supervisor.pid, signal.SIGKILL)
            own.supervisor.wait(10)
            wait_for("the child ends", 5, lambda: ended(server.pid))
    subprocess.run(["rm", "-rf", folder], check=True)


def test_a_process_with_the_number_of_an_earlier_one_runs(tmp_path):
    supervisor = Supervisor(str(tmp_path))
    supervisor.status = dict.fromkeys(range(os.getpid(), os.getpid() + 100000), 0)
    pid = supervisor.spawn(["sleep", "300"], {"PATH": "/usr/bin:/bin"}, "/", str(tmp_path / "log"))
    assert supervisor.answer({"op": "status", "pid": pid}) == {"status": None}
    os.kill(pid, signal.SIGKILL)
    wait_for("its end", 5, lambda: supervisor.answer({"op": "status", "pid": pid}) == {"status": -signal.SIGKILL})


def test_a_stray_of_a_run_is_seen(rig):
    run(["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 & exit 0"], rig.base_env())
    strays = wait_for("the stray is seen", 5, lambda: {pid for pid, line in rig.strays().items() if line == "sleep 300"})
    assert len(strays) == 1
    os.kill(strays.pop(), signal.SIGKILL)


# other releases, several hosts

def test_a_suite_newer_than_debootstrap_uses_sids_script(tmp_path):
    (tmp_path / "bookworm").touch()
    assert debootstrap_script("bookworm", tmp_path) == str(tmp_path / "bookworm")
    assert debootstrap_script("forky", tmp_path) == str(tmp_path / "sid")
    with pytest.raises(RigError, match="no such release"):
        root_for("potato")


@pytest.mark.root
def test_two_hosts_in_namespaces(network):
    one, two = network.add("h1"), network.add("h2", node="shop", elixir=True)
    config = network.config()
    for host, name in ((one, "app@h1"), (two, "shop@h2")):
        assert host.node.full_name == name
        done = network.run(["ssh", "-F", config, host.name, "hostname; cat .erlang.cookie"])
        assert done.stdout == f"{host.name}\nrigcookie", done.stderr
    assert one.epmd.listening()
    # The controller has no way out.
    assert network.run(["ip", "route", "show", "default"]).stdout == ""
    # Distribution is on each host's own loopback: not reachable from the controller.
    for port in (4369, one.node.dist_port):
        probe = network.run(["bash", "-c", f"exec 3<>/dev/tcp/{one.address}/{port}"])
        assert probe.returncode != 0


@pytest.mark.root
def test_a_host_behind_a_bastion(network):
    network.add("bastion")
    inner = network.add("inner", behind="bastion")
    config = network.config(jumps={"inner": "bastion"})
    done = network.run(["ssh", "-F", config, "inner", "hostname"])
    assert done.stdout == "inner\n", done.stderr
    assert network.run(["bash", "-c", f"exec 3<>/dev/tcp/{inner.address}/22"]).returncode != 0


@pytest.mark.root
def test_namespaces_end_with_the_rig():
    with Rig() as own:
        network = Network(own)
        host = network.add("brief", start=False)
        pid = host.pid
        assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    assert not os.path.exists(f"/proc/{pid}")
