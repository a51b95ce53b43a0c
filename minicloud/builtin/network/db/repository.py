# SPDX-License-Identifier: Apache-2.0
"""What every entity's repository does alike: find, list a page, insert, update, delete, count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.builtin.network.db import models
from minicloud.builtin.network.entities import Standard
from minicloud.web.moments import now

T = TypeVar("T", bound=Standard)

#: Values a statement may carry, safely below every database's limit.
CHUNK = 500


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of an entity, in which order, which page."""

    #: Whose view it is: None sees all rows.
    project_id: str | None = None
    #: Column -> values, any of which may match.
    filters: dict[str, list[Any]] = {}
    #: Filters on tags: "tags", "tags-any", "not-tags", "not-tags-any" -> tags.
    tags: dict[str, list[str]] = {}
    #: (column, whether descending)
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    marker: str | None = None
    reverse: bool = False


class Repository(Generic[T]):
    """One entity's rows; each function takes the connection of its transaction."""

    def __init__(
        self,
        table: sa.Table,
        entity: type[T],
        missing: Callable[[str], Exception],
        visible: Callable[[str], sa.ColumnElement[bool]] | None = None,
    ) -> None:
        """
        :param missing: id -> the error of a row that is not there
        :param visible: project -> which rows it may see; default its own
        """
        self.table = table
        self.entity = entity
        self.missing = missing
        self.visible = visible or (lambda project_id: table.c.project_id == project_id)
        self._get = sa.select(table).where(table.c.id == sa.bindparam("key"))
        self._insert = sa.insert(table)
        self._count = sa.select(sa.func.count()).select_from(table).where(table.c.project_id == sa.bindparam("wanted"))
        #: Column -> the rows in which it is one of some values.
        self._among: dict[str, sa.Select[Any]] = {}
        self._defaults = {
            field.name: field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            for field in msgspec.structs.fields(entity)
            if field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        }

    def rows(self, conn: Connection, *clauses: sa.ColumnElement[bool]) -> list[T]:
        """All rows for which the clauses hold, oldest first."""
        query = sa.select(self.table).where(*clauses).order_by(self.table.c.created_at, self.table.c.id)
        return [self.entity(**row) for row in conn.execute(query).mappings()]

    def among(self, conn: Connection, column: str, values: Iterable[str]) -> list[T]:
        """All rows whose column is one of the values."""
        wanted = list(dict.fromkeys(values))
        found: list[T] = []
        query = self._among.get(column)
        if query is None:
            query = sa.select(self.table).where(self.table.c[column].in_(sa.bindparam("wanted", expanding=True)))
            query = self._among[column] = query.order_by(self.table.c.created_at, self.table.c.id)
        for at in range(0, len(wanted), CHUNK):
            found += [self.entity(**row) for row in conn.execute(query, {"wanted": wanted[at : at + CHUNK]}).mappings()]
        return found

    def find(self, conn: Connection, key: str, project_id: str | None = None) -> T | None:
        """
        :param project_id: when given, only a row this project may see
        """
        query: sa.Select[Any] = self._get
        if project_id is not None:
            query = query.where(self.visible(project_id))
        row = conn.execute(query, {"key": key}).mappings().first()
        return None if row is None else self.entity(**row)

    def get(self, conn: Connection, key: str, project_id: str | None = None) -> T:
        """Like :meth:`find`.

        :raises NotFound: of this entity
        """
        found = self.find(conn, key, project_id)
        if found is None:
            raise self.missing(key)
        return found

    def insert(self, conn: Connection, **values: Any) -> T:
        (made,) = self.insert_all(conn, [values])
        return made

    def insert_all(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[T]:
        """Several rows in one statement."""
        moment = now()
        common = {"revision_number": 0, "created_at": moment, "updated_at": moment}
        complete = [{"id": str(uuid4()), **self._defaults, **common, **row} for row in rows]
        if complete:
            conn.execute(self._insert, complete)
        return [self.entity(**row) for row in complete]

    def update(self, conn: Connection, key: str, **changes: Any) -> T:
        """Change a row and count its revision up.

        :raises NotFound: of this entity
        """
        changes |= {"updated_at": now(), "revision_number": self.table.c.revision_number + 1}
        conn.execute(sa.update(self.table).where(self.table.c.id == key).values(**changes))
        return self.get(conn, key)

    def delete(self, conn: Connection, key: str) -> bool:
        """
        :returns: whether it was there
        """
        conn.execute(sa.delete(models.Tag).where(models.Tag.resource_id == key))
        return bool(conn.execute(sa.delete(self.table).where(self.table.c.id == key)).rowcount)

    def count(self, conn: Connection, project_id: str) -> int:
        return int(conn.scalar(self._count, {"wanted": project_id}) or 0)

    def page(self, conn: Connection, listing: Listing, *clauses: sa.ColumnElement[bool]) -> list[T]:
        """The rows of a page.

        :raises InvalidMarker: when the marker is no row that may be seen
        """
        query = sa.select(self.table).where(*clauses, *self._where(listing))
        order = self._order(listing)
        if listing.marker is not None:
            marker = self.find(conn, listing.marker, listing.project_id)
            if marker is None:
                raise exception.InvalidMarker(marker=listing.marker)
            query = query.where(_after(order, marker))
        query = query.order_by(*(column.desc() if down else column.asc() for column, down, _name in order))
        if listing.limit is not None:
            query = query.limit(listing.limit)
        found = [self.entity(**row) for row in conn.execute(query).mappings()]
        return found[::-1] if listing.reverse else found

    def _where(self, listing: Listing) -> list[sa.ColumnElement[bool]]:
        clauses = [] if listing.project_id is None else [self.visible(listing.project_id)]
        for column, values in listing.filters.items():
            clauses.append(_matches(self.table.c[column], values))
        for key, tags in listing.tags.items():
            clauses.append(_tagged(self.table.c.id, key, tags))
        return clauses

    def _order(self, listing: Listing) -> list[_Key]:
        keys = list(listing.sort)
        if not any(name == "id" for name, _down in keys):
            # Rows made together keep the order they were made in.
            keys += [("id", False)] if keys else [("created_at", False), ("id", False)]
        return [(_comparable(self.table.c[name]), down != listing.reverse, name) for name, down in keys]


def nothing() -> sa.ColumnElement[bool]:
    """A clause that no row meets."""
    return sa.false()


#: What it sorts by, whether downwards, and the field that has it.
_Key = tuple[sa.ColumnElement[Any], bool, str]


def _comparable(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """NULL sorts first here and last there, and is never before a marker; so it becomes a value."""
    if not column.nullable:
        return column
    return sa.func.coalesce(column, -1 if isinstance(column.type, sa.Integer) else "")


def _matches(column: sa.Column[Any], values: list[Any]) -> sa.ColumnElement[bool]:
    if None in values:
        return sa.or_(column.is_(None), column.in_([value for value in values if value is not None]))
    return column == values[0] if len(values) == 1 else column.in_(values)


def _tagged(key: sa.Column[Any], mode: str, tags: list[str]) -> sa.ColumnElement[bool]:
    having = sa.select(models.Tag.resource_id).where(models.Tag.tag.in_(tags))
    if mode in ("tags", "not-tags"):
        having = having.group_by(models.Tag.resource_id).having(sa.func.count() == len(set(tags)))
    return key.not_in(having) if mode.startswith("not-") else key.in_(having)


def _after(order: Sequence[_Key], marker: Standard) -> sa.ColumnElement[bool]:
    """Rows that sort after the marker: by the first key, or alike there and by the next …"""
    choices: list[sa.ColumnElement[bool]] = []
    alike: list[sa.ColumnElement[bool]] = []
    for column, down, name in order:
        value = getattr(marker, name)
        if value is None:
            value = -1 if isinstance(column.type, sa.Integer) else ""
        choices.append(sa.and_(*alike, column < value if down else column > value))
        alike.append(column == value)
    return sa.or_(*choices)
