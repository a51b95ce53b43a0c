# SPDX-License-Identifier: Apache-2.0
"""The query of a listing: filters with operators, sort keys, limit and marker.

A value is ``x``, ``eq:x``, ``neq:x``, ``gt:``, ``gte:``, ``lt:``, ``lte:`` where the column
has an order, or ``in:a,"b,c"``; every key that is no column is a custom property.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minicloud import exception
from minicloud.builtin.image import records
from minicloud.builtin.image.records import Comparison, Filters, Page, Sort
from minicloud.web import moments

_LARGEST = 2**63 - 1
_DIGITS = 19
_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte")
_PAGING = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir"})
_TRUE, _FALSE = ("true", "1", "yes", "t"), ("false", "0", "no", "f")


def _number(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or int(text) > _LARGEST:
        raise exception.BadRequest(f"{key} must be a whole number from 0 to {_LARGEST}, not {text[:40]!r}")
    return int(text)


def _moment(key: str, text: str) -> Any:
    found = moments.parse(text)
    if found is None:
        raise exception.BadRequest(f"{key} must be a moment in ISO 8601, not {text[:40]!r}")
    return found


def _truth(key: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise exception.BadRequest(f"{key} must be true or false, not {text[:40]!r}")
    return word in _TRUE


def _text(_key: str, text: str) -> str:
    return text


#: Key -> column, what its text becomes, and the operator when none is written.
_COLUMNS: Mapping[str, tuple[str, Callable[[str, str], Any], str]] = {
    **{key: (key, _text, "eq") for key in ("id", "name", "status", "owner", "disk_format", "container_format")},
    **{key: (key, _text, "eq") for key in ("checksum", "os_hash_algo", "os_hash_value")},
    **{key: (key, _number, "eq") for key in ("size", "virtual_size", "min_disk", "min_ram")},
    **{key: (key, _truth, "eq") for key in ("protected", "os_hidden")},
    **{key: (key, _moment, "eq") for key in ("created_at", "updated_at")},
    "size_min": ("size", _number, "gte"),
    "size_max": ("size", _number, "lte"),
}
_IN = ("id", "name", "status", "disk_format", "container_format")
_WITH_ORDER = ("created_at", "updated_at")


def read(query: Mapping[str, Sequence[str]]) -> Filters:
    """
    :raises BadRequest: naming the key that cannot be understood
    """
    comparisons: list[Comparison] = []
    properties: dict[str, str] = {}
    for key, values in query.items():
        if any("\0" in text for text in (key, *values)):
            raise exception.BadRequest(f"{key[:40]!r} must not have a NUL character")
        if key in _PAGING or key in ("tag", "visibility", "member_status"):
            continue
        if key in _COLUMNS:
            comparisons.extend(_compare(key, value) for value in values)
        else:
            properties[key] = values[-1]
    if "os_hidden" not in query:
        comparisons.append(Comparison(column="os_hidden", operator="eq", value=False))
    return Filters(
        comparisons=tuple(comparisons),
        properties=properties,
        tags=tuple(query.get("tag", ())),
        visibility=_choice(query, "visibility", (*records.VISIBILITIES, "all")),
        member_status=_choice(query, "member_status", (*records.MEMBER_STATUSES, "all")) or "accepted",
    )


def page(query: Mapping[str, Sequence[str]], default: int, most: int) -> Page:
    """
    :param default: images on a page when the query says nothing
    :raises BadRequest: naming the key that cannot be understood
    """
    limit = _last(query, "limit")
    size = default if limit in (None, "") else _number("limit", str(limit))
    return Page(limit=min(size, most), marker=_last(query, "marker") or None, sort=_sort(query))


def _compare(key: str, value: str) -> Comparison:
    column, convert, operator = _COLUMNS[key]
    word, colon, rest = value.partition(":")
    if colon and word == "in" and key in _IN:
        return Comparison(column=column, operator="in", value=[convert(key, item) for item in _items(key, rest)])
    if colon and word in _ORDERED and (key in _WITH_ORDER or word == "eq"):
        operator, value = word, rest
    elif colon and word.isalpha() and key in _WITH_ORDER:
        raise exception.BadRequest(f"{key} knows the operators {', '.join(_ORDERED)}, not {word[:40]!r}")
    return Comparison(column=column, operator=operator, value=convert(key, value))


def _items(key: str, text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise exception.BadRequest(f"The list given for {key} is not quoted rightly.") from None
    if len(rows) != 1 or len(rows[0]) > 1000:
        raise exception.BadRequest(f"{key} takes a list of 1 to 1000 values.")
    return rows[0]


def _choice(query: Mapping[str, Sequence[str]], key: str, allowed: Sequence[str]) -> str | None:
    value = _last(query, key)
    if value is not None and value not in allowed:
        raise exception.BadRequest(f"{key} must be one of {', '.join(allowed)}, not {value[:40]!r}")
    return value


def _last(query: Mapping[str, Sequence[str]], key: str) -> str | None:
    values = query.get(key)
    return values[-1] if values else None


def _sort(query: Mapping[str, Sequence[str]]) -> tuple[Sort, ...]:
    compact = _last(query, "sort")
    keys, directions = query.get("sort_key", ()), query.get("sort_dir", ())
    if compact is not None and (keys or directions):
        raise exception.BadRequest("sort cannot be used together with sort_key or sort_dir.")
    if compact is not None:
        pairs = [
            (name.strip(), way.strip() or "desc") for name, _, way in (i.partition(":") for i in compact.split(","))
        ]
    else:
        if len(directions) > max(len(keys), 1):
            raise exception.BadRequest("There are more sort_dir than sort_key.")
        ways = list(directions) if len(directions) > 1 else list(directions or ("desc",)) * max(len(keys), 1)
        if len(ways) != max(len(keys), 1):
            raise exception.BadRequest("sort_dir must be given once, or once for each sort_key.")
        pairs = list(zip(keys or ("created_at",), ways, strict=True))
    return tuple(_sort_key(name, way) for name, way in pairs)


def _sort_key(name: str, way: str) -> Sort:
    if name not in records.SORT_KEYS:
        raise exception.BadRequest(f"Invalid sort key: {name[:40]}. It must be one of: {', '.join(records.SORT_KEYS)}.")
    if way not in ("asc", "desc"):
        raise exception.BadRequest(f"Invalid sort direction: {way[:40]}. It must be asc or desc.")
    return Sort(key=name, descending=way == "desc")
