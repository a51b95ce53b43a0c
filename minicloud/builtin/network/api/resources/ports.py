# SPDX-License-Identifier: Apache-2.0
"""Ports."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.network.api.resource import (
    ADDRESS,
    ID,
    MAC,
    OPEN,
    Attribute,
    Resource,
    blank,
    flag,
    optional,
    shown,
    text,
)
from minicloud.builtin.network.manager.ports import PortManager

_FIXED_IPS = optional(
    {
        "type": "array",
        "maxItems": 20,
        "items": {
            "type": "object",
            "properties": {"subnet_id": optional(ID), "ip_address": optional(ADDRESS)},
            "additionalProperties": False,
        },
    }
)
_GROUPS = optional({"type": "array", "items": ID, "maxItems": 100})
_DHCP = optional(
    {
        "type": "array",
        "maxItems": 50,
        "items": {
            "type": "object",
            "properties": {
                "opt_name": text(64, least=1),
                "opt_value": text(null=True),
                "ip_version": {"enum": [4, 6, "4", "6"]},
            },
            "required": ["opt_name"],
            "additionalProperties": False,
        },
    }
)
_PAIRS = optional(
    {
        "type": "array",
        "maxItems": 10,
        "items": {
            "type": "object",
            "properties": {
                "ip_address": {"anyOf": [ADDRESS, {"type": "string", "format": "cidr"}]},
                "mac_address": MAC,
            },
            "required": ["ip_address"],
            "additionalProperties": False,
        },
    }
)
_PROFILE = {"type": ["object", "null"], "maxProperties": 50}
_VNIC = {
    "enum": ["normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic",
             "remote-managed", "accelerator-direct", "vdpa"],
}  # fmt: skip


def _list(value: list[Any] | None) -> list[Any]:
    return value or []


def _dhcp(options: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """An option with an empty value is taken away."""
    return [
        {**option, "ip_version": int(option.get("ip_version", 4))}
        for option in options or []
        if option.get("opt_value")
    ]


PORT = Resource(
    "port",
    "ports",
    (
        Attribute("name", text(null=True), default="", convert=blank),
        Attribute("network_id", ID, required=True, put=False),
        Attribute("mac_address", optional(MAC), guarded=True, convert=lambda value: value and value.lower()),
        flag("admin_state_up", True),
        shown("status", stored=True),
        Attribute("device_id", text(null=True), default="", convert=blank),
        Attribute("device_owner", text(null=True), default="", convert=blank),
        Attribute("fixed_ips", _FIXED_IPS, stored=False),
        Attribute("security_groups", _GROUPS, stored=False),
        flag("port_security_enabled", OPEN, guarded=True),
        Attribute("binding:host_id", text(null=True), default="", convert=blank, guarded=True, hidden=True),
        Attribute(
            "binding:profile", _PROFILE, default={}, convert=lambda value: value or {}, guarded=True, hidden=True
        ),
        Attribute("binding:vnic_type", _VNIC, default="normal"),
        shown("binding:vif_type", hidden=True),
        shown("binding:vif_details", stored=False, hidden=True),
        Attribute("allowed_address_pairs", _PAIRS, default=[], convert=_list, guarded=True, stored=False),
        Attribute("extra_dhcp_opts", _DHCP, default=[], convert=_dhcp, stored=False),
        Attribute("dns_name", text(null=True), default="", convert=blank),
        shown("dns_assignment", stored=False),
    ),
    PortManager(),
)
