# SPDX-License-Identifier: Apache-2.0
"""Groups and who is in them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.builtin.identity.db import models
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.objects import Group

groups = Repository(models.Group, Group, "group")
_MEMBERSHIP: sa.Table = models.Membership.__table__  # type: ignore[assignment]  # declarative types it as FromClause


def is_member(conn: Connection, group_id: str, user_id: str) -> bool:
    return conn.execute(sa.select(_MEMBERSHIP).filter_by(group_id=group_id, user_id=user_id)).first() is not None


def add_member(conn: Connection, group_id: str, user_id: str) -> None:
    """Harmless for who is a member already."""
    if not is_member(conn, group_id, user_id):
        conn.execute(sa.insert(_MEMBERSHIP).values(group_id=group_id, user_id=user_id))


def remove_member(conn: Connection, group_id: str, user_id: str) -> None:
    conn.execute(sa.delete(_MEMBERSHIP).filter_by(group_id=group_id, user_id=user_id))


def member_ids(conn: Connection, group_id: str) -> list[str]:
    return list(conn.scalars(sa.select(_MEMBERSHIP.c.user_id).filter_by(group_id=group_id)))


def group_ids(conn: Connection, user_id: str) -> list[str]:
    """The groups that a user is in."""
    return list(conn.scalars(sa.select(_MEMBERSHIP.c.group_id).filter_by(user_id=user_id)))
