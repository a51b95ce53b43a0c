# SPDX-License-Identifier: Apache-2.0
"""Floating addresses: addresses of an external network that lead to a port's fixed address."""

from __future__ import annotations

import ipaddress
from typing import Any
from uuid import uuid4

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.db import routers as books
from minicloud.builtin.network.entities import Address, FloatingIp, Port
from minicloud.builtin.network.ipam import Wish
from minicloud.builtin.network.manager import ports as port_manager
from minicloud.builtin.network.manager.base import Manager, Values, charge
from minicloud.builtin.network.manager.core import Unit

_NOWHERE: Values = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}


class FloatingIpManager(Manager[FloatingIp]):
    RESOURCE = "floatingip"

    def __init__(self) -> None:
        super().__init__(books.floating_ips)

    def extras(self, unit: Unit, entities: list[FloatingIp]) -> list[dict[str, Any]]:
        found = {
            port.id: port
            for port in ports.ports.among(unit.conn, "id", [each.port_id for each in entities if each.port_id])
        }
        return [
            {"port_details": _details(found.get(each.port_id or "")), "port_forwardings": [], "qos_policy_id": None}
            for each in entities
        ]

    def create(self, unit: Unit, values: Values) -> FloatingIp:
        network = networks.networks.get(unit.conn, values["floating_network_id"], unit.viewer)
        if not network.router_external:
            raise exception.BadRequest(f"Network {network.id} is not a valid external network")
        charge(unit, values["project_id"], self)
        values["id"] = str(uuid4())
        subnet_id, address = values.pop("subnet_id", None), values.pop("floating_ip_address", None)
        wishes = [Wish(subnet_id, address)] if subnet_id or address else _first_ipv4(unit, network.id)
        outside = port_manager.make(
            unit, network, {"project_id": "", "network_id": network.id, "device_id": values["id"],
                            "device_owner": "network:floatingip", "port_security_enabled": False}, wishes, []
        )  # fmt: skip
        held = addresses.of_ports(unit.conn, [outside.id])[outside.id]
        values |= {"floating_port_id": outside.id, "floating_ip_address": held[0].address}
        inside = values.pop("port_id", None)
        fixed = values.pop("fixed_ip_address", None)
        made = self.repository.insert(unit.conn, **values)
        return self._lead(unit, made, inside, fixed) if inside else made

    def update(self, unit: Unit, entity: FloatingIp, changes: Values) -> FloatingIp:
        if "port_id" in changes or "fixed_ip_address" in changes:
            inside = changes.pop("port_id", entity.port_id)
            fixed = changes.pop("fixed_ip_address", None)
            if entity.port_id is not None and entity.port_id != inside:
                self._tell(unit, entity.port_id)
            entity = self._lead(unit, entity, inside, fixed) if inside else self._part(unit, entity)
        return super().update(unit, entity, changes) if changes else entity

    def delete(self, unit: Unit, entity: FloatingIp) -> None:
        if entity.port_id is not None:
            self._tell(unit, entity.port_id)
        super().delete(unit, entity)
        outside = ports.ports.find(unit.conn, entity.floating_port_id)
        if outside is not None:
            port_manager.destroy(unit, [outside])

    def _part(self, unit: Unit, floating: FloatingIp) -> FloatingIp:
        return self.repository.update(unit.conn, floating.id, **_NOWHERE)

    def _lead(self, unit: Unit, floating: FloatingIp, port_id: str, fixed: str | None) -> FloatingIp:
        """Make a floating address lead to a port.

        :raises ExternalGatewayForFloatingIPNotFound: when no router connects the two
        :raises FloatingIPPortAlreadyAssociated: when another leads there
        """
        port = ports.ports.get(unit.conn, port_id, unit.viewer)
        if port.project_id != floating.project_id and unit.viewer is not None:
            raise exception.BadRequest(
                f"Port {port.id} is associated with a different project than Floating IP {floating.id} "
                "and therefore cannot be bound."
            )
        target = _target(unit, port, fixed)
        for other in books.floating_of_ports(unit.conn, [port.id]):
            alike = other.fixed_ip_address == target.address
            if other.id != floating.id and alike and other.floating_network_id == floating.floating_network_id:
                raise exception.FloatingIPPortAlreadyAssociated(
                    address=floating.floating_ip_address,
                    port_id=port.id,
                    fixed=target.address,
                    network_id=floating.floating_network_id,
                )
        router_id = self._router(unit, floating, port, target.subnet_id)
        unit.tell("network-changed", port)
        return self.repository.update(
            unit.conn,
            floating.id,
            port_id=port.id,
            fixed_ip_address=target.address,
            router_id=router_id,
            status=unit.core.driver.bound_status,
        )

    def _router(self, unit: Unit, floating: FloatingIp, port: Port, subnet_id: str) -> str:
        interfaces = ports.router_interfaces(unit.conn, subnet_id)
        for router in books.routers.among(unit.conn, "id", [each.device_id for each in interfaces]):
            if router.gateway_network_id == floating.floating_network_id:
                return router.id
        raise exception.ExternalGatewayForFloatingIPNotFound(
            network_id=floating.floating_network_id, subnet_id=subnet_id, port_id=port.id
        )

    def _tell(self, unit: Unit, port_id: str) -> None:
        port = ports.ports.find(unit.conn, port_id)
        if port is not None:
            unit.tell("network-changed", port)


def _target(unit: Unit, port: Port, fixed: str | None) -> Address:
    """The fixed address meant: the one named, or the port's only IPv4 address."""
    held = [
        each
        for each in addresses.of_ports(unit.conn, [port.id])[port.id]
        if ipaddress.ip_address(each.address).version == 4
    ]
    if fixed is not None:
        held = [each for each in held if each.address == fixed]
        if not held:
            raise exception.BadRequest(f"Port {port.id} does not have fixed ip {fixed}")
    if not held:
        raise exception.BadRequest(f"Cannot add floating IP to port {port.id} that has no fixed IPv4 addresses")
    if len(held) > 1:
        raise exception.BadRequest(
            f"Port {port.id} has multiple fixed IPv4 addresses. Must provide a specific IPv4 address "
            "when assigning a floating IP"
        )
    return held[0]


def _first_ipv4(unit: Unit, network_id: str) -> list[Wish] | None:
    """A floating address is an IPv4 address, of whichever subnet has one."""
    subnets = [
        subnet for subnet in networks.subnets.among(unit.conn, "network_id", [network_id]) if subnet.ip_version == 4
    ]
    if not subnets:
        raise exception.BadRequest(f"Network {network_id} does not contain any IPv4 subnet")
    for subnet in subnets:
        if unit.core.allocator.has_room(unit.conn, subnet):
            return [Wish(subnet.id)]
    raise exception.IpAddressGenerationFailure(network_id=network_id)


def _details(port: Port | None) -> dict[str, Any] | None:
    if port is None:
        return None
    return {
        "name": port.name,
        "network_id": port.network_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
    }
