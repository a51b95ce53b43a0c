# SPDX-License-Identifier: Apache-2.0
"""List services; enable, disable, force down and forget them."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from minicloud import exception
from minicloud.api import hosts
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.services import policy, schema
from minicloud.db.api import mappings
from minicloud.db.cell import compute_nodes, instances, services
from minicloud.web.moments import iso_micro, now
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

Known = hosts.KnownService

_STATE = (
    Field("binary", lambda call, one: hosts.wire_name(one.service.binary)),
    Field("host", lambda call, one: one.service.host),
    Field("zone", lambda call, one: one.zone),
    Field("status", lambda call, one: "disabled" if one.service.disabled else "enabled"),
    Field("state", lambda call, one: "up" if one.up else "down"),
    Field("updated_at", lambda call, one: iso_micro(one.service.last_seen_up)),
    Field("disabled_reason", lambda call, one: one.service.disabled_reason),
    Field("forced_down", lambda call, one: one.service.forced_down, since=11),
)
SHOWN: View[Known] = View(
    Field("id", lambda call, one: one.service.id, until=52),
    Field("id", lambda call, one: one.service.uuid, since=53),
    *_STATE,
)


def index(call: ApiCall) -> dict[str, Any]:
    host, binary = call.param("host"), call.param("binary")
    found, down = hosts.all_services(call.app)
    wanted = [
        one
        for one in found
        if host in (None, one.service.host) and (binary is None or hosts.house_name(binary) == one.service.binary)
    ]
    shown = SHOWN.render_all(call, wanted)
    if call.version >= 69 and down:
        shown += _unknown(call, [cell.uuid for cell in down], host)
    return {"services": shown}


def _unknown(call: ApiCall, cells: list[str], host: str | None) -> list[dict[str, str]]:
    """What is known of computes whose cell does not answer (2.69)."""
    with call.app.api_db.reader() as conn:
        mapped = mappings.hosts(conn)
    return [
        {"binary": hosts.wire_name(hosts.COMPUTE), "host": name, "status": "UNKNOWN"}
        for name, cell in mapped.items()
        if cell in cells and host in (None, name)
    ]


# --- from 2.53: PUT /os-services/{uuid} ---


def update(call: ApiCall, service_id: str) -> dict[str, Any]:
    body = call.body
    changes: dict[str, Any] = {}
    if body.get("status") == "enabled":
        if "disabled_reason" in body:
            raise exception.BadRequest("Specifying 'disabled_reason' when status is 'enabled' is invalid.")
        changes = {"disabled": False, "disabled_reason": None}
    elif body.get("status") == "disabled":
        changes = {"disabled": True, "disabled_reason": body.get("disabled_reason")}
    elif "disabled_reason" in body:
        raise exception.BadRequest("Specifying 'disabled_reason' without status 'disabled' is invalid.")
    if "forced_down" in body:
        changes["forced_down"] = _boolean(body["forced_down"])
    known = _by_uuid(call, service_id)
    if known.service.binary != hosts.COMPUTE:
        raise exception.BadRequest(f"Updating a {hosts.wire_name(known.service.binary)} service is not supported.")
    return {"service": SHOWN.render(call, _change(call, known, changes))}


def _by_uuid(call: ApiCall, service_id: str) -> Known:
    _uuid_like(service_id)
    for one in hosts.all_services(call.app)[0]:
        if one.service.uuid == service_id:
            return one
    raise exception.ServiceNotFound(service_id=service_id)


def _uuid_like(service_id: str) -> None:
    if len(service_id.replace("-", "")) != 32:
        raise exception.BadRequest(f"Invalid uuid {service_id[:60]}")


def _change(call: ApiCall, known: Known, changes: dict[str, Any]) -> Known:
    with known.cell.db.writer() as conn:
        services.update(conn, known.service.uuid, now(), **changes)
    (after,) = [one for one in hosts.all_services(call.app)[0] if one.service.uuid == known.service.uuid]
    return after


# --- up to 2.52: PUT /os-services/enable and its kin ---


def update_legacy(call: ApiCall, service_id: str) -> dict[str, Any]:
    verb = _VERBS.get(service_id)
    if verb is None or (service_id == "force-down" and call.version < 11):
        raise exception.NotFound("Unknown action")
    changes, shown = verb(call.body)
    host, binary = call.body["host"], hosts.house_name(call.body["binary"])
    known = [one for one in hosts.all_services(call.app)[0] if (one.service.host, one.service.binary) == (host, binary)]
    if not known:
        raise exception.HostNotFound(host=host)
    _change(call, known[0], changes)
    return {"service": {"host": host, "binary": call.body["binary"], **shown}}


def _enable(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"disabled": False, "disabled_reason": None}, {"status": "enabled"}


def _disable(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"disabled": True, "disabled_reason": None}, {"status": "disabled"}


def _disable_because(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    reason = body.get("disabled_reason")
    if not reason:
        raise exception.BadRequest("Missing disabled reason field")
    return {"disabled": True, "disabled_reason": reason}, {"status": "disabled", "disabled_reason": reason}


def _force_down(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if "forced_down" not in body:
        raise exception.BadRequest("Missing forced_down field")
    down = _boolean(body["forced_down"])
    return {"forced_down": down}, {"forced_down": down}


_VERBS = {
    "enable": _enable,
    "disable": _disable,
    "disable-log-reason": _disable_because,
    "force-down": _force_down,
}


def _boolean(value: bool | str) -> bool:
    return value if isinstance(value, bool) else value.lower() == "true"


# --- DELETE ---


def delete(call: ApiCall, service_id: str) -> None:
    known = _by_uuid(call, service_id) if call.version >= 53 else _by_number(call, service_id)
    host = known.service.host
    with known.cell.db.writer() as conn:
        if known.service.binary == hosts.COMPUTE:
            if instances.on_host(conn, host):
                raise exception.Conflict(
                    "Unable to delete compute service that is hosting instances. Migrate or delete the instances first."
                )
            compute_nodes.delete(conn, host)
        services.delete(conn, known.service.uuid)
    if known.service.binary == hosts.COMPUTE:
        _forget_host(call, host)


def _forget_host(call: ApiCall, host: str) -> None:
    with call.app.api_db.writer() as conn, contextlib.suppress(exception.HostNotFound):
        mappings.unmap_host(conn, host)


def _by_number(call: ApiCall, service_id: str) -> Known:
    if not re.fullmatch(r"[0-9]{1,18}", service_id):
        raise exception.BadRequest(f"Invalid service id {service_id[:60]}: it is a whole number before 2.53.")
    found = [one for one in hosts.all_services(call.app)[0] if one.service.id == int(service_id)]
    if len(found) > 1:
        raise exception.BadRequest(f"Service id {service_id} refers to multiple services; use 2.53 and its uuid.")
    if not found:
        raise exception.ServiceNotFound(service_id=service_id)
    return found[0]


_ONE = "/os-services/{service_id}"

OPERATIONS = (
    Operation("GET", "/os-services", index, rule=policy.LIST, query=schema.LIST),
    Operation("PUT", _ONE, update_legacy, rule=policy.UPDATE, body=schema.LEGACY, until=52),
    Operation("PUT", _ONE, update, rule=policy.UPDATE, body=schema.UPDATE, since=53),
    Operation("DELETE", _ONE, delete, rule=policy.DELETE, status=204),
)
