# SPDX-License-Identifier: Apache-2.0
"""Servers accepted and not yet on a host, the specs they asked for, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud.db.api.models import build_requests as t
from minicloud.db.api.models import decisions as d
from minicloud.db.api.models import request_specs as s
from minicloud.objects import BuildRequest, Decision, RequestSpec

#: Attempts whose decisions are kept for one server.
KEPT_DECISIONS = 5

# Built once, since every boot needs them; building costs more than running.
_UUID: sa.BindParameter[str] = sa.bindparam("wanted_uuid")
_UUIDS: sa.BindParameter[str] = sa.bindparam("wanted_uuids", expanding=True)
_INSERT, _INSERT_SPEC, _INSERT_DECISION = t.insert(), s.insert(), d.insert()
_GET = sa.select(t.c.request).where(t.c.instance_uuid == _UUID)
_ALL = sa.select(t.c.request).order_by(t.c.created_at.desc())
_OF_PROJECT = _ALL.where(t.c.project_id == sa.bindparam("wanted_project"))
_DELETE = t.delete().where(t.c.instance_uuid.in_(_UUIDS))
_LOCK = sa.select(t.c.instance_uuid).where(t.c.instance_uuid.in_(_UUIDS)).order_by(t.c.instance_uuid).with_for_update()
_DELETE_SPEC = s.delete().where(s.c.instance_uuid == _UUID)
_DELETE_DECISIONS = d.delete().where(d.c.instance_uuid.in_(_UUIDS), d.c.attempt == sa.bindparam("wanted_attempt"))


def create_all(conn: Connection, requests: Sequence[BuildRequest], request_id: str, now: datetime) -> None:
    """Record the intent: build requests and request specs."""
    conn.execute(
        _INSERT,
        [
            {
                "instance_uuid": one.instance.uuid,
                "project_id": one.instance.project_id,
                "request": one,
                "request_id": request_id,
                "created_at": now,
            }
            for one in requests
        ],
    )
    conn.execute(_INSERT_SPEC, [{"instance_uuid": one.instance.uuid, "spec": one.spec} for one in requests])


def get(conn: Connection, instance_uuid: str) -> BuildRequest | None:
    found: BuildRequest | None = conn.scalar(_GET, {"wanted_uuid": instance_uuid})
    return found


def find(conn: Connection, project_id: str | None = None) -> list[BuildRequest]:
    """Build requests of a project (of all when None), newest first."""
    found = conn.execute(_ALL if project_id is None else _OF_PROJECT, {"wanted_project": project_id})
    return list(found.scalars())


def older_than(conn: Connection, moment: datetime) -> list[tuple[str, BuildRequest]]:
    """(request id, build request) of those nobody has finished since: for recovery."""
    query = sa.select(t.c.request_id, t.c.request).where(t.c.created_at < moment).order_by(t.c.created_at).limit(500)
    return [(row.request_id, row.request) for row in conn.execute(query)]


def replace(conn: Connection, request: BuildRequest) -> bool:
    """Write a changed build request; False when it is gone."""
    return bool(
        conn.execute(t.update().where(t.c.instance_uuid == request.instance.uuid).values(request=request)).rowcount
    )


def delete_all(conn: Connection, uuids: Sequence[str]) -> int:
    """How many there were."""
    return conn.execute(_DELETE, {"wanted_uuids": list(uuids)}).rowcount


def lock(conn: Connection, uuids: Sequence[str]) -> set[str]:
    """Those that still are there, locked until the transaction ends, in an order that all lockers share."""
    return set(conn.execute(_LOCK, {"wanted_uuids": list(uuids)}).scalars())


def spec(conn: Connection, instance_uuid: str) -> RequestSpec | None:
    found: RequestSpec | None = conn.scalar(sa.select(s.c.spec).where(s.c.instance_uuid == instance_uuid))
    return found


def save_spec(conn: Connection, instance_uuid: str, value: RequestSpec) -> None:
    conn.execute(s.update().where(s.c.instance_uuid == instance_uuid).values(spec=value))


def delete_spec(conn: Connection, instance_uuid: str) -> None:
    conn.execute(_DELETE_SPEC, {"wanted_uuid": instance_uuid})


# --- decisions ---


def record(conn: Connection, decisions: Sequence[Decision], now: datetime, *, first: bool = False) -> None:
    """Keep what was decided; a later decision of the same attempt takes the place of the earlier.

    :param first: there cannot be an earlier one
    """
    for attempt in set() if first else {one.attempt for one in decisions}:
        uuids = [one.instance_uuid for one in decisions if one.attempt == attempt]
        conn.execute(_DELETE_DECISIONS, {"wanted_uuids": uuids, "wanted_attempt": attempt})
    conn.execute(
        _INSERT_DECISION,
        [
            {"instance_uuid": one.instance_uuid, "attempt": one.attempt, "decision": one, "created_at": now}
            for one in decisions
        ],
    )


def decisions_of(conn: Connection, instance_uuid: str) -> list[Decision]:
    """By attempt, the newest :data:`KEPT_DECISIONS`."""
    query = sa.select(d.c.decision).where(d.c.instance_uuid == instance_uuid).order_by(d.c.attempt.desc())
    return list(reversed(list(conn.execute(query.limit(KEPT_DECISIONS)).scalars())))


def forget_decisions(conn: Connection, before: datetime) -> int:
    """Drop what was decided before a moment, so that the table is bounded."""
    return conn.execute(d.delete().where(d.c.created_at < before)).rowcount
