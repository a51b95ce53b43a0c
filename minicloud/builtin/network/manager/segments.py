# SPDX-License-Identifier: Apache-2.0
"""Identifiers of tunnels."""

from __future__ import annotations

import random

from minicloud.builtin.network.db import networks
from minicloud.builtin.network.entities import Network
from minicloud.builtin.network.manager.core import Unit

#: Those of VXLAN have 24 bits; 0 is none.
_ALL = range(1, 1 << 24)


def new(unit: Unit) -> int:
    """An identifier that no other network has."""
    while True:
        # One of sixteen million: two that are made at the same time do not choose alike.
        chosen = random.choice(_ALL)
        if not networks.with_segment(unit.conn, chosen):
            return chosen


def give(unit: Unit, network: Network) -> None:
    """For a network made when there were no tunnels yet."""
    networks.networks.update(unit.conn, network.id, provider_network_type="vxlan", provider_segmentation_id=new(unit))
