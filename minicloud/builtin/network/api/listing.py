# SPDX-License-Identifier: Apache-2.0
"""What a query string asks of a list: filters, order, page and fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from minicloud import exception
from minicloud.builtin.network.api.resource import BOOLEAN, Attribute, Resource, boolean
from minicloud.builtin.network.db.repository import Listing
from minicloud.web import moments, paging
from minicloud.web.operation import Call

TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")
_ALIASES = {"tenant_id": "project_id"}


def listing(call: Call[Any], resource: Resource, viewer: str | None) -> Listing:
    """The page that a query asks for.

    :raises BadRequest: for a value that is none of its attribute, or an unknown key to sort by
    """
    filters: dict[str, list[Any]] = {}
    for key, values in call.query.items():
        attribute = resource.by_name.get(_ALIASES.get(key, key))
        own = key in resource.manager.FILTERS or key in TAG_FILTERS
        if attribute is not None and attribute.stored and not own:
            filters[attribute.column] = [_value(attribute, value) for value in values]
    tags = {
        key: [tag for value in call.query[key] for tag in value.split(",")] for key in TAG_FILTERS if key in call.query
    }
    limit = _limit(call)
    return Listing(
        project_id=viewer,
        filters=filters,
        tags=tags,
        sort=_sort(call, resource),
        limit=limit,
        marker=call.param("marker") or None,
        reverse=call.flag("page_reverse"),
    )


def special(call: Call[Any], resource: Resource) -> dict[str, list[str]]:
    """The filters that the resource's manager handles."""
    return {key: list(call.query[key]) for key in resource.manager.FILTERS if key in call.query}


def fields(query: Mapping[str, Sequence[str]]) -> set[str] | None:
    """The attributes to show; None for all."""
    wanted = {name for value in query.get("fields", ()) for name in value.split(",") if name}
    return wanted or None


def links(call: Call[Any], resource: Resource, page: Listing, keys: Sequence[str]) -> dict[str, Any]:
    """``networks_links``: where the next and the previous page are."""
    if page.limit is None or not keys:
        return {}
    found = []
    if page.reverse or len(keys) == page.limit:
        found.append({"rel": "next", "href": _href(call, resource, keys[-1], reverse=False)})
    if page.marker is not None or page.reverse:
        found.append({"rel": "previous", "href": _href(call, resource, keys[0], reverse=True)})
    return {f"{resource.plural}_links": found} if found else {}


def _href(call: Call[Any], resource: Resource, marker: str, *, reverse: bool) -> str:
    kept = [(k, v) for k, values in call.query.items() for v in values if k not in ("marker", "page_reverse")]
    kept.append(("marker", marker))
    if reverse:
        kept.append(("page_reverse", "True"))
    return f"{call.url}{resource.url}?{urlencode(kept)}"


def _limit(call: Call[Any]) -> int | None:
    if call.param("limit") in (None, "", "0"):
        return None
    return paging.limit(call, maximum=10000)


def _sort(call: Call[Any], resource: Resource) -> tuple[tuple[str, bool], ...]:
    keys, directions = call.query.get("sort_key", []), call.query.get("sort_dir", [])
    if directions and len(directions) != len(keys):
        raise exception.BadRequest("The number of sort_keys and sort_dirs must be same")
    found = []
    for place, key in enumerate(keys):
        attribute = resource.by_name.get(_ALIASES.get(key, key))
        if attribute is None or not attribute.stored:
            raise exception.InvalidSortKey(key=key[:80])
        direction = directions[place] if directions else "asc"
        if direction not in ("asc", "desc"):
            raise exception.BadRequest(f"sort_dir must be asc or desc, not {direction[:40]!r}")
        found.append((attribute.column, direction == "desc"))
    return tuple(found)


def _value(attribute: Attribute, text: str) -> Any:
    if attribute.schema is BOOLEAN:
        return boolean(text)
    if _is_number(attribute):
        if re.fullmatch(r"-?[0-9]{1,9}", text):
            return int(text)
        if text in ("", "None", "null"):
            return None
        raise exception.BadRequest(f"Invalid input for {attribute.name}. {text[:40]!r} is not a number.")
    if attribute.name in ("created_at", "updated_at"):
        moment = moments.parse(text)
        if moment is None:
            raise exception.BadRequest(f"Invalid input for {attribute.name}. {text[:40]!r} is not a date and time.")
        return moment
    return None if text == "None" else text


def _is_number(attribute: Attribute) -> bool:
    kind = (attribute.schema or {}).get("type", ())
    return "integer" in ([kind] if isinstance(kind, str) else kind) or attribute.name == "revision_number"
