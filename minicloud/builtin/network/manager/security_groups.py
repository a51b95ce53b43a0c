# SPDX-License-Identifier: Apache-2.0
"""Security groups and their rules."""

from __future__ import annotations

import ipaddress
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import security_groups as books
from minicloud.builtin.network.db.repository import nothing
from minicloud.builtin.network.entities import SecurityGroup, SecurityGroupRule
from minicloud.builtin.network.manager.base import Manager, Values, charge
from minicloud.builtin.network.manager.core import Unit
from minicloud.builtin.network.protocols import PROTOCOLS

_WITH_PORTS = {"tcp", "udp", "udplite", "sctp", "dccp", "6", "17", "136", "132", "33"}
_ICMP = {"icmp", "icmpv6", "ipv6-icmp", "1", "58"}
FAMILIES = {"IPv4": 4, "IPv6": 6}


class SecurityGroupManager(Manager[SecurityGroup]):
    RESOURCE = "security_group"
    FILTERS = ("shared",)

    def __init__(self) -> None:
        super().__init__(books.groups)

    def lacks(self, unit: Unit) -> bool:
        return bool(unit.project_id) and books.default_id(unit.conn, unit.project_id) is None

    def complete(self, unit: Unit) -> None:
        ensure_default(unit, unit.project_id)

    def clauses(self, unit: Unit, filters: dict[str, list[str]]) -> list[Any]:
        """No group is shared between projects."""
        return [nothing()] if any(value.lower() in ("true", "1") for value in filters.get("shared", ())) else []

    def extras(self, unit: Unit, entities: list[SecurityGroup]) -> list[dict[str, Any]]:
        rules = books.rules_of(unit.conn, [group.id for group in entities])
        return [{"security_group_rules": rules[group.id], "shared": False} for group in entities]

    def create(self, unit: Unit, values: Values) -> SecurityGroup:
        if values.get("name") == "default":
            raise exception.SecurityGroupDefaultAlreadyExists()
        ensure_default(unit, values["project_id"])
        group = super().create(unit, values)
        _let_out(unit, group)
        return group

    def update(self, unit: Unit, entity: SecurityGroup, changes: Values) -> SecurityGroup:
        if not entity.default_of and changes.get("name") == "default":
            raise exception.SecurityGroupDefaultAlreadyExists()
        if entity.default_of and "name" in changes and changes["name"] != entity.name:
            raise exception.SecurityGroupCannotUpdateDefault()
        return super().update(unit, entity, changes)

    def delete(self, unit: Unit, entity: SecurityGroup) -> None:
        if entity.default_of and unit.viewer is not None:
            raise exception.SecurityGroupCannotRemoveDefault()
        if books.in_use(unit.conn, entity.id):
            raise exception.SecurityGroupInUse(id=entity.id)
        super().delete(unit, entity)


class SecurityGroupRuleManager(Manager[SecurityGroupRule]):
    RESOURCE = "security_group_rule"

    def __init__(self) -> None:
        super().__init__(books.rules)

    def extras(self, unit: Unit, entities: list[SecurityGroupRule]) -> list[dict[str, Any]]:
        return [{"normalized_cidr": rule.remote_ip_prefix, "remote_address_group_id": None} for rule in entities]

    def create(self, unit: Unit, values: Values) -> SecurityGroupRule:
        group = books.groups.get(unit.conn, values["security_group_id"], unit.viewer)
        values["project_id"] = group.project_id
        if values.get("remote_group_id") is not None:
            books.groups.get(unit.conn, values["remote_group_id"], unit.viewer)
        values.pop("remote_address_group_id", None)
        _check(values)
        same = books.same_rule(unit.conn, values)
        if same is not None:
            raise exception.SecurityGroupRuleExists(id=same.id)
        charge(unit, group.project_id, self)
        books.groups.update(unit.conn, group.id)
        return self.repository.insert(unit.conn, **values)

    def delete(self, unit: Unit, entity: SecurityGroupRule) -> None:
        books.groups.update(unit.conn, entity.security_group_id)
        super().delete(unit, entity)


def ensure_default(unit: Unit, project_id: str) -> str:
    """The id of a project's default group, which is made when it is first needed.

    It lets everything out, and in what comes from its own members.
    """
    found = books.default_id(unit.conn, project_id)
    if found is not None:
        return found
    group = books.groups.insert(
        unit.conn, project_id=project_id, name="default", description="Default security group", default_of=project_id
    )
    _let_out(unit, group)
    books.rules.insert_all(
        unit.conn,
        [
            {
                "project_id": project_id,
                "security_group_id": group.id,
                "direction": "ingress",
                "ethertype": family,
                "remote_group_id": group.id,
            }
            for family in FAMILIES
        ],
    )
    return group.id


def check_known(unit: Unit, group_ids: list[str]) -> None:
    """
    :raises SecurityGroupNotFound: for one that is not there, or not the caller's
    """
    known = {
        group.id for group in books.groups.among(unit.conn, "id", group_ids) if unit.viewer in (None, group.project_id)
    }
    for group_id in group_ids:
        if group_id not in known:
            raise exception.SecurityGroupNotFound(id=group_id)


def _let_out(unit: Unit, group: SecurityGroup) -> None:
    rows = [
        {"project_id": group.project_id, "security_group_id": group.id, "direction": "egress", "ethertype": family}
        for family in FAMILIES
    ]
    books.rules.insert_all(unit.conn, rows)


def _check(values: Values) -> None:
    """Bring a rule into its canonical form.

    :raises BadRequest: when its parts contradict each other
    """
    values["ethertype"] = {"ipv4": "IPv4", "ipv6": "IPv6"}[str(values.get("ethertype") or "IPv4").lower()]
    prefix = values.get("remote_ip_prefix")
    if prefix is not None:
        if values.get("remote_group_id") is not None:
            raise exception.SecurityGroupRemoteGroupAndRemoteIpPrefix()
        network = ipaddress.ip_network(prefix, strict=False)
        if network.version != FAMILIES[values["ethertype"]]:
            raise exception.SecurityGroupRuleParameterConflict(ethertype=values["ethertype"], cidr=prefix)
        values["remote_ip_prefix"] = str(network)
    protocol = values["protocol"] = _protocol(values.get("protocol"))
    low, high = values.get("port_range_min"), values.get("port_range_max")
    if low is None and high is None:
        return
    if protocol is None:
        raise exception.SecurityGroupProtocolRequiredWithPorts()
    if protocol in _ICMP:
        _check_icmp(low, high)
    elif protocol in _WITH_PORTS:
        _check_ports(low, high)
    else:
        raise exception.SecurityGroupInvalidProtocolForPort(protocol=protocol)


def _protocol(given: Any) -> str | None:
    if given is None or str(given).lower() == "any":
        return None
    text = str(given).lower()
    if text in PROTOCOLS or (text.isascii() and text.isdigit() and int(text) <= 255):
        return text
    raise exception.SecurityGroupRuleInvalidProtocol(protocol=given)


def _check_icmp(kind: int | None, code: int | None) -> None:
    for field, attr, value in (("type", "port-range-min", kind), ("code", "port-range-max", code)):
        if value is not None and not 0 <= value <= 255:
            raise exception.SecurityGroupInvalidIcmpValue(field=field, attr=attr, value=value)
    if kind is None:
        raise exception.SecurityGroupMissingIcmpType(value=code)


def _check_ports(low: int | None, high: int | None) -> None:
    for port in (low, high):
        if port is not None and not 1 <= port <= 65535:
            raise exception.SecurityGroupInvalidPortValue(port=port)
    if low is None or high is None or low > high:
        raise exception.SecurityGroupInvalidPortRange()
