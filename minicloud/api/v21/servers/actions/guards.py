# SPDX-License-Identifier: Apache-2.0
"""addSecurityGroup, removeSecurityGroup: on all ports of a server at once."""

from __future__ import annotations

from typing import Any

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers.actions.base import Action
from minicloud.api.v21.servers.lookup import Found
from minicloud.db.cell import actions, instances
from minicloud.objects import SecurityGroup
from minicloud.web.moments import now

_RULE = "os_compute_api:os-security-groups"
_NAME = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}},
    "required": ["name"],
    "additionalProperties": True,
}


def add(call: ApiCall, found: Found, value: Any) -> None:
    _ = found.home  # there are no ports before there is a cell
    groups = call.app.network.add_security_group(call.ctxt, found.instance.uuid, value["name"].strip())
    _remember(call, found, "addSecurityGroup", groups)


def remove(call: ApiCall, found: Found, value: Any) -> None:
    _ = found.home
    groups = call.app.network.remove_security_group(call.ctxt, found.instance.uuid, value["name"].strip())
    _remember(call, found, "removeSecurityGroup", groups)


def _remember(call: ApiCall, found: Found, action: str, groups: list[SecurityGroup]) -> None:
    """The server's own record names its groups, so that showing a server asks nobody else."""
    with found.home.db.writer() as conn:
        names = tuple(group.name for group in groups)
        instances.update(conn, found.instance.uuid, now(), security_groups=names)
        actions.record(conn, call.ctxt, found.instance.uuid, action, now())


ACTIONS = (
    Action("addSecurityGroup", add, f"{_RULE}:add", _NAME),
    Action("removeSecurityGroup", remove, f"{_RULE}:remove", _NAME),
)
