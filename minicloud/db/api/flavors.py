# SPDX-License-Identifier: Apache-2.0
"""Flavors, their extra specs and who may use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.api.models import flavors as t
from minicloud.objects import Flavor

_COLUMNS = rows.fields_of(t, Flavor)

# Built once, since every boot and every list of flavors needs them.
_GET = sa.select(*_COLUMNS).where(t.c.flavorid == sa.bindparam("wanted"))
_ALL = sa.select(*_COLUMNS).order_by(t.c.id)


def create(conn: Connection, flavor: Flavor, now: datetime) -> Flavor:
    """
    :raises FlavorExists: for the name
    :raises FlavorIdExists:
    """
    if conn.scalar(sa.select(t.c.id).where(t.c.flavorid == flavor.flavorid)):
        raise exception.FlavorIdExists(flavor_id=flavor.flavorid)
    try:
        conn.execute(t.insert().values(**rows.to_values(t, flavor, created_at=now)))
    except db_exc.DBDuplicateEntry:
        raise exception.FlavorExists(name=flavor.name) from None
    return get(conn, flavor.flavorid)


def get(conn: Connection, flavorid: str) -> Flavor:
    """:raises FlavorNotFound:"""
    row = conn.execute(_GET, {"wanted": flavorid}).first()
    if row is None:
        raise exception.FlavorNotFound(flavor_id=flavorid)
    return rows.to_struct(Flavor, row)


def find_all(conn: Connection) -> list[Flavor]:
    """All flavors, by id of the row; there are few, so whoever lists them filters."""
    return [rows.to_struct(Flavor, row) for row in conn.execute(_ALL)]


def change(conn: Connection, flavorid: str, how: Callable[[Flavor], Flavor], now: datetime) -> Flavor:
    """Read, change and write a flavor with its row locked.

    :raises FlavorNotFound:
    """
    row = conn.execute(sa.select(*_COLUMNS).where(t.c.flavorid == flavorid).with_for_update()).first()
    if row is None:
        raise exception.FlavorNotFound(flavor_id=flavorid)
    after = how(rows.to_struct(Flavor, row))
    values: dict[str, Any] = rows.to_values(t, after, updated_at=now)
    conn.execute(t.update().where(t.c.flavorid == flavorid).values(**values))
    return after.replace(updated_at=now)


def delete(conn: Connection, flavorid: str) -> None:
    """:raises FlavorNotFound:"""
    if not conn.execute(t.delete().where(t.c.flavorid == flavorid)).rowcount:
        raise exception.FlavorNotFound(flavor_id=flavorid)
