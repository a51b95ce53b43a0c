# SPDX-License-Identifier: Apache-2.0
"""lock and unlock: who locked may unlock, and whoever may override."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup, policy
from minicloud.api.v21.servers.actions.base import ANYTHING, Action
from minicloud.api.v21.servers.lookup import Found
from minicloud.cells import Cell
from minicloud.db.cell import actions, instances
from minicloud.objects import Instance
from minicloud.web.moments import now

_REASON = {
    "type": ["object", "null"],
    "properties": {"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}},
    "additionalProperties": False,
}


def _kind(call: ApiCall, instance: Instance) -> str:
    """As whom the caller locks."""
    return "owner" if instance.project_id == call.ctxt.project_id else "admin"


def lock(call: ApiCall, found: Found, value: Any) -> None:
    # An owner's lock does not take the place of an administrator's, which would weaken it.
    if found.instance.locked_by == "admin" and _kind(call, found.instance) == "owner":
        return
    reason = value.get("locked_reason") if call.version >= 73 and value else None
    _store(call, found, "lock", locked_by=_kind(call, found.instance), locked_reason=reason)


def unlock(call: ApiCall, found: Found, _value: Any) -> None:
    if found.instance.locked_by not in (None, _kind(call, found.instance)):
        call.authorize(policy.UNLOCK_OVERRIDE, found.target)
    _store(call, found, "unlock", locked_by=None, locked_reason=None)


def _store(call: ApiCall, found: Found, action: str, **changes: Any) -> None:
    def store(cell: Cell, instance: Instance) -> Instance:
        with cell.db.writer() as conn:
            actions.record(conn, call.ctxt, instance.uuid, action, now())
            return instances.update(conn, instance.uuid, now(), **changes)

    lookup.change(call, found, lambda one: one.replace(**changes, updated_at=now()), store)


ACTIONS = (
    Action("lock", lock, "os_compute_api:os-lock-server:lock", ANYTHING, until=72, heeds_lock=False),
    Action("lock", lock, "os_compute_api:os-lock-server:lock", _REASON, since=73, heeds_lock=False),
    Action("unlock", unlock, policy.UNLOCK, ANYTHING, heeds_lock=False),
)
