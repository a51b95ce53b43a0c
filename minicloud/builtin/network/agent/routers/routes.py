# SPDX-License-Identifier: Apache-2.0
"""A router's routes: by default outside, and those that its owner gave it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping

from minicloud.builtin.network.agent import privileged
from minicloud.builtin.network.agent.iproute import Command
from minicloud.objects.host_network import HostRouter, HostState

#: Routes of ours are told by this word from those that the kernel makes with each address.
_MARK = ("proto", "static")
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}

#: Destination -> next hop, both as text in canonical form.
Routes = Mapping[str, str]


def wanted(router: HostRouter, state: HostState) -> dict[str, str]:
    """What a router shall have. Its owner's word goes before the external network's."""
    found: dict[str, str] = {}
    for address in router.gateway.addresses if router.gateway else ():
        subnet = state.subnet(address.subnet_id)
        if subnet is not None and subnet.gateway_ip:
            found[_EVERYWHERE[address.version]] = subnet.gateway_ip
    found |= {each.destination: each.nexthop for each in router.routes}
    return {_network(destination): str(ipaddress.ip_address(hop)) for destination, hop in found.items()}


def held(namespace: str) -> dict[str, str]:
    """What a namespace has of ours."""
    found: dict[str, str] = {}
    for version, everywhere in _EVERYWHERE.items():
        said = privileged.run(["ip", "-json", f"-{version}", "route", "show", *_MARK], namespace)
        for each in json.loads(said or "[]"):
            if "gateway" in each:
                found[_network(everywhere if each["dst"] == "default" else each["dst"])] = each["gateway"]
    return found


def commands(have: Routes, want: Routes) -> list[Command]:
    """From one to the other, with no moment without a route that stays."""
    gone = [("route", "delete", destination, *_MARK) for destination in sorted(set(have) - set(want))]
    new = sorted((destination, hop) for destination, hop in want.items() if have.get(destination) != hop)
    return [*gone, *(("route", "replace", destination, "via", hop, *_MARK) for destination, hop in new)]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))
