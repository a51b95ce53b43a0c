# SPDX-License-Identifier: Apache-2.0
"""Subnets: a range of addresses on a network, and the pools that ports draw from."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import addresses, networks, ports
from minicloud.builtin.network.entities import Subnet
from minicloud.builtin.network.ipam import Cidr, default_pools, usable
from minicloud.builtin.network.manager.base import Manager, Values
from minicloud.builtin.network.manager.core import Unit
from minicloud.builtin.network.manager.ports import DHCP


class SubnetManager(Manager[Subnet]):
    RESOURCE = "subnet"

    def __init__(self) -> None:
        super().__init__(networks.subnets)

    def target(self, unit: Unit, values: Values) -> dict[str, Any]:
        network = networks.networks.get(unit.conn, values["network_id"], unit.viewer)
        return {"project_id": values["project_id"], "network_project_id": network.project_id}

    def owner(self, unit: Unit, entity: Subnet) -> dict[str, Any]:
        network = networks.networks.get(unit.conn, entity.network_id)
        return {"project_id": entity.project_id, "network_project_id": network.project_id}

    def extras(self, unit: Unit, entities: list[Subnet]) -> list[dict[str, Any]]:
        return [{"subnetpool_id": None, "service_types": [], "segment_id": None} for _ in entities]

    def create(self, unit: Unit, values: Values) -> Subnet:
        network = _network(values["cidr"], values["ip_version"])
        values["cidr"] = str(network)
        _families(values, network.version)
        self._no_overlap(unit, values["network_id"], network)
        if "gateway_ip" not in values:
            values["gateway_ip"] = str(network[1]) if network.num_addresses > 1 else None
        elif values["gateway_ip"] is not None:
            values["gateway_ip"] = _gateway(values["gateway_ip"], network)
        pools = values.get("allocation_pools")
        if pools is None:
            values["allocation_pools"] = default_pools(network, values["gateway_ip"])
        else:
            values["allocation_pools"] = _pools(pools, network)
            _apart(values["gateway_ip"], values["allocation_pools"])
        return super().create(unit, values)

    def update(self, unit: Unit, entity: Subnet, changes: Values) -> Subnet:
        network = _network(entity.cidr, entity.ip_version)
        _families(changes, entity.ip_version)
        if changes.get("allocation_pools") is not None:
            changes["allocation_pools"] = _pools(changes["allocation_pools"], network)
        else:
            changes.pop("allocation_pools", None)
        if changes.get("gateway_ip") is not None:
            changes["gateway_ip"] = _gateway(changes["gateway_ip"], network)
        gateway = changes.get("gateway_ip", entity.gateway_ip)
        _apart(gateway, changes.get("allocation_pools", entity.allocation_pools))
        if gateway != entity.gateway_ip and entity.gateway_ip is not None:
            self._gateway_free(unit, entity)
        return super().update(unit, entity, changes)

    def delete(self, unit: Unit, entity: Subnet) -> None:
        held = addresses.in_subnet(unit.conn, entity.id)
        owners = ports.ports.among(unit.conn, "id", [each.port_id for each in held])
        # In a subnet of SLAAC hosts made their addresses themselves; there only a router's holds the subnet.
        holding = {
            port.id
            for port in owners
            if port.device_owner != DHCP and (not entity.by_mac or port.device_owner.startswith("network:router"))
        }
        held = [each for each in held if each.port_id in holding]
        if held:
            raise exception.SubnetInUse(
                subnet_id=entity.id,
                reason=f"One or more ports have an IP allocation from this subnet: {held[0].port_id}",
            )
        super().delete(unit, entity)

    def _no_overlap(self, unit: Unit, network_id: str, cidr: Cidr) -> None:
        for other in networks.subnets.among(unit.conn, "network_id", [network_id]):
            if other.ip_version == cidr.version and cidr.overlaps(_network(other.cidr, other.ip_version)):
                raise exception.InvalidInput(
                    reason=f"Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet"
                )

    def _gateway_free(self, unit: Unit, subnet: Subnet) -> None:
        """A gateway that a router has cannot be moved away from under it."""
        holder = addresses.holder(unit.conn, subnet.id, str(subnet.gateway_ip))
        if holder is not None and ports.ports.get(unit.conn, holder.port_id).device_owner == "network:router_interface":
            raise exception.GatewayIpInUse(address=subnet.gateway_ip, port_id=holder.port_id)


def _network(cidr: str, version: int) -> Cidr:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise exception.InvalidInput(reason=f"'{cidr}' is not a valid CIDR") from None
    if network.version != version:
        raise exception.InvalidInput(reason=f"cidr {cidr} does not match the ip_version {version}")
    return network


def _families(values: Values, version: int) -> None:
    """Every address of a subnet is of its own family."""
    for address in values.get("dns_nameservers") or []:
        if ipaddress.ip_address(address).version != version:
            raise exception.InvalidInput(reason=f"dns_nameserver {address} does not match the ip_version {version}")
    for route in values.get("host_routes") or []:
        if ipaddress.ip_network(route["destination"], strict=False).version != version:
            raise exception.InvalidInput(reason=f"host route {route['destination']} does not match the ip_version")
        if ipaddress.ip_address(route["nexthop"]).version != version:
            raise exception.InvalidInput(reason=f"host route nexthop {route['nexthop']} does not match the ip_version")
    modes = [values.get("ipv6_address_mode"), values.get("ipv6_ra_mode")]
    if version == 4 and any(modes):
        raise exception.InvalidInput(reason="ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4")
    if all(modes) and modes[0] != modes[1]:
        raise exception.InvalidInput(reason="ipv6_ra_mode and ipv6_address_mode must be the same when both are set")
    if any(modes) and values.get("enable_dhcp") is False:
        raise exception.InvalidInput(reason="ipv6_ra_mode or ipv6_address_mode cannot be set without enable_dhcp")


def _gateway(address: str, network: Cidr) -> str:
    gateway = ipaddress.ip_address(address)
    if gateway.version != network.version:
        raise exception.InvalidInput(reason=f"gateway_ip {address} does not match the ip_version {network.version}")
    if network.version == 4 and not usable(network, gateway):
        raise exception.InvalidInput(reason=f"Gateway {address} is not valid on subnet {network}")
    if network.version == 6 and gateway not in network and not gateway.is_link_local:
        raise exception.InvalidInput(reason=f"Gateway {address} is not valid on subnet {network}")
    return str(gateway)


def _pools(pools: list[dict[str, str]], network: Cidr) -> list[dict[str, str]]:
    """Pools in order, within the network and apart from each other."""
    ranges = []
    for pool in pools:
        start, end = ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"])
        shown = f"{start}-{end}"
        if start.version != network.version or end.version != network.version or int(start) > int(end):
            raise exception.InvalidAllocationPool(pool=shown)
        if not usable(network, start) or not usable(network, end):
            raise exception.OutOfBoundsAllocationPool(pool=shown, cidr=str(network))
        ranges.append((int(start), int(end), str(start), str(end)))
    ranges.sort()
    for one, two in itertools.pairwise(ranges):
        if two[0] <= one[1]:
            raise exception.OverlappingAllocationPools(
                first=f"{one[2]}-{one[3]}", second=f"{two[2]}-{two[3]}", cidr=str(network)
            )
    return [{"start": start, "end": end} for _low, _high, start, end in ranges]


def _apart(gateway: str | None, pools: list[dict[str, str]]) -> None:
    if gateway is None:
        return
    number = int(ipaddress.ip_address(gateway))
    for pool in pools:
        if int(ipaddress.ip_address(pool["start"])) <= number <= int(ipaddress.ip_address(pool["end"])):
            raise exception.GatewayConflictWithAllocationPools(address=gateway, pool=f"{pool['start']}-{pool['end']}")
