# SPDX-License-Identifier: Apache-2.0
"""Host aggregates; one with ``availability_zone`` in its metadata is a zone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.api.models import aggregates as t
from minicloud.objects import Aggregate

_COLUMNS = rows.fields_of(t, Aggregate)

_FINGERPRINT = sa.select(sa.func.count(), sa.func.max(t.c.id), sa.func.max(t.c.updated_at))


def create(conn: Connection, name: str, metadata: dict[str, str], now: datetime) -> Aggregate:
    """:raises AggregateNameExists:"""
    try:
        done = conn.execute(
            t.insert().values(uuid=str(uuid.uuid4()), name=name, hosts=(), metadata_=metadata, created_at=now)
        )
    except db_exc.DBDuplicateEntry:
        raise exception.AggregateNameExists(name=name) from None
    assert done.inserted_primary_key is not None
    return get(conn, done.inserted_primary_key[0])


def get(conn: Connection, aggregate_id: int) -> Aggregate:
    """:raises AggregateNotFound:"""
    row = conn.execute(sa.select(*_COLUMNS).where(t.c.id == aggregate_id)).first()
    if row is None:
        raise exception.AggregateNotFound(aggregate_id=aggregate_id)
    return rows.to_struct(Aggregate, row)


def find_all(conn: Connection) -> list[Aggregate]:
    return [rows.to_struct(Aggregate, row) for row in conn.execute(sa.select(*_COLUMNS).order_by(t.c.id))]


def fingerprint(conn: Connection) -> tuple[object, ...]:
    """Something that differs whenever an aggregate was made, changed or deleted; cheap to ask for."""
    return tuple(conn.execute(_FINGERPRINT).one())


def change(conn: Connection, aggregate_id: int, how: Callable[[Aggregate], Aggregate], now: datetime) -> Aggregate:
    """Read, change and write an aggregate with its row locked.

    :raises AggregateNotFound:
    :raises AggregateNameExists:
    """
    row = conn.execute(sa.select(*_COLUMNS).where(t.c.id == aggregate_id).with_for_update()).first()
    if row is None:
        raise exception.AggregateNotFound(aggregate_id=aggregate_id)
    after = how(rows.to_struct(Aggregate, row)).replace(updated_at=now)
    try:
        conn.execute(t.update().where(t.c.id == aggregate_id).values(**rows.to_values(t, after)))
    except db_exc.DBDuplicateEntry:
        raise exception.AggregateNameExists(name=after.name) from None
    return after


def delete(conn: Connection, aggregate_id: int) -> None:
    """:raises AggregateNotFound:"""
    if not conn.execute(t.delete().where(t.c.id == aggregate_id)).rowcount:
        raise exception.AggregateNotFound(aggregate_id=aggregate_id)
