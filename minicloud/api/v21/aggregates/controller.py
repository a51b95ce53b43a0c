# SPDX-License-Identifier: Apache-2.0
"""List, show, create, change and delete aggregates; their hosts and metadata."""

from __future__ import annotations

import re
from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.aggregates import policy, schema
from minicloud.db.api import aggregates, mappings
from minicloud.db.cell import instances
from minicloud.objects import Aggregate
from minicloud.web.moments import iso_micro, now
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

_ZONE = "availability_zone"

_BASE = (
    Field("id", lambda call, one: one.id),
    Field("uuid", lambda call, one: one.uuid, since=41),
    Field("name", lambda call, one: one.name),
    Field(_ZONE, lambda call, one: one.availability_zone),
    Field("created_at", lambda call, one: iso_micro(one.created_at)),
    Field("updated_at", lambda call, one: iso_micro(one.updated_at)),
    Field("deleted", lambda call, one: False),
    Field("deleted_at", lambda call, one: None),
)
#: The answer of a creation leaves out what it cannot have yet.
CREATED: View[Aggregate] = View(*_BASE)
SHOWN: View[Aggregate] = View(
    *_BASE,
    Field("hosts", lambda call, one: list(one.hosts)),
    Field("metadata", lambda call, one: one.metadata),
)


def _id(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise exception.BadRequest(f"Invalid aggregate id {text[:40]!r}: it is a whole number.")
    # PostgreSQL refuses to compare what does not fit the column; nothing has such an id.
    return max(-1, min(int(text), 2**31 - 1))


def index(call: ApiCall) -> dict[str, Any]:
    with call.app.api_db.reader() as conn:
        return {"aggregates": SHOWN.render_all(call, aggregates.find_all(conn))}


def show(call: ApiCall, aggregate_id: str) -> dict[str, Any]:
    with call.app.api_db.reader() as conn:
        return {"aggregate": SHOWN.render(call, aggregates.get(conn, _id(aggregate_id)))}


def create(call: ApiCall) -> dict[str, Any]:
    values = call.body["aggregate"]
    zone = values.get(_ZONE)
    with call.app.api_db.writer() as conn:
        made = aggregates.create(conn, values["name"], {_ZONE: zone} if zone else {}, now())
    return {"aggregate": CREATED.render(call, made)}


def delete(call: ApiCall, aggregate_id: str) -> None:
    number = _id(aggregate_id)
    with call.app.api_db.writer() as conn:
        found = aggregates.get(conn, number)
        if found.hosts:
            raise exception.BadRequest(f"Cannot remove host aggregate {number}: it still has hosts.")
        aggregates.delete(conn, number)


def update(call: ApiCall, aggregate_id: str) -> dict[str, Any]:
    values = call.body["aggregate"]

    def change(found: Aggregate) -> Aggregate:
        metadata = _merged(found.metadata, {_ZONE: values[_ZONE]}) if _ZONE in values else found.metadata
        return found.replace(name=values.get("name", found.name), metadata=metadata)

    return _change(call, aggregate_id, change)


def _change(call: ApiCall, aggregate_id: str, how: Any) -> dict[str, Any]:
    """Change an aggregate, unless a host would be in two zones or its servers would lose theirs."""
    number = _id(aggregate_id)
    with call.app.api_db.reader() as conn:
        before = aggregates.get(conn, number)
    after: Aggregate = how(before)
    _keep_servers_in_zones(call, before, after)
    with call.app.api_db.writer() as conn:
        _one_zone_per_host(aggregates.find_all(conn), how(aggregates.get(conn, number)))
        changed = aggregates.change(conn, number, how, now())
    return {"aggregate": SHOWN.render(call, changed)}


def _merged(metadata: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """Keys set to null are removed."""
    return {key: value for key, value in {**metadata, **changes}.items() if value is not None}


def _one_zone_per_host(known: list[Aggregate], after: Aggregate) -> None:
    if after.availability_zone is None:
        return
    for other in known:
        shared = set(other.hosts) & set(after.hosts)
        if other.id != after.id and shared and other.availability_zone not in (None, after.availability_zone):
            raise exception.Conflict(
                f"Cannot add host {sorted(shared)[0]} in aggregate {after.id}: it is in availability zone "
                f"{other.availability_zone} by aggregate {other.id}."
            )


def _keep_servers_in_zones(call: ApiCall, before: Aggregate, after: Aggregate) -> None:
    """A host with servers stays in its zone: servers do not move by a stroke of the pen."""
    leaving = set(before.hosts) if before.availability_zone != after.availability_zone else set()
    moved = leaving | ((set(before.hosts) ^ set(after.hosts)) if after.availability_zone else set())
    busy = [host for host in sorted(moved) if _has_servers(call, host)]
    if busy:
        raise exception.Conflict(
            f"Cannot change the availability zone of aggregate {before.id}: host {busy[0]} has servers."
        )


def _has_servers(call: ApiCall, host: str) -> bool:
    with call.app.api_db.reader() as conn:
        cell_uuid = mappings.hosts(conn).get(host)
    if cell_uuid is None:
        return False
    with call.app.cells.get(cell_uuid).db.reader() as conn:
        return bool(instances.on_host(conn, host))


# --- actions ---


def action(call: ApiCall, aggregate_id: str) -> dict[str, Any]:
    (verb,) = call.body
    rule, handler = _ACTIONS[verb]
    call.authorize(rule)
    result: dict[str, Any] = handler(call, aggregate_id, call.body[verb])
    return result


def _add_host(call: ApiCall, aggregate_id: str, body: dict[str, Any]) -> dict[str, Any]:
    host = body["host"]
    with call.app.api_db.reader() as conn:
        if host not in mappings.hosts(conn):
            raise exception.ComputeHostNotFound(host=host)

    def add(found: Aggregate) -> Aggregate:
        if host in found.hosts:
            raise exception.AggregateHostExists(aggregate_id=found.id, host=host)
        return found.replace(hosts=(*found.hosts, host))

    return _change(call, aggregate_id, add)


def _remove_host(call: ApiCall, aggregate_id: str, body: dict[str, Any]) -> dict[str, Any]:
    host = body["host"]

    def remove(found: Aggregate) -> Aggregate:
        if host not in found.hosts:
            raise exception.AggregateHostNotFound(aggregate_id=found.id, host=host)
        return found.replace(hosts=tuple(one for one in found.hosts if one != host))

    return _change(call, aggregate_id, remove)


def _set_metadata(call: ApiCall, aggregate_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return _change(call, aggregate_id, lambda found: found.replace(metadata=_merged(found.metadata, body["metadata"])))


_ACTIONS: dict[str, tuple[str, Any]] = {
    "add_host": (policy.ADD_HOST, _add_host),
    "remove_host": (policy.REMOVE_HOST, _remove_host),
    "set_metadata": (policy.SET_METADATA, _set_metadata),
}

_ONE = "/os-aggregates/{aggregate_id}"

OPERATIONS = (
    Operation("GET", "/os-aggregates", index, rule=policy.INDEX),
    Operation("POST", "/os-aggregates", create, rule=policy.CREATE, body=schema.CREATE),
    Operation("GET", _ONE, show, rule=policy.SHOW),
    Operation("PUT", _ONE, update, rule=policy.UPDATE, body=schema.UPDATE),
    Operation("DELETE", _ONE, delete, rule=policy.DELETE),
    Operation("POST", f"{_ONE}/action", action, body=schema.ACTION),
)
