# SPDX-License-Identifier: Apache-2.0
"""Instances of a cell: made once, changed only by visible compare-and-swap, never quite forgotten."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception, states
from minicloud.db import rows
from minicloud.db.cell import actions, console_tokens
from minicloud.db.cell.models import instance_tags as tags
from minicloud.db.cell.models import instances as t
from minicloud.objects import Instance, InstanceUpdate

_COLUMNS = rows.fields_of(t, Instance)

#: How many values a statement compares with at a time.
_CHUNK = 500

# Built once, since every step of every boot needs them.
_EVERYTHING = sa.select(*_COLUMNS)
_ANY = _EVERYTHING.where(t.c.uuid == sa.bindparam("wanted"))
_LIVE = _ANY.where(t.c.deleted.is_(False))
_TAGS = (
    sa.select(tags.c.instance_uuid, tags.c.tag)
    .where(tags.c.instance_uuid.in_(sa.bindparam("wanted", expanding=True)))
    .order_by(tags.c.tag)
)


def create(conn: Connection, instance: Instance, now: datetime) -> None:
    create_all(conn, [instance], now)


def create_all(conn: Connection, instances: Sequence[Instance], now: datetime) -> None:
    """Write new instances; their ``created_at`` stays when they have one."""
    conn.execute(
        t.insert(),
        [
            rows.to_values(
                t,
                one,
                flavorid=one.flavor.flavorid,
                created_at=one.created_at or now,
                task_deadline=_deadline(one.task_state, now),
            )
            for one in instances
        ],
    )
    if tagged := [{"instance_uuid": one.uuid, "tag": tag} for one in instances for tag in one.tags]:
        conn.execute(tags.insert(), tagged)


def get(conn: Connection, uuid: str, *, deleted: bool = False) -> Instance:
    """
    :param deleted: find it although it is deleted
    :raises InstanceNotFound:
    """
    found = load(conn, _ANY if deleted else _LIVE, {"wanted": uuid})
    if not found:
        raise exception.InstanceNotFound(instance_id=uuid)
    return found[0]


def on_host(conn: Connection, host: str) -> list[Instance]:
    return load(conn, sa.select(*_COLUMNS).where(t.c.host == host, t.c.deleted.is_(False)).order_by(t.c.id))


def overdue(conn: Connection, now: datetime) -> list[Instance]:
    """Instances whose task should have ended by now."""
    where = sa.and_(t.c.task_deadline < now, t.c.deleted.is_(False), t.c.task_state.is_not(None))
    return load(conn, sa.select(*_COLUMNS).where(where).order_by(t.c.id).limit(500))


class Placed(NamedTuple):
    """One instance on a host, as the scheduler counts it."""

    uuid: str
    host: str
    project_id: str
    task_state: str | None


def placed(conn: Connection) -> list[Placed]:
    """All instances that are on hosts."""
    query = sa.select(t.c.uuid, t.c.host, t.c.project_id, t.c.task_state)
    return [Placed(*row) for row in conn.execute(query.where(t.c.host.is_not(None), t.c.deleted.is_(False)))]


def find(conn: Connection, uuids: Sequence[str]) -> list[Instance]:
    """Those of some instances that are here, deleted ones too."""
    return load(conn, sa.select(*_COLUMNS).where(t.c.uuid.in_(list(uuids))))


def known(conn: Connection, uuids: Sequence[str]) -> dict[str, str | None]:
    """Instance -> host, of those of some instances that are here, deleted ones too."""
    query = sa.select(t.c.uuid, t.c.host).where(t.c.uuid.in_(list(uuids)))
    return {row.uuid: row.host for row in conn.execute(query)}


def fates(conn: Connection, uuids: Sequence[str]) -> dict[str, bool]:
    """Instance -> whether it is deleted, of those of any number of instances that are here."""
    found = {}
    for at in range(0, len(uuids), _CHUNK):
        query = sa.select(t.c.uuid, t.c.deleted).where(t.c.uuid.in_(uuids[at : at + _CHUNK]))
        found.update({row.uuid: bool(row.deleted) for row in conn.execute(query)})
    return found


def hosts_of(conn: Connection, uuids: Sequence[str]) -> dict[str, str]:
    """Instance -> host, of those of some instances that are on one."""
    query = sa.select(t.c.uuid, t.c.host).where(t.c.uuid.in_(list(uuids)), t.c.deleted.is_(False))
    return {row.uuid: row.host for row in conn.execute(query.where(t.c.host.is_not(None)))}


def awaiting_build(conn: Connection, before: datetime) -> list[Instance]:
    """Instances that have a host which has not begun to build them since a moment."""
    deadline = before + timedelta(seconds=states.DEADLINES[states.Task.SCHEDULING])
    where = sa.and_(
        t.c.task_deadline < deadline,
        t.c.task_state == states.Task.SCHEDULING,
        t.c.vm_state == states.VM.BUILDING,
        t.c.host.is_not(None),
        t.c.deleted.is_(False),
    )
    return load(conn, sa.select(*_COLUMNS).where(where).order_by(t.c.id).limit(500))


def idle_without_host(conn: Connection) -> list[str]:
    """Instances that no host has and that wait for none: in ERROR, or shelved."""
    where = (
        sa.or_(
            t.c.vm_state == states.VM.ERROR,
            sa.and_(t.c.vm_state == states.VM.SHELVED_OFFLOADED, t.c.task_state.is_(None)),
        ),
        t.c.host.is_(None),
        t.c.deleted.is_(False),
    )
    return list(conn.execute(sa.select(t.c.uuid).where(*where).limit(500)).scalars())


def purge(conn: Connection, uuids: Sequence[str]) -> None:
    """Remove all trace of instances that nobody was told of."""
    conn.execute(t.delete().where(t.c.uuid.in_(list(uuids))))
    conn.execute(tags.delete().where(tags.c.instance_uuid.in_(list(uuids))))
    actions.purge(conn, uuids)


def claim_overdue(conn: Connection, instance: Instance, now: datetime) -> bool:
    """Move the deadline of an overdue instance; of several who try only one is told True."""
    where = (
        t.c.uuid == instance.uuid,
        t.c.deleted.is_(False),
        t.c.task_state == instance.task_state,
        t.c.task_deadline < now,
    )
    return bool(
        conn.execute(t.update().where(*where).values(task_deadline=_deadline(instance.task_state, now))).rowcount
    )


def everything() -> sa.Select[Any]:
    """A select for :func:`load`, to be narrowed."""
    return _EVERYTHING


def load(conn: Connection, query: sa.Select[Any], values: dict[str, Any] | None = None) -> list[Instance]:
    """Run a select of :func:`columns` and add the tags.

    :param values: of the query's bind parameters
    """
    result = conn.execute(query, values or {})
    names = tuple(result.keys())
    found = [dict(zip(names, row, strict=True)) for row in result.all()]
    if not found:
        return []
    tagged = _tags(conn, [row["uuid"] for row in found])
    return [Instance(**row, tags=tuple(tagged.get(row["uuid"], ()))) for row in found]


def _tags(conn: Connection, uuids: Sequence[str]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for uuid, tag in conn.execute(_TAGS, {"wanted": list(uuids)}):
        result.setdefault(uuid, []).append(tag)
    return result


def update(
    conn: Connection,
    uuid: str,
    now: datetime,
    *,
    expected_task_states: Iterable[str | None] | None = None,
    expected_vm_states: Iterable[str] | None = None,
    expected_host: str | None = None,
    **changes: Any,
) -> Instance:
    """One UPDATE that happens only if the instance is as expected; the instance afterwards.

    :raises UnexpectedState: when it is not
    :raises InstanceNotFound: when it is gone
    """
    values = _values(changes, now)
    expected: dict[str, Any] = {"its_uuid": uuid}
    if expected_task_states is not None:
        expected["task_states"] = list(expected_task_states)
    if expected_vm_states is not None:
        expected["vm_states"] = list(expected_vm_states)
    if expected_host is not None:
        expected["its_host"] = expected_host
    may_be_idle = None in expected.get("task_states", ())
    done = conn.execute(_compare(frozenset(expected), may_be_idle), {**expected, **values})
    if done.rowcount and console_tokens.are_void_after(changes):
        console_tokens.forget(conn, uuid)
    instance = get(conn, uuid)
    if not done.rowcount:
        raise exception.UnexpectedState(
            instance_uuid=uuid,
            expected=f"task_state {expected_task_states}, vm_state {expected_vm_states}, host {expected_host}",
            actual=f"task_state {instance.task_state}, vm_state {instance.vm_state}, host {instance.host}",
        )
    return instance


def apply(conn: Connection, change: InstanceUpdate, request_id: str, now: datetime) -> Instance:
    """A host's step: the compare-and-swap and the action's events, in the caller's transaction.

    :raises UnexpectedState:
    :raises InstanceNotFound:
    """
    changes = dict(change.changes)
    if change.fault is not None:
        changes["fault"] = change.fault
    instance = update(
        conn,
        change.uuid,
        now,
        expected_task_states=change.expected_task_states,
        expected_vm_states=change.expected_vm_states,
        expected_host=change.expected_host,
        **changes,
    )
    actions.step(conn, change, request_id, instance.host, now)
    return instance


def destroy(conn: Connection, uuid: str, now: datetime) -> Instance | None:
    """Mark an instance deleted; None when it already was, or never existed."""
    values = {
        "deleted": True,
        "deleted_at": now,
        "terminated_at": now,
        "updated_at": now,
        "vm_state": states.VM.DELETED,
        "task_state": None,
        "task_deadline": None,
        "power_state": int(states.Power.NOSTATE),
    }
    done = conn.execute(t.update().where(t.c.uuid == uuid, t.c.deleted.is_(False)).values(**values))
    console_tokens.forget(conn, uuid)
    return get(conn, uuid, deleted=True) if done.rowcount else None


def expect_within(conn: Connection, uuid: str, seconds: float, now: datetime) -> None:
    """Call the task overdue after so many seconds, unless its next step comes before."""
    deadline = now + timedelta(seconds=seconds)
    conn.execute(t.update().where(t.c.uuid == uuid, t.c.task_state.is_not(None)).values(task_deadline=deadline))


def change_metadata(
    conn: Connection, uuid: str, change: Callable[[dict[str, str]], dict[str, str]], now: datetime
) -> dict[str, str]:
    """Read, change and write the metadata with the row locked; what it became."""
    return _change_items(conn, t.c.metadata_, uuid, change, now)


def change_system_metadata(
    conn: Connection, uuid: str, change: Callable[[dict[str, str]], dict[str, str]], now: datetime
) -> dict[str, str]:
    """The same for what the cloud itself notes."""
    return _change_items(conn, t.c.system_metadata, uuid, change, now)


def _change_items(
    conn: Connection,
    column: sa.Column[Any],
    uuid: str,
    change: Callable[[dict[str, str]], dict[str, str]],
    now: datetime,
) -> dict[str, str]:
    query = sa.select(column).where(t.c.uuid == uuid, t.c.deleted.is_(False)).with_for_update()
    row = conn.execute(query).first()
    if row is None:
        raise exception.InstanceNotFound(instance_id=uuid)
    after = change(dict(row[0] or {}))
    conn.execute(t.update().where(t.c.uuid == uuid).values({column: after, t.c.updated_at: now}))
    return after


def set_tags(conn: Connection, uuid: str, names: Iterable[str]) -> None:
    """Replace all tags."""
    conn.execute(tags.delete().where(tags.c.instance_uuid == uuid))
    if values := [{"instance_uuid": uuid, "tag": name} for name in sorted(set(names))]:
        conn.execute(tags.insert(), values)


def remove_tag(conn: Connection, uuid: str, name: str) -> bool:
    """Whether it was there."""
    return bool(conn.execute(tags.delete().where(tags.c.instance_uuid == uuid, tags.c.tag == name)).rowcount)


def _values(changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    values = rows.convert_changes(t, Instance, changes)
    values["updated_at"] = now
    if "task_state" in changes:
        values["task_deadline"] = _deadline(changes["task_state"], now)
    if "flavor" in values:
        values["flavorid"] = values["flavor"].flavorid
    return values


def _deadline(task_state: str | None, now: datetime) -> datetime | None:
    return None if task_state is None else now + timedelta(seconds=states.DEADLINES.get(task_state, 600))


#: What may be expected of an instance -> the condition; the value is the parameter of this name.
_EXPECTED = {
    "its_uuid": t.c.uuid == sa.bindparam("its_uuid"),
    "task_states": t.c.task_state.in_(sa.bindparam("task_states", expanding=True)),
    "vm_states": t.c.vm_state.in_(sa.bindparam("vm_states", expanding=True)),
    "its_host": t.c.host == sa.bindparam("its_host"),
}


@functools.cache
def _compare(expected: frozenset[str], may_be_idle: bool) -> sa.Update:
    """The UPDATE of an instance that is as expected; there are few of them, and each is built once.

    :param may_be_idle: whether no task state is among the expected ones, which IN does not find
    """
    where = {name: _EXPECTED[name] for name in sorted(expected)}
    if may_be_idle:
        where["task_states"] = sa.or_(where["task_states"], t.c.task_state.is_(None))
    return t.update().where(*where.values(), t.c.deleted.is_(False))
