# SPDX-License-Identifier: Apache-2.0
"""Security groups and their rules."""

from __future__ import annotations

from typing import Any

from minicloud.builtin.network.api.resource import CIDR, ID, Attribute, Resource, blank, flag, optional, shown, text
from minicloud.builtin.network.manager.security_groups import SecurityGroupManager, SecurityGroupRuleManager

_NUMBER = {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{1,6}$", "minimum": -99999, "maximum": 999999}
_ETHERTYPE = {"type": ["string", "null"], "pattern": "^[iI][pP][vV][46]$"}
_PREFIX = optional({"anyOf": [CIDR, {"type": "string", "format": "ip"}]})


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


SECURITY_GROUP = Resource(
    "security_group",
    "security_groups",
    (
        Attribute("name", text(null=True), default="", convert=blank),
        flag("stateful", True),
        shown("security_group_rules", stored=False),
        shown("shared", stored=False),
    ),
    SecurityGroupManager(),
)

SECURITY_GROUP_RULE = Resource(
    "security_group_rule",
    "security_group_rules",
    (
        Attribute("security_group_id", ID, required=True, put=False),
        Attribute("direction", {"enum": ["ingress", "egress"]}, required=True, put=False),
        Attribute("ethertype", _ETHERTYPE, default="IPv4", put=False),
        Attribute("protocol", {"type": ["string", "integer", "null"], "maxLength": 40}, default=None, put=False),
        Attribute("port_range_min", _NUMBER, default=None, put=False, convert=_number),
        Attribute("port_range_max", _NUMBER, default=None, put=False, convert=_number),
        Attribute("remote_group_id", optional(ID), default=None, put=False),
        Attribute("remote_ip_prefix", _PREFIX, default=None, put=False),
        Attribute("remote_address_group_id", {"type": "null"}, default=None, put=False, stored=False),
        shown("normalized_cidr", stored=False),
    ),
    SecurityGroupRuleManager(),
    updatable=False,
)
