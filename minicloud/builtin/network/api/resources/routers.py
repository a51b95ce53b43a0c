# SPDX-License-Identifier: Apache-2.0
"""Routers and floating addresses."""

from __future__ import annotations

from minicloud.builtin.network.api.resource import (
    ADDRESS,
    BOOLEAN,
    ID,
    NAMES,
    ROUTES,
    Attribute,
    Resource,
    blank,
    boolean,
    flag,
    optional,
    shown,
    text,
)
from minicloud.builtin.network.manager.floating_ips import FloatingIpManager
from minicloud.builtin.network.manager.routers import RouterManager

_GATEWAY = {
    "type": ["object", "null"],
    "properties": {
        "network_id": optional(ID),
        "enable_snat": BOOLEAN,
        "external_fixed_ips": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "properties": {"subnet_id": ID, "ip_address": ADDRESS},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def _gateway(value: dict[str, object] | None) -> dict[str, object] | None:
    if value and "enable_snat" in value:
        return {**value, "enable_snat": boolean(value["enable_snat"])}
    return value


ROUTER = Resource(
    "router",
    "routers",
    (
        Attribute("name", text(null=True), default="", convert=blank),
        flag("admin_state_up", True),
        shown("status"),
        Attribute("external_gateway_info", _GATEWAY, convert=_gateway, stored=False),
        Attribute("routes", optional(ROUTES), post=False, stored=False),
        flag("distributed", guarded=True, hidden=True),
        flag("ha", guarded=True, hidden=True),
        Attribute("availability_zone_hints", NAMES, default=[], put=False, stored=False),
        shown("availability_zones", stored=False),
        shown("flavor_id", stored=False),
    ),
    RouterManager(),
)

FLOATING_IP = Resource(
    "floatingip",
    "floatingips",
    (
        Attribute("floating_network_id", ID, required=True, put=False),
        Attribute("floating_ip_address", optional(ADDRESS), default=None, put=False, guarded=True),
        Attribute("subnet_id", optional(ID), put=False, stored=False, shown=False),
        Attribute("port_id", optional(ID)),
        Attribute("fixed_ip_address", optional({"type": "string", "format": "ipv4"})),
        shown("router_id"),
        shown("status"),
        shown("port_details", stored=False),
        Attribute("dns_name", text(null=True), default="", convert=blank, put=False),
        Attribute("dns_domain", text(null=True), default="", convert=blank, put=False),
        shown("port_forwardings", stored=False),
        shown("qos_policy_id", stored=False),
    ),
    FloatingIpManager(),
    bulk=False,
)
