# SPDX-License-Identifier: Apache-2.0
"""Ports of DHCP servers, which the network service makes for itself."""

from __future__ import annotations

from collections.abc import Sequence

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.entities import Network, Port, Subnet
from minicloud.builtin.network.ipam import Wish
from minicloud.builtin.network.manager import ports as port_manager
from minicloud.builtin.network.manager.core import Unit


def device_id(network_id: str) -> str:
    """What a network's DHCP port says it belongs to."""
    return f"dhcp-{network_id}"


def served(subnets: Sequence[Subnet]) -> list[Subnet]:
    """The subnets whose hosts a DHCP server, or router advertisements of one, configure."""
    return [subnet for subnet in subnets if subnet.enable_dhcp]


def is_met(port: Port | None, held: Sequence[str], subnets: Sequence[Subnet], host: str) -> bool:
    """Whether a network's DHCP port is as it should be.

    :param held: subnets that it has an address in
    """
    wanted = {subnet.id for subnet in served(subnets)}
    return port is not None and set(held) == wanted and port.binding_host_id == host


def ensure(unit: Unit, network_id: str, host: str) -> None:
    """Make a network's DHCP port what it should be; without room for it the network goes without."""
    network, subnets = networks.with_subnets(unit.conn, [network_id])[network_id]
    found = ports.of_device(unit.conn, device_id(network_id))
    try:
        port = found[0] if found else _make(unit, network, served(subnets), host)
        held = {each.subnet_id for each in addresses.of_ports(unit.conn, [port.id])[port.id]}
        wanted = [{"subnet_id": subnet.id} for subnet in served(subnets)]
        if held != {each["subnet_id"] for each in wanted}:
            port_manager.PortManager().update(unit, port, {"fixed_ips": wanted})
    except exception.IpAddressGenerationFailure:
        return  # the full subnet's hosts can do without, or else nobody can help them
    if port.binding_host_id != host:
        ports.ports.update(
            unit.conn, port.id, binding_host_id=host, binding_vif_type=unit.core.driver.vif_type, status="ACTIVE"
        )


def _make(unit: Unit, network: Network, subnets: Sequence[Subnet], host: str) -> Port:
    values = {
        "project_id": network.project_id,
        "network_id": network.id,
        "device_id": device_id(network.id),
        "device_owner": port_manager.DHCP,
        "binding_host_id": host,
        "port_security_enabled": False,
    }
    return port_manager.make(unit, network, values, [Wish(subnet.id) for subnet in subnets], [])
