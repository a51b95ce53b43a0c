# SPDX-License-Identifier: Apache-2.0
"""Ports of servers, as compute sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from minicloud.builtin.network.db import Connection, addresses, networks, ports, routers
from minicloud.builtin.network.entities import Address, Network, Port, Subnet
from minicloud.objects import FixedIp, Vif
from minicloud.objects.host_network import bridge_name

#: (port id, fixed address) -> floating addresses that lead there.
Floating = Mapping[tuple[str, str], tuple[str, ...]]


def vif(
    port: Port, network: Network, subnets: Mapping[str, Subnet], held: Sequence[Address], floating: Floating
) -> Vif:
    """One port.

    :param subnets: those of its addresses, by id
    """
    fixed = tuple(
        _fixed_ip(each, subnets.get(each.subnet_id), floating.get((port.id, each.address), ())) for each in held
    )
    return Vif(
        port_id=port.id,
        network_id=network.id,
        network_name=network.name,
        mac_address=port.mac_address,
        fixed_ips=fixed,
        active=port.status == "ACTIVE",
        created_by_compute=port.made_by_compute,
        tag=port.device_tag,
        mtu=network.mtu,
        vnic_type=port.binding_vnic_type,
        vif_type=port.binding_vif_type,
        bridge=bridge_name(network.id) if port.binding_vif_type == "bridge" else None,
    )


def _fixed_ip(held: Address, subnet: Subnet | None, floating: tuple[str, ...]) -> FixedIp:
    told: dict[str, Any] = {}
    if subnet is not None:
        told = {
            "prefix": ip_network(subnet.cidr).prefixlen,
            "gateway": subnet.gateway_ip,
            "dns": tuple(subnet.dns_nameservers),
            "routes": tuple((route["destination"], route["nexthop"]) for route in subnet.host_routes),
            "assigned_by": _assigned_by(subnet),
        }
    version = 6 if ":" in held.address else 4
    return FixedIp(address=held.address, subnet_id=held.subnet_id, version=version, floating=floating, **told)


def _assigned_by(subnet: Subnet) -> str:
    if subnet.by_mac:
        return "slaac"
    # An IPv6 subnet without a mode has no router of ours that would send guests to DHCP.
    has_dhcp = subnet.enable_dhcp and (subnet.ip_version == 4 or subnet.ipv6_address_mode is not None)
    return "dhcp" if has_dhcp else "static"


def vifs(conn: Connection, instance_uuids: Sequence[str]) -> dict[str, list[Vif]]:
    """Server -> its ports in their order; a server without ports has an empty list."""
    found = ports.of_servers(conn, list(instance_uuids))
    answer: dict[str, list[Vif]] = {uuid: [] for uuid in instance_uuids}
    if not found:
        return answer
    keys = [port.id for port in found]
    held = addresses.of_ports(conn, keys)
    known = {network.id: network for network in networks.networks.among(conn, "id", [p.network_id for p in found])}
    subnet_ids = list({address.subnet_id for addresses_of in held.values() for address in addresses_of})
    subnets = {subnet.id: subnet for subnet in networks.subnets.among(conn, "id", subnet_ids)}
    floating: dict[tuple[str, str], tuple[str, ...]] = {}
    for each in routers.floating_of_ports(conn, keys):
        place = (str(each.port_id), str(each.fixed_ip_address))
        floating[place] = (*floating.get(place, ()), each.floating_ip_address)
    for port in found:
        answer[port.device_id].append(vif(port, known[port.network_id], subnets, held[port.id], floating))
    return answer
