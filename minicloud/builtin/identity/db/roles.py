# SPDX-License-Identifier: Apache-2.0
"""Roles, and which role implies which."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import Role

roles = Repository(models.Role, Role, "role")
_IMPLIED: sa.Table = models.ImpliedRole.__table__  # type: ignore[assignment]  # declarative types it as FromClause


def implications(conn: Connection) -> dict[str, list[str]]:
    """Role id -> the ids it directly implies."""
    result: dict[str, list[str]] = {}
    for prior_id, implied_id in conn.execute(sa.select(_IMPLIED.c.prior_id, _IMPLIED.c.implied_id)):
        result.setdefault(prior_id, []).append(implied_id)
    return result


def imply(conn: Connection, prior_id: str, implied_id: str) -> None:
    """Harmless when it does already."""
    if implied_id not in implications(conn).get(prior_id, ()):
        conn.execute(sa.insert(_IMPLIED).values(prior_id=prior_id, implied_id=implied_id))


def imply_no_more(conn: Connection, prior_id: str, implied_id: str) -> None:
    conn.execute(sa.delete(_IMPLIED).filter_by(prior_id=prior_id, implied_id=implied_id))


def expand(role_ids: Iterable[str], implied: dict[str, list[str]]) -> set[str]:
    """These roles and all that they imply."""
    found: set[str] = set()
    waiting = list(role_ids)
    while waiting:
        role_id = waiting.pop()
        if role_id not in found:
            found.add(role_id)
            waiting.extend(implied.get(role_id, ()))
    return found


def with_implied(conn: Connection, role_ids: Iterable[str]) -> list[Role]:
    """The roles of these ids and all that they imply, by name."""
    ids = expand(role_ids, implications(conn))
    return [role for role in roles.listing(conn) if role.id in ids] if ids else []
