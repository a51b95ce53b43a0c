# SPDX-License-Identifier: Apache-2.0
"""/os-server-external-events: what other services tell of servers.

https://docs.openstack.org/api-ref/compute/#create-external-events-os-server-external-events
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.cells import Cell
from minicloud.db.api import mappings
from minicloud.db.cell import instances
from minicloud.objects import ResourceEvent
from minicloud.web import policy
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema

_CREATE: Final = "os_compute_api:os-server-external-events:create"

RULES = (policy.rule(_CREATE, policy.SERVICE, "Tell of events of servers.", ("POST", "/os-server-external-events")),)

#: Name of an event -> microversion from which it is known.
_NAMES: Final = {
    "network-changed": 1,
    "network-vif-plugged": 1,
    "network-vif-unplugged": 1,
    "network-vif-deleted": 1,
    "volume-extended": 51,
    "power-update": 76,
    "accelerator-request-bound": 82,
    "volume-reimaged": 93,
}

_BODY: Final = Schema(
    {
        "type": "object",
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1000,
                "items": {
                    "type": "object",
                    "properties": {
                        "server_uuid": {"type": "string", "format": "uuid"},
                        "name": {"enum": list(_NAMES)},
                        "status": {"enum": ["failed", "completed", "in-progress"]},
                        "tag": {"type": "string", "maxLength": 255},
                    },
                    "required": ["server_uuid", "name"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["events"],
        "additionalProperties": False,
    }
)


def create(call: ApiCall) -> dict[str, Any]:
    """Each event is answered for itself: 200 when it is passed on, 404 and 422 when it cannot be.

    :raises BadRequest: for a name that this microversion does not have
    :raises NotFound: when none of the servers is known
    """
    events: list[dict[str, Any]] = call.body["events"]
    for number, event in enumerate(events):
        if call.version < _NAMES[event["name"]]:
            raise exception.BadRequest(f"Invalid input for field/attribute {number}: event {event['name']} is unknown.")
    hosts = _hosts(call, list({_uuid(event) for event in events}))
    answer = [_answered(event, hosts) for event in events]
    passed = [
        ResourceEvent(
            name=event["name"],
            server_uuid=_uuid(event),
            tag=event.get("tag"),
            status=event.get("status", "completed"),
        )
        for event, answered in zip(events, answer, strict=True)
        if answered["code"] == 200
    ]
    if all(one["code"] == 404 for one in answer):
        raise exception.NotFound("No instances found for any event")
    if passed:
        call.app.scheduler.external_events(call.ctxt, passed)
    if len(passed) < len(answer):
        call.status = 207
    return {"events": answer}


def _uuid(event: dict[str, Any]) -> str:
    return str(UUID(event["server_uuid"]))


def _answered(event: dict[str, Any], hosts: dict[str, str | None]) -> dict[str, Any]:
    """The event with how it ended."""
    answer = {"status": "completed", **event}
    uuid = _uuid(event)
    if uuid not in hosts:
        return {**answer, "status": "failed", "code": 404}
    if hosts[uuid] is None:
        return {**answer, "status": "failed", "code": 422}
    return {**answer, "code": 200}


def _hosts(call: ApiCall, uuids: list[str]) -> dict[str, str | None]:
    """Server -> host, of those that are known; None: none yet."""
    with call.app.api_db.reader() as conn:
        cells = mappings.cells_of(conn, uuids)
    found: dict[str, str | None] = {uuid: None for uuid, cell_uuid in cells.items() if cell_uuid is None}

    def ask(cell: Cell) -> dict[str, str | None]:
        with cell.db.reader() as conn:
            return {one.uuid: one.host for one in instances.find(conn, uuids) if not one.deleted}

    wanted = [call.app.cells.get(cell_uuid) for cell_uuid in {one for one in cells.values() if one is not None}]
    for answer in call.app.cells.scatter(ask, wanted).answers.values():
        found |= answer
    return found


OPERATIONS = (Operation("POST", "/os-server-external-events", create, _CREATE, body=_BODY),)
