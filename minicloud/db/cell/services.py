# SPDX-License-Identifier: Apache-2.0
"""Service records of a cell, kept alive by heartbeats."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db import rows
from minicloud.db.cell.models import services as t
from minicloud.objects import Service

_COLUMNS = rows.fields_of(t, Service)

_BARRED = sa.select(t.c.host, t.c.forced_down, t.c.disabled_reason).where(
    t.c.binary == sa.bindparam("wanted"), sa.or_(t.c.disabled.is_(True), t.c.forced_down.is_(True))
)


#: Begins the reason of a service that was disabled by itself, and not by an operator; Nova's word.
AUTO = "AUTO: "


def report(
    conn: Connection,
    host: str,
    binary: str,
    topic: str,
    version: int,
    now: datetime,
    ailment: str | None = None,
) -> Service:
    """A heartbeat: makes the record, or renews it and lifts nothing an operator set.

    :param ailment: disables the service until a heartbeat comes without one
    """
    where = (t.c.host == host, t.c.binary == binary)
    beat = {"last_seen_up": now, "updated_at": now, "version": version, "topic": topic}
    if not conn.execute(t.update().where(*where).values(report_count=t.c.report_count + 1, **beat)).rowcount:
        conn.execute(
            t.insert().values(
                uuid=str(uuid.uuid4()),
                host=host,
                binary=binary,
                report_count=1,
                disabled=False,
                forced_down=False,
                created_at=now,
                **beat,
            )
        )
    found = rows.to_struct(Service, conn.execute(sa.select(*_COLUMNS).where(*where)).one())
    if (change := _own_change(found, ailment)) is None:
        return found
    return update(conn, found.uuid, now, **change)


def _own_change(found: Service, ailment: str | None) -> dict[str, Any] | None:
    if found.disabled and not (found.disabled_reason or "").startswith(AUTO):
        return None  # an operator's
    reason = f"{AUTO}{ailment}"[:255] if ailment else None
    return None if found.disabled_reason == reason else {"disabled": reason is not None, "disabled_reason": reason}


def find(conn: Connection, **equal: Any) -> list[Service]:
    """Services whose columns equal the arguments (host, binary, disabled …)."""
    where = [t.c[name] == value for name, value in equal.items()]
    return [rows.to_struct(Service, row) for row in conn.execute(sa.select(*_COLUMNS).where(*where).order_by(t.c.id))]


def barred_hosts(conn: Connection, binary: str) -> dict[str, str]:
    """Host -> why, where a service was disabled or forced down."""
    found = conn.execute(_BARRED, {"wanted": binary})
    return {row.host: "forced down" if row.forced_down else f"disabled: {row.disabled_reason or ''}" for row in found}


def get(conn: Connection, service_uuid: str) -> Service:
    """:raises ServiceNotFound:"""
    found = find(conn, uuid=service_uuid)
    if not found:
        raise exception.ServiceNotFound(service_id=service_uuid)
    return found[0]


def update(conn: Connection, service_uuid: str, now: datetime, **changes: Any) -> Service:
    """Set disabled, disabled_reason, forced_down.

    :raises ServiceNotFound:
    """
    conn.execute(t.update().where(t.c.uuid == service_uuid).values(updated_at=now, **changes))
    return get(conn, service_uuid)


def delete(conn: Connection, service_uuid: str) -> None:
    """:raises ServiceNotFound:"""
    if not conn.execute(t.delete().where(t.c.uuid == service_uuid)).rowcount:
        raise exception.ServiceNotFound(service_id=service_uuid)
