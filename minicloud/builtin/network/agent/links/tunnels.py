# SPDX-License-Identifier: Apache-2.0
"""VXLAN between the hosts of a network: RFC 7348, with every peer told and none learnt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, privileged
from minicloud.builtin.network.agent.iproute import Command, Link
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostNetwork, HostState, Peer

_OURS = re.compile(r"mcx[0-9a-f-]{11}")

#: What stands for every address that has no entry of its own: broadcasts, multicasts, unknown hosts.
EVERYBODY = "00:00:00:00:00:00"

#: (MAC address, end of a tunnel)
Entry = tuple[str, str]


class Tunnels(Part):
    """A device for each network that has guests, a router or DHCP on other hosts too."""

    name: ClassVar[str] = "tunnels"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._local: str = conf.network.tunnel_ip or ""
        self._port: int = conf.network.vxlan_port

    def apply(self, state: HostState) -> None:
        present = iproute.links()
        failures = []
        wanted = [each for each in state.networks if each.peers and each.segment is not None and self._local]
        for network in wanted:
            try:
                self._tunnel(network, present)
            except CommandFailed as error:
                failures.append(f"network {network.id}: {error}")
        kept = {network.vxlan for network in wanted}
        iproute.run([("link", "delete", name) for name in present if _OURS.fullmatch(name) and name not in kept])
        if failures:
            raise CommandFailed("; ".join(failures))

    def clean(self) -> None:
        iproute.run([("link", "delete", name) for name in iproute.links() if _OURS.fullmatch(name)])

    def _tunnel(self, network: HostNetwork, present: Mapping[str, Link]) -> None:
        iproute.run(self.commands(network, present.get(network.vxlan)))
        held = _entries(network.vxlan)
        lines = changes(network.vxlan, held, entries(network.peers))
        if lines:
            privileged.run(["bridge", "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))

    def commands(self, network: HostNetwork, there: Link | None) -> list[Command]:
        """What makes the device of one network."""
        found: list[Command] = []
        name = network.vxlan
        if there is not None and not self._fits(network, there):
            found.append(("link", "delete", name))
            there = None
        if there is None:
            words = ("type", "vxlan", "id", str(network.segment), "local", self._local, "dstport", str(self._port))
            # MTU afterwards: the kernel would first have it fit a device it does not know of yet.
            found.append(("link", "add", "name", name, *words, "nolearning"))
        if there is None or there.mtu != network.mtu:
            found.append(("link", "set", name, "mtu", str(network.mtu)))
        if there is None or there.master != network.bridge:
            found.append(("link", "set", name, "master", network.bridge))
        if there is None or not there.is_up:
            found.append(("link", "set", name, "up"))
        return found

    def _fits(self, network: HostNetwork, there: Link) -> bool:
        """Whether what cannot be changed of a device is right."""
        local = there.details.get("local") or there.details.get("local6")
        wanted = (network.segment, self._local, self._port)
        return (there.details.get("id"), local, there.details.get("port")) == wanted


def entries(peers: Iterable[Peer]) -> set[Entry]:
    """What the device is to know: whom each address is behind, and who gets what is for everybody."""
    found = set()
    for peer in peers:
        found.add((EVERYBODY, peer.address))
        found |= {(mac, peer.address) for mac in peer.mac_addresses}
    return found


def changes(device: str, held: set[Entry], wanted: set[Entry]) -> list[str]:
    """Commands of bridge(8), removals first, since an address is behind one host only."""
    gone = [f"fdb del {mac} dev {device} dst {address} self" for mac, address in sorted(held - wanted)]
    new = sorted(wanted - held)
    new = sorted(wanted - held)
    return gone + [f"fdb append {mac} dev {device} dst {address} self permanent" for mac, address in new]


def _entries(device: str) -> set[Entry]:
    found: list[dict[str, Any]] = json.loads(privileged.run(["bridge", "-json", "fdb", "show", "dev", device]) or "[]")
    return {(each["mac"], each["dst"]) for each in found if "dst" in each}
