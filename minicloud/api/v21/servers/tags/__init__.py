# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/tags (2.26): https://docs.openstack.org/api-ref/compute/#server-tags-servers-tags"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.schemas import TAG, TAGS
from minicloud.api.v21.servers.settled import check_settled
from minicloud.db.cell import instances
from minicloud.web.moments import now
from minicloud.web.operation import Operation
from minicloud.web.validation import Schema

_RULE: Final = "os_compute_api:os-server-tags"
_MOST: Final = 50
_ONE: Final = Schema({"type": "object", "properties": {"tag": TAG}, "required": ["tag"], "additionalProperties": False})
_ALL: Final = Schema(
    {"type": "object", "properties": {"tags": TAGS}, "required": ["tags"], "additionalProperties": False}
)


def _read(call: ApiCall, server_id: str, rule: str) -> tuple[str, ...]:
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    return found.instance.tags


def _write(call: ApiCall, server_id: str, rule: str, change: Callable[[list[str]], list[str]]) -> list[str]:
    """What the tags became."""
    found = lookup.find(call, server_id)
    call.authorize(f"{_RULE}:{rule}", found.target)
    check_settled(found.instance, f"{rule.replace('_', ' ')} tags")
    with found.home.db.writer() as conn:
        # The update locks the row, so that two writers do not pass the limit together.
        before = list(instances.update(conn, server_id, now()).tags)
        after = change(before)
        if len(after) > _MOST:
            raise exception.BadRequest(f"The number of tags exceeded the per-server limit {_MOST}")
        if after != before:
            instances.set_tags(conn, server_id, after)
    return sorted(after)


def index(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"tags": list(_read(call, server_id, "index"))}


def show(call: ApiCall, server_id: str, tag: str) -> None:
    _present(_read(call, server_id, "show"), server_id, tag)


def update_all(call: ApiCall, server_id: str) -> dict[str, Any]:
    return {"tags": _write(call, server_id, "update_all", lambda _tags: sorted(call.body["tags"]))}


def update(call: ApiCall, server_id: str, tag: str) -> None:
    """PUT one: 201 and where it is when it is new, 204 when it was there."""
    _ONE.validate({"tag": tag})
    call.status = 204

    def add(tags: list[str]) -> list[str]:
        if tag in tags:
            return tags
        call.status = 201
        call.headers["Location"] = f"{call.url}/v2.1/servers/{server_id}/tags/{tag}"
        return [*tags, tag]

    _write(call, server_id, "update", add)


def delete(call: ApiCall, server_id: str, tag: str) -> None:
    def without(tags: list[str]) -> list[str]:
        _present(tags, server_id, tag)
        return [one for one in tags if one != tag]

    _write(call, server_id, "delete", without)


def delete_all(call: ApiCall, server_id: str) -> None:
    _write(call, server_id, "delete_all", lambda _tags: [])


def _present(tags: list[str] | tuple[str, ...], server_id: str, tag: str) -> None:
    if tag not in tags:
        raise exception.NotFound(f"Server {server_id} has no tag '{tag[:60]}'")


_PATH: Final = "/servers/{server_id}/tags"

OPERATIONS = (
    Operation("GET", _PATH, index, since=26),
    Operation("PUT", _PATH, update_all, body=_ALL, since=26),
    Operation("DELETE", _PATH, delete_all, status=204, since=26),
    Operation("GET", f"{_PATH}/{{tag}}", show, status=204, since=26),
    Operation("PUT", f"{_PATH}/{{tag}}", update, since=26),
    Operation("DELETE", f"{_PATH}/{{tag}}", delete, status=204, since=26),
)
