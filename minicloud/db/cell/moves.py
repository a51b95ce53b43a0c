# SPDX-License-Identifier: Apache-2.0
"""Migrations of a cell's instances: resizes and cold migrations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import states
from minicloud.db import rows
from minicloud.db.cell.instances import everything, load
from minicloud.db.cell.models import instances
from minicloud.db.cell.models import migrations as t
from minicloud.objects import Instance, Migration, MigrationProgress

_COLUMNS = rows.fields_of(t, Migration)

#: Statuses of a migration that its server is still on.
OPEN: Final = (
    *("pre-migrating", "migrating", "finished", "confirming", "reverting"),
    *("accepted", "queued", "preparing", "running", "post-migrating"),
)

#: Status of an evacuation whose server has arrived, while the source is not back to remove its guest.
ARRIVED: Final = "done"

#: Statuses of a migration that still holds something at its source.
HOLDING: Final = (*OPEN, ARRIVED)


def waiting(conn: Connection, task_state: str, before: datetime) -> list[Instance]:
    """Instances that have been in a task since before a moment, with no migration for it."""
    open_ones = sa.select(t.c.id).where(t.c.instance_uuid == instances.c.uuid, t.c.status.in_(OPEN))
    query = everything().where(
        instances.c.task_state == task_state,
        instances.c.task_deadline < before + timedelta(seconds=states.DEADLINES[task_state]),
        instances.c.deleted.is_(False),
        ~open_ones.exists(),
    )
    return load(conn, query.order_by(instances.c.id).limit(500))


def create(conn: Connection, migration: Migration, now: datetime) -> None:
    conn.execute(t.insert().values(**rows.to_values(t, migration, created_at=now, updated_at=now)))


def find(conn: Connection, **equal: Any) -> list[Migration]:
    """Migrations whose columns equal the arguments, newest first."""
    where = [t.c[name] == value for name, value in equal.items()]
    return _load(conn, sa.select(*_COLUMNS).where(*where).order_by(t.c.id.desc()))


def open_of(conn: Connection, instance_uuid: str) -> Migration | None:
    """The migration of an instance that is not over."""
    where = (t.c.instance_uuid == instance_uuid, t.c.status.in_(OPEN))
    found = _load(conn, sa.select(*_COLUMNS).where(*where).order_by(t.c.id.desc()).limit(1))
    return found[0] if found else None


def open_at(conn: Connection, host: str) -> list[Migration]:
    """Migrations from or to a host that are not over, of instances that are not deleted."""
    query = (
        sa.select(*_COLUMNS)
        .join_from(t, instances, instances.c.uuid == t.c.instance_uuid)
        .where(sa.or_(t.c.source_compute == host, t.c.dest_compute == host))
        .where(t.c.status.in_(OPEN), instances.c.deleted.is_(False))
    )
    return _load(conn, query)


def evacuated_from(conn: Connection, host: str) -> list[Migration]:
    """Evacuations whose servers have arrived elsewhere while this host was away."""
    query = sa.select(*_COLUMNS).where(t.c.source_compute == host, t.c.status == ARRIVED)
    return _load(conn, query.order_by(t.c.id))


def live_of(conn: Connection, instance_uuid: str) -> list[Migration]:
    """The live migrations of an instance that are going on."""
    where = (t.c.instance_uuid == instance_uuid, t.c.status.in_(OPEN), t.c.migration_type == "live-migration")
    return _load(conn, sa.select(*_COLUMNS).where(*where).order_by(t.c.id.desc()))


def report(conn: Connection, uuid: str, progress: MigrationProgress, now: datetime) -> bool:
    """How far a migration is; whether it is still going on."""
    counters = {name: getattr(progress, name) for name in progress.__struct_fields__}
    where = (t.c.uuid == uuid, t.c.status.in_(OPEN))
    return bool(conn.execute(t.update().where(*where).values(**counters, updated_at=now)).rowcount)


def is_open(conn: Connection, uuid: str) -> bool:
    """Whether this is a migration that holds something, of an instance that is not deleted."""
    query = (
        sa.select(t.c.id)
        .join_from(t, instances, instances.c.uuid == t.c.instance_uuid)
        .where(t.c.uuid == uuid, t.c.status.in_(HOLDING), instances.c.deleted.is_(False))
    )
    return conn.execute(query).first() is not None


def change(conn: Connection, uuid: str, expected: Sequence[str], status: str, now: datetime) -> bool:
    """Compare and swap the status; whether it was as expected."""
    where = (t.c.uuid == uuid, t.c.status.in_(list(expected)))
    return bool(conn.execute(t.update().where(*where).values(status=status, updated_at=now)).rowcount)


def _load(conn: Connection, query: sa.Select[Any]) -> list[Migration]:
    return [rows.to_struct(Migration, row) for row in conn.execute(query)]
