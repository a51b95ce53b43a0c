# SPDX-License-Identifier: Apache-2.0
"""Networks and subnets."""

from __future__ import annotations

from minicloud.builtin.network.api.resource import (
    ADDRESS,
    CIDR,
    ID,
    NAMES,
    ROUTES,
    Attribute,
    Resource,
    blank,
    flag,
    optional,
    shown,
    text,
)
from minicloud.builtin.network.manager.networks import NetworkManager
from minicloud.builtin.network.manager.subnets import SubnetManager

_TYPES = {"type": ["string", "null"], "enum": ["flat", "vlan", "vxlan", "gre", "geneve", "local", None]}
_TAG = {"type": ["integer", "string", "null"], "pattern": "^[0-9]{1,8}$", "minimum": 0, "maximum": 16777215}
_MTU = {"type": "integer", "minimum": 0, "maximum": 65535}


def _provider(name: str, schema: dict[str, object]) -> Attribute:
    convert = (lambda value: None if value is None else int(value)) if schema is _TAG else None
    return Attribute(f"provider:{name}", schema, default=None, guarded=True, hidden=True, convert=convert)


NETWORK = Resource(
    "network",
    "networks",
    (
        Attribute("name", text(null=True), default="", convert=blank),
        flag("admin_state_up", True),
        shown("status", stored=False),
        shown("subnets", stored=False),
        flag("shared", guarded=True),
        flag("router:external", guarded=True),
        flag("is_default", guarded=True),
        Attribute("mtu", _MTU),
        flag("port_security_enabled", True),
        _provider("network_type", _TYPES),
        _provider("physical_network", text(64, null=True)),
        _provider("segmentation_id", _TAG),
        Attribute("dns_domain", text(null=True), default="", convert=blank),
        Attribute("availability_zone_hints", NAMES, default=[], put=False),
        shown("availability_zones", stored=False),
        shown("ipv4_address_scope", stored=False),
        shown("ipv6_address_scope", stored=False),
    ),
    NetworkManager(),
)

_POOLS = optional(
    {
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "properties": {"start": ADDRESS, "end": ADDRESS},
            "required": ["start", "end"],
            "additionalProperties": False,
        },
    }
)
_SERVERS = optional({"type": "array", "items": ADDRESS, "maxItems": 5, "uniqueItems": True})
_MODE = {"type": ["string", "null"], "enum": ["slaac", "dhcpv6-stateful", "dhcpv6-stateless", None]}
_VERSION = {"enum": [4, 6, "4", "6"], "type": ["integer", "string"]}


def _list(value: list[object] | None) -> list[object]:
    return value or []


SUBNET = Resource(
    "subnet",
    "subnets",
    (
        Attribute("name", text(null=True), default="", convert=blank),
        Attribute("network_id", ID, required=True, put=False),
        Attribute("ip_version", _VERSION, required=True, put=False, convert=int),
        Attribute("cidr", CIDR, required=True, put=False),
        Attribute("gateway_ip", optional(ADDRESS)),
        flag("enable_dhcp", True),
        Attribute("allocation_pools", _POOLS, stored=False),
        Attribute("dns_nameservers", _SERVERS, default=[], convert=_list, stored=False),
        Attribute("host_routes", optional(ROUTES), default=[], convert=_list, stored=False),
        Attribute("ipv6_address_mode", _MODE, default=None, put=False),
        Attribute("ipv6_ra_mode", _MODE, default=None, put=False),
        shown("subnetpool_id", stored=False),
        shown("service_types", stored=False),
        shown("segment_id", stored=False),
    ),
    SubnetManager(),
)
