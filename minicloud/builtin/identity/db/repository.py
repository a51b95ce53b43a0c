# SPDX-License-Identifier: Apache-2.0
"""What every entity's repository does alike: find, list with filters, insert, update, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud import exception
from minicloud.builtin.identity.db.models import Base
from minicloud.builtin.identity.errors import DuplicateRecord, RecordNotFound
from minicloud.builtin.identity.objects import Record

T = TypeVar("T", bound=Record)

#: ``?name__contains=x`` and its like: suffix -> condition.
_INEXACT: dict[str, Callable[[sa.Column[Any], str], sa.ColumnElement[bool]]] = {
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "icontains": lambda column, value: column.icontains(value, autoescape=True),
    "startswith": lambda column, value: column.startswith(value, autoescape=True),
    "istartswith": lambda column, value: column.istartswith(value, autoescape=True),
    "endswith": lambda column, value: column.endswith(value, autoescape=True),
    "iendswith": lambda column, value: column.iendswith(value, autoescape=True),
}
_FALSE = frozenset(("0", "false", "f", "no", "off", "n"))


class Repository(Generic[T]):
    """One table whose rows are ``struct``s; every function is one step of the caller's transaction."""

    def __init__(self, model: type[Base], struct: type[T], kind: str) -> None:
        """
        :param kind: what messages call it, such as ``project``
        """
        self.table: sa.Table = model.__table__  # type: ignore[assignment]  # declarative types it as FromClause
        self.struct = struct
        self.kind = kind
        self._order = self.table.c["name" if "name" in self.table.c else "id"]

    def get(self, conn: Connection, id: str) -> T:
        """
        :raises RecordNotFound: 404
        """
        found = self.find(conn, id=id)
        if found is None:
            raise RecordNotFound(kind=self.kind, id=id)
        return found

    def find(self, conn: Connection, **equal: Any) -> T | None:
        """The one row whose columns equal these."""
        row = conn.execute(sa.select(self.table).filter_by(**equal)).first()
        return None if row is None else self.struct(**row._mapping)

    def listing(self, conn: Connection, filters: Mapping[str, Any] | None = None) -> list[T]:
        """
        :param filters: column, or ``column__contains`` and so on, to the value it must have
        """
        query = sa.select(self.table).order_by(self._order, self.table.c.id)
        for key, value in (filters or {}).items():
            query = query.where(self._condition(key, value))
        return [self.struct(**row._mapping) for row in conn.execute(query)]

    def _condition(self, key: str, value: Any) -> sa.ColumnElement[bool]:
        name, _, inexact = key.partition("__")
        column = self.table.c.get(name)
        if column is None or (inexact and inexact not in _INEXACT):
            raise exception.BadRequest(f"There is no filter {key[:80]!r}.")
        if inexact:
            return _INEXACT[inexact](column, str(value))
        if isinstance(column.type, sa.Boolean) and isinstance(value, str):
            value = value.strip().lower() not in _FALSE
        equal: sa.ColumnElement[bool] = column == value
        return equal

    def insert(self, conn: Connection, record: T) -> None:
        """
        :raises DuplicateRecord: 409
        """
        self._write(conn, sa.insert(self.table).values(msgspec.structs.asdict(record)))

    def update(self, conn: Connection, record: T) -> None:
        """
        :raises DuplicateRecord: 409
        """
        self._write(
            conn, sa.update(self.table).where(self.table.c.id == record.id).values(msgspec.structs.asdict(record))
        )

    def _write(self, conn: Connection, statement: sa.Insert | sa.Update) -> None:
        try:
            conn.execute(statement)
        except db_exc.DBDuplicateEntry:
            raise DuplicateRecord(kind=self.kind, what="this name") from None

    def delete(self, conn: Connection, id: str) -> None:
        conn.execute(sa.delete(self.table).where(self.table.c.id == id))

    def delete_where(self, conn: Connection, **equal: Any) -> None:
        """Delete all rows whose columns equal these."""
        conn.execute(sa.delete(self.table).filter_by(**equal))
