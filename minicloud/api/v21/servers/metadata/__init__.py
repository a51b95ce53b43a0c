# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/metadata: https://docs.openstack.org/api-ref/compute/#server-metadata-servers-metadata"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from minicloud import exception
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.schemas import METADATA
from minicloud.api.v21.servers.settled import check_settled
from minicloud.db.cell import instances
from minicloud.web.moments import now
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema

Items = dict[str, str]

_RULE: Final = "os_compute_api:server-metadata"


def _body(key: str, value: dict[str, Any]) -> Schema:
    return Schema({"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False})


ALL: Final = _body("metadata", METADATA)
ONE: Final = _body("meta", {**METADATA, "minProperties": 1, "maxProperties": 1})


def _read(call: ApiCall, server_id: str, rule: str) -> Items:
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    return found.instance.metadata


def _write(call: ApiCall, server_id: str, rule: str, change: Callable[[Items], Items]) -> Items:
    """
    :raises QuotaExceeded: 403, for too many items
    :raises InstanceInvalidState: 409, for a server that is not in a state of rest
    """
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    lookup.check_lock(call, found.instance)
    check_settled(found.instance, "delete metadata" if rule == "delete" else "update metadata")
    with call.app.api_db.reader() as conn:
        limits = quota.project_limits(call.app.conf, conn, found.instance.project_id)

    def checked(items: Items) -> Items:
        after = change(items)
        if len(after) > len(items):
            quota.check_metadata(limits, len(after))
        return after

    with found.home.db.writer() as conn:
        return instances.change_metadata(conn, server_id, checked, now())


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"metadata": _read(call, server_id, "index")}


def show(call: ApiCall, server_id: str, key: str) -> dict[str, Any]:
    return {"meta": {key: _item(_read(call, server_id, "show"), key)}}


def create(call: ApiCall, server_id: str) -> dict[str, Any]:
    """POST: add to what there is; all of it afterwards."""
    return {"metadata": _write(call, server_id, "create", lambda items: {**items, **call.body["metadata"]})}


def update_all(call: ApiCall, server_id: str) -> dict[str, Any]:
    """PUT: in place of what there is."""
    return {"metadata": _write(call, server_id, "update_all", lambda _items: dict(call.body["metadata"]))}


def update(call: ApiCall, server_id: str, key: str) -> dict[str, Any]:
    if key not in call.body["meta"]:
        raise exception.BadRequest("Request body and URI mismatch")
    after = _write(call, server_id, "update", lambda items: {**items, **call.body["meta"]})
    return {"meta": {key: after[key]}}


def delete(call: ApiCall, server_id: str, key: str) -> None:
    def without(items: Items) -> Items:
        _item(items, key)
        return {name: value for name, value in items.items() if name != key}

    _write(call, server_id, "delete", without)


def _item(items: Items, key: str) -> str:
    if key not in items:
        raise exception.NotFound("Metadata item was not found")
    return items[key]


_PATH: Final = "/servers/{server_id}/metadata"

OPERATIONS = (
    Operation("GET", _PATH, index),
    Operation("POST", _PATH, create, body=ALL),
    Operation("PUT", _PATH, update_all, body=ALL),
    Operation("GET", f"{_PATH}/{{key}}", show),
    Operation("PUT", f"{_PATH}/{{key}}", update, body=ONE),
    Operation("DELETE", f"{_PATH}/{{key}}", delete, status=204),
)
