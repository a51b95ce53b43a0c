# SPDX-License-Identifier: Apache-2.0
"""shelve, shelveOffload, unshelve: a server is put away as an image and comes back on whatever host has room.

https://docs.openstack.org/api-ref/compute/#shelve-server-shelve-action
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception, states
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions import snapshot
from minicloud.api.v21.servers.actions.base import ANYTHING, Action, begin, check_state
from minicloud.api.v21.servers.actions.moves import destination
from minicloud.api.v21.servers.delete import SHELVED_IMAGE as IMAGE
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.api import build_requests
from minicloud.db.cell import actions, instances
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import VM
from minicloud.web.moments import now

_RULE: Final = "os_compute_api:os-shelve"

_ZONE: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "properties": {"availability_zone": {"type": "string", "minLength": 1, "maxLength": 255}},
    "required": ["availability_zone"],
    "additionalProperties": False,
}
_PLACE: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "properties": {
        "availability_zone": {"type": ["string", "null"], "minLength": 1, "maxLength": 255},
        "host": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "minProperties": 1,
    "additionalProperties": False,
}


def shelve(call: ApiCall, found: Found, _value: Any) -> None:
    """The image is registered here, and gets its data from the server's host."""
    system = dict(found.instance.system_metadata)
    if found.instance.image_id:
        own = {"image_type": "snapshot"}
        name = f"{found.instance.display_name}-shelved"
        image = snapshot.register(call, found, "shelve", "shelve", {"name": name}, own)
        system[IMAGE] = image.id
    try:
        begin(call, found, "shelve", "shelve", ComputeStub.shelve_instance, system_metadata=system)
    except exception.MinicloudError:
        if IMAGE in system:
            call.app.images.delete(call.ctxt, system[IMAGE])
        raise


def offload(call: ApiCall, found: Found, _value: Any) -> None:
    begin(call, found, "shelve_offload", "shelveOffload", ComputeStub.shelve_offload_instance)


def unshelve(call: ApiCall, found: Found, value: Mapping[str, Any] | None) -> None:
    """
    :raises BadRequest: for a zone or a host that is not there
    :raises Conflict: 409, for a place asked for while the server is still on its host
    """
    place = (value or {}) if call.version >= 77 else {}
    check_state(found.instance, states.ACTIONS["unshelve"], "unshelve")
    if found.instance.vm_state == VM.SHELVED:
        if place:
            raise exception.Conflict(
                "Specifying an availability zone or a host to unshelve to is allowed only for a server that is "
                f"{VM.SHELVED_OFFLOADED}; {found.instance.uuid} is {found.instance.vm_state}."
            )
        begin(call, found, "unshelve", "unshelve", ComputeStub.unshelve_instance, progress=0)
        return
    host = place.get("host")
    _check_place(call, found, place, host)
    instance = _begin(call, found, place)
    call.app.scheduler.unshelve_instance(call.ctxt, instance, host)


def _check_place(call: ApiCall, found: Found, place: Mapping[str, Any], host: str | None) -> None:
    if host is not None:
        call.authorize(f"{_RULE}:unshelve_to_host", found.target)
        destination.check_host(call, found, host, exception.BadRequest)
    zone = place.get("availability_zone", found.instance.pinned_availability_zone)
    if zone is not None:
        destination.check_zone(call, zone, host)


def _begin(call: ApiCall, found: Found, place: Mapping[str, Any]) -> Instance:
    """A zone holds for later moves too, and null for none."""
    row = states.ACTIONS["unshelve"]
    changes = {}
    if "availability_zone" in place:
        zone = place["availability_zone"]
        changes["pinned_availability_zone"] = zone
        with call.app.api_db.writer() as conn:
            spec = build_requests.spec(conn, found.instance.uuid)
            if spec is not None:
                build_requests.save_spec(conn, found.instance.uuid, spec.replace(availability_zone=zone))
    with found.home.db.writer() as conn:
        instance = instances.update(
            conn,
            found.instance.uuid,
            now(),
            expected_vm_states=(VM.SHELVED_OFFLOADED,),
            expected_task_states=row.task_states,
            task_state=row.running,
            progress=0,
            **changes,
        )
        actions.start(conn, call.ctxt, [instance.uuid], "unshelve", now())
    return instance


ACTIONS = (
    Action("shelve", shelve, f"{_RULE}:shelve", ANYTHING),
    Action("shelveOffload", offload, f"{_RULE}:shelve_offload", ANYTHING),
    Action("unshelve", unshelve, f"{_RULE}:unshelve", ANYTHING, until=76),
    Action("unshelve", unshelve, f"{_RULE}:unshelve", _ZONE, since=77, until=90),
    Action("unshelve", unshelve, f"{_RULE}:unshelve", _PLACE, since=91),
)
