# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/os-instance-actions: what was asked of a server, and the steps it took.

https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.views import host_id
from minicloud.db.cell import actions
from minicloud.objects import ActionEvent, InstanceAction
from minicloud.web import moments, paging
from minicloud.web.moments import iso_micro
from minicloud.web.operation import Operation
from minicloud.web.validation import query
from minicloud.web.view import Field, View

_RULE: Final = "os_compute_api:os-instance-actions"
EVENTS: Final = f"{_RULE}:events"
DETAILS: Final = f"{_RULE}:events:details"

_LIST: Final = query(
    {
        **{key: {**schema, "x-since": 58} for key, schema in paging.PAGING.items()},
        "changes-since": {"type": "string", "format": "date-time", "x-since": 58},
        "changes-before": {"type": "string", "format": "date-time", "x-since": 66},
    },
    strict_since=58,
)

ACTION: Final[View[InstanceAction]] = View(
    Field("action", lambda _call, one: one.action),
    Field("instance_uuid", lambda _call, one: one.instance_uuid),
    Field("request_id", lambda _call, one: one.request_id),
    Field("user_id", lambda _call, one: one.user_id),
    Field("project_id", lambda _call, one: one.project_id),
    Field("start_time", lambda _call, one: iso_micro(one.start_time)),
    Field("message", lambda _call, one: one.message),
    Field("updated_at", lambda _call, one: iso_micro(one.updated_at or one.start_time), since=58),
)

#: Sources take the event; its server's project is added by :func:`_events`.
EVENT: Final[View[ActionEvent]] = View(
    Field("event", lambda _call, one: one.event),
    Field("start_time", lambda _call, one: iso_micro(one.start_time)),
    Field("finish_time", lambda _call, one: iso_micro(one.finish_time)),
    Field("result", lambda _call, one: one.result),
    Field("traceback", lambda _call, one: one.traceback, rule=EVENTS),
    Field("host", lambda _call, one: one.host, since=62, rule=EVENTS),
    Field("details", lambda _call, one: one.details, since=84, rule=DETAILS),
)


def _find(call: ApiCall, server_id: str, rule: str) -> lookup.Found:
    """The server; deleted ones are told of from 2.21 on."""
    found = lookup.find_deleted(call, server_id) if call.version >= 21 else lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    return found


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    found = _find(call, server_id, "list")
    if found.cell is None:
        return {"instanceActions": []}
    since, before = _moment(call, "changes-since"), _moment(call, "changes-before")
    if since is not None and before is not None and since > before:
        raise exception.BadRequest("The value of changes-since must be less than or equal to changes-before.")
    paged = call.version >= 58
    limit = paging.limit(call, call.app.conf.api.max_limit) if paged else None
    marker = call.param("marker") if paged else None
    with found.cell.db.reader() as conn:
        listed = actions.list_for(
            conn,
            server_id,
            limit=None if limit is None else limit + 1,
            marker=marker or None,
            since=since,
            before=before,
        )
    shown = listed if limit is None else listed[:limit]
    answer: dict[str, Any] = {"instanceActions": ACTION.render_all(call, shown)}
    if shown and len(listed) > len(shown):
        path = f"/v2.1/servers/{server_id}/os-instance-actions"
        answer["links"] = paging.next_link(call, path, shown[-1].request_id)
    return answer


def _moment(call: ApiCall, key: str) -> datetime | None:
    value = call.param(key) if call.version >= (58 if key == "changes-since" else 66) else None
    return None if value is None else moments.parse(value)


def show(call: ApiCall, server_id: str, request_id: str) -> dict[str, Any]:
    found = _find(call, server_id, "show")
    if found.cell is None:
        raise exception.ActionNotFound(request_id=request_id, instance_uuid=server_id)
    with found.cell.db.reader() as conn:
        action = actions.get(conn, server_id, request_id)
    answer = ACTION.render(call, action)
    # Before 2.51 events were for operators only.
    if call.version >= 51 or call.may(EVENTS):
        answer["events"] = _events(call, found, action)
    return {"instanceAction": answer}


def _events(call: ApiCall, found: lookup.Found, action: InstanceAction) -> list[dict[str, Any]]:
    answer = EVENT.render_all(call, list(action.events))
    if call.version >= 62:
        for event, shown in zip(action.events, answer, strict=True):
            shown["hostId"] = host_id(found.instance.project_id, event.host)
    return answer


_PATH: Final = "/servers/{server_id}/os-instance-actions"

OPERATIONS = (
    Operation("GET", _PATH, index, query=_LIST),
    Operation("GET", f"{_PATH}/{{request_id}}", show),
)
