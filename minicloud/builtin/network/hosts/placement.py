# SPDX-License-Identifier: Apache-2.0
"""Which host has a router or a network's DHCP server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

from minicloud.builtin.network.entities import Agent
from minicloud.web.moments import now


def alive(agents: Iterable[Agent], down_time: int) -> list[Agent]:
    """Those that were heard of not long ago.

    :param down_time: seconds
    """
    since = now() - timedelta(seconds=down_time)
    return [agent for agent in agents if agent.heartbeat_at >= since]


def place(key: str, hosts: Iterable[str]) -> str:
    """One of the hosts, the same whoever asks; when hosts come or go few things move.

    This is rendezvous hashing (Thaler and Ravishankar, 1998): the host whose name hashes highest together with the key.

    :param key: id of what is to be placed
    :returns: "" when there is no host
    """
    return max(hosts, key=lambda host: (hashlib.sha256(f"{key} {host}".encode()).digest(), host), default="")
