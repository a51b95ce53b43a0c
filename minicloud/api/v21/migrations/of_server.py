# SPDX-License-Identifier: Apache-2.0
"""The live migrations of one server that are going on: how far they are, and how they are ended.

https://docs.openstack.org/api-ref/compute/#server-migrations-servers-migrations
"""

from __future__ import annotations

from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.actions.base import ANYTHING
from minicloud.db.cell import actions, moves
from minicloud.objects import Migration
from minicloud.web import policy
from minicloud.web.moments import iso_micro, now
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema
from minicloud.web.view import Field, View

_RULE: Final = "os_compute_api:servers:migrations"
_ALL: Final = "/servers/{server_id}/migrations"
_ONE: Final = f"{_ALL}/{{migration_id}}"

RULES = (
    policy.rule(f"{_RULE}:index", policy.ADMIN, "List a server's live migrations.", ("GET", _ALL)),
    policy.rule(f"{_RULE}:show", policy.ADMIN, "Show a server's live migration.", ("GET", _ONE)),
    policy.rule(
        f"{_RULE}:force_complete", policy.ADMIN, "End a live migration at any price.", ("POST", f"{_ONE}/action")
    ),
    policy.rule(f"{_RULE}:delete", policy.ADMIN, "Abort a live migration.", ("DELETE", _ONE)),
)

VIEW: Final[View[Migration]] = View(
    Field("id", lambda _call, one: one.id),
    Field("uuid", lambda _call, one: one.uuid, since=59),
    Field("server_uuid", lambda _call, one: one.instance_uuid),
    Field("status", lambda _call, one: one.status),
    Field("source_compute", lambda _call, one: one.source_compute),
    Field("source_node", lambda _call, one: one.source_node),
    Field("dest_compute", lambda _call, one: one.dest_compute),
    Field("dest_host", lambda _call, one: one.dest_compute),
    Field("dest_node", lambda _call, one: one.dest_node),
    Field("memory_total_bytes", lambda _call, one: one.memory_total),
    Field("memory_processed_bytes", lambda _call, one: one.memory_processed),
    Field("memory_remaining_bytes", lambda _call, one: one.memory_remaining),
    Field("disk_total_bytes", lambda _call, one: one.disk_total),
    Field("disk_processed_bytes", lambda _call, one: one.disk_processed),
    Field("disk_remaining_bytes", lambda _call, one: one.disk_remaining),
    Field("user_id", lambda _call, one: one.user_id, since=80),
    Field("project_id", lambda _call, one: one.project_id, since=80),
    Field("created_at", lambda _call, one: iso_micro(one.created_at)),
    Field("updated_at", lambda _call, one: iso_micro(one.updated_at)),
)

_FORCE: Final = Schema(
    {
        "type": "object",
        "properties": {"force_complete": ANYTHING},
        "required": ["force_complete"],
        "additionalProperties": False,
    }
)


def _find(call: ApiCall, server_id: str, rule: str) -> lookup.Found:
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    return found


def _going_on(found: lookup.Found) -> list[Migration]:
    if found.cell is None:
        return []
    with found.cell.db.reader() as conn:
        return moves.live_of(conn, found.instance.uuid)


def _one(found: lookup.Found, migration_id: str) -> Migration:
    """:raises MigrationNotFound: also for one that is over"""
    for one in _going_on(found):
        if str(one.id) == migration_id:
            return one
    raise exception.MigrationNotFound(migration_id=migration_id[:40], instance_uuid=found.instance.uuid)


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"migrations": VIEW.render_all(call, _going_on(_find(call, server_id, "index")))}


def show(call: ApiCall, server_id: str, migration_id: str) -> dict[str, Any]:
    return {"migration": VIEW.render(call, _one(_find(call, server_id, "show"), migration_id))}


def force_complete(call: ApiCall, server_id: str, migration_id: str) -> None:
    found, migration = _to_end(call, server_id, migration_id, "force_complete", ("running",))
    assert found.home.compute is not None
    found.home.compute.force_complete_live_migration(call.ctxt, migration.source_compute, found.instance)


def abort(call: ApiCall, server_id: str, migration_id: str) -> None:
    """Those that wait can be aborted from 2.65 on."""
    statuses = ("running", "queued", "preparing") if call.version >= 65 else ("running",)
    found, migration = _to_end(call, server_id, migration_id, "delete", statuses)
    assert found.home.compute is not None
    found.home.compute.abort_live_migration(call.ctxt, migration.source_compute, found.instance, migration)


def _to_end(
    call: ApiCall, server_id: str, migration_id: str, rule: str, statuses: tuple[str, ...]
) -> tuple[lookup.Found, Migration]:
    """
    :raises InstanceInvalidState: 409, for a server that does not move
    :raises InvalidMigrationState: 400
    """
    found = _find(call, server_id, rule)
    instance = found.instance
    method = "force complete" if rule == "force_complete" else "abort live migration"
    if instance.task_state != states.Task.MIGRATING:
        raise exception.InstanceInvalidState(
            method=method, instance_uuid=instance.uuid, attr="task_state", state=instance.task_state
        )
    migration = _one(found, migration_id)
    if migration.status not in statuses:
        raise exception.InvalidMigrationState(
            migration_id=migration_id, instance_uuid=instance.uuid, state=migration.status, method=method
        )
    asked = "live_migration_force_complete" if rule == "force_complete" else "live_migration_cancel"
    with found.home.db.writer() as conn:
        actions.record(conn, call.ctxt, instance.uuid, asked, now())
    return found, migration


OPERATIONS = (
    Operation("GET", _ALL, index, since=23),
    Operation("GET", _ONE, show, since=23),
    Operation("POST", f"{_ONE}/action", force_complete, body=_FORCE, status=202, since=22),
    Operation("DELETE", _ONE, abort, status=202, since=24),
)
