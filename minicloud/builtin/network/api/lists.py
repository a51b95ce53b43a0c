# SPDX-License-Identifier: Apache-2.0
"""What can only be looked at: zones, free addresses, and kinds of things there are none of."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from minicloud.builtin.network.db import addresses, networks
from minicloud.builtin.network.db.repository import Listing
from minicloud.builtin.network.entities import Network, Subnet
from minicloud.builtin.network.manager import topology
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.web.operation import Call, Operation


def availability_zones(call: Call[Core]) -> dict[str, Any]:
    name = call.app.conf.network.availability_zone
    return {
        "availability_zones": [
            {"name": name, "resource": resource, "state": "available"} for resource in ("network", "router")
        ]
    }


def ip_availabilities(call: Call[Core]) -> dict[str, Any]:
    filters = {
        column: call.query[key]
        for key, column in (("network_id", "id"), ("network_name", "name"), ("project_id", "project_id"))
        if key in call.query
    }
    with call.app.reading(call.ctxt) as unit:
        found = networks.networks.page(unit.conn, Listing(filters=filters))
        return {"network_ip_availabilities": [_availability(unit, network) for network in found]}


def ip_availability(call: Call[Core], network: str) -> dict[str, Any]:
    with call.app.reading(call.ctxt) as unit:
        found = networks.networks.get(unit.conn, network)
        return {"network_ip_availability": _availability(unit, found)}


def _availability(unit: Unit, network: Network) -> dict[str, Any]:
    subnets = networks.subnets.among(unit.conn, "network_id", [network.id])
    used = addresses.counts(unit.conn, [subnet.id for subnet in subnets])
    rows = [
        {
            "subnet_id": subnet.id,
            "subnet_name": subnet.name,
            "cidr": subnet.cidr,
            "ip_version": subnet.ip_version,
            "total_ips": _size(subnet),
            "used_ips": used.get(subnet.id, 0),
        }
        for subnet in subnets
    ]
    return {
        "network_id": network.id,
        "network_name": network.name,
        "tenant_id": network.project_id,
        "project_id": network.project_id,
        "total_ips": sum(row["total_ips"] for row in rows),
        "used_ips": sum(row["used_ips"] for row in rows),
        "subnet_ip_availability": rows,
    }


def _size(subnet: Subnet) -> int:
    return sum(int(ip_address(pool["end"])) - int(ip_address(pool["start"])) + 1 for pool in subnet.allocation_pools)


def auto_topology(call: Call[Core], project: str) -> dict[str, Any]:
    project = _whose(call, project)
    call.authorize("get_auto_allocated_topology", {"project_id": project})
    if "dry-run" in call.query.get("fields", ()):
        with call.app.reading(call.ctxt) as unit:
            topology.check(unit, project)
        return _topology("dry-run=pass", project)
    network = call.app.run(call.ctxt, lambda unit: topology.ensure(unit, project))
    return _topology(network.id, project)


def remove_auto_topology(call: Call[Core], project: str) -> None:
    project = _whose(call, project)
    call.authorize("delete_auto_allocated_topology", {"project_id": project})
    call.app.run(call.ctxt, lambda unit: topology.remove(unit, project))


def _whose(call: Call[Core], project: str) -> str:
    """``null`` or ``None`` in the path mean the caller's own."""
    return str(call.ctxt.project_id) if project in ("null", "None") else project


def _topology(key: str, project: str) -> dict[str, Any]:
    return {"auto_allocated_topology": {"id": key, "tenant_id": project, "project_id": project}}


class _Empty:
    """A kind of thing of which there are none here."""

    def __init__(self, plural: str) -> None:
        self.plural = plural

    def __call__(self, call: Call[Core]) -> dict[str, Any]:
        return {self.plural: []}


#: (path, key of the list, rule): no extension that makes such things is on offer.
_NONE_OF = (
    ("service-providers", "service_providers", "get_service_provider"),
    ("subnetpools", "subnetpools", "get_extension"),
    ("address-scopes", "address_scopes", "get_extension"),
    ("address-groups", "address_groups", "get_extension"),
    ("rbac-policies", "rbac_policies", "get_extension"),
    ("trunks", "trunks", "get_extension"),
    ("qos/policies", "policies", "get_extension"),
    ("segments", "segments", "get_extension"),
    ("flavors", "flavors", "get_extension"),
)

_AUTO = "/v2.0/auto-allocated-topology/{project}"
OPERATIONS = (
    Operation("GET", "/v2.0/availability_zones", availability_zones, rule="get_availability_zone"),
    Operation("GET", "/v2.0/network-ip-availabilities", ip_availabilities, rule="get_network_ip_availability"),
    Operation("GET", "/v2.0/network-ip-availabilities/{network}", ip_availability, rule="get_network_ip_availability"),
    Operation("GET", _AUTO, auto_topology),
    Operation("DELETE", _AUTO, remove_auto_topology, status=204),
    *(Operation("GET", f"/v2.0/{path}", _Empty(plural), rule=rule) for path, plural, rule in _NONE_OF),
)
