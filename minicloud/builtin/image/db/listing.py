# SPDX-License-Identifier: Apache-2.0
"""Listings: visibility, filters, sort keys and markers as SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.builtin.image import records
from minicloud.builtin.image.db.images import IMAGES, MEMBERS, PROPERTIES, TAGS, records_of
from minicloud.builtin.image.records import Comparison, Filters, ImageRecord, Page, Sort

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda column, values: column.in_(values),
}

Condition = sa.ColumnElement[bool]


def find(conn: Connection, filters: Filters, page: Page, project_id: str | None, is_admin: bool) -> list[ImageRecord]:
    """One page of the images that a caller may see and asks for.

    :param project_id: the caller's
    :param is_admin: sees the images of all projects
    :raises InvalidMarker: when the marker is not an image the caller may see
    """
    conditions = [IMAGES.c.status != records.PENDING_DELETE, *_visible(filters, project_id, is_admin)]
    sort = _with_id(page.sort)
    query = sa.select(IMAGES)
    if page.marker is not None:
        query = query.where(_after(sort, _marker(conn, page.marker, sort, project_id, is_admin)))
    conditions.extend(_comparison(item) for item in filters.comparisons)
    conditions.extend(_has_property(name, value) for name, value in filters.properties.items())
    conditions.extend(_has_tag(tag) for tag in filters.tags)
    order = [_key(item.key).desc() if item.descending else _key(item.key).asc() for item in sort]
    return records_of(conn, conn.execute(query.where(*conditions).order_by(*order).limit(page.limit)).all())


def _visible(filters: Filters, project_id: str | None, is_admin: bool) -> list[Condition]:
    own = IMAGES.c.owner == project_id if project_id is not None else sa.false()
    shared = _shared_with(project_id, filters.member_status)
    visibility = IMAGES.c.visibility
    if filters.visibility is None:
        return [] if is_admin else [sa.or_(own, visibility == "public", shared)]
    if filters.visibility == "all":
        return [] if is_admin else [sa.or_(own, visibility.in_(("public", "community")), shared)]
    conditions: list[Condition] = [visibility == filters.visibility]
    if filters.visibility == "private" and not is_admin:
        conditions.append(own)
    if filters.visibility == "shared" and not is_admin:
        conditions.append(sa.or_(own, shared))
    return conditions


def _shared_with(project_id: str | None, status: str) -> Condition:
    if project_id is None:
        return sa.false()
    member = sa.select(MEMBERS.c.image_id).where(MEMBERS.c.image_id == IMAGES.c.id, MEMBERS.c.member_id == project_id)
    if status != "all":
        member = member.where(MEMBERS.c.status == status)
    return sa.and_(IMAGES.c.visibility == "shared", member.exists())


def _comparison(item: Comparison) -> Condition:
    condition: Condition = _OPERATORS[item.operator](IMAGES.c[item.column], item.value)
    return condition


def _has_property(name: str, value: str) -> Condition:
    return (
        sa.select(PROPERTIES.c.image_id)
        .where(PROPERTIES.c.image_id == IMAGES.c.id, PROPERTIES.c.name == name, PROPERTIES.c.value == value)
        .exists()
    )


def _has_tag(tag: str) -> Condition:
    return sa.select(TAGS.c.image_id).where(TAGS.c.image_id == IMAGES.c.id, TAGS.c.value == tag).exists()


def _with_id(sort: Sequence[Sort]) -> list[Sort]:
    """The id last, so that the order is total and a marker means one place in it."""
    keys = list(sort)
    if all(item.key != "id" for item in keys):
        keys.append(Sort(key="id", descending=keys[-1].descending if keys else True))
    return keys


def _key(name: str) -> sa.ColumnElement[Any]:
    """A sort key without NULLs, which databases place differently and no marker compares with.

    It is a number where not every database has an order of truth values.
    """
    column = IMAGES.c[name]
    if isinstance(column.type, sa.Boolean):
        return sa.case((column, 1), else_=0)
    if not column.nullable:
        return column
    return sa.func.coalesce(column, -1 if isinstance(column.type, sa.BigInteger) else "")


def _marker(
    conn: Connection, marker: str, sort: Sequence[Sort], project_id: str | None, is_admin: bool
) -> tuple[Any, ...]:
    seen = _visible(Filters(visibility="all", member_status="all"), project_id, is_admin)
    keys = [_key(item.key).label(f"key_{item.key}") for item in sort]
    row = conn.execute(sa.select(*keys).where(IMAGES.c.id == marker, *seen)).first()
    if row is None:
        raise exception.InvalidMarker(marker=marker)
    return tuple(row)


def _after(sort: Sequence[Sort], values: tuple[Any, ...]) -> Condition:
    """(a, b, id) beyond the marker's, each key in its own direction."""
    steps: list[Condition] = []
    for place, item in enumerate(sort):
        equal = [_key(before.key) == values[index] for index, before in enumerate(sort[:place])]
        beyond = _key(item.key) < values[place] if item.descending else _key(item.key) > values[place]
        steps.append(sa.and_(*equal, beyond))
    return sa.or_(*steps)
