# SPDX-License-Identifier: GPL-3.0-or-later
"""
Many hosts: one `eval` on 300 of them against GNU parallel, and against Ansible where it is installed, running `erl_call` there, with the same number
at once. The hosts are aliases of one sshd, whose work is the same for all.
"""

import os
import shlex
import shutil
import subprocess
import time

from rig import wait_for

from .timing import Contender, family, progress, proportional_memory, run, take_turns
from .world import need

SIZES = (10, 100, 300)
AT_ONCE = 32
RUNS = 3
ANSIBLE = """[defaults]
host_key_checking = False
retry_files_enabled = False
nocows = True
[ssh_connection]
ssh_args = -F {config} -o ControlMaster=no
pipelining = True
"""


def check():
    need("parallel")


def names(count):
    return [f"h{number}" for number in range(1, count + 1)]


def in_flight(world, argv, env, count):
    """PSS of all our processes while so many calls wait, in bytes."""
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as child:
        try:
            wait_for("calls in flight", 60, lambda: int(world.node.eval('length([N || N <- nodes(hidden), lists:suffix("beamline.invalid", atom_to_list(N))])')) == count,
                     interval=0.2)
            return proportional_memory(family(child.pid))
        finally:
            child.terminate()
            child.wait()


def measure(world, report):
    env, peer_env = world.environment(), world.peer_environment()
    config = world.sshd.client_config(f"many.{world.rig.count()}", alias=" ".join(names(max(SIZES))))
    cookie = world.node.cookie_file
    ours = [world.program, "--ssh-config", config, "--epmd-port", str(world.epmd.port), "--cookie-file", cookie, "--forks", str(AT_ONCE)]
    there = shlex.join([world.erl_call, "-address", f"127.0.0.1:{world.node.dist_port}", "-a", "erlang max [1,2]"])
    # Each call there has a name of its own: two of one name would be one too many for the node.
    remote = f"HOME={world.home} {there} -h call$$"
    ansible = shutil.which("ansible")
    settings = world.rig.write("ansible.cfg", ANSIBLE.format(config=config))
    rows, figures = [], {}
    for size in SIZES:
        inventory = world.rig.write(f"hosts.{size}", "\n".join(names(size)) + "\n")
        found = [
            Contender("`beamline eval --forks 32`", lambda s=size: run([*ours, "eval", f"h[1-{s}]", "1+1"], env, quiet=True).seconds),
            Contender("`parallel -j 32 ssh HOST erl_call`", lambda i=inventory: run(
                [need("parallel"), "--will-cite", "-j", str(AT_ONCE), "-a", i, world.ssh, "-F", config, "{}", shlex.quote(remote)], peer_env, quiet=True).seconds),
        ]
        if ansible:
            found.append(Contender("`ansible -f 32 -m raw`, which runs `erl_call`", lambda i=inventory: run(
                [ansible, "all", "-i", i, "-f", str(AT_ONCE), "-m", "raw", "-a", remote],
                {**peer_env, "ANSIBLE_CONFIG": settings, "ANSIBLE_LOCAL_TEMP": os.path.join(world.home, "ansible")}, quiet=True).seconds))
        take_turns(f"many: {size} hosts", found, RUNS, warm=1, between=lambda: time.sleep(0.2))
        figures[size] = found
        rows += [[f"{contender.name}, {size} hosts", f"{contender.median:.2f}", f"{contender.median / size * 1000:.1f}",
                  f"{found[0].ratio(contender):.3f}"] for contender in found]
    least, most = figures[SIZES[0]][0], figures[SIZES[-1]][0]
    notes = [f"{RUNS} turns. Growth from {SIZES[1]} hosts to {SIZES[2]}: {most.median / figures[SIZES[1]][0].median:.2f} times the time for {SIZES[2] / SIZES[1]:g} times the hosts."]
    report.goal(f"{SIZES[-1]} hosts, {AT_ONCE} at once: `eval` / GNU parallel with `ssh HOST erl_call`", most.ratio(figures[SIZES[-1]][1]), "under", 0.3)
    report.goal("time a host, 300 hosts / 100 hosts", most.median / 300 / (figures[100][0].median / 100), "under", 1.2)
    if world.root:
        progress("many: memory")
        memory = in_flight(world, [*ours, "eval", f"h[1-{AT_ONCE}]", "timer:sleep(60000)"], env, AT_ONCE) / AT_ONCE
        report.goal("PSS a host in flight, all our processes", memory / 1e6, "under", 5, unit="MB", digits=1)
    else:
        notes.append("Memory is left out: only root can measure it.")
    if not ansible:
        notes.append("Left out: Ansible (apt-get install ansible-core).")
    report.table("Many hosts", ["", "seconds", "ms a host", "ours / it"], rows, *notes)
    report.keep("many", "default", {size: [contender.facts() for contender in found] for size, found in figures.items()})
    report.keep("many", "least", least.median)
