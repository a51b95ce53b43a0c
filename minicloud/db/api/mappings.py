# SPDX-License-Identifier: Apache-2.0
"""Where things are: cells, the cell of a host, the cell of an instance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.api.models import cell_mappings as c
from minicloud.db.api.models import host_mappings as h
from minicloud.db.api.models import instance_mappings as t
from minicloud.objects import CellMapping, Instance

_CELL_COLUMNS = rows.fields_of(c, CellMapping)

# Built once, since every request for a server needs them; building costs more than running.
_UUID: sa.BindParameter[str] = sa.bindparam("wanted_uuid")
_UUIDS: sa.BindParameter[str] = sa.bindparam("wanted_uuids", expanding=True)
_INSERT = t.insert()
_GET = sa.select(t.c.cell_uuid, t.c.project_id, t.c.user_id, t.c.queued_for_delete, t.c.created_at).where(
    t.c.instance_uuid == _UUID
)
_LOCK = (
    sa.select(t.c.cell_uuid, t.c.project_id, t.c.user_id, t.c.queued_for_delete)
    .where(t.c.instance_uuid == _UUID)
    .with_for_update()
)
_SET_CELL = t.update().where(t.c.instance_uuid.in_(_UUIDS)).values(cell_uuid=sa.bindparam("new_cell"))
_QUEUE_FOR_DELETE = t.update().where(t.c.instance_uuid == _UUID).values(queued_for_delete=True)
_USAGE = sa.select(
    sa.func.count(),
    sa.func.coalesce(sa.func.sum(t.c.vcpus), 0),
    sa.func.coalesce(sa.func.sum(t.c.memory_mb), 0),
).where(t.c.project_id == sa.bindparam("wanted_project"), t.c.queued_for_delete.is_(False))
_USAGE_OF_USER = _USAGE.where(t.c.user_id == sa.bindparam("wanted_user"))


class Mapping(NamedTuple):
    """Where an instance is; no cell yet while it has only a build request."""

    cell_uuid: str | None
    project_id: str
    user_id: str
    queued_for_delete: bool
    created_at: datetime | None = None


class Usage(NamedTuple):
    instances: int
    cores: int
    #: MiB
    ram: int


# --- cells ---


def create_cell(conn: Connection, cell: CellMapping) -> None:
    conn.execute(c.insert().values(**rows.to_values(c, cell)))


def cells(conn: Connection) -> list[CellMapping]:
    return [rows.to_struct(CellMapping, row) for row in conn.execute(sa.select(*_CELL_COLUMNS).order_by(c.c.id))]


def update_cell(conn: Connection, uuid: str, **changes: Any) -> None:
    """:raises CellMappingNotFound:"""
    if not conn.execute(c.update().where(c.c.uuid == uuid).values(**changes)).rowcount:
        raise exception.CellMappingNotFound(uuid=uuid)


def delete_cell(conn: Connection, uuid: str) -> None:
    """:raises CellMappingNotFound:"""
    if not conn.execute(c.delete().where(c.c.uuid == uuid)).rowcount:
        raise exception.CellMappingNotFound(uuid=uuid)


class Inhabitants(NamedTuple):
    """What the mappings know to be in a cell."""

    hosts: int
    #: Instances that are not deleted.
    living: int
    #: Instances whose mapping is kept although they are deleted.
    deleted: int


def inhabitants(conn: Connection, cell_uuid: str) -> Inhabitants:
    def count(table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        return conn.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0

    mine = t.c.cell_uuid == cell_uuid
    return Inhabitants(
        hosts=count(h, h.c.cell_uuid == cell_uuid),
        living=count(t, mine, t.c.queued_for_delete.is_(False)),
        deleted=count(t, mine, t.c.queued_for_delete.is_(True)),
    )


def evict(conn: Connection, cell_uuid: str) -> None:
    """Forget the hosts of a cell and the deleted instances that were in it."""
    conn.execute(h.delete().where(h.c.cell_uuid == cell_uuid))
    conn.execute(t.delete().where(t.c.cell_uuid == cell_uuid, t.c.queued_for_delete.is_(True)))


# --- hosts ---


def map_host(conn: Connection, host: str, cell_uuid: str) -> bool:
    """Record the cell of a host; whether that was news."""
    known = conn.scalar(sa.select(h.c.cell_uuid).where(h.c.host == host))
    if known == cell_uuid:
        return False
    if known is None:
        conn.execute(h.insert().values(host=host, cell_uuid=cell_uuid))
    else:
        conn.execute(h.update().where(h.c.host == host).values(cell_uuid=cell_uuid))
    return True


def hosts(conn: Connection, cell_uuid: str | None = None) -> dict[str, str]:
    """Host -> cell."""
    query = sa.select(h.c.host, h.c.cell_uuid).order_by(h.c.host)
    query = query if cell_uuid is None else query.where(h.c.cell_uuid == cell_uuid)
    return {row.host: row.cell_uuid for row in conn.execute(query)}


def unmap_host(conn: Connection, host: str) -> None:
    """:raises HostNotFound:"""
    if not conn.execute(h.delete().where(h.c.host == host)).rowcount:
        raise exception.HostNotFound(host=host)


# --- instances ---


def create_all(conn: Connection, instances: Sequence[Instance], now: datetime) -> None:
    conn.execute(
        _INSERT,
        [
            {
                "instance_uuid": one.uuid,
                "cell_uuid": None,
                "project_id": one.project_id,
                "user_id": one.user_id,
                "vcpus": one.flavor.vcpus,
                "memory_mb": one.flavor.memory_mb,
                "queued_for_delete": False,
                "created_at": now,
            }
            for one in instances
        ],
    )


def get(conn: Connection, instance_uuid: str) -> Mapping:
    """:raises InstanceNotFound:"""
    row = conn.execute(_GET, {"wanted_uuid": instance_uuid}).first()
    if row is None:
        raise exception.InstanceNotFound(instance_id=instance_uuid)
    return Mapping(*row)


def in_cell(conn: Connection, cell_uuid: str, project_id: str | None, limit: int) -> list[tuple[str, Mapping]]:
    """Instances of a cell that does not answer, newest first: (uuid, mapping)."""
    columns = (t.c.instance_uuid, t.c.cell_uuid, t.c.project_id, t.c.user_id, t.c.queued_for_delete, t.c.created_at)
    query = sa.select(*columns).where(t.c.cell_uuid == cell_uuid, t.c.queued_for_delete.is_(False))
    if project_id is not None:
        query = query.where(t.c.project_id == project_id)
    found = conn.execute(query.order_by(t.c.created_at.desc(), t.c.instance_uuid.desc()).limit(limit))
    return [(row[0], Mapping(*row[1:])) for row in found]


def living(conn: Connection, uuids: Sequence[str]) -> set[str]:
    """Those of some instances that exist and are not about to be deleted."""
    if not uuids:
        return set()
    query = sa.select(t.c.instance_uuid).where(t.c.instance_uuid.in_(list(uuids)), t.c.queued_for_delete.is_(False))
    return set(conn.execute(query).scalars())


def lock(conn: Connection, instance_uuid: str) -> Mapping | None:
    """Where an instance is, with the row locked until the transaction ends; None when nobody knows it."""
    row = conn.execute(_LOCK, {"wanted_uuid": instance_uuid}).first()
    return None if row is None else Mapping(*row)


def cells_of(conn: Connection, uuids: Sequence[str]) -> dict[str, str | None]:
    """Instance -> its cell (None: not in one yet), of those that are known."""
    query = sa.select(t.c.instance_uuid, t.c.cell_uuid).where(t.c.instance_uuid.in_(list(uuids)))
    return {row.instance_uuid: row.cell_uuid for row in conn.execute(query)}


def set_cell(conn: Connection, uuids: Sequence[str], cell_uuid: str) -> None:
    conn.execute(_SET_CELL, {"wanted_uuids": list(uuids), "new_cell": cell_uuid})


def set_size(conn: Connection, instance_uuid: str, vcpus: int, memory_mb: int) -> None:
    """What quota counts of an instance from now on."""
    conn.execute(t.update().where(t.c.instance_uuid == instance_uuid).values(vcpus=vcpus, memory_mb=memory_mb))


def queue_for_delete(conn: Connection, instance_uuid: str) -> None:
    """From now on quota no longer counts it."""
    conn.execute(_QUEUE_FOR_DELETE, {"wanted_uuid": instance_uuid})


def usage(conn: Connection, project_id: str, user_id: str | None = None) -> Usage:
    """What a project (or one user in it) has, counted from the rows."""
    values = {"wanted_project": project_id, "wanted_user": user_id}
    row = conn.execute(_USAGE if user_id is None else _USAGE_OF_USER, values).one()
    return Usage(int(row[0]), int(row[1]), int(row[2]))
