# SPDX-License-Identifier: Apache-2.0
"""os-resetState: an operator says what a server's state is; forceDelete: delete without delay."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import delete as deletion
from minicloud.api.v21.servers.actions.base import ANYTHING, Action
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.cell import actions, instances
from minicloud.states import VM
from minicloud.web.moments import now

_STATE = {
    "type": "object",
    "properties": {"state": {"enum": ["active", "error"]}},
    "required": ["state"],
    "additionalProperties": False,
}


def reset_state(call: ApiCall, found: Found, value: Any) -> None:
    """Whatever was going on is given up: its host finds that out by compare-and-swap."""
    with found.home.db.writer() as conn:
        instances.update(
            conn,
            found.instance.uuid,
            now(),
            vm_state=VM.ACTIVE if value["state"] == "active" else VM.ERROR,
            task_state=None,
        )
        actions.record(conn, call.ctxt, found.instance.uuid, "resetState", now())


def restore(_call: ApiCall, found: Found, _value: Any) -> None:
    """Servers are deleted at once, so that none can be restored."""
    instance = found.instance
    raise exception.InstanceInvalidState(
        method="restore", instance_uuid=instance.uuid, attr="vm_state", state=instance.vm_state
    )


def force_delete(call: ApiCall, found: Found, _value: Any) -> None:
    deletion.delete(call, found.instance.uuid, found)


ACTIONS = (
    Action("os-resetState", reset_state, "os_compute_api:os-admin-actions:reset_state", _STATE, heeds_lock=False),
    Action("restore", restore, "os_compute_api:os-deferred-delete:restore", ANYTHING),
    Action("forceDelete", force_delete, "os_compute_api:os-deferred-delete:force", ANYTHING),
)
