# SPDX-License-Identifier: Apache-2.0
"""/os-simple-tenant-usage: how long the servers of a project ran in a period.

https://docs.openstack.org/api-ref/compute/#usage-reports-os-simple-tenant-usage
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from minicloud import exception
from minicloud.api import links
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.cell import usage
from minicloud.objects import Instance
from minicloud.web import paging, policy
from minicloud.web.moments import iso_micro, now, parse
from minicloud.web.operation import Operation
from minicloud.web.validation import query
from minicloud.web.view import Field, View

LIST: Final = "os_compute_api:os-simple-tenant-usage:list"
SHOW: Final = "os_compute_api:os-simple-tenant-usage:show"
_PATH: Final = "/os-simple-tenant-usage"

RULES = (
    policy.rule(LIST, policy.ADMIN, "See what all projects used.", ("GET", _PATH)),
    policy.rule(SHOW, policy.ADMIN_OR_READER, "See what a project used.", ("GET", f"{_PATH}/{{tenant_id}}")),
)

_TEXT: Final = {"type": "string", "maxLength": 64}
_PERIOD: Final = {
    "start": _TEXT,
    "end": _TEXT,
    **{key: {**schema, "x-since": 40} for key, schema in paging.PAGING.items()},
}

PAGED: Final = 40


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    stop: datetime


@dataclass(frozen=True, slots=True)
class Used:
    """What one server used in a period."""

    server: Instance
    #: Within the period.
    seconds: float
    #: Since it was started.
    uptime: int

    @property
    def hours(self) -> float:
        return self.seconds / 3600

    @property
    def local_gb(self) -> int:
        return self.server.flavor.root_gb + self.server.flavor.ephemeral_gb


VIEW: Final[View[Used]] = View(
    Field("instance_id", lambda _call, one: one.server.uuid),
    Field("name", lambda _call, one: one.server.display_name),
    Field("hours", lambda _call, one: one.hours),
    Field("flavor", lambda _call, one: one.server.flavor.name),
    Field("vcpus", lambda _call, one: one.server.flavor.vcpus),
    Field("memory_mb", lambda _call, one: one.server.flavor.memory_mb),
    Field("local_gb", lambda _call, one: one.local_gb),
    Field("tenant_id", lambda _call, one: one.server.project_id),
    Field("started_at", lambda _call, one: iso_micro(one.server.launched_at)),
    Field("ended_at", lambda _call, one: iso_micro(one.server.terminated_at)),
    Field("state", lambda _call, one: "terminated" if one.server.terminated_at else one.server.vm_state),
    Field("uptime", lambda _call, one: one.uptime),
)


def index(call: ApiCall) -> dict[str, Any]:
    """All projects that used something.

    :raises NotFound: for a project whose id a client left empty
    """
    if call.request.path_info.endswith("/"):
        raise exception.NotFound("The resource could not be found.")
    period = _period(call)
    detailed = call.param("detailed") == "1"
    found, more = _page(call, _used(call, period, None))
    usages = [
        _summary(call, period, project, list(group), detailed=detailed)
        for project, group in groupby(found, key=lambda one: one.server.project_id)
    ]
    return {"tenant_usages": usages, **_next(call, "tenant_usages", _PATH, found, more)}


def show(call: ApiCall, tenant_id: str) -> dict[str, Any]:
    call.authorize(SHOW, {"project_id": tenant_id})
    period = _period(call)
    found, more = _page(call, _used(call, period, tenant_id))
    usage_of_all = _summary(call, period, tenant_id, found, detailed=True) if found else {}
    return {"tenant_usage": usage_of_all, **_next(call, "tenant_usage", f"{_PATH}/{tenant_id}", found, more)}


def _period(call: ApiCall) -> Period:
    """Both ends are now, unless given.

    :raises BadRequest: for what is no moment, or no period
    """
    start, stop = _moment(call, "start"), _moment(call, "end")
    if start >= stop:
        raise exception.BadRequest("Invalid start time. The start time cannot occur after the end time.")
    return Period(start, stop)


def _moment(call: ApiCall, key: str) -> datetime:
    text = call.param(key)
    moment = parse(text) if text else now()
    if moment is None:
        raise exception.BadRequest(f"Invalid input for query parameter {key}: {str(text)[:40]!r} is not a date-time.")
    return moment


def _used(call: ApiCall, period: Period, project_id: str | None) -> list[Used]:
    def ask(cell: Cell) -> list[Instance]:
        with cell.db.reader() as conn:
            return usage.ran_between(conn, period.start, period.stop, project_id)

    answers = call.app.cells.scatter(ask).answers.values()
    found = [_of(one, period) for answer in answers for one in answer]
    return sorted(
        found, key=lambda one: (one.server.project_id, one.server.launched_at or period.stop, one.server.uuid)
    )


def _of(server: Instance, period: Period) -> Used:
    began = server.launched_at or period.stop
    ended = min(server.terminated_at or period.stop, period.stop)
    seconds = max(0.0, (ended - max(began, period.start)).total_seconds())
    return Used(server, seconds, max(0, int(((server.terminated_at or now()) - began).total_seconds())))


def _page(call: ApiCall, found: list[Used]) -> tuple[list[Used], bool]:
    return links.page(call, found, lambda one: one.server.uuid) if call.version >= PAGED else (found, False)


def _next(call: ApiCall, name: str, path: str, found: Sequence[Used], more: bool) -> dict[str, Any]:
    return links.next_page(call, name, path, found[-1].server.uuid) if more and found else {}


def _summary(call: ApiCall, period: Period, project_id: str, used: list[Used], *, detailed: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "tenant_id": project_id,
        "start": iso_micro(period.start),
        "stop": iso_micro(period.stop),
        "total_hours": sum(one.hours for one in used),
        "total_vcpus_usage": sum(one.hours * one.server.flavor.vcpus for one in used),
        "total_memory_mb_usage": sum(one.hours * one.server.flavor.memory_mb for one in used),
        "total_local_gb_usage": sum(one.hours * one.local_gb for one in used),
    }
    if detailed:
        answer["server_usages"] = VIEW.render_all(call, used)
    return answer


OPERATIONS = (
    Operation("GET", _PATH, index, LIST, query=query({**_PERIOD, "detailed": _TEXT})),
    Operation("GET", f"{_PATH}/{{tenant_id}}", show, query=query(_PERIOD)),
)
