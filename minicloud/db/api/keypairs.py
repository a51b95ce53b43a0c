# SPDX-License-Identifier: Apache-2.0
"""Key pairs: a user's, not a project's."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.api.models import key_pairs as t
from minicloud.objects import Keypair

_COLUMNS = rows.fields_of(t, Keypair)


def create(conn: Connection, keypair: Keypair, now: datetime) -> Keypair:
    """:raises KeypairExists:"""
    try:
        conn.execute(t.insert().values(**rows.to_values(t, keypair, created_at=now)))
    except db_exc.DBDuplicateEntry:
        raise exception.KeypairExists(name=keypair.name) from None
    return get(conn, keypair.user_id, keypair.name)


def get(conn: Connection, user_id: str, name: str) -> Keypair:
    """:raises KeypairNotFound:"""
    row = conn.execute(sa.select(*_COLUMNS).where(t.c.user_id == user_id, t.c.name == name)).first()
    if row is None:
        raise exception.KeypairNotFound(name=name, user_id=user_id)
    return rows.to_struct(Keypair, row)


def find(conn: Connection, user_id: str, *, limit: int | None = None, after: str | None = None) -> list[Keypair]:
    """A user's key pairs by name, after a name."""
    where = [t.c.user_id == user_id]
    if after is not None:
        where.append(t.c.name > after)
    query = sa.select(*_COLUMNS).where(*where).order_by(t.c.name).limit(limit)
    return [rows.to_struct(Keypair, row) for row in conn.execute(query)]


def count(conn: Connection, user_id: str) -> int:
    return conn.scalar(sa.select(sa.func.count()).where(t.c.user_id == user_id)) or 0


def delete(conn: Connection, user_id: str, name: str) -> None:
    """:raises KeypairNotFound:"""
    if not conn.execute(t.delete().where(t.c.user_id == user_id, t.c.name == name)).rowcount:
        raise exception.KeypairNotFound(name=name, user_id=user_id)
