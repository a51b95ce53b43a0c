# SPDX-License-Identifier: Apache-2.0
"""evacuate: a server whose host is down is made anew on another.

https://docs.openstack.org/api-ref/compute/#evacuate-server-evacuate-action
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import create, hosts, schemas
from minicloud.api.v21.servers.actions.base import Action, check_state
from minicloud.api.v21.servers.actions.moves import destination
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.cell import actions, instances
from minicloud.objects import Instance
from minicloud.web.moments import now

_RULE: Final = "os_compute_api:os-evacuate"

_PROPERTIES: Final[dict[str, Any]] = {
    "host": {"type": "string", "minLength": 1, "maxLength": 255},
    "adminPass": {"type": "string", "maxLength": 255},
}

#: From here on the guest of an evacuated server is not started.
STOPS: Final = 95


def _body(*required: str, **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**_PROPERTIES, **more},
        "required": list(required),
        "additionalProperties": False,
    }


def evacuate(call: ApiCall, found: Found, body: Mapping[str, Any]) -> dict[str, str] | None:
    """
    :raises BadRequest: while the server's host is up
    :raises HostNotFound: 404
    """
    row = states.ACTIONS["evacuate"]
    host = body.get("host")
    forced = schemas.is_true(body.get("force", False))
    if forced and host is None:
        raise exception.BadRequest("Can't force to a non-provided destination")
    if host is not None:
        destination.check_host(call, found, host, exception.NotFound)
    check_state(found.instance, row, "evacuate")
    source = found.instance.host
    if source is None:
        raise exception.Conflict(f"Instance {found.instance.uuid} is on no host.")
    if hosts.is_up(call, found.home, source):
        raise exception.BadRequest(f"Compute service of {source} is still in use.")
    instance = _begin(call, found, row)
    call.app.scheduler.evacuate_instance(call.ctxt, instance, host, forced, call.version >= STOPS)
    if call.version >= 14 or not call.app.conf.api.enable_instance_password:
        return None
    return {"adminPass": body.get("adminPass") or create.new_password()}


def _begin(call: ApiCall, found: Found, row: states.Action) -> Instance:
    """Marked, so that the old host lets it alone if it comes back right now."""
    with found.home.db.writer() as conn:
        instance = instances.update(
            conn,
            found.instance.uuid,
            now(),
            expected_vm_states=row.vm_states,
            expected_task_states=row.task_states,
            expected_host=found.instance.host,
            task_state=row.running,
            progress=0,
            system_metadata={**found.instance.system_metadata, "evacuating": "True"},
        )
        actions.start(conn, call.ctxt, [instance.uuid], "evacuate", now())
    return instance


ACTIONS = (
    Action(
        "evacuate", evacuate, _RULE, _body("onSharedStorage", onSharedStorage=schemas.BOOLEAN), status=200, until=13
    ),
    Action("evacuate", evacuate, _RULE, _body(), status=200, since=14, until=28),
    Action("evacuate", evacuate, _RULE, _body(force=schemas.BOOLEAN), status=200, since=29, until=67),
    Action("evacuate", evacuate, _RULE, _body(), status=200, since=68),
)
