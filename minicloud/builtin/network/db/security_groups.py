# SPDX-License-Identifier: Apache-2.0
"""Security groups and their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import models
from minicloud.builtin.network.db.repository import Repository
from minicloud.builtin.network.entities import SecurityGroup, SecurityGroupRule

_GROUPS: sa.Table = models.SecurityGroup.__table__  # type: ignore[assignment]  # declared as FromClause
_RULES: sa.Table = models.SecurityGroupRule.__table__  # type: ignore[assignment]
_MEMBERS: Any = models.PortSecurityGroup.__table__

groups = Repository(_GROUPS, SecurityGroup, lambda key: exception.SecurityGroupNotFound(id=key))
rules = Repository(_RULES, SecurityGroupRule, lambda key: exception.SecurityGroupRuleNotFound(id=key))

_DEFAULT = sa.select(_GROUPS.c.id).where(_GROUPS.c.default_of == sa.bindparam("wanted"))

#: What makes two rules the same.
_ESSENCE = (
    "security_group_id",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_ip_prefix",
)


def default_id(conn: Connection, project_id: str) -> str | None:
    """The id of a project's default group."""
    found: str | None = conn.scalar(_DEFAULT, {"wanted": project_id})
    return found


def known(conn: Connection, project_id: str, names: Sequence[str]) -> list[SecurityGroup]:
    """A project's groups with one of these names or ids."""
    either = sa.or_(_GROUPS.c.id.in_(names), _GROUPS.c.name.in_(names))
    return groups.rows(conn, _GROUPS.c.project_id == project_id, either)


def rules_of(conn: Connection, group_ids: Sequence[str]) -> dict[str, list[SecurityGroupRule]]:
    """Group id -> its rules."""
    found: dict[str, list[SecurityGroupRule]] = {group_id: [] for group_id in group_ids}
    for rule in rules.among(conn, "security_group_id", group_ids):
        found[rule.security_group_id].append(rule)
    return found


def same_rule(conn: Connection, values: dict[str, Any]) -> SecurityGroupRule | None:
    """A rule that says the same already."""
    clauses = [
        _RULES.c[name].is_(None) if (v := values.get(name)) is None else _RULES.c[name] == v for name in _ESSENCE
    ]
    found = rules.rows(conn, *clauses)
    return found[0] if found else None


def in_use(conn: Connection, group_id: str) -> bool:
    """Whether a port is in the group."""
    return (
        conn.execute(sa.select(_MEMBERS.c.port_id).where(_MEMBERS.c.security_group_id == group_id)).first() is not None
    )
