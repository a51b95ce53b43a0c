# SPDX-License-Identifier: Apache-2.0
"""Server groups and their members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.api.models import server_group_members as m
from minicloud.db.api.models import server_groups as t
from minicloud.objects import ServerGroup

_COLUMNS = rows.fields_of(t, ServerGroup)


def create(conn: Connection, group: ServerGroup, now: datetime) -> ServerGroup:
    conn.execute(t.insert().values(**rows.to_values(t, group, created_at=now)))
    return group


def get(conn: Connection, uuid: str) -> ServerGroup:
    """:raises ServerGroupNotFound:"""
    found = _load(conn, sa.select(*_COLUMNS).where(t.c.uuid == uuid))
    if not found:
        raise exception.ServerGroupNotFound(group_uuid=uuid)
    return found[0]


def find(conn: Connection, project_id: str | None, *, limit: int | None = None, offset: int = 0) -> list[ServerGroup]:
    """A project's groups (everybody's when None), oldest first."""
    query = sa.select(*_COLUMNS).order_by(t.c.id).limit(limit).offset(offset)
    return _load(conn, query if project_id is None else query.where(t.c.project_id == project_id))


def of_instances(conn: Connection, uuids: Sequence[str]) -> dict[str, str]:
    """Instance -> its group, for those that have one."""
    query = sa.select(m.c.instance_uuid, m.c.group_uuid).where(m.c.instance_uuid.in_(list(uuids)))
    return {row.instance_uuid: row.group_uuid for row in conn.execute(query)}


def count(conn: Connection, project_id: str) -> int:
    return conn.scalar(sa.select(sa.func.count()).where(t.c.project_id == project_id)) or 0


def count_members(conn: Connection, group_uuid: str) -> int:
    return conn.scalar(sa.select(sa.func.count()).where(m.c.group_uuid == group_uuid)) or 0


def add_members(conn: Connection, group_uuid: str, uuids: Sequence[str]) -> None:
    conn.execute(m.insert(), [{"group_uuid": group_uuid, "instance_uuid": uuid} for uuid in uuids])


def remove_member(conn: Connection, instance_uuid: str) -> None:
    conn.execute(m.delete().where(m.c.instance_uuid == instance_uuid))


def delete(conn: Connection, uuid: str) -> None:
    """:raises ServerGroupNotFound:"""
    if not conn.execute(t.delete().where(t.c.uuid == uuid)).rowcount:
        raise exception.ServerGroupNotFound(group_uuid=uuid)
    conn.execute(m.delete().where(m.c.group_uuid == uuid))


def _load(conn: Connection, query: sa.Select[tuple[object, ...]]) -> list[ServerGroup]:
    found = conn.execute(query).all()
    members: dict[str, list[str]] = {}
    if found:
        uuids = [row.uuid for row in found]
        for row in conn.execute(sa.select(m.c.group_uuid, m.c.instance_uuid).where(m.c.group_uuid.in_(uuids))):
            members.setdefault(row.group_uuid, []).append(row.instance_uuid)
    return [rows.to_struct(ServerGroup, row, members=tuple(members.get(row.uuid, ()))) for row in found]
