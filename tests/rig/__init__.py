# SPDX-License-Identifier: GPL-3.0-or-later
"""The test rig: a private sshd, EPMD, nodes, failing proxies, and hosts as network namespaces. README.md tells how to use it."""

from .core import Rig, RigError, Server, adopt_orphans, answers, free_port, program, wait_for
from .namespaces import Network
from .node import Epmd, Node, epmd_names, knows_host
from .proxy import Proxy
from .sshd import Sshd, make_key, public, user
from .terminal import Finished, Terminal, run
from .tmux import Tmux

__all__ = ["Rig", "RigError", "Server", "adopt_orphans", "answers", "free_port", "program", "wait_for", "Network", "Epmd", "Node", "epmd_names", "knows_host",
           "Proxy", "Sshd", "make_key", "public", "user", "Finished", "Terminal", "run", "Tmux"]
