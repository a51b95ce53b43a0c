# SPDX-License-Identifier: Apache-2.0
"""Between rows and structs: columns and fields have the same names."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from minicloud.objects import Struct

S = TypeVar("S", bound=Struct)


@functools.cache
def _keys(table: sa.Table) -> dict[str, str]:
    """Names of columns -> their keys, which differ for names that SQLAlchemy keeps for itself."""
    return {column.name: column.key for column in table.columns}


@functools.cache
def _types(struct: type[Struct]) -> dict[str, Any]:
    """Fields and their types; working them out costs a thousand times what looking them up does."""
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def fields_of(table: sa.Table, struct: type[Struct]) -> list[sa.Column[Any]]:
    """The columns of a table that a struct has fields for, labelled with the fields' names."""
    names = set(struct.__struct_fields__)
    return [column.label(column.name) for column in table.columns if column.name in names]  # type: ignore[misc]


def to_struct(struct: type[S], row: sa.Row[Any], **more: Any) -> S:
    """A struct from a row selected with :func:`fields_of`."""
    return struct(**row._mapping, **more)


def to_values(table: sa.Table, value: Struct, **more: Any) -> dict[str, Any]:
    """Column values of a struct, for an INSERT; fields without a column are left out."""
    keys = _keys(table)
    values = {keys[name]: getattr(value, name) for name in value.__struct_fields__ if name in keys and name != "id"}
    return {**values, **more}


def convert_changes(table: sa.Table, struct: type[Struct], changes: dict[str, Any]) -> dict[str, Any]:
    """Changes as they arrive in a message (moments as text, structs as dicts) as column values.

    :raises ValueError: for a field that the struct or the table does not have
    """
    keys = _keys(table)
    known = _types(struct)
    if unknown := changes.keys() - (known.keys() & keys.keys()):
        raise ValueError(f"{struct.__name__} has no column {', '.join(sorted(unknown))}")
    return {keys[name]: msgspec.convert(value, known[name], strict=False) for name, value in changes.items()}
