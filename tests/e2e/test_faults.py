# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system, the network and whoever kills processes may do at any moment: each call of ours made to fail, the link cut at any byte.

docs/faults.md tells what is injected and what came of it. BEAMLINE_LONG=1 makes every test do all it can (every call, every byte, 2,000
seeds); otherwise each takes a sample, which differs with $BEAMLINE_FAULT_SEED (the first seed; 1 by default).
"""

import collections
import json
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import Proxy, RigError, run, wait_for
from rig.faults import Faults

LONG = os.environ.get("BEAMLINE_LONG", "0") != "0"
FIRST_SEED = int(os.environ.get("BEAMLINE_FAULT_SEED", "1"))
SEEDS = 2000 if LONG else 60
LINES = '[io:format("line ~p of the output~n", [N]) || N <- lists:seq(1, 200)], lists:seq(1, 500).'
SMALL = 'io:format("said~n"), 42.'
SMALL_OUTPUT = b"said\n42\n"
pytestmark = pytest.mark.limit(7200 if LONG else 120)

# With every status goes a code; those of a wrong input, of our own bugs and of findings on the node are never a fault's.
LOST = {"no_resources": 71, "tcp_refused": 69, "not_ssh": 76, "ssh_lost": 75, "channel_timeout": 75, "epmd_garbage": 76, "epmd_timeout": 75,
        "handshake_refused": 77, "auth_refused": 77, "cookie_missing": 78, "config_invalid": 78, "handshake_timeout": 75, "cookie_mismatch": 77, "node_lost": 75, "interrupted": 143, "call_timeout": 75}


def part(numbers, every):
    """All of them if there is time, else one of `every`, not always the same ones; the first ones always."""
    numbers = list(numbers)
    return numbers if LONG else sorted({*numbers[:2], *numbers[FIRST_SEED % every::every]})


class World:
    """Runs against the session's servers, several at once, each with its own faults."""

    def __init__(self, rig, sshd, epmd, node, path):
        self.rig, self.sshd, self.epmd, self.node, self.path = rig, sshd, epmd, node, path
        with open(path, "rb") as program:
            self.sanitized = b"__asan_init" in program.read()
        build = os.environ.get("BUILDDIR") or os.path.dirname(path)
        self.library = os.path.join(build, "tests/rig", "faults.so" if self.sanitized else "faults_alloc.so")
        subprocess.run(["make", "-s", "-C", build, os.path.relpath(self.library, build)], check=True, stdout=subprocess.DEVNULL)

    def eval(self, *words, env=None, limit=40, config=None, epmd_port=None, prefix=()):
        argv = [*prefix, self.path, "--ssh-config", config or self.sshd.config, "--epmd-port", str(epmd_port or self.epmd.port), *words]
        asan = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        return run(argv, {**self.rig.base_env(), **asan, **(env or {})}, limit=limit)

    def faulty(self, spec, *words, limit=40):
        faults = Faults(self.library, self.rig.folder)
        done = self.eval(*words, env=faults.env(**spec), limit=limit)
        done.spec, done.faults = spec, faults.read()
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, (spec, done)
        return done

    def all(self, specs, *words, workers=2):
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda spec: self.faulty(spec, *words), specs))


@pytest.fixture
def world(rig, sshd, epmd, node, beamline_path):
    node.at_rest()
    before = node.eval("[pid_to_list(P) || P <- processes()]")
    yield World(rig, sshd, epmd, node, beamline_path)
    # An evaluation whose connection is lost ends a moment later. OTP's resolver is started by the node itself when it first looks a name up.
    left = (f"[process_info(P, [initial_call, current_stacktrace, group_leader]) || P <- processes(), not lists:member(pid_to_list(P), {before}),"
            "not lists:member(process_info(P, registered_name), [{registered_name, N} || N <- [inet_gethost_native, inet_gethost_native_sup]])]")
    try:
        wait_for("the end of every evaluation on the node", 10, lambda: node.at_rest() and node.eval(left) == "[]")
    except RigError:
        pytest.fail(f"left on the node: {node.eval(left)}")


def code_of(done):
    found = re.findall(r"\[(\w+)\]$", done.stderr, re.M)
    return found[-1] if found else None


def check(done, allowed, whole=SMALL_OUTPUT):
    """Exactly right, or failed with a code, its status and a message; what had come before is there, once."""
    if done.status == 0:
        assert done.out == whole, (done.spec, done)
        return "whole"
    code = code_of(done)
    assert code in allowed and done.status == LOST[code], (done.spec, done)
    assert re.search(r"^beamline: [\w ]+: .+", done.stderr, re.M), (done.spec, done)
    assert whole.startswith(done.out), (done.spec, done)
    return code


def tell(title, found):
    print(f"# {title}: {sum(found.values())} runs: " + ", ".join(f"{count} {code}" for code, count in sorted(found.items(), key=str)))


# What is legal at any time: nothing may be lost

@pytest.mark.parametrize("kind", ["eval", "commands"])
def test_short_and_interrupted_calls_lose_nothing(world, kind):
    words = {"eval": [("eval", "rig:demo", LINES)],
             "commands": [("rpc", "rig:demo", "lists", "seq", "[1, 2000]"), ("nodes", "rig"), ("eval", "--json", "rig:demo", LINES),
                          ("eval", "rig:demo", "exit(why)"), ("ping", "rig:demo")]}[kind]
    injected = collections.Counter()
    wanted = [world.eval(*one) for one in words]
    specs = [{"seed": seed, "short": 50, "eintr": 10, "eagain": 10, "wake": 10, "delay": 1}
             for seed in range(FIRST_SEED, FIRST_SEED + (SEEDS if kind == "eval" else SEEDS // 6))]
    for one, want in zip(words, wanted):
        for done in world.all(specs, *one):
            assert done.status == want.status, (done.spec, one, done)
            if one[0] == "ping":
                assert done.stdout.count(" ms") >= 5, (done.spec, done)
            elif "--json" in one:
                strip = lambda text: {**json.loads(text), "times": None, "timing": None}
                assert strip(done.stdout) == strip(want.stdout), (done.spec, done)
            else:
                assert done.out == want.out and done.stderr == want.stderr, (done.spec, one, done)
            for process in ("front", "broker"):
                for fault in ("short", "eintr", "eagain", "wake"):
                    injected[fault] += done.faults.injected(process, fault)
    print("# injected:", dict(injected))
    # Short calls are counted by hundreds a run; EAGAIN needs a descriptor that is read without waiting.
    assert injected["short"] > 50 * len(specs) and min(injected.values()) > len(specs), injected


# Calls that fail, each in its turn

def sweep(world, process, call, every, allowed, suffix="", words=("eval", "rig:demo", SMALL)):
    """The n-th call of its kind fails, for n = 1, 2, … until there are no more."""
    count = world.faulty({"seed": 1}, *words).faults.calls(process, call)
    assert count > 0, (process, call)
    found = collections.Counter()
    specs = [{"at": f"{process}:{call}:{n}{suffix}"} for n in part(range(1, count + 1), every)]
    for done in world.all(specs, *words):
        # How many there are differs from run to run.
        if done.faults.injected(process, "fail") > 0:
            found[check(done, allowed)] += 1
    tell(f"{process}, {call}{suffix}", found)
    assert sum(found.values()) >= len(specs) / 2, found
    return found


@pytest.mark.parametrize("process", ["front", "broker"])
def test_a_connection_reset_at_any_call(world, process):
    found = sweep(world, process, "io", 3, LOST)
    assert found["ssh_lost"] > 0


@pytest.mark.parametrize("process", ["front", "broker"])
def test_no_descriptor_left_at_any_call(world, process):
    # A key file that cannot be opened is left out, which is said; another key may do.
    found = sweep(world, process, "fd", 1, {"no_resources", "auth_refused"} if process == "broker" else {"no_resources"})
    assert found["no_resources"] > 0


@pytest.mark.parametrize("process", ["front", "broker"])
def test_no_descriptor_left_from_any_call_on(world, process):
    sweep(world, process, "fd", 3, {"no_resources", "auth_refused"} if process == "broker" else {"no_resources"}, "+")


def test_no_process_can_be_started(world):
    found = sweep(world, "front", "process", 1, {"no_resources"})
    assert set(found) == {"no_resources"}


def test_no_folder_can_be_made(world):
    # One that fails is made elsewhere; then there is nowhere.
    assert set(sweep(world, "broker", "file", 1, set())) == {"whole"}
    done = world.faulty({"at": "broker:file:1+"}, "eval", "rig:demo", SMALL)
    assert check(done, {"no_resources"}) == "no_resources"


@pytest.fixture
def allocations(world):
    """Sanitizers have an allocator of their own: then there is nothing of this to be tested."""
    return None if world.sanitized else world


@pytest.mark.parametrize("process", ["front", "broker"])
@pytest.mark.parametrize("suffix", ["", "+"])
def test_no_memory_at_any_allocation_of_ours(allocations, process, suffix):
    if allocations:
        found = sweep(allocations, process, "alloc", 5, {"no_resources"}, suffix)
        # The broker's last ones come when the front has all that it asked for.
        assert set(found) - ({"whole"} if process == "broker" else set()) == {"no_resources"} and found["whole"] <= 3, found


@pytest.mark.parametrize("process", ["front", "broker"])
def test_no_memory_inside_of_a_library(allocations, process):
    """What a library makes of it is its own affair, a crash included (docs/faults.md); but it ends, says something, and leaves nothing behind."""
    if not allocations:
        return
    words = ("eval", "rig:demo", SMALL)
    count = allocations.faulty({"seed": 1}, *words).faults.calls(process, "library")
    found = collections.Counter()
    specs = [{"at": f"{process}:library:{n}"} for n in part(range(1, count + 1), count // 15)]
    with ThreadPoolExecutor(8) as pool:
        for done in pool.map(lambda spec: allocations.faulty(spec, *words, limit=90), specs):
            if done.status == 0:
                assert done.out == SMALL_OUTPUT, (done.spec, done)
            elif done.status == 128 + signal.SIGSEGV:
                assert process == "front"
            else:
                assert code_of(done) and done.status not in (1, 2), (done.spec, done)
            found[code_of(done) or done.status] += 1
    tell(f"{process}, memory of libraries", found)


# Signals at any moment

@pytest.mark.parametrize("call", ["io", "poll"])
def test_the_front_is_asked_to_end_at_any_call(world, call):
    found = sweep(world, "front", call, 4, {"interrupted"}, f":{int(signal.SIGTERM)}")
    assert found["interrupted"] > 0


@pytest.mark.parametrize("call", ["io", "poll"])
def test_the_front_is_killed_at_any_call(world, call):
    words = ("eval", "rig:demo", SMALL)
    count = world.faulty({"seed": 1}, *words).faults.calls("front", call)
    for done in world.all([{"at": f"front:{call}:{n}:9"} for n in part(range(1, count + 1), 5)], *words):
        assert done.status in (0, 128 + signal.SIGKILL) and SMALL_OUTPUT.startswith(done.out), (done.spec, done)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT])
def test_the_broker_ends_at_any_call(world, number):
    # Before its first call on a socket it has told nobody where its folder is.
    words = ("eval", "rig:demo", SMALL)
    count = world.faulty({"seed": 1}, *words).faults.calls("broker", "io")
    specs = [{"at": f"broker:io:{n}:{int(number)}"} for n in part(range(2, count + 1), 6)]
    found = collections.Counter(check(done, {"ssh_lost", "interrupted"}) for done in world.all(specs, *words))
    tell(f"broker, signal {int(number)}", found)
    assert found["ssh_lost"] > len(specs) // 2 and (number == signal.SIGTERM or found["interrupted"] == 0), found


# The link cut after byte N

class Cut:
    """A run through a proxy that cuts or stalls; `place` is where it stands."""

    def __init__(self, world, place):
        self.world, self.place = world, place
        target = {"sshd": world.sshd.port, "epmd": world.epmd.port, "node": world.node.dist_port}[place]
        self.proxy = Proxy(world.rig, target)
        self.config = world.sshd.client_config(port=self.proxy.port, ConnectTimeout=2) if place == "sshd" else None

    def eval(self, rules, *options, limit=90):
        self.proxy.set(**{"cut_after": None, "stall_after": None, **rules})
        where = {"epmd": {"epmd_port": self.proxy.port}, "sshd": {"config": self.config}, "node": {}}[self.place]
        port = ["--dist-port", str(self.proxy.port)] if self.place == "node" else []
        done = self.world.eval(*port, "eval", *options, "rig:demo", SMALL, limit=limit, **where)
        done.spec = (self.place, rules)
        return done

    def sizes(self):
        """How many bytes go each way in a whole conversation."""
        before = self.proxy.counts()
        assert self.eval({}).out == SMALL_OUTPUT
        after = self.proxy.counts()
        return {way: after[way] - before[way] for way in ("up", "down")}

    def stop(self):
        self.proxy.stop()


@pytest.fixture
def cut(world):
    made = []

    def make(place):
        made.append(Cut(world, place))
        return made[-1]
    yield make
    for one in made:
        one.stop()


# What may be said, in the order in which a conversation comes to it.
ORDER = {"sshd": [["not_ssh"], ["ssh_lost"], ["whole"]], "epmd": [["epmd_garbage"], ["whole"]],
         "node": [["handshake_refused", "node_lost"], ["cookie_mismatch", "node_lost"], ["node_lost"], ["whole"]]}


@pytest.mark.parametrize("how", ["rst", "fin"])
@pytest.mark.parametrize("place, way, count", [("sshd", "down", 25), ("sshd", "up", 15), ("epmd", "down", 9), ("node", "down", 25), ("node", "up", 15)])
def test_the_link_is_cut_after_any_byte(world, cut, place, way, count, how):
    here = cut(place)
    size = here.sizes()[way]
    step = max(1, size // count)
    if LONG:
        step = 1 if size < 10000 else 7
    offset = FIRST_SEED % step
    phase, found = 0, collections.Counter()
    for after in [1, *range(2 + offset, size + 1, step)]:
        done = here.eval({"cut_after": [way, after, how]})
        code = check(done, LOST)
        found[code] += 1
        # Never what belongs to an earlier step, and the value only when it is whole. A reset throws away what was not read yet; and with SSH, one
        # conversation's last bytes are another's last but some.
        while how == "fin" and after < size - (64 if place == "sshd" else 0) and code not in ORDER[place][phase]:
            phase += 1
            assert phase < len(ORDER[place]), (code, after, size, done)
    tell(f"{place}, {way}, {how}, of {size} bytes", found)


def test_the_link_stalls_after_any_byte(world, cut):
    """With everything left open: each step's own patience ends it. What sshd may take to let us in is a minute: that is for a long run."""
    places = []
    for place, count in (("sshd", 4), ("epmd", 3), ("node", 4)):
        size = cut(place).sizes()["down"]
        bytes_ = range(1, size, max(1, size // (150 if LONG else count)))
        places += [(cut(place), after) for after in ([1, 22, 1000] if place == "sshd" and not LONG else bytes_)]

    def stalled(one):
        here, after = one
        done = here.eval({"stall_after": ["down", after]}, "--timeout", "1s", limit=75)
        return here.place, check(done, {"not_ssh", "ssh_lost", "channel_timeout", "epmd_timeout", "handshake_timeout", "call_timeout"})
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(stalled, places))
    found = collections.Counter(codes)
    tell("stalled", found)
    # The last bytes of an answer can be such that nothing depends on them.
    assert sum(count for (_, code), count in found.items() if code == "whole") < len(codes) / 2, found
    assert {place for place, code in found if code != "whole"} == {"sshd", "epmd", "node"}


# What a process is allowed to have

def limited(what, count):
    return ["prlimit", f"--{what}={count}:{count}"]


def test_few_descriptors(world):
    found = collections.Counter()
    for count in [*range(3, 32), 64]:
        # A search for leaks wants some of its own.
        done = world.eval("eval", "rig:demo", SMALL, prefix=limited("nofile", count), env={"ASAN_OPTIONS": "detect_leaks=0"})
        done.spec = f"{count} descriptors"
        # With less than these the loader does not start a program, and ssh none of its own.
        if count >= 5:
            found[check(done, {"no_resources", "auth_refused", "config_invalid"})] += 1
    tell("few descriptors", found)
    assert found["whole"] > 5 and found["no_resources"] > 5


def test_a_small_stack_and_a_deep_value(world):
    deep = "lists:foldl(fun(_, Acc) -> [Acc] end, [], lists:seq(1, 4000))"
    for kib in (1024, 2048) if world.sanitized else (256, 512, 1024, 2048):
        done = world.eval("eval", "--json", "rig:demo", deep, prefix=limited("stack", kib << 10))
        assert done.status == 1 and json.loads(done.stdout)["error"]["code"] == "result_too_large", (kib, done)
        assert world.eval("eval", "--json", "rig:demo", "[[[[1]]]]", prefix=limited("stack", kib << 10)).status == 0
    assert world.eval("eval", "--json", "rig:demo", deep).status == 0


def starts(world, mib):
    try:
        return run([*limited("as", mib << 20), world.path, "--version"], world.rig.base_env(), limit=5).status == 0
    except RigError:
        return False


def test_little_memory(world):
    """An address space that ends: somewhere on the way there is no memory any more."""
    if world.sanitized:
        return
    found = collections.Counter()
    for mib in range(24, 64, 4):
        # With the least, the loader has no room for the libraries, or OpenSSL waits for itself before main.
        if not starts(world, mib):
            continue
        done = world.eval("eval", "rig:demo", SMALL, prefix=limited("as", mib << 20))
        found[done.status if code_of(done) is None else code_of(done)] += 1
        assert done.status != 0 or done.out == SMALL_OUTPUT, (mib, done)
    tell("little memory", found)
    assert found[0] > 0
