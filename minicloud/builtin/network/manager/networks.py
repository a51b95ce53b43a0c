# SPDX-License-Identifier: Apache-2.0
"""Networks."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import networks as books
from minicloud.builtin.network.db import ports, routers
from minicloud.builtin.network.entities import Network
from minicloud.builtin.network.manager import ports as port_manager
from minicloud.builtin.network.manager import segments
from minicloud.builtin.network.manager.base import Manager, Values
from minicloud.builtin.network.manager.core import Unit


class NetworkManager(Manager[Network]):
    RESOURCE = "network"
    FILTERS = ("status",)

    def __init__(self) -> None:
        super().__init__(books.networks)

    def clauses(self, unit: Unit, filters: dict[str, list[str]]) -> list[Any]:
        up = [status == "ACTIVE" for status in filters.get("status", ()) if status in ("ACTIVE", "DOWN")]
        return [self.repository.table.c.admin_state_up.in_(up)] if "status" in filters else []

    def extras(self, unit: Unit, entities: list[Network]) -> list[dict[str, Any]]:
        subnets = books.subnet_ids(unit.conn, [network.id for network in entities])
        zone = unit.core.conf.network.availability_zone
        return [
            {
                "status": "ACTIVE" if network.admin_state_up else "DOWN",
                "subnets": subnets.get(network.id, []),
                "availability_zones": [zone] if network.id in subnets else [],
                "ipv4_address_scope": None,
                "ipv6_address_scope": None,
            }
            for network in entities
        ]

    def create(self, unit: Unit, values: Values) -> Network:
        driver = unit.core.driver
        if values.get("provider_network_type") is None:
            is_flat = bool(values.get("provider_physical_network")) or values.get("router_external", False)
            values["provider_network_type"] = "flat" if is_flat else driver.network_type
        if values["provider_network_type"] == "vxlan" and values.get("provider_segmentation_id") is None:
            values["provider_segmentation_id"] = segments.new(unit)
        # 0 is what clients say that leave it to the service.
        if not values.get("mtu"):
            is_flat = values["provider_network_type"] == "flat"
            values["mtu"] = unit.core.conf.network.mtu - (0 if is_flat else driver.overhead)
        self._only_default(unit, values)
        return super().create(unit, values)

    def update(self, unit: Unit, entity: Network, changes: Values) -> Network:
        if changes.get("shared") is False and entity.shared and books.use_by_others(unit.conn, entity):
            raise exception.InvalidSharedSetting(network=entity.name or entity.id)
        if changes.get("router_external") is False and entity.router_external:
            self._unused_outside(unit, entity)
        self._only_default(unit, changes)
        return super().update(unit, entity, changes)

    def delete(self, unit: Unit, entity: Network) -> None:
        self._drop_idle_addresses(unit, entity)
        present = ports.on_network(unit.conn, entity.id)
        used = [port.id for port in present if port.device_owner != port_manager.DHCP]
        if used:
            raise exception.NetworkInUse(network_id=entity.id, ports=", ".join(used[:10]))
        port_manager.destroy(unit, present)
        for subnet in books.subnets.among(unit.conn, "network_id", [entity.id]):
            books.subnets.delete(unit.conn, subnet.id)
        super().delete(unit, entity)

    def _drop_idle_addresses(self, unit: Unit, network: Network) -> None:
        """Floating addresses that lead nowhere do not hold their network; they go with it."""
        for floating in routers.floating_on(unit.conn, network.id):
            if floating.port_id is None:
                routers.floating_ips.delete(unit.conn, floating.id)
                port_manager.destroy(unit, [ports.ports.get(unit.conn, floating.floating_port_id)])

    def _only_default(self, unit: Unit, values: Values) -> None:
        """A network that becomes the default external one takes that over from another."""
        if values.get("is_default") and (other := books.default_external(unit.conn)):
            books.networks.update(unit.conn, other.id, is_default=False)

    def _unused_outside(self, unit: Unit, network: Network) -> None:
        used = [
            port.id for port in ports.on_network(unit.conn, network.id) if port.device_owner == "network:router_gateway"
        ]
        if used or routers.floating_on(unit.conn, network.id):
            raise exception.NetworkInUse(network_id=network.id, ports=", ".join(used))
