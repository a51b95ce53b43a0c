# SPDX-License-Identifier: Apache-2.0
"""Limits: of a project, of one of its users, of the default class."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db.api.models import cell_mappings as cells
from minicloud.db.api.models import quota_classes as k
from minicloud.db.api.models import quotas as t
from minicloud.objects import CELL0_UUID

DEFAULT_CLASS = "default"

# Built once, since every boot needs them.
_CLASS = sa.select(k.c.resource, k.c.hard_limit).where(k.c.class_name == sa.bindparam("wanted"))
_BOTH = sa.select(t.c.user_id, t.c.resource, t.c.hard_limit).where(
    t.c.project_id == sa.bindparam("wanted_project"),
    sa.or_(t.c.user_id == "", t.c.user_id == sa.bindparam("wanted_user")),
)
_LOCK = sa.select(cells.c.id).where(cells.c.uuid == CELL0_UUID).with_for_update()


def limits(conn: Connection, project_id: str, user_id: str = "") -> dict[str, int]:
    """Limits set for a project, or for a user in it; only what was set."""
    query = sa.select(t.c.resource, t.c.hard_limit).where(t.c.project_id == project_id, t.c.user_id == user_id)
    return {row.resource: row.hard_limit for row in conn.execute(query)}


def set_limits(conn: Connection, project_id: str, values: Mapping[str, int], user_id: str = "") -> None:
    where = (t.c.project_id == project_id, t.c.user_id == user_id, t.c.resource.in_(list(values)))
    conn.execute(t.delete().where(*where))
    if values:
        conn.execute(
            t.insert(),
            [
                {"project_id": project_id, "user_id": user_id, "resource": name, "hard_limit": limit}
                for name, limit in values.items()
            ],
        )


def delete_limits(conn: Connection, project_id: str, user_id: str | None = None) -> None:
    """Back to the defaults: of one user, or of the project and all its users."""
    where = [t.c.project_id == project_id]
    if user_id is not None:
        where.append(t.c.user_id == user_id)
    conn.execute(t.delete().where(*where))


def class_limits(conn: Connection, name: str = DEFAULT_CLASS) -> dict[str, int]:
    return {row.resource: row.hard_limit for row in conn.execute(_CLASS, {"wanted": name})}


def set_class_limits(conn: Connection, name: str, values: Mapping[str, int]) -> None:
    conn.execute(k.delete().where(k.c.class_name == name, k.c.resource.in_(list(values))))
    if values:
        conn.execute(
            k.insert(),
            [{"class_name": name, "resource": resource, "hard_limit": limit} for resource, limit in values.items()],
        )


def limits_of_both(conn: Connection, project_id: str, user_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """Limits set for a project and for a user in it, with one query."""
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for row in conn.execute(_BOTH, {"wanted_project": project_id, "wanted_user": user_id}):
        found[1 if row.user_id else 0][row.resource] = row.hard_limit
    return found


def serialize(conn: Connection) -> None:
    """Let only one transaction at a time count and then insert: the row of cell0 is its lock.

    SQLite's writers are one at a time anyway, and it ignores FOR UPDATE.
    """
    conn.execute(_LOCK)
