# SPDX-License-Identifier: Apache-2.0
"""What all actions on a server share: a row of the table, and how one begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import hosts
from minicloud.api.v21.servers.lookup import Found
from minicloud.context import RequestContext
from minicloud.db.cell import actions, instances
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.web.moments import now
from minicloud.web.validation import Schema

#: (call, server, value of the action's key) -> answer
Handler = Callable[[ApiCall, Found, Any], Any]

#: Tells a host to begin: (stub, context, host, instance).
Cast = Callable[[ComputeStub, RequestContext, str, Instance], None]

#: Actions that take nothing; clients send null, {} or anything at all.
ANYTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Action:
    """One key of ``POST /servers/{id}/action``, within a window of microversions."""

    key: str
    handler: Handler
    #: Policy rule, checked against the server's project; None: the handler does it.
    rule: str | None
    #: JSON Schema of the key's value.
    value: dict[str, Any]
    status: int = 202
    since: int = 1
    until: int | None = None
    #: Whether a lock keeps everybody but administrators from it.
    heeds_lock: bool = True

    def schema(self) -> Schema:
        """The schema of the whole body."""
        properties = {self.key: self.value}
        return Schema(
            {"type": "object", "properties": properties, "required": [self.key], "additionalProperties": False}
        )


def check_state(instance: Instance, row: states.Action, method: str) -> None:
    """
    :param method: what the message calls the action
    :raises InstanceInvalidState: 409, with Nova's words
    """
    if instance.vm_state not in row.vm_states:
        raise exception.InstanceInvalidState(
            method=method, instance_uuid=instance.uuid, attr="vm_state", state=instance.vm_state
        )
    if instance.task_state not in row.task_states:
        raise exception.InstanceInvalidState(
            method=method, instance_uuid=instance.uuid, attr="task_state", state=instance.task_state
        )


def host_of(call: ApiCall, found: Found) -> str:
    """The host of a server, which is up.

    :raises Conflict: 409, when there is none yet, or it is down
    """
    host = found.instance.host
    if host is None:
        raise exception.Conflict(f"Instance {found.instance.uuid} is not ready")
    if not hosts.is_up(call, found.home, host):
        raise exception.Conflict(f"Service is unavailable at this time: the host of {found.instance.uuid} is down.")
    return host


def begin(call: ApiCall, found: Found, name: str, method: str, cast: Cast, **changes: Any) -> Instance:
    """Check, record and tell the host: the way of every lifecycle action.

    :param name: the row of ``states.ACTIONS``
    :param method: what the action's record and messages call it
    :param changes: fields of the instance that change at once
    :returns: the instance as its host is told of it
    :raises InstanceInvalidState: 409
    """
    row = states.ACTIONS[name]
    check_state(found.instance, row, method)
    host = host_of(call, found)
    cell = found.home
    with cell.db.writer() as conn:
        try:
            instance = instances.update(
                conn,
                found.instance.uuid,
                now(),
                expected_vm_states=row.vm_states,
                expected_task_states=row.task_states,
                expected_host=host,
                task_state=row.running,
                **changes,
            )
        except exception.UnexpectedState:
            # Somebody was faster; say it as if we had seen that at once.
            check_state(instances.get(conn, found.instance.uuid), row, method)
            raise
        actions.start(conn, call.ctxt, [instance.uuid], method, now())
    assert cell.compute is not None
    cast(cell.compute, call.ctxt, host, instance)
    return instance
