# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/os-security-groups: what guards a server's ports, in the words of old.

https://docs.openstack.org/api-ref/compute/#list-security-groups-by-server
"""

from __future__ import annotations

from typing import Any, Final

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.objects import SecurityGroup, SecurityGroupRule
from minicloud.web.operation import Operation

RULE: Final = "os_compute_api:os-security-groups:list"


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    found = lookup.find(call, server_id)
    call.authorize(RULE, found.target)
    groups = call.app.network.security_groups(call.ctxt, server_id)
    names = {group.id: group.name for group in groups}
    return {"security_groups": [_group(group, names) for group in groups]}


def _group(group: SecurityGroup, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "tenant_id": group.project_id,
        # There was nothing but what comes in.
        "rules": [_rule(group, rule, names) for rule in group.rules if rule.direction == "ingress"],
    }


def _rule(group: SecurityGroup, rule: SecurityGroupRule, names: dict[str, str]) -> dict[str, Any]:
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and rule.protocol in ("tcp", "udp"):
        low, high = 1, 65535
    elif low is None and rule.protocol is not None:
        low, high = -1, -1
    source: dict[str, Any] = {"group": {}, "ip_range": {}}
    if rule.remote_group_id is not None:
        name = names.get(rule.remote_group_id, rule.remote_group_id)
        source["group"] = {"name": name, "tenant_id": group.project_id}
    else:
        anywhere = "::/0" if rule.ethertype == "IPv6" else "0.0.0.0/0"
        source["ip_range"] = {"cidr": rule.remote_ip_prefix or anywhere}
    return {
        "id": rule.id,
        "parent_group_id": group.id,
        "ip_protocol": rule.protocol,
        "from_port": low,
        "to_port": high,
        **source,
    }


OPERATIONS = (Operation("GET", "/servers/{server_id}/os-security-groups", index),)
