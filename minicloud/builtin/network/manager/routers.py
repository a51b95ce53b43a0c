# SPDX-License-Identifier: Apache-2.0
"""Routers: their gateways to external networks, their interfaces and routes."""

from __future__ import annotations

import ipaddress
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.db import routers as books
from minicloud.builtin.network.entities import Port, Router, Subnet
from minicloud.builtin.network.ipam import Wish, cidr
from minicloud.builtin.network.manager import ports as port_manager
from minicloud.builtin.network.manager.base import Manager, Values, charge
from minicloud.builtin.network.manager.core import Unit

INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"


class RouterManager(Manager[Router]):
    RESOURCE = "router"

    def __init__(self) -> None:
        super().__init__(books.routers)

    def extras(self, unit: Unit, entities: list[Router]) -> list[dict[str, Any]]:
        gateways = [router.gateway_port_id for router in entities if router.gateway_port_id]
        fixed = addresses.of_ports(unit.conn, gateways)
        zone = unit.core.conf.network.availability_zone
        return [
            {
                "external_gateway_info": _gateway_info(router, fixed.get(router.gateway_port_id or "", [])),
                "availability_zones": [zone],
                "flavor_id": None,
            }
            for router in entities
        ]

    def create(self, unit: Unit, values: Values) -> Router:
        info = values.pop("external_gateway_info", None)
        router = super().create(unit, values)
        return self._set_gateway(unit, router, info) if info else router

    def update(self, unit: Unit, entity: Router, changes: Values) -> Router:
        if "external_gateway_info" in changes:
            entity = self._set_gateway(unit, entity, changes.pop("external_gateway_info"))
        if changes.get("routes") is not None:
            changes["routes"] = self._routes(unit, entity, changes["routes"])
        elif "routes" in changes:
            changes["routes"] = []
        return super().update(unit, entity, changes)

    def delete(self, unit: Unit, entity: Router) -> None:
        if any(port.device_owner == INTERFACE for port in ports.of_device(unit.conn, entity.id)):
            raise exception.RouterInUse(router_id=entity.id, reason="still has ports")
        self._clear_gateway(unit, entity)
        super().delete(unit, entity)

    # --- gateway -------------------------------------------------------------------------------

    def _set_gateway(self, unit: Unit, router: Router, info: dict[str, Any] | None) -> Router:
        if not info or not info.get("network_id"):
            return self._clear_gateway(unit, router)
        network = networks.networks.get(unit.conn, info["network_id"], unit.viewer)
        if not network.router_external:
            raise exception.InvalidInput(reason=f"Network {network.id} is not an external network")
        snat = info.get("enable_snat", router.enable_snat)
        fixed = info.get("external_fixed_ips")
        if router.gateway_network_id == network.id and not fixed:
            return books.routers.update(unit.conn, router.id, enable_snat=snat)
        if router.gateway_network_id == network.id and router.gateway_port_id:
            return self._move_gateway(unit, router, fixed, snat)
        self._clear_gateway(unit, router)
        wishes = [Wish(entry.get("subnet_id"), entry.get("ip_address")) for entry in fixed] if fixed else None
        self._no_overlap(unit, router, networks.subnets.among(unit.conn, "network_id", [network.id]))
        port = port_manager.make(
            unit, network, {"project_id": "", "network_id": network.id, "device_id": router.id, "device_owner": GATEWAY,
                            "port_security_enabled": False}, wishes, []
        )  # fmt: skip
        return books.routers.update(
            unit.conn, router.id, gateway_port_id=port.id, gateway_network_id=network.id, enable_snat=snat
        )

    def _move_gateway(self, unit: Unit, router: Router, fixed: Any, snat: bool) -> Router:
        """Other addresses on the same external network."""
        port = ports.ports.get(unit.conn, str(router.gateway_port_id))
        port_manager.PortManager().update(unit, port, {"fixed_ips": fixed})
        return books.routers.update(unit.conn, router.id, enable_snat=snat)

    def _clear_gateway(self, unit: Unit, router: Router) -> Router:
        if router.gateway_port_id is None:
            return router
        if books.floating_of_router(unit.conn, router.id):
            raise exception.RouterExternalGatewayInUseByFloatingIp(
                router_id=router.id, network_id=router.gateway_network_id
            )
        port = ports.ports.get(unit.conn, router.gateway_port_id)
        cleared = books.routers.update(unit.conn, router.id, gateway_port_id=None, gateway_network_id=None)
        port_manager.destroy(unit, [port])
        return cleared

    # --- interfaces ----------------------------------------------------------------------------

    def add_interface(self, unit: Unit, router: Router, wanted: dict[str, str]) -> dict[str, Any]:
        """Put a router into a subnet, by the subnet's id or that of a port made for it.

        :returns: what the API answers
        """
        if wanted.get("port_id") and wanted.get("subnet_id"):
            raise exception.BadRequest("Cannot specify both subnet-id and port-id")
        if wanted.get("port_id"):
            port, subnets = self._adopt(unit, router, wanted["port_id"])
        elif wanted.get("subnet_id"):
            port, subnets = self._enter(unit, router, wanted["subnet_id"])
        else:
            raise exception.BadRequest("Either subnet_id or port_id must be specified")
        return _interface_info(router, port, subnets)

    def _adopt(self, unit: Unit, router: Router, port_id: str) -> tuple[Port, list[Subnet]]:
        port = ports.ports.get(unit.conn, port_id, unit.viewer)
        if port.device_id:
            raise exception.PortInUse(port_id=port.id, network_id=port.network_id, device_id=port.device_id)
        held = addresses.of_ports(unit.conn, [port.id])[port.id]
        if not held:
            raise exception.BadRequest("Router port must have at least one fixed IP")
        subnets = networks.subnets.among(unit.conn, "id", [each.subnet_id for each in held])
        self._no_overlap(unit, router, subnets)
        ports.set_security_groups(unit.conn, port.id, [])
        changes = {"device_id": router.id, "device_owner": INTERFACE, "port_security_enabled": False}
        return ports.ports.update(unit.conn, port.id, **changes, status="ACTIVE"), subnets

    def _enter(self, unit: Unit, router: Router, subnet_id: str) -> tuple[Port, list[Subnet]]:
        subnet = networks.subnets.get(unit.conn, subnet_id, unit.viewer)
        if subnet.gateway_ip is None:
            raise exception.BadRequest(f"Subnet for router interface must have a gateway IP: {subnet.id}")
        self._no_overlap(unit, router, [subnet])
        network = networks.networks.get(unit.conn, subnet.network_id)
        charge(unit, router.project_id, port_manager.PortManager())
        values = {
            "project_id": router.project_id,
            "network_id": network.id,
            "device_id": router.id,
            "device_owner": INTERFACE,
            "port_security_enabled": False,
        }
        return port_manager.make(unit, network, values, [Wish(subnet.id, subnet.gateway_ip)], []), [subnet]

    def remove_interface(self, unit: Unit, router: Router, wanted: dict[str, str]) -> dict[str, Any]:
        """Take a router out of a subnet.

        :returns: what the API answers
        """
        port, held = self._interface(unit, router, wanted)
        keys = [each.subnet_id for each in held]
        subnets = networks.subnets.among(unit.conn, "id", keys)
        self._unneeded(unit, router, subnets)
        answer = _interface_info(router, port, subnets)
        port_manager.destroy(unit, [port])
        return answer

    def _interface(self, unit: Unit, router: Router, wanted: dict[str, str]) -> tuple[Port, list[Any]]:
        port_id, subnet_id = wanted.get("port_id"), wanted.get("subnet_id")
        if not port_id and not subnet_id:
            raise exception.BadRequest("Either subnet_id or port_id must be specified")
        interfaces = [port for port in ports.of_device(unit.conn, router.id) if port.device_owner == INTERFACE]
        held = addresses.of_ports(unit.conn, [port.id for port in interfaces])
        for port in interfaces:
            inside = subnet_id in [each.subnet_id for each in held[port.id]]
            if port_id in (None, port.id) and (subnet_id is None or inside):
                return port, held[port.id]
            if port_id == port.id:
                raise exception.SubnetInUse(subnet_id=subnet_id, reason=f"port {port_id} is not in it")
        if port_id:
            raise exception.RouterInterfaceNotFound(router_id=router.id, port_id=port_id)
        networks.subnets.get(unit.conn, str(subnet_id), unit.viewer)
        raise exception.RouterInterfaceNotFoundForSubnet(router_id=router.id, subnet_id=subnet_id)

    def _unneeded(self, unit: Unit, router: Router, subnets: list[Subnet]) -> None:
        """Neither a floating address nor a route leads through these subnets."""
        floating = books.floating_of_router(unit.conn, router.id)
        for subnet in subnets:
            if any(ipaddress.ip_address(str(each.fixed_ip_address)) in cidr(subnet) for each in floating):
                raise exception.RouterInterfaceInUseByFloatingIP(router_id=router.id, subnet_id=subnet.id)
            if any(ipaddress.ip_address(route["nexthop"]) in cidr(subnet) for route in router.routes):
                raise exception.RouterInterfaceInUseByRoute(router_id=router.id, subnet_id=subnet.id)

    def _no_overlap(self, unit: Unit, router: Router, new: list[Subnet]) -> None:
        for present in self._subnets(unit, router):
            for subnet in new:
                if present.id == subnet.id:
                    raise exception.BadRequest(f"Router already has a port on subnet {subnet.id}")
                one, two = cidr(present), cidr(subnet)
                if one.version == two.version and one.overlaps(two):
                    raise exception.BadRequest(
                        f"Cidr {subnet.cidr} of subnet {subnet.id} overlaps with cidr {present.cidr} "
                        f"of subnet {present.id}"
                    )

    def _subnets(self, unit: Unit, router: Router) -> list[Subnet]:
        """Where a router is: the subnets of its interfaces and its gateway."""
        keys = [port.id for port in ports.of_device(unit.conn, router.id)]
        held = addresses.of_ports(unit.conn, keys)
        return networks.subnets.among(
            unit.conn, "id", [each.subnet_id for several in held.values() for each in several]
        )

    # --- routes --------------------------------------------------------------------------------

    def change_routes(self, unit: Unit, router: Router, routes: list[dict[str, str]], *, add: bool) -> Router:
        """Add some routes to a router's, or take some away."""
        kept = [route for route in router.routes if route not in routes]
        return self.update(unit, router, {"routes": [*kept, *routes] if add else kept})

    def _routes(self, unit: Unit, router: Router, routes: list[dict[str, str]]) -> list[dict[str, str]]:
        """
        :raises InvalidRoutes: for a next hop that the router does not reach, or that is itself
        """
        ranges = [cidr(subnet) for subnet in self._subnets(unit, router)]
        keys = [port.id for port in ports.of_device(unit.conn, router.id)]
        own = {each.address for held in addresses.of_ports(unit.conn, keys).values() for each in held}
        for route in routes:
            hop = ipaddress.ip_address(route["nexthop"])
            if not any(hop in network for network in ranges):
                raise exception.InvalidRoutes(routes=routes, reason="the nexthop is not connected with router")
            if str(hop) in own:
                raise exception.InvalidRoutes(routes=routes, reason="the nexthop is used by router")
        return routes


def _gateway_info(router: Router, held: list[Any]) -> dict[str, Any] | None:
    if router.gateway_network_id is None:
        return None
    return {
        "network_id": router.gateway_network_id,
        "enable_snat": router.enable_snat,
        "external_fixed_ips": [{"subnet_id": each.subnet_id, "ip_address": each.address} for each in held],
    }


def _interface_info(router: Router, port: Port, subnets: list[Subnet]) -> dict[str, Any]:
    return {
        "id": router.id,
        "tenant_id": router.project_id,
        "project_id": router.project_id,
        "port_id": port.id,
        "network_id": port.network_id,
        "subnet_id": subnets[0].id if subnets else None,
        "subnet_ids": [subnet.id for subnet in subnets],
        "tags": [],
    }
