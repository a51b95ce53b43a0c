# SPDX-License-Identifier: Apache-2.0
"""Lists of instances: filters, sort keys and pages, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.db.cell import instances
from minicloud.db.cell.models import instance_tags as tags
from minicloud.db.cell.models import instances as t
from minicloud.objects import Instance

Condition = sa.ColumnElement[bool]

#: Sort key of the API -> column; the order of the table is that of the documentation.
SORT_KEYS: dict[str, sa.Column[Any]] = {
    "created_at": t.c.created_at,
    "updated_at": t.c.updated_at,
    "launched_at": t.c.launched_at,
    "terminated_at": t.c.terminated_at,
    "display_name": t.c.display_name,
    "display_description": t.c.description,
    "uuid": t.c.uuid,
    "project_id": t.c.project_id,
    "user_id": t.c.user_id,
    "host": t.c.host,
    "node": t.c.node,
    "hostname": t.c.hostname,
    "vm_state": t.c.vm_state,
    "task_state": t.c.task_state,
    "power_state": t.c.power_state,
    "progress": t.c.progress,
    "image_ref": t.c.image_id,
    "instance_type_id": t.c.flavorid,
    "availability_zone": t.c.availability_zone,
    "key_name": t.c.key_name,
    "launch_index": t.c.launch_index,
    "kernel_id": t.c.kernel_id,
    "ramdisk_id": t.c.ramdisk_id,
    "root_device_name": t.c.root_device_name,
    "reservation_id": t.c.reservation_id,
    "access_ip_v4": t.c.access_ip_v4,
    "access_ip_v6": t.c.access_ip_v6,
    "auto_disk_config": t.c.auto_disk_config,
    "config_drive": t.c.config_drive,
    "locked": t.c.locked_by,
    "locked_by": t.c.locked_by,
}


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances, in which order, how many.

    ``filters`` maps a name of :data:`FILTERS` to its value. ``sort`` is (key, descending)
    pairs; ``created_at`` and ``uuid`` are added so that every order is total.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    #: The last instance of the page before.
    after: Instance | None = None

    @property
    def total_order(self) -> tuple[tuple[str, bool], ...]:
        given = {key for key, _ in self.sort}
        down = self.sort[-1][1] if self.sort else True
        return (*self.sort, *((key, down) for key in ("created_at", "uuid") if key not in given))


def find(conn: Connection, query: InstanceQuery) -> list[Instance]:
    """
    :raises InvalidSortKey:
    """
    select = instances.everything().where(*(FILTERS[name](value) for name, value in query.filters.items()))
    order = [(_column(key), descending) for key, descending in query.total_order]
    if query.after is not None:
        select = select.where(_beyond(order, [sort_value(query.after, key) for key, _ in query.total_order]))
    for column, descending in order:
        if column.nullable:
            select = select.order_by(column.is_(None).desc() if descending else column.is_(None))
        select = select.order_by(column.desc() if descending else column)
    return instances.load(conn, select.limit(query.limit))


def uuids(conn: Connection, filters: Mapping[str, Any]) -> list[str]:
    """Only the ids: for counting and for filters of other tables."""
    query = sa.select(t.c.uuid).where(*(FILTERS[name](value) for name, value in filters.items()))
    return list(conn.execute(query).scalars())


def sort_value(instance: Instance, key: str) -> Any:
    """What a sort key compares, for merging the lists of cells."""
    name = _column(key).name
    return instance.flavor.flavorid if name == "flavorid" else getattr(instance, name)


def _column(key: str) -> sa.Column[Any]:
    column = SORT_KEYS.get(key)
    if column is None:
        raise exception.InvalidSortKey(key=key)
    return column


def _beyond(order: Sequence[tuple[sa.Column[Any], bool]], values: Sequence[Any]) -> Condition:
    """Rows after the marker: greater in the first key, or equal there and greater in the next …"""
    alternatives = []
    equal: list[Condition] = []
    for (column, descending), value in zip(order, values, strict=True):
        alternatives.append(sa.and_(*equal, _after(column, value, descending)))
        equal.append(column.is_(None) if value is None else column == value)
    return sa.or_(*alternatives)


def _after(column: sa.Column[Any], value: Any, descending: bool) -> Condition:
    # Absent values sort as the greatest, on every database.
    if value is None:
        return column.is_not(None) if descending else sa.false()
    if isinstance(value, bool):
        value = sa.literal(value)  # True itself is an operand of = only
    if descending:
        return sa.and_(column < value)
    return sa.or_(column > value, column.is_(None)) if column.nullable else column > value


def _equal(column: sa.Column[Any]) -> Callable[[Any], Condition]:
    def test(value: Any) -> Condition:
        if isinstance(value, (list, tuple, set, frozenset)):
            present = [item for item in value if item is not None]
            found = column.in_(present)
            return sa.or_(found, column.is_(None)) if None in value else found
        return column.is_(None) if value is None else column == value

    return test


def _matches(column: sa.Column[Any]) -> Callable[[str | list[str]], Condition]:
    """Any of some regular expressions; whoever takes them from a client has made sure that they match soon."""

    def test(values: str | list[str]) -> Condition:
        several = [values] if isinstance(values, str) else values
        return sa.or_(*(column.regexp_match(value) for value in several))

    return test


def _address(value: str) -> Condition:
    # The cache of ports is a JSON document; addresses in it stand behind their key.
    end = '"' if value.endswith("$") else ""
    wanted = re.escape(value.removeprefix("^").removesuffix("$"))
    return sa.cast(t.c.network_info, sa.Text).regexp_match(f'"address":"{wanted}{end}')


def _metadata(wanted: Mapping[str, str]) -> Condition:
    import msgspec

    document = sa.cast(t.c.metadata_, sa.Text)
    return sa.and_(
        sa.true(),
        *(
            document.contains(msgspec.json.encode({key: value}).decode()[1:-1], autoescape=True)
            for key, value in wanted.items()
        ),
    )


def _tagged(names: Sequence[str], *, every: bool) -> Condition:
    count = sa.select(sa.func.count()).where(tags.c.instance_uuid == t.c.uuid, tags.c.tag.in_(list(names)))
    condition: Condition = count.scalar_subquery() >= (len(set(names)) if every else 1)
    return condition


def _states(wanted: Sequence[tuple[str, Sequence[str] | None, Sequence[str]]]) -> Condition:
    """vm_state with some task states, or (None) with all but some."""
    tests = []
    for vm_state, tasks, but in wanted:
        task = sa.true() if not but else sa.or_(t.c.task_state.is_(None), t.c.task_state.not_in(list(but)))
        tests.append(sa.and_(t.c.vm_state == vm_state, task if tasks is None else t.c.task_state.in_(list(tasks))))
    return sa.or_(sa.false(), *tests)


#: Filter -> condition; the API decides which of them a caller may use.
FILTERS: dict[str, Callable[[Any], Condition]] = {
    "uuid": _equal(t.c.uuid),
    "project_id": _equal(t.c.project_id),
    "user_id": _equal(t.c.user_id),
    "reservation_id": _equal(t.c.reservation_id),
    "name": _matches(t.c.display_name),
    "description": _matches(t.c.description),
    "hostname": _matches(t.c.hostname),
    "host": _equal(t.c.host),
    "node": _equal(t.c.node),
    "flavorid": _equal(t.c.flavorid),
    "image_id": _equal(t.c.image_id),
    "kernel_id": _equal(t.c.kernel_id),
    "ramdisk_id": _equal(t.c.ramdisk_id),
    "vm_state": _equal(t.c.vm_state),
    "task_state": _equal(t.c.task_state),
    "states": _states,
    "locked_by": _equal(t.c.locked_by),
    "power_state": _equal(t.c.power_state),
    "progress": _equal(t.c.progress),
    "availability_zone": _equal(t.c.availability_zone),
    "pinned_availability_zone": _equal(t.c.pinned_availability_zone),
    "key_name": _equal(t.c.key_name),
    "launch_index": _equal(t.c.launch_index),
    "root_device_name": _equal(t.c.root_device_name),
    "config_drive": _equal(t.c.config_drive),
    "auto_disk_config": _equal(t.c.auto_disk_config),
    "access_ip_v4": _equal(t.c.access_ip_v4),
    "access_ip_v6": _equal(t.c.access_ip_v6),
    "created_at": _equal(t.c.created_at),
    "launched_at": _equal(t.c.launched_at),
    "terminated_at": _equal(t.c.terminated_at),
    "deleted": _equal(t.c.deleted),
    "locked": lambda value: t.c.locked_by.is_not(None) if value else t.c.locked_by.is_(None),
    "changes-since": lambda moment: sa.func.coalesce(t.c.updated_at, t.c.created_at) >= moment,
    "changes-before": lambda moment: sa.func.coalesce(t.c.updated_at, t.c.created_at) <= moment,
    "address": _address,
    "metadata": _metadata,
    "tags": lambda names: _tagged(names, every=True),
    "tags-any": lambda names: _tagged(names, every=False),
    "not-tags": lambda names: ~_tagged(names, every=True),
    "not-tags-any": lambda names: ~_tagged(names, every=False),
}
