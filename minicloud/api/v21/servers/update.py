# SPDX-License-Identifier: Apache-2.0
"""PUT /servers/{id}: what may be changed of a server without touching its guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup, wanted
from minicloud.cells import Cell
from minicloud.db.api import aggregates, build_requests
from minicloud.db.cell import instances
from minicloud.objects import Instance
from minicloud.web.moments import now

#: Key of the body -> field of the record, where a value is taken as it is.
_FIELDS: Final = {
    "name": "display_name",
    "description": "description",
    "hostname": "hostname",
    "pinned_availability_zone": "pinned_availability_zone",
}
_ADDRESSES: Final = {"accessIPv4": "access_ip_v4", "accessIPv6": "access_ip_v6"}


def update(call: ApiCall, found: lookup.Found) -> lookup.Found:
    """Make the changes of the body; the server afterwards.

    :raises Conflict: for a zone that the server is not in
    """
    changes = _changes(call.body["server"])
    if "pinned_availability_zone" in changes:
        _check_zone(call, found, changes["pinned_availability_zone"])

    def store(cell: Cell, instance: Instance) -> Instance:
        with cell.db.writer() as conn:
            return instances.update(conn, instance.uuid, now(), **changes)

    if changes:
        lookup.change(call, found, lambda one: one.replace(**changes, updated_at=now()), store)
    if "pinned_availability_zone" in changes:
        _repin(call, found.instance.uuid, changes["pinned_availability_zone"])
    return lookup.find(call, found.instance.uuid)


def _changes(server: Mapping[str, Any]) -> dict[str, Any]:
    changes = {field: server[key] for key, field in _FIELDS.items() if key in server}
    changes |= {field: wanted.address(server[key]) for key, field in _ADDRESSES.items() if key in server}
    if "OS-DCF:diskConfig" in server:
        changes["auto_disk_config"] = server["OS-DCF:diskConfig"] == "AUTO"
    return changes


def _check_zone(call: ApiCall, found: lookup.Found, zone: str | None) -> None:
    """A server may be pinned to the zone it is in, or to none."""
    if zone is None:
        return
    default = call.app.conf.default_availability_zone
    with call.app.api_db.reader() as conn:
        zones = {default, *(aggregate.availability_zone for aggregate in aggregates.find_all(conn))}
    if zone not in zones:
        raise exception.BadRequest("The requested availability zone is not available")
    current = found.instance.availability_zone or default
    if found.instance.host is None or current != zone:
        raise exception.Conflict(
            f"Cannot pin instance {found.instance.uuid} to availability zone {zone[:80]}: it is in {current}."
        )


def _repin(call: ApiCall, uuid: str, zone: str | None) -> None:
    """Later moves read the zone from the request's spec."""
    with call.app.api_db.writer() as conn:
        spec = build_requests.spec(conn, uuid)
        if spec is not None:
            build_requests.save_spec(conn, uuid, spec.replace(availability_zone=zone))
