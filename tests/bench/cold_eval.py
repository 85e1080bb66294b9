#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold `eval` against `ssh HOST true`: both from nothing to the end of the process, on the rig's sshd and node.

Everything is measured in turns (A B C …, A B C …), so that a machine that is busy for a while is busy for all of them; of each the
median counts, and only ratios are worth keeping. Then the same through a proxy that delays, which tells the round trips: they do
not depend on the machine. docs/performance.md says what is compared. Environment: BEAMLINE (the built
program), BENCH_RUNS (41), BENCH_JSON (a file for the figures), BENCH_GOAL (a ratio at or above it is status 1; none by default),
BENCH_PROGRAMS (more programs to measure beside the first, separated by colons: builds to compare).
"""

import json
import os
import select
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from rig import Epmd, Node, Proxy, Rig, RigError, Sshd, program, wait_for  # noqa: E402

LIMIT = 30.0  # seconds for one run
GOAL = 0.15
DELAYS = (40, 80)  # ms, one way
FORCED = {"KexAlgorithms": "curve25519-sha256", "Ciphers": "aes128-gcm@openssh.com"}


class Variant:
    """
    A command line with what it must print. `first_byte`: timed to that, not to the process's end; then it is killed. `reported`: not
    the run is timed, but what it says of these steps (of `ping --json`) is summed.
    """

    def __init__(self, name, argv, expected, base, send=b"", first_byte=False, reported=()):
        self.name = name
        self.argv = argv
        self.expected = expected
        self.base = base
        self.send = send
        self.first_byte = first_byte
        self.reported = reported
        self.times = []

    def measure(self, env):
        """One run; the time in seconds. Spawned and read with as little of Python as can be."""
        out, out_child = os.pipe()
        in_child, stdin = os.pipe()
        if self.send:
            os.write(stdin, self.send)
        else:
            os.close(stdin)
        actions = [(os.POSIX_SPAWN_DUP2, in_child, 0), (os.POSIX_SPAWN_DUP2, out_child, 1)]
        begin = time.perf_counter()
        pid = os.posix_spawn(self.argv[0], self.argv, env, file_actions=actions)
        os.close(out_child)
        os.close(in_child)
        answer = self.read(out)
        if self.first_byte:
            spent = time.perf_counter() - begin
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if not self.first_byte:
            spent = time.perf_counter() - begin
        os.close(out)
        if self.send:
            os.close(stdin)
        if not answer.startswith(self.expected) or (status != 0 and not self.first_byte):
            raise RigError(f"{' '.join(self.argv)}: status {status}, {answer!r}")
        if self.reported:
            return sum(json.loads(answer)["ms"][step] for step in self.reported) / 1000
        return spent

    def read(self, fd):
        answer, end = b"", time.monotonic() + LIMIT
        while True:
            if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
                raise RigError(f"{' '.join(self.argv)}: not within {LIMIT} s")
            chunk = os.read(fd, 4096)
            answer += chunk
            if not chunk or self.first_byte:
                return answer


def make_variants(programs, forced, default, epmd, node):
    """forced, default: an ssh_config with the algorithms forced, and one without (None: leave those out)."""
    ssh = program("ssh")
    variants = []

    def ssh_base(name, config):
        variants.append(Variant(f"ssh HOST true, {name}", [ssh, "-F", config, "rig", "true"], b"", name))

    def ours(path, label, name, config, *options):
        argv = [path, "--ssh-config", config, *options, "eval", f"rig:{node.name}", "1+1"]
        variants.append(Variant(f"{label}, {name}", argv, b"2\n", name))

    ssh_base("forced", forced)
    if default:
        ssh_base("default", default)
    ports, cookie = ("--epmd-port", str(epmd.port)), ("--cookie-file", node.cookie_file)
    for number, path in enumerate(programs):
        mark = f" [{number}]" if number else ""
        ours(path, "eval" + mark, "forced", forced, *ports)
        ours(path, "eval --cookie-file" + mark, "forced", forced, *ports, *cookie)
        ours(path, "eval --cookie-file --dist-port" + mark, "forced", forced, "--dist-port", str(node.dist_port), *cookie)
        if default:
            ours(path, "eval" + mark, "default", default, *ports)
    variants.append(Variant("sshd until we are authenticated, forced", [
        programs[0], "--ssh-config", forced, *ports, *cookie, "--json", "ping", f"rig:{node.name}"], b"{", "forced",
        reported=("connect", "key exchange", "auth")))
    variants.append(Variant("ssh -W, EPMD's first byte, forced", [ssh, "-F", forced, "-W", f"127.0.0.1:{epmd.port}", "rig"], b"\0", "forced",
                            send=b"\x00\x01n", first_byte=True))
    return variants


def measure(rig, variants, runs):
    env = rig.base_env()
    for turn in range(runs + 2):
        for variant in variants:
            spent = variant.measure(env)
            # What a run left to end by itself must not be in the next one's time.
            wait_for("the end of a run", 10, lambda: not rig.strays(), interval=0.005)
            time.sleep(0.01)
            if turn >= 2:
                variant.times.append(spent)


def round_trips(rig, sshd, programs, epmd, node):
    """
    Of each variant, name -> round trips: what a longer delay adds to the whole time, divided by the delay. The proxy answers TCP's own
    at once, so it is added.
    """
    times = {}
    for delay in DELAYS:
        proxy = Proxy(rig, sshd.port, delay=delay)
        config = sshd.client_config(port=proxy.port, **FORCED)
        for variant in make_variants(programs, config, None, epmd, node):
            if not variant.reported:
                times.setdefault(variant.name, []).append(min(variant.measure(rig.base_env()) for _ in range(3)))
        proxy.stop()
    return {name: 1 + (long - short) * 1000 / (2 * (DELAYS[1] - DELAYS[0])) for name, (short, long) in times.items()}


def figures(variants, trips):
    base = {v.base: v for v in reversed(variants) if v.name.startswith("ssh HOST true")}
    rows = []
    for v in variants:
        pairs = [mine / theirs for mine, theirs in zip(v.times, base[v.base].times)]
        quartiles = statistics.quantiles(v.times, n=4)
        rows.append({
            "name": v.name, "against": base[v.base].name, "runs": len(v.times), "median_ms": statistics.median(v.times) * 1000,
            "quartiles_ms": [quartiles[0] * 1000, quartiles[2] * 1000], "least_ms": min(v.times) * 1000,
            "round_trips": trips.get(v.name),
            "ratio": statistics.median(v.times) / statistics.median(base[v.base].times), "median_of_pairs": statistics.median(pairs),
        })
    return rows


def show(rows):
    width = max(len(row["name"]) for row in rows)
    print(f"{'':{width}}  ratio  of pairs  round trips  median ms  (quartiles)")
    for row in rows:
        low, high = row["quartiles_ms"]
        trips = "" if row["round_trips"] is None else f"{row['round_trips']:.1f}"
        print(f"{row['name']:{width}}  {row['ratio']:5.3f}  {row['median_of_pairs']:8.3f}  {trips:>11}  {row['median_ms']:9.1f}  ({low:.1f} to {high:.1f})")


def main():
    own = os.environ.get("BEAMLINE") or os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "beamline")
    programs = [os.path.abspath(path) for path in [own, *os.environ.get("BENCH_PROGRAMS", "").split(":")] if path]
    runs = int(os.environ.get("BENCH_RUNS", "41"))
    with Rig() as rig:
        sshd = Sshd(rig, log_level="INFO")
        epmd = Epmd(rig)
        node = Node(rig, "demo", epmd=epmd, home=sshd.home)
        variants = make_variants(programs, sshd.client_config(**FORCED), sshd.config, epmd, node)
        measure(rig, variants, runs)
        trips = round_trips(rig, sshd, programs, epmd, node)
    rows = figures(variants, trips)
    show(rows)
    if os.environ.get("BENCH_JSON"):
        with open(os.environ["BENCH_JSON"], "w", encoding="ascii") as file:
            json.dump({"programs": programs, "rows": rows}, file, indent=1)
            file.write("\n")
    ratio = {row["name"]: row["ratio"] for row in rows}
    print(f"\nCold eval takes {ratio['eval, forced']:.3f} of ssh HOST true, same algorithms; the goal is under {GOAL}. sshd alone takes "
          f"{ratio['sshd until we are authenticated, forced']:.3f}\nuntil it has authenticated us, whoever asks.")
    goal = os.environ.get("BENCH_GOAL")
    return 1 if goal and ratio["eval, forced"] >= float(goal) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RigError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
