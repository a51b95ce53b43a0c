# SPDX-License-Identifier: Apache-2.0
"""The host in external networks: it is their gateway, unless a real one is behind a network card.

The host has a cable of its own into the network's bridge, and no address on the bridge: what a bridge says for
itself never passes the hook in which guests are guarded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, nftables, privileged
from minicloud.builtin.network.agent.iproute import Command, Link
from minicloud.builtin.network.agent.nftables import Table
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostNetwork, HostState

_OURS = re.compile(r"mch[0-9a-f-]{11}")
_NAME = "minicloud_public"
_FORWARDS = Path("/proc/sys/net/ipv4/ip_forward")


class Outside(Part):
    """Reaches floating addresses from the host, and if wanted the world from floating addresses."""

    name: ClassVar[str] = "outside"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._interfaces = set(conf.network.physical_interfaces)
        self._masquerades: bool = conf.network.masquerade_public

    def apply(self, state: HostState) -> None:
        present = iproute.links()
        ours = [each for each in state.networks if each.is_external and each.physical_network not in self._interfaces]
        kept = {network.host_leg for network in ours}
        iproute.run([("link", "delete", name) for name in present if _OURS.fullmatch(name) and name not in kept])
        for network in ours:
            if network.host_leg not in present:
                iproute.run(_cable(network))
                privileged.write(f"/proc/sys/net/ipv6/conf/{network.host_leg}/accept_ra", "0")
        present = iproute.links()
        iproute.run([command for network in ours for command in commands(network, present)])
        self._masquerade(ours)

    def clean(self) -> None:
        nftables.remove([("ip", _NAME)])
        iproute.run([("link", "delete", name) for name in iproute.links() if _OURS.fullmatch(name)])

    def _masquerade(self, networks: Iterable[HostNetwork]) -> None:
        wanted = table(networks) if self._masquerades else None
        if wanted is None:
            nftables.remove([("ip", _NAME)])
            return
        nftables.apply([wanted])
        if _FORWARDS.read_text().strip() == "0":
            raise CommandFailed(
                "[network] masquerade_public needs a host that forwards, and this one does not: "
                "sysctl -w net.ipv4.ip_forward=1"
            )


def commands(network: HostNetwork, present: Mapping[str, Link]) -> list[Command]:
    """What is to be done for the host's cable into one network, which is there."""
    name, outer = network.host_leg, network.host_leg_outer
    leg = present[name]
    wanted = {f"{subnet.gateway_ip}/{subnet.cidr.partition('/')[2]}" for subnet in network.subnets if subnet.gateway_ip}
    found: list[Command] = [("link", "set", each, "mtu", str(network.mtu)) for each in (name, outer)
                            if present[each].mtu != network.mtu]  # fmt: skip
    if present[outer].master != network.bridge:
        found.append(("link", "set", outer, "master", network.bridge))
    found += [("link", "set", each, "up") for each in (outer, name) if not present[each].is_up]
    found += [("address", "delete", each, "dev", name) for each in sorted(set(leg.addresses) - wanted)]
    new = sorted(wanted - set(leg.addresses))
    return found + [("address", "add", each, "dev", name, *(("nodad",) if ":" in each else ())) for each in new]


def table(networks: Iterable[HostNetwork]) -> Table | None:
    """Who comes from an external network and leaves the host is seen by the host's own address.

    Not what stays in bridges and cables of ours: where bridges show their packets to the firewall, they pass here too.
    """
    lines = []
    for network in sorted(networks, key=lambda each: each.id):
        for subnet in network.subnets:
            if subnet.ip_version == 4:
                cidr = nftables.spell(nftables.net(subnet.cidr))
                lines.append(f'oifname != "mc*" ip saddr {cidr} ip daddr != {cidr} masquerade')
    if not lines:
        return None
    hook = "type nat hook postrouting priority 100; policy accept;"
    return Table(family="ip", name=_NAME, chains={"postrouting": (hook, *lines)})


def _cable(network: HostNetwork) -> list[Command]:
    return [("link", "add", "name", network.host_leg, "type", "veth", "peer", "name", network.host_leg_outer)]
