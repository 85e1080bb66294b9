# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the end-to-end tests. tests/rig/README.md tells what each gives.

After every test, nothing that beamline started may still run, and none of its runtime folders may be left; the test that leaves
something fails.
"""

import glob
import os
import signal
import sys
import time

import pytest

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)

from rig.tls import tls_world  # noqa: E402
from rig import Epmd, Network, Node, Proxy, Rig, RigError, Sshd, Terminal, adopt_orphans, run  # noqa: E402

# "openssh": a private master of OpenSSH's; "master": a ControlMaster of the user's own; otherwise our broker.
TRANSPORT = os.environ.get("RIG_TRANSPORT")
LIMIT = 120  # seconds a test may take, unless marked limit(N)


def pytest_configure(config):
    config.addinivalue_line("markers", "root: needs root (namespaces, other releases)")
    config.addinivalue_line("markers", "plain: about the bytes of plain distribution; left out with $RIG_TLS")
    config.addinivalue_line("markers", "own_ssh(reason): of what only our own SSH connection does; left out with $RIG_TRANSPORT")
    config.addinivalue_line("markers", "limit(seconds): how long the test may take")
    adopt_orphans()


def pytest_collection_modifyitems(config, items):
    if os.environ.get("RIG_TLS"):
        items[:] = [item for item in items if not item.get_closest_marker("plain")]
    if TRANSPORT:
        items[:] = [item for item in items if not item.get_closest_marker("own_ssh")]
    if os.getuid() == 0:
        return
    away = [item for item in items if item.get_closest_marker("root")]
    items[:] = [item for item in items if item not in away]
    if away:
        config.hook.pytest_deselected(items=away)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else LIMIT

    def late(*_):
        raise RigError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def beamline_path():
    """The built program: $BEAMLINE, as `make check` sets it."""
    path = os.environ.get("BEAMLINE") or os.path.join(os.path.dirname(TESTS), "build", "beamline")
    if not os.access(path, os.X_OK):
        raise RigError(f"no program {path}: build it, or set BEAMLINE")
    return path


@pytest.fixture(scope="session")
def rig():
    """The session's rig."""
    with Rig() as session_rig:
        if os.environ.get("RIG_TLS"):
            session_rig.configuration = tls_world(session_rig).configuration()
        elif TRANSPORT == "openssh":
            session_rig.configuration = session_rig.write("transport.conf", 'defaults = { transport = "openssh"; };\n')
        yield session_rig


@pytest.fixture(scope="session")
def sshd(rig):
    """The session's sshd, alias `rig`. Its home is the nodes' home, so that `cat .erlang.cookie` there gives their cookie."""
    host = Sshd(rig)
    if TRANSPORT == "master":
        path = os.path.join(rig.folder, "master")
        master = rig.spawn(["ssh", "-F", host.config, "-M", "-N", "-S", path, host.alias])
        master.wait_until("connected", 20, lambda: os.path.exists(path))
        host.config = host.client_config(ControlPath=path)
    return host


@pytest.fixture(scope="session")
def epmd(rig):
    return Epmd(rig)


@pytest.fixture(scope="session")
def shared_node(rig, sshd, epmd, beamline_path):
    """Node `demo` with Elixir started, for tests that do it no harm. Use `node`, which checks that."""
    demo = Node(rig, "demo", epmd=epmd, home=sshd.home, elixir=True)
    if os.environ.get("RIG_TLS"):
        # The first connection over TLS starts what a node keeps for all: for tests that count processes it is over.
        run([beamline_path, "--ssh-config", sshd.config, "--epmd-port", str(epmd.port), "ping", "rig:demo"], rig.base_env())
    return demo


@pytest.fixture
def node(shared_node):
    yield shared_node
    assert shared_node.alive(), f"the test stopped the session's node: {shared_node.server.output()}"


class Maker:
    """Servers for one test, stopped at its end: the last first."""

    def __init__(self, rig):
        self.rig = rig
        self.made = []

    def keep(self, server):
        self.made.append(server)
        return server

    def sshd(self, **options):
        return self.keep(Sshd(self.rig, **options))

    def epmd(self, **options):
        return self.keep(Epmd(self.rig, **options))

    def node(self, name="other", **options):
        return self.keep(Node(self.rig, name, **options))

    def proxy(self, to_port=0, **rules):
        return self.keep(Proxy(self.rig, to_port, **rules))

    def stop(self):
        for server in reversed(self.made):
            server.stop()


@pytest.fixture
def make(rig):
    """Makes servers for this test only: make.sshd(extra=[…]), make.epmd(), make.node("x", epmd=…), make.proxy(port, delay=…)."""
    maker = Maker(rig)
    yield maker
    maker.stop()


@pytest.fixture(scope="session")
def network(rig):
    """Namespaces: network.add("h1"), network.config(), network.run([…]). Root only."""
    return Network(rig)


@pytest.fixture
def settings_with(rig):
    """settings_with('key = …;', host="web-*") is a configuration file that says this of hosts, besides what this run's own says (TLS, a transport)."""
    def write(keys, host="*"):
        own = ""
        if rig.configuration != "none":
            with open(rig.configuration, encoding="utf-8") as file:
                own = file.read()
        block = f'{{ match = "{host}"; {keys} }}'
        text = own.replace("hosts = ( ", f"hosts = ( {block}, ") if "hosts = ( " in own else f"{own}hosts = ( {block} );\n"
        return rig.write(f"settings.{rig.count()}", text)
    return write


@pytest.fixture
def beamline(rig, sshd, epmd, beamline_path):
    """
    Runs beamline against the session's sshd and EPMD: beamline("eval", "rig:demo", "1+1"). Options: config (an ssh_config, or
    False for no --ssh-config), epmd_port (False for none), env, stdin (bytes), limit, terminal=True for a Terminal instead of the
    finished run, prefix (a command line before it).
    """
    terminals = []

    def call(*words, config=None, epmd_port=None, env=None, stdin=None, limit=30.0, terminal=False, prefix=(), stdout=None):
        argv = [*prefix, beamline_path]
        if config is not False:
            argv += ["--ssh-config", config or sshd.config]
        if epmd_port is not False:
            argv += ["--epmd-port", str(epmd_port or epmd.port)]
        argv += [str(word) for word in words]
        variables = {**rig.base_env(), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **(env or {})}
        if terminal:
            terminals.append(Terminal(argv, variables, limit=limit, stdout=stdout))
            return terminals[-1]
        return run(argv, variables, limit=limit, stdin=stdin, **({} if stdout is None else {"stdout": stdout}))

    call.path = beamline_path
    yield call
    for terminal in terminals:
        terminal.close()


def reap_children():
    """Orphans that came back to us and have ended are nobody's leftovers."""
    for pid in children():
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass


def children():
    own = str(os.getpid()).encode()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] == b"Z" and fields[1] == own:
            yield int(path.split("/")[2])


@pytest.fixture(autouse=True)
def nothing_left(request):
    """The leak check. It looks only when the test used the rig, and gives what is ending half a tick to end."""
    if "rig" not in request.fixturenames:
        yield
        return
    rig = request.getfixturevalue("rig")
    yield
    end = time.monotonic() + 3
    while True:
        reap_children()
        strays = rig.strays()
        folders = glob.glob(os.path.join(rig.runtime, "beamline", "*")) + glob.glob(os.path.join(rig.runtime, "[!b]*")) + glob.glob(f"/tmp/beamline-{os.getuid()}*")
        if not strays and not folders:
            return
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    for pid in strays:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    pytest.fail(f"left behind: processes {strays}, folders {folders}")


