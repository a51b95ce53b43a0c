# SPDX-License-Identifier: Apache-2.0
"""Links and pages as every resource shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.web import paging

T = TypeVar("T")


def of(call: ApiCall, collection: str, identity: str) -> list[dict[str, str]]:
    """``self`` at this version, ``bookmark`` without one."""
    return [
        {"rel": "self", "href": f"{call.url}/v2.1/{collection}/{identity}"},
        {"rel": "bookmark", "href": f"{call.url}/{collection}/{identity}"},
    ]


def page(call: ApiCall, things: Sequence[T], identity: Callable[[T], Any]) -> tuple[list[T], bool]:
    """The page of an ordered list that ``limit`` and ``marker`` ask for, and whether more follow.

    :raises InvalidMarker: when nothing has the marker's identity
    """
    rest = list(things)
    if marker := call.param("marker"):
        known = [str(identity(thing)) for thing in rest]
        if marker not in known:
            raise exception.InvalidMarker(marker=marker)
        rest = rest[known.index(marker) + 1 :]
    size = paging.limit(call)
    return rest[:size], bool(size) and len(rest) > size


def next_page(call: ApiCall, name: str, path: str, marker: str) -> dict[str, Any]:
    """``{"<name>_links": [next]}``"""
    return {f"{name}_links": paging.next_link(call, f"/v2.1{path}", marker)}
