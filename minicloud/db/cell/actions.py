# SPDX-License-Identifier: Apache-2.0
"""What was asked of an instance, and the steps it took: actions and their events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.context import RequestContext
from minicloud.db import rows
from minicloud.db.cell.models import instance_action_events as e
from minicloud.db.cell.models import instance_actions as t
from minicloud.objects import ActionEvent, InstanceAction, InstanceUpdate

_COLUMNS = rows.fields_of(t, InstanceAction)
_EVENT_COLUMNS = rows.fields_of(e, ActionEvent)

# Built once, since every step of every server needs them; building costs more than running.
_INSERT, _INSERT_EVENT = t.insert(), e.insert()
_STARTED = sa.select(t.c.id).where(
    t.c.instance_uuid.in_(sa.bindparam("uuids", expanding=True)),
    t.c.request_id == sa.bindparam("wanted_request"),
    t.c.action == sa.bindparam("wanted_action"),
)
_LATEST = (
    sa.select(t.c.id)
    .where(t.c.instance_uuid == sa.bindparam("uuid"), t.c.request_id == sa.bindparam("wanted_request"))
    .order_by(t.c.id.desc())
    .limit(1)
)
_UPDATE = t.update().where(t.c.id == sa.bindparam("wanted"))
_FINISH_EVENT = e.update().where(
    e.c.action_id == sa.bindparam("wanted"), e.c.event == sa.bindparam("name"), e.c.finish_time.is_(None)
)

#: An action that ended in error says so with this message, as in Nova.
ERROR = "Error"

#: Actions that end with the instance.
DELETES = ("delete", "forceDelete", "softDelete")


def start(conn: Connection, ctxt: RequestContext, uuids: list[str], action: str, now: datetime) -> None:
    """Record that somebody asked for an action, under the id of the request."""
    conn.execute(
        _INSERT,
        [
            {
                "instance_uuid": uuid,
                "action": action,
                "request_id": ctxt.request_id,
                "user_id": ctxt.user_id,
                "project_id": ctxt.project_id,
                "start_time": now,
                "updated_at": now,
            }
            for uuid in uuids
        ],
    )


def start_with_event(conn: Connection, ctxt: RequestContext, uuids: list[str], action: str, event: ActionEvent) -> None:
    """Record actions whose first event has ended already; with an Error in it, the action has ended too."""
    start(conn, ctxt, uuids, action, event.start_time)
    started = {"uuids": uuids, "wanted_request": ctxt.request_id, "wanted_action": action}
    ids = conn.execute(_STARTED, started).scalars().all()
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    conn.execute(_INSERT_EVENT, [{"action_id": action_id, **values} for action_id in ids])
    if event.result == ERROR:
        ended = {"finish_time": event.finish_time, "updated_at": event.finish_time, "message": ERROR}
        conn.execute(t.update().where(t.c.id.in_(ids)).values(**ended))


def record(conn: Connection, ctxt: RequestContext, uuid: str, action: str, now: datetime) -> None:
    """Record an action that is over as soon as it is asked for."""
    start(conn, ctxt, [uuid], action, now)
    conn.execute(t.update().where(t.c.instance_uuid == uuid, t.c.request_id == ctxt.request_id).values(finish_time=now))


def step(conn: Connection, change: InstanceUpdate, request_id: str, host: str | None, now: datetime) -> None:
    """End one event, begin the next, or end the action, as an :class:`InstanceUpdate` says."""
    if not (change.finish_event or change.start_event or change.finish_action):
        return
    action_id = _latest(conn, change.uuid, request_id)
    if action_id is None:
        # Not who asked but a host after a restart: it goes on with what is still open.
        is_open = (t.c.instance_uuid == change.uuid, t.c.finish_time.is_(None))
        action_id = conn.scalar(sa.select(sa.func.max(t.c.id)).where(*is_open))
    if action_id is None:
        return
    if change.finish_event:
        finish_event(
            conn,
            action_id,
            change.finish_event,
            now,
            result=change.event_result,
            traceback=change.event_traceback,
            details=change.event_details,
        )
    if change.start_event:
        start_event(conn, action_id, change.start_event, host, now)
    values: dict[str, Any] = {"updated_at": now}
    if change.finish_action:
        values["finish_time"] = now
    if change.event_result == "Error" or change.action_message:
        values["message"] = change.action_message or ERROR
    conn.execute(_UPDATE, {"wanted": action_id, **values})


def record_event(
    conn: Connection, uuid: str, request_id: str, event: str, host: str, now: datetime, **failure: str | None
) -> None:
    """Record an event that is over as soon as it is known.

    :param failure: ``details``, and ``traceback``, which administrators see; none: it went well
    """
    action_id = _latest(conn, uuid, request_id)
    if action_id is not None:
        start_event(conn, action_id, event, host, now)
        finish_event(conn, action_id, event, now, result="Error" if failure else "Success", **failure)


def start_event(conn: Connection, action_id: int, event: str, host: str | None, now: datetime) -> None:
    conn.execute(_INSERT_EVENT, {"action_id": action_id, "event": event, "start_time": now, "host": host})


def finish_event(conn: Connection, action_id: int, event: str, now: datetime, **values: Any) -> None:
    """End the open event of this name."""
    conn.execute(_FINISH_EVENT, {"wanted": action_id, "name": event, "finish_time": now, **values})


def finish_open(conn: Connection, uuid: str, message: str | None, now: datetime) -> str | None:
    """End whatever action of an instance is still open; the name of its last event, if any."""
    found = conn.execute(
        sa.select(t.c.id).where(t.c.instance_uuid == uuid, t.c.finish_time.is_(None)).order_by(t.c.id)
    ).scalars()
    last = None
    for action_id in found.all():
        last = conn.scalar(sa.select(e.c.event).where(e.c.action_id == action_id).order_by(e.c.id.desc()).limit(1))
        where = (e.c.action_id == action_id, e.c.finish_time.is_(None))
        conn.execute(e.update().where(*where).values(finish_time=now, result="Error" if message else "Success"))
        conn.execute(
            t.update()
            .where(t.c.id == action_id)
            .values(finish_time=now, updated_at=now, message=ERROR if message else None)
        )
    return last


def purge(conn: Connection, uuids: Sequence[str]) -> None:
    """Remove the actions of some instances."""
    found = sa.select(t.c.id).where(t.c.instance_uuid.in_(list(uuids)))
    conn.execute(e.delete().where(e.c.action_id.in_(found)))
    conn.execute(t.delete().where(t.c.instance_uuid.in_(list(uuids))))


def finish_for_deleted(conn: Connection, uuid: str, now: datetime) -> None:
    """The instance is gone: its open deletes succeeded, and whatever else was going on did not."""
    deletes = sa.select(t.c.id).where(t.c.instance_uuid == uuid, t.c.action.in_(DELETES), t.c.finish_time.is_(None))
    for action_id in conn.execute(deletes).scalars().all():
        open_events = (e.c.action_id == action_id, e.c.finish_time.is_(None))
        conn.execute(e.update().where(*open_events).values(finish_time=now, result="Success"))
        conn.execute(t.update().where(t.c.id == action_id).values(finish_time=now, updated_at=now))
    finish_open(conn, uuid, ERROR, now)


def list_for(
    conn: Connection,
    uuid: str,
    *,
    limit: int | None = None,
    marker: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> list[InstanceAction]:
    """Actions of an instance, newest first, without their events.

    :raises InvalidMarker: when no action has the marker as its request id
    """
    where = [t.c.instance_uuid == uuid]
    if marker is not None:
        last = _latest(conn, uuid, marker)
        if last is None:
            raise exception.InvalidMarker(marker=marker)
        where.append(t.c.id < last)
    if since is not None:
        where.append(t.c.updated_at >= since)
    if before is not None:
        where.append(t.c.updated_at <= before)
    query = sa.select(*_COLUMNS).where(*where).order_by(t.c.id.desc()).limit(limit)
    return [rows.to_struct(InstanceAction, row) for row in conn.execute(query)]


def get(conn: Connection, uuid: str, request_id: str) -> InstanceAction:
    """One action with its events.

    :raises ActionNotFound:
    """
    action_id = _latest(conn, uuid, request_id)
    if action_id is None:
        raise exception.ActionNotFound(request_id=request_id, instance_uuid=uuid)
    row = conn.execute(sa.select(*_COLUMNS).where(t.c.id == action_id)).one()
    events = conn.execute(sa.select(*_EVENT_COLUMNS).where(e.c.action_id == action_id).order_by(e.c.id))
    return rows.to_struct(InstanceAction, row, events=tuple(rows.to_struct(ActionEvent, event) for event in events))


def _latest(conn: Connection, uuid: str, request_id: str) -> int | None:
    found: int | None = conn.scalar(_LATEST, {"uuid": uuid, "wanted_request": request_id})
    return found
