# SPDX-License-Identifier: Apache-2.0
"""Who has which role where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.identity.db import groups, models
from minicloud.builtin.identity.objects import Assignment

_TABLE: sa.Table = models.Assignment.__table__  # type: ignore[assignment]  # declarative types it as FromClause


def exists(conn: Connection, assignment: Assignment) -> bool:
    return conn.execute(sa.select(_TABLE).filter_by(**msgspec.structs.asdict(assignment))).first() is not None


def add(conn: Connection, assignment: Assignment) -> None:
    """Harmless when it is there already."""
    if not exists(conn, assignment):
        conn.execute(sa.insert(_TABLE).values(msgspec.structs.asdict(assignment)))


def remove(conn: Connection, assignment: Assignment) -> bool:
    """:returns: whether it was there"""
    return conn.execute(sa.delete(_TABLE).filter_by(**msgspec.structs.asdict(assignment))).rowcount > 0


def remove_all(conn: Connection, **equal: str) -> None:
    """Forget what names an actor or a target that is being deleted."""
    conn.execute(sa.delete(_TABLE).filter_by(**equal))


def listing(conn: Connection, **equal: str) -> list[Assignment]:
    """Assignments whose columns equal these."""
    query = sa.select(_TABLE).filter_by(**equal).order_by(*_TABLE.primary_key.columns)
    return [Assignment(**row._mapping) for row in conn.execute(query)]


def of_user(conn: Connection, user_id: str, target_type: str | None = None) -> Sequence[Assignment]:
    """What a user has, itself or through its groups."""
    actors = [
        sa.and_(_TABLE.c.actor_type == "user", _TABLE.c.actor_id == user_id),
        sa.and_(_TABLE.c.actor_type == "group", _TABLE.c.actor_id.in_(groups.group_ids(conn, user_id))),
    ]
    query = sa.select(_TABLE).where(sa.or_(*actors))
    if target_type is not None:
        query = query.where(_TABLE.c.target_type == target_type)
    return [Assignment(**row._mapping) for row in conn.execute(query)]


def role_ids(conn: Connection, user_id: str, target_type: str, target_id: str) -> list[str]:
    """The roles a user has at one place, itself or through its groups."""
    return _roles_at(of_user(conn, user_id, target_type), target_id)


def _roles_at(assignments: Iterable[Assignment], target_id: str) -> list[str]:
    return [assignment.role_id for assignment in assignments if assignment.target_id == target_id]
