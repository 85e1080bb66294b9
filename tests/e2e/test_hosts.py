# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole hosts, each a network namespace with its own 127.0.0.1:4369, reached over a network and through a bastion."""

import json

import pytest

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def hosts(network):
    """Two hosts and one that only the bastion reaches."""
    for name in ("web-1", "web-2", "gate"):
        if name not in network.hosts:
            network.add(name, node="shop")
    if "vault" not in network.hosts:
        network.add("vault", behind="gate", node="shop")
    return network.config(name="hosts_config", jumps={"vault": "gate"})


@pytest.fixture
def call(hosts, network, beamline):
    def run(*words, **options):
        return beamline(*words, config=hosts, epmd_port=False, prefix=network.controller.prefix, **options)
    return run


def test_nodes_of_several_hosts(call):
    done = call("nodes", "web-1", "web-2", "--json")
    assert done.status == 0, done
    rows = json.loads(done.stdout)["nodes"]
    assert [(row["host"], row["node"], row["reachable"]) for row in rows] == [("web-1", "shop@web-1", True), ("web-2", "shop@web-2", True)]


def test_nodes_of_the_same_name_do_not_disturb_each_other(call):
    for host in ("web-1", "web-2"):
        assert call("eval", f"{host}:shop", "node()").stdout == f"'shop@{host}'\n"


def test_a_host_behind_a_bastion(call):
    done = call("-v", "eval", "vault", "node()")
    assert done.status == 0 and done.stdout == "shop@vault\n", done
    assert call("ping", "vault").status == 0


def test_nothing_of_a_node_is_seen_from_the_network(hosts, network):
    """What the rig promises, and what beamline stands for."""
    host = network.hosts["web-1"]
    for port in (4369, host.node.dist_port):
        probe = network.run(["bash", "-c", f"exec 3<>/dev/tcp/{host.address}/{port}"])
        assert probe.returncode != 0
