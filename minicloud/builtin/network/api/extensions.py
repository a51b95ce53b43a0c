# SPDX-License-Identifier: Apache-2.0
"""Versions and extensions: what this API says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.api.resource import Resource
from minicloud.builtin.network.manager.core import Core
from minicloud.web.operation import Call, Operation

#: Alias -> name. Clients take an alias as a promise, so only what works stands here.
EXTENSIONS = {
    "agent": "agent",
    "allowed-address-pairs": "Allowed Address Pairs",
    "auto-allocated-topology": "Auto Allocated Topology Services",
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "binding-extended": "Port Bindings Extended",
    "dns-integration": "DNS Integration",
    "ext-gw-mode": "Neutron L3 Configurable external gateway mode",
    "external-net": "Neutron external network",
    "extra_dhcp_opt": "Neutron Extra DHCP options",
    "extraroute": "Neutron Extra Route",
    "extraroute-atomic": "Atomically add/remove extra routes",
    "fip-port-details": "Floating IP Port Details Extension",
    "ip-substring-filtering": "IP address substring filtering",
    "net-mtu": "Network MTU",
    "net-mtu-writable": "Network MTU (writable)",
    "network-ip-availability": "Network IP Availability",
    "network_availability_zone": "Network Availability Zone",
    "pagination": "Pagination support",
    "port-security": "Port Security",
    "port-security-groups-filtering": "Port filtering on security groups",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "quota_details": "Quota details management support",
    "quotas": "Quota management support",
    "router": "Neutron L3 Router",
    "router_availability_zone": "Router Availability Zone",
    "security-group": "security-group",
    "security-groups-normalized-cidr": "Normalized CIDR field for security group rules",
    "service-type": "Neutron Service Type Management",
    "sorting": "Sorting support",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-revisions": "Resource revision numbers",
    "standard-attr-tag": "Tag support for resources with standard attribute: network, port, router …",
    "standard-attr-timestamp": "Resource timestamps",
    "stateful-security-group": "Stateful security group",
}


def versions(call: Call[Core]) -> dict[str, Any]:
    return {"versions": [_version(call)]}


class Collections:
    """What there is under v2.0, for clients that explore it."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)

    def __call__(self, call: Call[Core]) -> dict[str, Any]:
        found = [
            {"name": each.name, "collection": each.plural, "links": [{"rel": "self", "href": call.url + each.url}]}
            for each in self.resources
        ]
        return {"resources": found, "version": _version(call)}


def _version(call: Call[Core]) -> dict[str, Any]:
    return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{call.url}/v2.0/"}]}


def list_extensions(call: Call[Core]) -> dict[str, Any]:
    return {"extensions": [_extension(alias) for alias in EXTENSIONS]}


def show_extension(call: Call[Core], alias: str) -> dict[str, Any]:
    if alias not in EXTENSIONS:
        raise exception.ExtensionNotFound(alias=alias)
    return {"extension": _extension(alias)}


def _extension(alias: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": EXTENSIONS[alias],
        "description": EXTENSIONS[alias],
        "updated": "2026-01-01T00:00:00-00:00",
        "links": [],
    }


OPERATIONS = (
    Operation("GET", "/", versions, public=True),
    Operation("GET", "/v2.0/extensions", list_extensions, rule="get_extension"),
    Operation("GET", "/v2.0/extensions/{alias}", show_extension, rule="get_extension"),
)
