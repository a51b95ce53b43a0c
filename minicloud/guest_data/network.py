# SPDX-License-Identifier: Apache-2.0
"""``network_data.json``: links, the networks on them, and name servers.

Shape: https://docs.openstack.org/nova/latest/user/metadata.html, which also has its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any

from minicloud.objects import FixedIp, Vif

#: Kinds of wiring by their names in the schema; what else there is looks to the guest like a real interface.
_LINK_TYPES = {"bridge": "bridge", "ovs": "ovs", "tap": "tap"}

_DEFAULT_ROUTE = {4: "0.0.0.0/0", 6: "::/0"}

#: (IP version, how the address is assigned) -> type; what is not here needs no configuring by address.
_TYPES = {
    (4, "dhcp"): "ipv4_dhcp",
    (6, "dhcp"): "ipv6_dhcp",
    (6, "slaac"): "ipv6_slaac",
}


def network_data(vifs: Iterable[Vif]) -> dict[str, Any]:
    """The whole document."""
    ports = list(vifs)
    placed = [(vif, fixed) for vif in ports for fixed in vif.fixed_ips]
    return {
        "links": [_link(vif) for vif in ports],
        "networks": [_network(number, vif, fixed) for number, (vif, fixed) in enumerate(placed)],
        "services": _name_servers(address for _, fixed in placed for address in fixed.dns),
    }


def _link(vif: Vif) -> dict[str, Any]:
    return {
        "id": vif.devname,
        "vif_id": vif.port_id,
        "type": _LINK_TYPES.get(vif.vif_type, "phy"),
        "mtu": vif.mtu,
        "ethernet_mac_address": vif.mac_address,
    }


def _network(number: int, vif: Vif, fixed: FixedIp) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": f"network{number}", "link": vif.devname, "network_id": vif.network_id}
    # Without a mask an address is of no use, so that DHCP is the guest's better chance.
    assigned = "dhcp" if fixed.prefix is None else fixed.assigned_by
    if kind := _TYPES.get((fixed.version, assigned)):
        return {**shown, "type": kind}
    return {
        **shown,
        "type": f"ipv{fixed.version}",
        "ip_address": fixed.address,
        "netmask": str(ip_network(f"{fixed.address}/{fixed.prefix}", strict=False).netmask),
        "routes": list(_routes(fixed)),
        "services": _name_servers(fixed.dns),
    }


def _routes(fixed: FixedIp) -> Iterator[dict[str, str]]:
    through_gateway = ((_DEFAULT_ROUTE[fixed.version], fixed.gateway),) if fixed.gateway else ()
    for destination, gateway in (*through_gateway, *fixed.routes):
        network = ip_network(destination, strict=False)
        yield {"network": str(network.network_address), "netmask": str(network.netmask), "gateway": gateway}


def _name_servers(addresses: Iterable[str]) -> list[dict[str, str]]:
    """Each once, in their order."""
    return [{"type": "dns", "address": address} for address in dict.fromkeys(addresses)]
