# SPDX-License-Identifier: Apache-2.0
"""Bridges that say nothing for the host."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, privileged
from minicloud.builtin.network.agent.part import Part
from minicloud.objects.host_network import HostState

#: A host has its addresses on every device: by default it answers, at a bridge too, to who asks for any of them, and
#: a project may well have the range that the host's own network has. In IPv6 a bridge has an address by itself.
_SETTINGS = (("ipv4", "arp_ignore", "8"), ("ipv6", "disable_ipv6", "1"))


class Silence(Part):
    """Not for the bridge that a network card is in: there the host's own address may be."""

    name: ClassVar[str] = "silence"
    guards: ClassVar[bool] = True

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._interfaces = set(conf.network.physical_interfaces)

    def apply(self, state: HostState) -> None:
        present = iproute.links()
        for network in state.networks:
            if network.bridge in present and network.physical_network not in self._interfaces:
                _silence(network.bridge)

    def clean(self) -> None:
        """The settings go with the bridges."""


def _silence(bridge: str) -> None:
    for family, name, value in _SETTINGS:
        path = Path(f"/proc/sys/net/{family}/conf/{bridge}/{name}")
        # A host without IPv6 has no such file, and nothing to silence.
        if path.exists() and path.read_text().strip() != value:
            privileged.write(str(path), value)
