# SPDX-License-Identifier: Apache-2.0
"""os-migrateLive: a server goes to another host while it runs.

https://docs.openstack.org/api-ref/compute/#live-migrate-server-os-migratelive-action
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import hosts, schemas
from minicloud.api.v21.servers.actions.base import Action, check_state
from minicloud.api.v21.servers.actions.moves import destination
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.cell import actions, instances
from minicloud.web.moments import now

_RULE: Final = "os_compute_api:os-migrate-server:migrate_live"

_HOST: Final[dict[str, Any]] = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
#: true, false, as words too, or "auto".
_BLOCK: Final[dict[str, Any]] = {"enum": [*schemas.BOOLEAN["enum"], "auto"]}


def _body(block: dict[str, Any], *required: str, **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"host": _HOST, "block_migration": block, **more},
        "required": ["host", "block_migration", *required],
        "additionalProperties": False,
    }


#: Before 2.34 who asks waits until a host has been found and checked.
ASYNCHRONOUS: Final = 34


def live_migrate(call: ApiCall, found: Found, body: Mapping[str, Any]) -> None:
    """
    :raises BadRequest: for an unknown host, the server's own, while a host is down, or, before 2.34, when no
        host can take it
    """
    host = body["host"]
    forced = schemas.is_true(body.get("force", False))
    block = None if body["block_migration"] == "auto" else schemas.is_true(body["block_migration"])
    if forced and host is None:
        raise exception.BadRequest("Can't force to a non-provided destination")
    _check(call, found, host)
    instance = _begin(call, found)
    wait = call.version < ASYNCHRONOUS
    try:
        call.app.scheduler.live_migrate_instance(call.ctxt, instance, host, block, forced, wait)
    except exception.MinicloudError as error:
        if not wait:
            raise
        raise exception.BadRequest(error.message) from None


def _check(call: ApiCall, found: Found, host: str | None) -> None:
    check_state(found.instance, states.ACTIONS["live_migrate"], "os-migrateLive")
    source = str(found.instance.host)
    if host is not None:
        call.authorize(f"{_RULE}:host", found.target)
        destination.check_host(call, found, host, exception.BadRequest)
    for name in (source, host):
        if name is not None and not hosts.is_up(call, found.home, name):
            raise exception.BadRequest(f"Compute service of {name} is unavailable at this time.")


def _begin(call: ApiCall, found: Found) -> Any:
    row = states.ACTIONS["live_migrate"]
    with found.home.db.writer() as conn:
        try:
            instance = instances.update(
                conn,
                found.instance.uuid,
                now(),
                expected_vm_states=row.vm_states,
                expected_task_states=row.task_states,
                expected_host=found.instance.host,
                task_state=row.running,
                progress=0,
            )
        except exception.UnexpectedState:
            check_state(instances.get(conn, found.instance.uuid), row, "os-migrateLive")
            raise
        actions.start(conn, call.ctxt, [instance.uuid], "live-migration", now())
    return instance


ACTIONS = (
    Action(
        "os-migrateLive",
        live_migrate,
        _RULE,
        _body(schemas.BOOLEAN, "disk_over_commit", disk_over_commit=schemas.BOOLEAN),
        until=24,
    ),
    Action("os-migrateLive", live_migrate, _RULE, _body(_BLOCK), since=25, until=29),
    Action("os-migrateLive", live_migrate, _RULE, _body(_BLOCK, force=schemas.BOOLEAN), since=30, until=67),
    Action("os-migrateLive", live_migrate, _RULE, _body(_BLOCK), since=68),
)
