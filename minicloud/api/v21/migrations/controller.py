# SPDX-License-Identifier: Apache-2.0
"""Moves of all servers, of whatever kind."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from minicloud import exception
from minicloud.api import links
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.cell import moves
from minicloud.objects import Migration
from minicloud.web import paging, policy
from minicloud.web.moments import iso_micro, parse
from minicloud.web.operation import Operation
from minicloud.web.validation import query
from minicloud.web.view import Field, View

_INDEX: Final = "os_compute_api:os-migrations:index"

RULES = (policy.rule(_INDEX, policy.ADMIN, "List migrations.", ("GET", "/os-migrations")),)

VIEW: Final[View[Migration]] = View(
    Field("id", lambda _call, one: one.id),
    Field("uuid", lambda _call, one: one.uuid, since=59),
    Field("instance_uuid", lambda _call, one: one.instance_uuid),
    Field("status", lambda _call, one: one.status),
    Field("migration_type", lambda _call, one: one.migration_type, since=23),
    Field("source_compute", lambda _call, one: one.source_compute),
    Field("source_node", lambda _call, one: one.source_node),
    Field("dest_compute", lambda _call, one: one.dest_compute),
    Field("dest_host", lambda _call, one: one.dest_compute),
    Field("dest_node", lambda _call, one: one.dest_node),
    # Flavors have no numbers here, only the ids that users see.
    Field("old_instance_type_id", lambda _call, _one: None),
    Field("new_instance_type_id", lambda _call, _one: None),
    Field("user_id", lambda _call, one: one.user_id, since=80),
    Field("project_id", lambda _call, one: one.project_id, since=80),
    Field("created_at", lambda _call, one: iso_micro(one.created_at)),
    Field("updated_at", lambda _call, one: iso_micro(one.updated_at)),
)

_TEXT: Final = {"type": "string", "maxLength": 255}
_QUERY: Final = query(
    {
        **dict.fromkeys(("hidden", "host", "instance_uuid", "source_compute", "status", "migration_type"), _TEXT),
        "limit": {**paging.PAGING["limit"], "x-since": 59},
        "marker": {**paging.PAGING["marker"], "x-since": 59},
        "changes-since": {**_TEXT, "x-since": 59},
        "changes-before": {**_TEXT, "x-since": 66},
        "user_id": {**_TEXT, "x-since": 80},
        "project_id": {**_TEXT, "x-since": 80},
    },
    strict_since=59,
)

#: Keys of the query that are compared with the migration's field of the same name.
_EQUAL: Final = ("instance_uuid", "source_compute", "status", "migration_type", "user_id", "project_id")
_SINCE: Final = {"user_id": 80, "project_id": 80}


def index(call: ApiCall) -> dict[str, Any]:
    """Newest first; a page of them from 2.59 on."""
    since, before = _moment(call, "changes-since", 59), _moment(call, "changes-before", 66)
    found = [
        one
        for one in _all(call)
        if _matches(call, one)
        and (since is None or _changed(one) >= since)
        and (before is None or _changed(one) <= before)
    ]
    if call.version < 59:
        return {"migrations": VIEW.render_all(call, found)}
    marker = call.param("marker")
    if marker and marker not in {one.uuid for one in found}:
        raise exception.BadRequest(f"Marker {marker[:80]} could not be found.")
    page, more = links.page(call, found, lambda one: one.uuid)
    answer: dict[str, Any] = {"migrations": VIEW.render_all(call, page)}
    if more and page:
        answer |= links.next_page(call, "migrations", "/os-migrations", page[-1].uuid)
    return answer


def _all(call: ApiCall) -> list[Migration]:
    def ask(cell: Cell) -> list[Migration]:
        with cell.db.reader() as conn:
            return moves.find(conn)

    answers = call.app.cells.scatter(ask).answers.values()
    return sorted((one for answer in answers for one in answer), key=_age, reverse=True)


def _age(one: Migration) -> tuple[datetime, int]:
    return one.created_at or datetime.min, one.id


def _matches(call: ApiCall, one: Migration) -> bool:
    wanted = {key: call.param(key) for key in _EQUAL if call.version >= _SINCE.get(key, 1)}
    if any(value is not None and getattr(one, key) != value for key, value in wanted.items()):
        return False
    return call.param("host") in (None, one.source_compute, one.dest_compute)


def _changed(one: Migration) -> datetime:
    return one.updated_at or one.created_at or datetime.min


def _moment(call: ApiCall, key: str, since: int) -> datetime | None:
    """
    :raises BadRequest: for what is not a moment
    """
    text = call.param(key)
    if text is None or call.version < since:
        return None
    moment = parse(text)
    if moment is None:
        raise exception.BadRequest(f"Invalid input for query parameters {key}: {text[:40]!r} is not a date-time.")
    return moment


OPERATIONS = (Operation("GET", "/os-migrations", index, _INDEX, query=_QUERY),)
