# SPDX-License-Identifier: Apache-2.0
"""Create, read, update, delete: alike for every entity, with hooks for what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar
from uuid import uuid4

import msgspec

from minicloud import exception
from minicloud.builtin.identity.db import Connection
from minicloud.builtin.identity.db.repository import Repository
from minicloud.builtin.identity.errors import ImmutableRecord
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import Record

T = TypeVar("T", bound=Record)


class Records(Generic[T]):
    """The use cases of one entity; each method is one transaction."""

    #: Attributes that an update cannot change.
    FIXED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, store: Store, repository: Repository[T]) -> None:
        self.store = store
        self.repository = repository

    def get(self, id: str) -> T:
        """
        :raises RecordNotFound: 404
        """
        with self.store.db.reader() as conn:
            return self.repository.get(conn, id)

    def listing(self, filters: Mapping[str, Any] | None = None) -> list[T]:
        """
        :param filters: column, or ``column__contains`` and so on, to the value it must have
        """
        with self.store.db.reader() as conn:
            return self.repository.listing(conn, filters)

    def create(self, values: Mapping[str, Any]) -> T:
        """
        :param values: validated attributes; those the entity has no field for become extra
        :raises DuplicateRecord: 409
        """
        record = self._new(self._prepare(dict(values)))
        with self.store.db.writer() as conn:
            self._check(conn, record)
            self.repository.insert(conn, record)
        self.store.changed()
        return record

    def update(self, id: str, values: Mapping[str, Any]) -> T:
        """Change the attributes that are given.

        :raises RecordNotFound: 404
        :raises ImmutableRecord: 403
        """
        changes = self._prepare(dict(values))
        with self.store.db.writer() as conn:
            old = self.repository.get(conn, id)
            self._refuse_fixed(old, changes)
            known, extra = self._split(changes)
            record = msgspec.structs.replace(old, **known, extra={**old.extra, **extra})
            self._refuse_immutable(old, record)
            self._check(conn, record)
            self.repository.update(conn, record)
            self._updated(conn, old, record)
        self.store.changed()
        return record

    def delete(self, id: str) -> None:
        """
        :raises RecordNotFound: 404
        :raises ImmutableRecord: 403
        """
        with self.store.db.writer() as conn:
            record = self.repository.get(conn, id)
            self._refuse_immutable(record, record)
            self._release(conn, record)
            self.repository.delete(conn, id)
        self.store.changed()

    # Hooks -------------------------------------------------------------------------------------

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        """From the API's attributes to the entity's, before any transaction."""
        return values

    def _check(self, conn: Connection, record: T) -> None:
        """Refuse a record that refers to what does not exist."""

    def _updated(self, conn: Connection, old: T, new: T) -> None:
        """What follows from a change, in its transaction."""

    def _release(self, conn: Connection, record: T) -> None:
        """Refuse to delete it, or delete what goes with it."""

    # -------------------------------------------------------------------------------------------

    def _new(self, values: dict[str, Any]) -> T:
        known, extra = self._split(values)
        return self.repository.struct(**{"id": uuid4().hex, **known}, extra=extra)

    def _split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        fields = set(self.repository.struct.__struct_fields__) - {"extra"}
        known = {key: value for key, value in values.items() if key in fields}
        return known, {key: value for key, value in values.items() if key not in fields}

    def _refuse_fixed(self, old: T, changes: Mapping[str, Any]) -> None:
        for name in ("id", *self.FIXED):
            if name in changes and changes[name] != getattr(old, name):
                raise exception.ValidationError(field=name, reason="it cannot be changed")

    def _refuse_immutable(self, old: T, new: T) -> None:
        if _immutable(old) and _immutable(new):
            raise ImmutableRecord(kind=self.repository.kind, id=old.id)


def _immutable(record: Record) -> bool:
    return bool(getattr(record, "options", {}).get("immutable"))
