# SPDX-License-Identifier: Apache-2.0
"""resize, confirmResize, revertResize, migrate: the scheduler finds a host, the user decides whether it stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import schemas
from minicloud.api.v21.servers.actions.base import ANYTHING, Action, check_state, host_of
from minicloud.api.v21.servers.lookup import Found
from minicloud.context import RequestContext
from minicloud.db.api import flavors, mappings
from minicloud.db.cell import actions, instances, moves
from minicloud.db.session import retry_on_deadlock
from minicloud.objects import Flavor, Instance, Migration
from minicloud.web.moments import now

_RULE: Final = "os_compute_api:servers"
_MIGRATE: Final = "os_compute_api:os-migrate-server:migrate"

_RESIZE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "flavorRef": {"type": ["string", "integer"], "minLength": 1, "maxLength": 255, "minimum": 0},
        "OS-DCF:diskConfig": schemas.DISK_CONFIG,
    },
    "required": ["flavorRef"],
    "additionalProperties": False,
}
_HOST: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "properties": {"host": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}},
    "additionalProperties": False,
}


def resize(call: ApiCall, found: Found, body: Mapping[str, Any]) -> None:
    """
    :raises BadRequest: for a flavor that is not there, is the server's own or has no disk
    :raises QuotaExceeded: 403
    """
    flavor = _flavor(call, str(body["flavorRef"]))
    current = found.instance.flavor
    if flavor.root_gb == 0 and current.root_gb != 0:
        raise exception.BadRequest("Unable to resize to a flavor without a disk: it has no room for the server's own.")
    if flavor.flavorid == current.flavorid:
        raise exception.BadRequest("When resizing, instances must change flavor!")
    changes = {}
    if "OS-DCF:diskConfig" in body:
        changes["auto_disk_config"] = body["OS-DCF:diskConfig"] == "AUTO"
    _move(call, found, "resize", flavor, None, changes)


def migrate(call: ApiCall, found: Found, value: Any) -> None:
    host = value.get("host") if value and call.version >= 56 else None
    if host is not None:
        call.authorize(f"{_MIGRATE}:host", found.target)
        _check_host(call, found, host)
    _move(call, found, "migrate", found.instance.flavor, host, {})


def confirm(call: ApiCall, found: Found, _value: Any) -> None:
    instance, migration = _turn(call, found, "confirm_resize", "confirmResize", "confirming")
    assert found.home.compute is not None
    found.home.compute.confirm_resize(call.ctxt, migration.source_compute, instance, migration)


def revert(call: ApiCall, found: Found, _value: Any) -> None:
    instance, migration = _turn(call, found, "revert_resize", "revertResize", "reverting")
    assert found.home.compute is not None
    found.home.compute.revert_resize(call.ctxt, migration.dest_compute, instance, migration)


def _flavor(call: ApiCall, flavorid: str) -> Flavor:
    try:
        with call.app.api_db.reader() as conn:
            flavor = flavors.get(conn, flavorid)
    except exception.FlavorNotFound:
        raise exception.BadRequest("Unable to locate requested flavor.") from None
    if not (flavor.is_public or call.ctxt.has_admin_role or call.ctxt.project_id in flavor.projects):
        raise exception.BadRequest("Unable to locate requested flavor.")
    return flavor.replace(projects=())


def _check_host(call: ApiCall, found: Found, host: str) -> None:
    with call.app.api_db.reader() as conn:
        known = mappings.hosts(conn, found.home.uuid)
    if host not in known:
        raise exception.BadRequest(f"Compute host {host} could not be found.")
    if host == found.instance.host:
        raise exception.BadRequest("The target host can't be the same one.")


def _move(
    call: ApiCall, found: Found, method: str, flavor: Flavor, host: str | None, changes: Mapping[str, Any]
) -> None:
    """Count the quota, record the intent, ask the scheduler."""
    row = states.ACTIONS["resize"]
    check_state(found.instance, row, method)
    source = host_of(call, found)
    _charge(call, found.instance, flavor)
    try:
        with found.home.db.writer() as conn:
            instance = instances.update(
                conn,
                found.instance.uuid,
                now(),
                expected_vm_states=row.vm_states,
                expected_task_states=row.task_states,
                expected_host=source,
                task_state=row.running,
                progress=0,
                **changes,
            )
            actions.start(conn, call.ctxt, [instance.uuid], method, now())
    except exception.UnexpectedState:
        with found.home.db.reader() as conn:
            current = instances.get(conn, found.instance.uuid)
        # Another resize that was faster sets the size when it is over; nobody else does.
        if current.task_state is None or not current.task_state.startswith("resize_"):
            _uncharge(call, current)
        check_state(current, row, method)
        raise
    call.app.scheduler.resize_instance(call.ctxt, instance, flavor, host)


@retry_on_deadlock
def _charge(call: ApiCall, instance: Instance, flavor: Flavor) -> None:
    """Until the move is over, the larger of both sizes counts."""
    have = instance.flavor
    more = mappings.Usage(0, max(0, flavor.vcpus - have.vcpus), max(0, flavor.memory_mb - have.memory_mb))
    owner = RequestContext(project_id=instance.project_id, user_id=instance.user_id, overwrite=False)
    with call.app.api_db.writer() as conn:
        quota.check_servers(call.app.conf, conn, owner, more)
        vcpus, memory_mb = max(flavor.vcpus, have.vcpus), max(flavor.memory_mb, have.memory_mb)
        mappings.set_size(conn, instance.uuid, vcpus, memory_mb)


def _uncharge(call: ApiCall, instance: Instance) -> None:
    with call.app.api_db.writer() as conn:
        mappings.set_size(conn, instance.uuid, instance.flavor.vcpus, instance.flavor.memory_mb)


def _turn(call: ApiCall, found: Found, row_name: str, method: str, status: str) -> tuple[Instance, Migration]:
    """One of confirm and revert wins: the migration's status is swapped from finished.

    :raises BadRequest: for a server without a migration that waits for an answer
    """
    row = states.ACTIONS[row_name]
    check_state(found.instance, row, method)
    host_of(call, found)
    with found.home.db.writer() as conn:
        migration = moves.open_of(conn, found.instance.uuid)
        if migration is None or not moves.change(conn, migration.uuid, ("finished",), status, now()):
            raise exception.BadRequest("Instance has not been resized.")
        changes = {} if row.running is None else {"task_state": row.running}
        instance = instances.update(
            conn,
            found.instance.uuid,
            now(),
            expected_vm_states=row.vm_states,
            expected_task_states=row.task_states,
            **changes,
        )
        actions.start(conn, call.ctxt, [instance.uuid], method, now())
    return instance, migration


ACTIONS = (
    Action("resize", resize, f"{_RULE}:resize", _RESIZE),
    Action("confirmResize", confirm, f"{_RULE}:confirm_resize", ANYTHING, status=204),
    Action("revertResize", revert, f"{_RULE}:revert_resize", ANYTHING),
    Action("migrate", migrate, _MIGRATE, ANYTHING, until=55),
    Action("migrate", migrate, _MIGRATE, _HOST, since=56),
)
